/* The OpenAPI 3.1 document, from the endpoint tables alone. */
#include "http/http_internal.h"

#include "base/check.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

#define DOCUMENT_BYTES_MAX (8u << 20)
#define SHAPES_MAX 1000

struct shape_use {
    const struct shape *shape;
    bool as_output;
};
struct document {
    struct arena *arena;
    struct json_writer w;
    struct shape_use uses[SHAPES_MAX];
    int use_count;
};

/* Errors that any endpoint may answer. HTTP_BODY_TOO_LARGE: also a body where none is taken. */
static const enum err_code common_errors[] = {
    ERR_HTTP_QUERY, ERR_FIELD_UNKNOWN, ERR_HTTP_BODY_TOO_LARGE, ERR_HTTP_BUSY,  ERR_STORE_BUSY,
    ERR_STORE_GONE, ERR_STORE_STOPPED, ERR_COMMIT_UNKNOWN,      ERR_STORE_FULL, ERR_INTERNAL,
    ERR_NONE};
static const enum err_code private_errors[] = {
    ERR_HTTP_LOGIN, ERR_HTTP_FORBIDDEN, ERR_ACCESS_SESSION_OVER, ERR_ACCESS_KEY_BAD, ERR_NONE};
static const enum err_code private_write_errors[] = {ERR_ACCESS_CSRF, ERR_NONE};
static const enum err_code brand_errors[] = {ERR_SETUP_NEEDED, ERR_NONE};
static const enum err_code path_errors[] = {ERR_HTTP_NOT_FOUND, ERR_NONE};
static const enum err_code body_errors[] = {
    ERR_JSON_BAD, ERR_JSON_TOO_DEEP, ERR_DOCUMENT_NOT_OBJECT, ERR_HTTP_CONTENT_TYPE, ERR_NONE};
static const enum err_code upload_errors[] = {ERR_HTTP_UPLOAD, ERR_NONE};
static const enum err_code idempotent_errors[] = {ERR_HTTP_IDEMPOTENCY_KEY, ERR_IDEMPOTENCY_OTHER,
                                                  ERR_NONE};

static void put_key_text(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, str_c(key));
    json_put_str(w, str_c(text));
}

static void key_open(struct json_writer *w, const char *key, char bracket)
{
    json_key(w, str_c(key));
    json_open(w, bracket);
}

/* --- Shapes --- */

static void use_shape(struct document *doc, const struct shape *shape, bool as_output)
{
    if (!shape)
        return;
    for (int i = 0; i < doc->use_count; i++)
        if (doc->uses[i].shape == shape && doc->uses[i].as_output == as_output)
            return;
    CHECK(doc->use_count < SHAPES_MAX);
    doc->uses[doc->use_count++] = (struct shape_use){shape, as_output};
    for (int i = 0; i < shape->field_count; i++)
        use_shape(doc, shape->fields[i].sub, as_output);
}

static void put_ref(struct document *doc, const struct shape *shape, bool as_output)
{
    struct str name = shape_schema_name(doc->arena, shape, as_output);
    json_key(&doc->w, STR("$ref"));
    json_put_str(&doc->w, str_fmt(doc->arena, "#/components/schemas/%.*s", STR_ARG(name)));
}

/* --- Parameters --- */

static void put_parameters_of(struct document *doc, const struct shape *shape, const char *where)
{
    bool in_path = strcmp(where, "path") == 0;
    for (int i = 0; shape && i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        json_open(&doc->w, '{');
        put_key_text(&doc->w, "name", field->name);
        put_key_text(&doc->w, "in", where);
        if (field->doc.in[LANG_EN])
            put_key_text(&doc->w, "description", field->doc.in[LANG_EN]);
        json_key(&doc->w, STR("required"));
        json_put_bool(&doc->w, in_path || field->required);
        json_key(&doc->w, STR("schema"));
        struct field plain = *field; /* described above; never null in an address */
        plain.doc = (struct text){{NULL, NULL}};
        plain.required = true;
        shape_write_field_schema(&doc->w, &plain, false, LANG_EN);
        json_close(&doc->w, '}');
    }
}

