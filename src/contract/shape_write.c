/* Shapes the other way: from the C struct to JSON, and the schema that says what such JSON looks
 * like. */
#include "contract/shape_internal.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"

#define SCHEMA_NAME_BYTES_MAX 200

static const void *place_in(const void *in, const struct field *field)
{
    return (const char *)in + field->offset;
}

static void put_texts(struct json_writer *w, const struct shape_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        json_put_str(w, ((const struct str *)list->items)[i]);
}

static void put_list(struct json_writer *w, const struct field *field,
                     const struct shape_list *list)
{
    json_open(w, '[');
    if (!field->sub)
        put_texts(w, list);
    for (size_t i = 0; field->sub && i < list->count; i++)
        shape_write_json(w, field->sub, (const char *)list->items + i * field->sub->size);
    json_close(w, ']');
}

static void put_map(struct json_writer *w, const struct shape_map *map)
{
    json_open(w, '{');
    for (size_t i = 0; i < map->count; i++) {
        json_key(w, map->pairs[i].key);
        json_put_str(w, map->pairs[i].value);
    }
    json_close(w, '}');
}

/* A value that may be missing is null: a day, a time, a choice, an id. */
static void put_number(struct json_writer *w, const struct field *field, const void *at)
{
    const int64_t wide = field->kind == FIELD_DAY || field->kind == FIELD_ENUM
                             ? (int64_t) * (const int32_t *)at
                             : *(const int64_t *)at;
    struct arena *arena = w->out->arena;
    if (field->kind == FIELD_I64)
        json_put_i64(w, wide);
    else if (field->kind == FIELD_DAY && wide != DAY_NONE)
        json_put_str(w, day_text(arena, (int32_t)wide));
    else if (field->kind == FIELD_TIME && wide != INT64_MIN)
        json_put_str(w, time_text(arena, wide));
    else if (field->kind == FIELD_ENUM && wide >= 0)
        json_put_str(w, str_c(field->values[wide]));
    else if (field->kind == FIELD_ID && wide != 0)
        json_put_id(w, wide);
    else
        json_put_null(w);
}

static void put_field(struct json_writer *w, const struct field *field, const void *at)
{
    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_DECIMAL:
        json_put_str(w, *(const struct str *)at);
        return;
    case FIELD_BOOL:
        json_put_bool(w, *(const bool *)at);
        return;
    case FIELD_F64:
        json_put_f64(w, *(const double *)at);
        return;
    case FIELD_JSON:
    case FIELD_JSON_LIST:
    case FIELD_JSON_ROWS:
        json_put_raw(w, *(const struct str *)at);
        return;
    case FIELD_OBJECT:
        shape_write_json(w, field->sub, at);
        return;
    case FIELD_LIST:
        put_list(w, field, at);
        return;
    case FIELD_MAP:
        put_map(w, at);
        return;
    default:
        put_number(w, field, at);
    }
}

void shape_write_json(struct json_writer *w, const struct shape *shape, const void *in)
{
    json_open(w, '{');
    for (int i = 0; i < shape->field_count; i++) {
        CHECK(!shape->fields[i].secret);
        json_key(w, str_c(shape->fields[i].name));
        put_field(w, &shape->fields[i], place_in(in, &shape->fields[i]));
    }
    json_close(w, '}');
}

/* --- Schema --- */

struct str shape_schema_name(struct arena *arena, const struct shape *shape, bool as_output)
{
    struct buf name = buf_new(arena, SCHEMA_NAME_BYTES_MAX);
    bool capital = true;
    for (const char *c = shape->name; *c; c++) {
        bool between = *c == '_' || *c == '-' || *c == ' ' || *c == '.';
        if (!between)
            buf_char(&name, capital && *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c);
        capital = between;
    }
    if (!as_output)
        buf_str(&name, STR("Input"));
    return buf_view(&name);
}

static void put_ref(struct json_writer *w, const struct shape *shape, bool as_output)
{
    struct arena *arena = w->out->arena;
    struct str name = shape_schema_name(arena, shape, as_output);
    json_key(w, STR("$ref"));
    json_put_str(w, str_fmt(arena, "#/components/schemas/%.*s", STR_ARG(name)));
}

static void put_type(struct json_writer *w, const char *type, bool nullable)
{
    json_key(w, STR("type"));
    if (!nullable) {
        json_put_str(w, str_c(type));
        return;
    }
    json_open(w, '[');
    json_put_str(w, str_c(type));
    json_put_str(w, STR("null"));
    json_close(w, ']');
}

static void put_bound(struct json_writer *w, const char *name, int64_t bound)
{
    json_key(w, str_c(name));
    json_put_i64(w, bound);
}

static void put_choices(struct json_writer *w, const struct field *field, bool nullable)
{
    json_key(w, STR("enum"));
    json_open(w, '[');
    for (int i = 0; field->values[i]; i++)
        json_put_str(w, str_c(field->values[i]));
    if (nullable)
        json_put_null(w);
    json_close(w, ']');
}

static void put_format(struct json_writer *w, const char *key, const char *value)
{
    json_key(w, str_c(key));
    json_put_str(w, str_c(value));
}

static void put_text_type(struct json_writer *w, const struct field *field, bool nullable)
{
    put_type(w, "string", nullable);
    switch (field->kind) {
    case FIELD_DAY:
        put_format(w, "format", "date");
        return;
    case FIELD_TIME:
        put_format(w, "format", "date-time");
        return;
    case FIELD_ENUM:
        put_choices(w, field, nullable);
        return;
    case FIELD_ID:
        put_format(w, "pattern", "^[1-9][0-9]{0,18}$");
        return;
    case FIELD_DECIMAL:
        put_format(w, "pattern", "^-?[0-9]+(\\.[0-9]+)?$");
        return;
    default:
        if (field->secret)
            put_format(w, "format", "password");
    }
}

