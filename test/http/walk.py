"""Requests that are wrong in every way that a declaration allows for, made from the OpenAPI document: what colleagues declare
comes under the same tests by itself."""

LONG = "x" * 20000
ANY = set(range(200, 500))


class Walk:
    def __init__(self, contract):
        self.schemas = contract.document["components"]["schemas"]

    def resolved(self, schema):
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rsplit("/", 1)[1]]
        return schema

    @staticmethod
    def kind(schema):
        kind = schema.get("type")
        return next((one for one in kind if one != "null"), None) if isinstance(kind, list) else kind

    def sample(self, schema):
        """A value that the schema takes."""
        schema = self.resolved(schema)
        kind = self.kind(schema)
        if "enum" in schema:
            return schema["enum"][0]
        if kind == "object":
            return {name: self.sample(schema["properties"][name]) for name in schema.get("required", [])}
        if kind == "array":
            return [self.sample(schema["items"]) for _ in range(schema.get("minItems", 0))]
        if kind == "integer":
            return schema.get("minimum", schema.get("maximum", 1))
        if kind == "boolean":
            return False
        if schema.get("format") == "date":
            return "2024-01-01"
        if schema.get("format") == "date-time":
            return "2024-01-01T00:00:00Z"
        return "1"  # an id, a decimal number, a text

    def wrong_kinds(self, schema):
        """A value whose every field is of another kind."""
        schema = self.resolved(schema)
        kind = self.kind(schema)
        if kind == "object" and "properties" in schema:
            return {name: self.wrong_kind(one) for name, one in schema["properties"].items()}
        return self.wrong_kind(schema)

    def wrong_kind(self, schema):
        schema = self.resolved(schema)
        if self.kind(schema) == "string" and not {"format", "pattern", "enum"} & set(schema) - set(
                ["format"] if schema.get("format") == "password" else []):
            return 7
        return 7 if self.kind(schema) in ("array", "object") else "no such thing"

    def wrong_insides(self, schema):
        """Of the right kinds, each out of bounds, or wrong further inside."""
        schema = self.resolved(schema)
        kind = self.kind(schema)
        if kind == "object" and "properties" in schema:
            return {name: self.wrong_insides(one) for name, one in schema["properties"].items()}
        if kind == "object":
            return {"a": 7, "b": LONG}
        if kind == "array":
            return [self.wrong_kinds(schema["items"]), 7, self.wrong_insides(schema["items"])]
        if kind == "integer":
            return schema["minimum"] - 1 if "minimum" in schema else schema.get("maximum", 0) + 1
        if kind == "string" and "enum" not in schema:
            return LONG
        return self.wrong_kind(schema)

    def wrong_nested(self, schema):
        """Right on the outside; every field of what is nested of another kind."""
        schema = self.resolved(schema)
        return {name: self.wrong_kinds(one) if self.kind(self.resolved(one)) == "object" else self.sample(one)
                for name, one in schema["properties"].items()}

    def too_many(self, schema):
        schema = self.resolved(schema)
        kind = self.kind(schema)
        if kind == "object" and "properties" in schema:
            return {name: self.too_many(one) for name, one in schema["properties"].items()}
        if kind == "object":
            return {str(number): "x" for number in range(1001)}
        if kind == "array":
            return [None] * (schema.get("maxItems", 1000) + 1)
        return self.sample(schema)

    def nothing_inside(self, schema):
        """Every object there, with nothing in it."""
        schema = self.resolved(schema)
        kind = self.kind(schema)
        if kind == "object" and "properties" in schema:
            return {name: self.nothing_inside(one) for name, one in schema["properties"].items()
                    if self.kind(self.resolved(one)) in ("object", "array")}
        return [self.nothing_inside(schema["items"])] if kind == "array" else {}

    def bodies(self, schema):
        nested = "[" * 80 + "]" * 80
        plain = [self.wrong_kinds(schema), self.wrong_insides(schema), self.wrong_nested(self.resolved(schema)), self.too_many(schema), self.nothing_inside(schema),
                 {}, {"no_such_field": 1}, [], 7, None]
        return plain, [b"{", b"", b"\xff", nested.encode(), b'{"a":1,"a":2}', b'"\\ud800"', b"1e999", b"NaN",
                       b'{"a":123456789012345678901234567890}', b"{}{}", b"\xef\xbb\xbf{"]

    # --- In the address ---

    def queries(self, operation):
        out = ["no_such_field=1", "%zz", "a=%ff", "=", "&".join(f"a{n}=1" for n in range(65))]
        for one in operation.parameters:
            if one["in"] != "query":
                continue
            name, schema = one["name"], self.resolved(one["schema"])
            kind = self.kind(schema)
            out.append(f"{name}=1&{name}=1")
            out.append(f"{name}=no%20such%20thing")
            if kind == "integer":
                out.append(f"{name}={self.wrong_insides(schema)}")
            if kind == "string":
                out.append(f"{name}={'x' * 5000}")
            if kind == "array":
                out += ["&".join(f"{name}=1" for _ in range(schema.get("maxItems", 60) + 1)), f"{name}={'x' * 5000}"]
        return [*out, ""]

    def path(self, operation, good=True):
        """Values for the path that name nothing; not good: that cannot name anything."""
        out = {}
        for one in operation.parameters:
            if one["in"] == "path":
                is_id = "pattern" in one["schema"]
                out[one["name"]] = ("1" if good else "x") if is_id else ("nothing" if good else "y" * 5000)
        return out