static void put_header_parameter(struct document *doc, const char *name, const char *description)
{
    json_open(&doc->w, '{');
    put_key_text(&doc->w, "name", name);
    put_key_text(&doc->w, "in", "header");
    put_key_text(&doc->w, "description", description);
    json_key(&doc->w, STR("required"));
    json_put_bool(&doc->w, false);
    key_open(&doc->w, "schema", '{');
    put_key_text(&doc->w, "type", "string");
    json_close(&doc->w, '}');
    json_close(&doc->w, '}');
}

static void put_parameters(struct document *doc, const struct endpoint *endpoint)
{
    bool private_write = (endpoint->flags & ENDPOINT_WRITE) && !(endpoint->flags & ENDPOINT_PUBLIC);
    key_open(&doc->w, "parameters", '[');
    put_parameters_of(doc, endpoint->path_shape, "path");
    put_parameters_of(doc, endpoint->query_shape, "query");
    if (endpoint->flags & ENDPOINT_IDEMPOTENT)
        put_header_parameter(doc, "Idempotency-Key",
                             "Said twice with the same key it happens once and answers the same.");
    if (private_write)
        put_header_parameter(doc, "X-CSRF-Token", "Of the session; API keys need none.");
    json_close(&doc->w, ']');
}

/* --- Answers --- */

static void put_content(struct document *doc, const char *type, const struct shape *shape)
{
    key_open(&doc->w, "content", '{');
    key_open(&doc->w, type, '{');
    key_open(&doc->w, "schema", '{');
    if (shape)
        put_ref(doc, shape, true);
    else
        put_key_text(&doc->w, "type", "string");
    json_close(&doc->w, '}');
    json_close(&doc->w, '}');
    json_close(&doc->w, '}');
}

static int success_status(const struct endpoint *endpoint)
{
    if (endpoint->status)
        return endpoint->status;
    return endpoint->out || (endpoint->flags & (ENDPOINT_FILE | ENDPOINT_STREAM)) ? 200 : 204;
}

static void put_success(struct document *doc, const struct endpoint *endpoint)
{
    key_open(&doc->w, str_z(doc->arena, str_fmt(doc->arena, "%d", success_status(endpoint))), '{');
    put_key_text(&doc->w, "description", endpoint->title.in[LANG_EN]);
    if (endpoint->flags & ENDPOINT_STREAM)
        put_content(doc, "text/event-stream", NULL);
    else if (endpoint->flags & ENDPOINT_FILE)
        put_content(doc, "*/*", NULL);
    else if (endpoint->out)
        put_content(doc, "application/json", endpoint->out);
    json_close(&doc->w, '}');
}

#define ERRORS_MAX 96

struct error_set {
    enum err_code codes[ERRORS_MAX];
    int count;
};

static void add_error(struct error_set *set, enum err_code code)
{
    for (int i = 0; i < set->count; i++)
        if (set->codes[i] == code)
            return;
    CHECK(set->count < ERRORS_MAX);
    set->codes[set->count++] = code;
}

static void add_errors(struct error_set *set, const enum err_code *codes)
{
    for (; codes && *codes != ERR_NONE; codes++)
        add_error(set, *codes);
}