static void put_items_of(struct json_writer *w, const struct shape *sub, bool as_output)
{
    json_key(w, STR("items"));
    json_open(w, '{');
    if (sub)
        put_ref(w, sub, as_output);
    else
        put_type(w, "string", false);
    json_close(w, '}');
}

static void put_items(struct json_writer *w, const struct field *field, bool as_output)
{
    put_type(w, "array", false);
    put_items_of(w, field->sub, as_output);
    int64_t min, max;
    shape_bounds(field, &min, &max);
    if (!as_output && min > 0)
        put_bound(w, "minItems", min);
    if (!as_output)
        put_bound(w, "maxItems", max);
}

static void put_i64_type(struct json_writer *w, const struct field *field, bool as_output)
{
    int64_t min, max;
    shape_bounds(field, &min, &max);
    put_type(w, "integer", false);
    put_format(w, "format", "int64");
    if (!as_output && min != INT64_MIN)
        put_bound(w, "minimum", min);
    if (!as_output && max != INT64_MAX)
        put_bound(w, "maximum", max);
}

/* A reference says nothing of null: that is a choice of two. */
static void put_json_object(struct json_writer *w, const struct shape *sub, bool nullable)
{
    if (!nullable) {
        put_ref(w, sub, true);
        return;
    }
    json_key(w, STR("oneOf"));
    json_open(w, '[');
    json_open(w, '{');
    put_ref(w, sub, true);
    json_close(w, '}');
    json_open(w, '{');
    put_type(w, "null", false);
    json_close(w, '}');
    json_close(w, ']');
}

/* "additionalProperties": {, to be closed. */
static void open_members(struct json_writer *w)
{
    json_key(w, STR("additionalProperties"));
    json_open(w, '{');
}

static void put_rows(struct json_writer *w)
{
    put_type(w, "object", false);
    open_members(w);
    put_type(w, "array", false);
    json_key(w, STR("items"));
    json_open(w, '{');
    put_type(w, "object", false);
    open_members(w);
    json_key(w, STR("type"));
    json_open(w, '[');
    json_put_str(w, STR("string"));
    json_put_str(w, STR("number"));
    json_put_str(w, STR("null"));
    json_close(w, ']');
    json_close(w, '}');
    json_close(w, '}');
    json_close(w, '}');
}

static void put_json_type(struct json_writer *w, const struct field *field)
{
    bool nullable = !field->required;
    if (field->kind == FIELD_JSON_ROWS) {
        put_rows(w);
    } else if (field->kind == FIELD_JSON_LIST) {
        put_type(w, "array", nullable);
        put_items_of(w, field->sub, true);
    } else if (field->sub) {
        put_json_object(w, field->sub, nullable);
    } else {
        put_type(w, "object", nullable);
        json_key(w, STR("additionalProperties"));
        json_put_bool(w, true);
    }
}

static void put_field_type(struct json_writer *w, const struct field *field, bool as_output)
{
    bool nullable = !field->required;
    switch (field->kind) {
    case FIELD_I64:
        put_i64_type(w, field, as_output);
        return;
    case FIELD_BOOL:
        put_type(w, "boolean", false);
        return;
    case FIELD_F64:
        put_type(w, "number", nullable);
        return;
    case FIELD_JSON:
    case FIELD_JSON_LIST:
    case FIELD_JSON_ROWS:
        put_json_type(w, field);
        return;
    case FIELD_OBJECT:
        put_ref(w, field->sub, as_output);
        return;
    case FIELD_LIST:
        put_items(w, field, as_output);
        return;
    case FIELD_MAP:
        put_type(w, "object", false);
        open_members(w);
        put_type(w, "string", false);
        json_close(w, '}');
        return;
    default:
        put_text_type(w, field, nullable && (as_output || !field->fallback));
    }
}

void shape_write_field_schema(struct json_writer *w, const struct field *field, bool as_output,
                              enum lang lang)
{
    json_open(w, '{');
    put_field_type(w, field, as_output);
    if (field->doc.in[lang]) {
        json_key(w, STR("description"));
        json_put_str(w, str_c(field->doc.in[lang]));
    }
    if (!as_output && field->fallback && field->kind != FIELD_I64 && field->kind != FIELD_BOOL) {
        json_key(w, STR("default"));
        json_put_str(w, str_c(field->fallback));
    }
    if (field->personal) {
        json_key(w, STR("x-personal"));
        json_put_bool(w, true);
    }
    json_close(w, '}');
}

void shape_write_schema(struct json_writer *w, const struct shape *shape, bool as_output,
                        enum lang lang)
{
    json_open(w, '{');
    put_type(w, "object", false);
    if (shape->doc.in[lang])
        put_format(w, "description", shape->doc.in[lang]);
    json_key(w, STR("properties"));
    json_open(w, '{');
    for (int i = 0; i < shape->field_count; i++) {
        json_key(w, str_c(shape->fields[i].name));
        shape_write_field_schema(w, &shape->fields[i], as_output, lang);
    }
    json_close(w, '}');
    json_key(w, STR("required"));
    json_open(w, '[');
    for (int i = 0; i < shape->field_count; i++)
        if (as_output || shape->fields[i].required)
            json_put_str(w, str_c(shape->fields[i].name));
    json_close(w, ']');
    json_key(w, STR("additionalProperties"));
    json_put_bool(w, false);
    json_close(w, '}');
}