/* What decoding a shape may find wrong, as shape_read_json and shape_read_pairs say it. */
static void add_shape_errors(struct error_set *set, const struct shape *shape, bool in_json)
{
    static const enum err_code wrong[] = {
        [FIELD_TEXT] = ERR_FIELD_LENGTH,         [FIELD_I64] = ERR_FIELD_NOT_NUMBER,
        [FIELD_BOOL] = ERR_FIELD_NOT_BOOL,       [FIELD_DAY] = ERR_FIELD_NOT_DAY,
        [FIELD_TIME] = ERR_FIELD_NOT_TIME,       [FIELD_ENUM] = ERR_FIELD_NOT_CHOICE,
        [FIELD_OBJECT] = ERR_FIELD_NOT_OBJECT,   [FIELD_LIST] = ERR_FIELD_COUNT,
        [FIELD_MAP] = ERR_FIELD_COUNT,           [FIELD_ID] = ERR_FIELD_NOT_ID,
        [FIELD_DECIMAL] = ERR_FIELD_NOT_DECIMAL,
    };
    for (int i = 0; shape && i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        bool of_texts = field->kind == FIELD_MAP || (field->kind == FIELD_LIST && !field->sub);
        add_error(set, wrong[field->kind]);
        if (field->required)
            add_error(set, ERR_FIELD_MISSING);
        if (field->kind == FIELD_I64 && (field->min != 0 || field->max != 0))
            add_error(set, ERR_FIELD_RANGE);
        if (of_texts)
            add_error(set, ERR_FIELD_LENGTH);
        if (in_json && (of_texts || field->kind == FIELD_TEXT))
            add_error(set, ERR_FIELD_NOT_TEXT);
        if (in_json && field->kind == FIELD_LIST)
            add_error(set, ERR_FIELD_NOT_LIST);
        if (field->kind == FIELD_MAP)
            add_error(set, ERR_FIELD_NOT_OBJECT);
        if (!in_json && field->kind != FIELD_LIST)
            add_error(set, ERR_FIELD_TWICE);
        if (in_json && field->kind == FIELD_LIST && field->sub)
            add_error(set, ERR_FIELD_NOT_OBJECT);
        add_shape_errors(set, field->sub, in_json);
    }
}

static struct error_set errors_of(const struct endpoint *endpoint)
{
    struct error_set set = {.count = 0};
    bool is_private = !(endpoint->flags & ENDPOINT_PUBLIC);
    add_errors(&set, common_errors);
    if (!(endpoint->flags & ENDPOINT_SETUP))
        add_errors(&set, brand_errors);
    if (is_private)
        add_errors(&set, private_errors);
    if (is_private && (endpoint->flags & ENDPOINT_WRITE))
        add_errors(&set, private_write_errors);
    if (endpoint->flags & ENDPOINT_IDEMPOTENT)
        add_errors(&set, idempotent_errors);
    if (endpoint->path_shape)
        add_errors(&set, path_errors);
    add_shape_errors(&set, endpoint->query_shape, false);
    if (endpoint->flags & ENDPOINT_UPLOAD)
        add_errors(&set, upload_errors);
    else if (endpoint->in)
        add_errors(&set, body_errors);
    if (!(endpoint->flags & ENDPOINT_UPLOAD))
        add_shape_errors(&set, endpoint->in, true);
    add_errors(&set, endpoint->errors);
    return set;
}

static void put_problem(struct document *doc, const struct error_set *set, int status)
{
    key_open(&doc->w, str_z(doc->arena, str_fmt(doc->arena, "%d", status)), '{');
    struct buf names = buf_new(doc->arena, 4096);
    for (int i = 0; i < set->count; i++)
        if (err_info(set->codes[i])->http_status == status)
            buf_fmt(&names, "%s%s", names.n ? ", " : "", err_info(set->codes[i])->name);
    json_key(&doc->w, STR("description"));
    json_put_str(&doc->w, buf_view(&names));
    key_open(&doc->w, "x-error-codes", '[');
    for (int i = 0; i < set->count; i++)
        if (err_info(set->codes[i])->http_status == status)
            json_put_str(&doc->w, str_c(err_info(set->codes[i])->name));
    json_close(&doc->w, ']');
    key_open(&doc->w, "content", '{');
    key_open(&doc->w, "application/problem+json", '{');
    key_open(&doc->w, "schema", '{');
    put_key_text(&doc->w, "$ref", "#/components/schemas/Problem");
    json_close(&doc->w, '}');
    json_close(&doc->w, '}');
    json_close(&doc->w, '}');
    json_close(&doc->w, '}');
}

static void put_responses(struct document *doc, const struct endpoint *endpoint)
{
    struct error_set set = errors_of(endpoint);
    key_open(&doc->w, "responses", '{');
    put_success(doc, endpoint);
    for (int status = 400; status < 600; status++) {
        bool used = false;
        for (int i = 0; i < set.count; i++)
            used = used || err_info(set.codes[i])->http_status == status;
        if (used)
            put_problem(doc, &set, status);
    }
    json_close(&doc->w, '}');
}

/* --- Operations --- */

static void put_body(struct document *doc, const struct endpoint *endpoint)
{
    bool upload = (endpoint->flags & ENDPOINT_UPLOAD) != 0;
    if (!endpoint->in && !upload)
        return;
    key_open(&doc->w, "requestBody", '{');
    json_key(&doc->w, STR("required"));
    json_put_bool(&doc->w, true);
    key_open(&doc->w, "content", '{');
    key_open(&doc->w, upload ? "application/octet-stream" : "application/json", '{');
    key_open(&doc->w, "schema", '{');
    if (upload)
        put_key_text(&doc->w, "type", "string"), put_key_text(&doc->w, "format", "binary");
    else
        put_ref(doc, endpoint->in, false);
    json_close(&doc->w, '}');
    json_close(&doc->w, '}');
    json_close(&doc->w, '}');
    json_close(&doc->w, '}');
}

static void put_security(struct document *doc, const struct endpoint *endpoint)
{
    key_open(&doc->w, "security", '[');
    if (!(endpoint->flags & ENDPOINT_PUBLIC)) {
        json_open(&doc->w, '{');
        key_open(&doc->w, "session", '[');
        json_close(&doc->w, ']');
        json_close(&doc->w, '}');
        json_open(&doc->w, '{');
        key_open(&doc->w, "apiKey", '[');
        json_put_str(&doc->w, str_c(scope_info(endpoint->scope)->name));
        json_close(&doc->w, ']');
        json_close(&doc->w, '}');
    }
    json_close(&doc->w, ']');
}

static void put_reach(struct document *doc, const struct endpoint *endpoint)
{
    key_open(&doc->w, "x-reach", '{');
    for (int role = 0; role < ROLE_MAX && !(endpoint->flags & ENDPOINT_PUBLIC); role++)
        put_key_text(&doc->w, role_info((enum role)role)->name,
                     reach_name((enum reach)endpoint->reach[role]));
    json_close(&doc->w, '}');
}

static void put_operation(struct document *doc, const struct endpoint_table *table,
                          const struct endpoint *endpoint)
{
    static const char *const methods[METHOD_MAX] = {"get", "post", "put", "patch", "delete"};
    key_open(&doc->w, methods[endpoint->method], '{');
    put_key_text(&doc->w, "operationId", endpoint->name);
    key_open(&doc->w, "tags", '[');
    json_put_str(&doc->w, str_c(table->tag));
    json_close(&doc->w, ']');
    put_key_text(&doc->w, "summary", endpoint->title.in[LANG_EN]);
    if (endpoint->doc.in[LANG_EN])
        put_key_text(&doc->w, "description", endpoint->doc.in[LANG_EN]);
    put_security(doc, endpoint);
    put_reach(doc, endpoint);
    put_parameters(doc, endpoint);
    put_body(doc, endpoint);
    put_responses(doc, endpoint);
    json_close(&doc->w, '}');
    use_shape(doc, endpoint->out, true);
    if (!(endpoint->flags & ENDPOINT_UPLOAD))
        use_shape(doc, endpoint->in, false);
}

struct operation {
    const struct endpoint_table *table;
    const struct endpoint *endpoint;
};

static int by_path(const void *a, const void *b)
{
    const struct operation *first = a, *second = b;
    int order = strcmp(first->endpoint->path, second->endpoint->path);
    return order ? order : (int)first->endpoint->method - (int)second->endpoint->method;
}

static void put_paths(struct document *doc, const struct endpoint_table *const *tables,
                      int table_count)
{
    struct operation *operations = ARENA_ARRAY(doc->arena, SHAPES_MAX, struct operation);
    int count = 0;
    for (int t = 0; t < table_count; t++) {
        CHECK(count + tables[t]->count <= SHAPES_MAX);
        for (int i = 0; i < tables[t]->count; i++)
            operations[count++] = (struct operation){tables[t], &tables[t]->endpoints[i]};
    }
    qsort(operations, (size_t)count, sizeof(*operations), by_path);
    key_open(&doc->w, "paths", '{');
    for (int i = 0; i < count; i++) {
        const char *path = operations[i].endpoint->path;
        if (i == 0 || strcmp(path, operations[i - 1].endpoint->path) != 0)
            key_open(&doc->w, path, '{');
        put_operation(doc, operations[i].table, operations[i].endpoint);
        if (i + 1 == count || strcmp(path, operations[i + 1].endpoint->path) != 0)
            json_close(&doc->w, '}');
    }
    json_close(&doc->w, '}');
}

/* RFC 9457, with all that is wrong in `errors`. */
static const char problem_schema[] =
    "{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\",\"detail\",\"request_id\","
    "\"errors\"],"
    "\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
    "\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
    "\"request_id\":{\"type\":\"string\"},\"errors\":{\"type\":\"array\",\"items\":{"
    "\"type\":\"object\",\"required\":[\"code\",\"number\",\"pointer\",\"detail\"],\"properties\":{"
    "\"code\":{\"type\":\"string\"},\"number\":{\"type\":\"integer\"},"
    "\"pointer\":{\"type\":[\"string\",\"null\"],\"description\":\"JSON pointer (RFC 6901) into "
    "the body, "
    "?name of the query, {name} of the path, or a header's "
    "name\"},\"detail\":{\"type\":\"string\"}}}}}}";

static void put_components(struct document *doc)
{
    key_open(&doc->w, "components", '{');
    key_open(&doc->w, "securitySchemes", '{');
    key_open(&doc->w, "session", '{');
    put_key_text(&doc->w, "type", "apiKey");
    put_key_text(&doc->w, "in", "cookie");
    put_key_text(&doc->w, "name", "huitou_session");
    json_close(&doc->w, '}');
    key_open(&doc->w, "apiKey", '{');
    put_key_text(&doc->w, "type", "http");
    put_key_text(&doc->w, "scheme", "bearer");
    json_close(&doc->w, '}');
    json_close(&doc->w, '}');
    key_open(&doc->w, "schemas", '{');
    for (int i = 0; i < doc->use_count; i++) {
        const struct shape_use *use = &doc->uses[i];
        json_key(&doc->w, shape_schema_name(doc->arena, use->shape, use->as_output));
        shape_write_schema(&doc->w, use->shape, use->as_output, LANG_EN);
    }
    json_key(&doc->w, STR("Problem"));
    json_put_raw(&doc->w, str_c(problem_schema));
    json_close(&doc->w, '}');
    json_close(&doc->w, '}');
}

static void put_info(struct document *doc)
{
    put_key_text(&doc->w, "openapi", "3.1.0");
    key_open(&doc->w, "info", '{');
    put_key_text(&doc->w, "title", "Huitou");
    put_key_text(&doc->w, "version", HUITOU_VERSION);
    put_key_text(&doc->w, "description",
                 "What the console does, programs can do. Ids are strings; times are RFC 3339 in "
                 "UTC; amounts are "
                 "decimal strings in the brand's currency. Errors follow RFC 9457.");
    key_open(&doc->w, "license", '{');
    put_key_text(&doc->w, "name", "Apache 2.0");
    put_key_text(&doc->w, "identifier", "Apache-2.0");
    json_close(&doc->w, '}');
    json_close(&doc->w, '}');
    key_open(&doc->w, "servers", '[');
    json_open(&doc->w, '{');
    put_key_text(&doc->w, "url", "/");
    json_close(&doc->w, '}');
    json_close(&doc->w, ']');
}

struct str http_openapi(struct arena *arena, const struct endpoint_table *const *tables,
                        int table_count)
{
    struct buf out = buf_new(arena, DOCUMENT_BYTES_MAX);
    struct document *doc = ARENA_NEW(arena, struct document);
    doc->arena = arena;
    doc->w = json_writer(&out, true);
    json_open(&doc->w, '{');
    put_info(doc);
    key_open(&doc->w, "tags", '[');
    for (int t = 0; t < table_count; t++) {
        json_open(&doc->w, '{');
        put_key_text(&doc->w, "name", tables[t]->tag);
        put_key_text(&doc->w, "description", tables[t]->title.in[LANG_EN]);
        json_close(&doc->w, '}');
    }
    json_close(&doc->w, ']');
    put_paths(doc, tables, table_count);
    put_components(doc);
    json_close(&doc->w, '}');
    buf_char(&out, '\n');
    return buf_view(&out);
}
