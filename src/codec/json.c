/* jansson's tree is copied into the arena at once: members can then be had by index, and nothing
 * needs to be given back. */
#include "codec/json.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/limits.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct json_value {
    enum json_kind kind;
    int64_t integer;
    double real;
    struct str string;
    size_t count;
    const struct json_value *items; /* of an array or an object */
    const struct str *keys;         /* of an object */
};

/* --- Reading --- */

static void copy_value(struct arena *arena, json_t *from, struct json_value *to);

static void copy_array(struct arena *arena, json_t *from, struct json_value *to)
{
    to->kind = JSON_KIND_ARRAY;
    to->count = json_array_size(from);
    struct json_value *items = ARENA_ARRAY(arena, to->count, struct json_value);
    for (size_t i = 0; i < to->count; i++)
        copy_value(arena, json_array_get(from, i), &items[i]);
    to->items = items;
}

static void copy_object(struct arena *arena, json_t *from, struct json_value *to)
{
    to->kind = JSON_KIND_OBJECT;
    to->count = json_object_size(from);
    struct json_value *items = ARENA_ARRAY(arena, to->count, struct json_value);
    struct str *keys = ARENA_ARRAY(arena, to->count, struct str);
    void *member = json_object_iter(from);
    for (size_t i = 0; i < to->count; i++) {
        struct str key = {json_object_iter_key(member), json_object_iter_key_len(member)};
        keys[i] = str_copy(arena, key);
        copy_value(arena, json_object_iter_value(member), &items[i]);
        member = json_object_iter_next(from, member);
    }
    to->items = items;
    to->keys = keys;
}

/* Depth is limited before parsing. */
static void copy_value(struct arena *arena, json_t *from, struct json_value *to)
{
    switch (json_typeof(from)) {
    case JSON_OBJECT:
        copy_object(arena, from, to);
        return;
    case JSON_ARRAY:
        copy_array(arena, from, to);
        return;
    case JSON_STRING:
        to->kind = JSON_KIND_STRING;
        to->string =
            str_copy(arena, (struct str){json_string_value(from), json_string_length(from)});
        return;
    case JSON_INTEGER:
        to->kind = JSON_KIND_INTEGER;
        to->integer = json_integer_value(from);
        return;
    case JSON_REAL:
        to->kind = JSON_KIND_REAL;
        to->real = json_real_value(from);
        return;
    case JSON_TRUE:
        to->kind = JSON_KIND_TRUE;
        return;
    case JSON_FALSE:
        to->kind = JSON_KIND_FALSE;
        return;
    case JSON_NULL:
        to->kind = JSON_KIND_NULL;
        return;
    }
    CHECK(false);
}

static void *allocate(size_t bytes)
{
    return memory_or_end(NULL, bytes);
}

/* Where memory is refused, jansson 2.14 goes on without the character it had no room for
 * (strbuffer_append_byte in its lexer is not checked): what it then reads is not what was written.
 */
static void set_allocator(void)
{
    json_set_alloc_funcs(allocate, free);
}

/* The first bracket that is nested deeper than allowed; text.n where there is none. */
static size_t too_deep_at(struct str text)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (in_string && c == '\\') {
            i++;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == '{' || c == '[')) {
            if (++depth > LIMIT_JSON_DEPTH_MAX)
                return i;
        } else if (!in_string && (c == '}' || c == ']')) {
            depth--;
        }
    }
    return text.n;
}

static const struct err *depth_check(struct arena *arena, struct str field, struct str text)
{
    size_t at = too_deep_at(text);
    if (at == text.n)
        return NULL;
    int line = 1;
    int column = 1;
    for (size_t i = 0; i < at; i++) {
        bool line_end = text.p[i] == '\n';
        line += line_end ? 1 : 0;
        column = line_end ? 1 : column + 1;
    }
    return ERR_NEW(arena, ERR_JSON_TOO_DEEP, field, str_fmt(arena, "%d", LIMIT_JSON_DEPTH_MAX),
                   str_fmt(arena, "%d", line), str_fmt(arena, "%d", column));
}

/* jansson cuts its message at a fixed length, maybe within a character. */
static struct str parser_message(const json_error_t *error)
{
    struct str message = str_c(error->text);
    while (message.n > 0 && !str_is_utf8(message))
        message.n--;
    return message;
}

const struct err *json_read(struct arena *arena, struct str field, struct str text,
                            const struct json_value **out)
{
    struct str bom = STR("\xEF\xBB\xBF");
    if (str_starts(text, bom))
        text = str_slice(text, bom.n, text.n);
    TRY(depth_check(arena, field, text));
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_allocator);
    json_error_t error;
    const char *bytes = text.p ? text.p : "";
    json_t *root = json_loadb(bytes, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!root)
        return ERR_NEW(arena, ERR_JSON_BAD, field, str_fmt(arena, "%d", error.line),
                       str_fmt(arena, "%d", error.column), parser_message(&error));
    struct json_value *value = ARENA_NEW(arena, struct json_value);
    copy_value(arena, root, value);
    json_decref(root);
    *out = value;
    return NULL;
}

enum json_kind json_kind(const struct json_value *value)
{
    return value->kind;
}

int64_t json_i64(const struct json_value *value)
{
    CHECK(value->kind == JSON_KIND_INTEGER);
    return value->integer;
}

double json_f64(const struct json_value *value)
{
    if (value->kind == JSON_KIND_INTEGER)
        return (double)value->integer;
    CHECK(value->kind == JSON_KIND_REAL);
    return value->real;
}

struct str json_str(const struct json_value *value)
{
    CHECK(value->kind == JSON_KIND_STRING);
    return value->string;
}

size_t json_count(const struct json_value *value)
{
    CHECK(value->kind == JSON_KIND_ARRAY || value->kind == JSON_KIND_OBJECT);
    return value->count;
}

const struct json_value *json_at(const struct json_value *array, size_t index)
{
    CHECK(array->kind == JSON_KIND_ARRAY && index < array->count);
    return &array->items[index];
}

const struct json_value *json_get(const struct json_value *object, struct str key)
{
    CHECK(object->kind == JSON_KIND_OBJECT);
    for (size_t i = 0; i < object->count; i++) {
        if (str_eq(object->keys[i], key))
            return &object->items[i];
    }
    return NULL;
}

const struct json_value *json_member(const struct json_value *object, size_t index, struct str *key)
{
    CHECK(object->kind == JSON_KIND_OBJECT && index < object->count);
    *key = object->keys[index];
    return &object->items[index];
}

/* --- Writing --- */

struct json_writer json_writer(struct buf *out, bool indent)
{
    return (struct json_writer){.out = out, .indent = indent};
}

static void line_break(struct json_writer *w)
{
    if (!w->indent)
        return;
    buf_char(w->out, '\n');
    for (int i = 0; i < w->depth; i++)
        buf_str(w->out, STR("  "));
}

/* What comes before a key, or before a value that has none. */
static void item_begin(struct json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->depth == 0)
        return;
    bool *has_item = &w->has_item[w->depth - 1];
    if (*has_item)
        buf_char(w->out, ',');
    *has_item = true;
    line_break(w);
}

static void put_char(struct buf *out, unsigned char c)
{
    if (c == '"' || c == '\\') {
        buf_char(out, '\\');
        buf_char(out, (char)c);
    } else if (c == '\n') {
        buf_str(out, STR("\\n"));
    } else if (c < 0x20 || c == 0x7f) {
        buf_fmt(out, "\\u%04x", c);
    } else {
        buf_char(out, (char)c);
    }
}

/* Bytes of the well-formed character at the beginning of s; 0 where there is none. */
static size_t character_bytes(struct str s)
{
    for (size_t n = 1; n <= 4 && n <= s.n; n++) {
        if (str_is_utf8(str_slice(s, 0, n)))
            return n;
    }
    return 0;
}

static void put_quoted(struct buf *out, struct str s)
{
    bool good = str_is_utf8(s);
    buf_char(out, '"');
    for (size_t i = 0; i < s.n;) {
        size_t n = good ? 1 : character_bytes(str_slice(s, i, s.n));
        if (n == 0)
            buf_str(out, STR("\xEF\xBF\xBD"));
        else if (n == 1)
            put_char(out, (unsigned char)s.p[i]);
        else
            buf_add(out, s.p + i, n);
        i += n > 0 ? n : 1;
    }
    buf_char(out, '"');
}

void json_open(struct json_writer *w, char bracket)
{
    CHECK((bracket == '{' || bracket == '[') && w->depth < LIMIT_JSON_WRITER_DEPTH);
    item_begin(w);
    buf_char(w->out, bracket);
    w->has_item[w->depth++] = false;
}

void json_close(struct json_writer *w, char bracket)
{
    CHECK((bracket == '}' || bracket == ']') && w->depth > 0 && !w->after_key);
    w->depth--;
    if (w->has_item[w->depth])
        line_break(w);
    buf_char(w->out, bracket);
}

void json_key(struct json_writer *w, struct str key)
{
    CHECK(w->depth > 0 && !w->after_key);
    item_begin(w);
    put_quoted(w->out, key);
    buf_char(w->out, ':');
    if (w->indent)
        buf_char(w->out, ' ');
    w->after_key = true;
}

void json_put_str(struct json_writer *w, struct str s)
{
    if (!s.p) {
        json_put_null(w);
        return;
    }
    item_begin(w);
    put_quoted(w->out, s);
}

void json_put_i64(struct json_writer *w, int64_t n)
{
    item_begin(w);
    buf_fmt(w->out, "%" PRId64, n);
}

void json_put_id(struct json_writer *w, int64_t id)
{
    item_begin(w);
    buf_fmt(w->out, "\"%" PRId64 "\"", id);
}

/* 17 digits always read back the same (IEEE 754-2019, 5.12.2); often 15 do. */
void json_put_f64(struct json_writer *w, double x)
{
    if (!isfinite(x)) {
        json_put_null(w);
        return;
    }
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    item_begin(w);
    buf_str(w->out, str_c(text));
}

void json_put_minor(struct json_writer *w, int64_t minor, int digits)
{
    item_begin(w);
    uint64_t amount = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
    uint64_t unit = (uint64_t)pow10_i64(digits);
    buf_fmt(w->out, "%s%" PRIu64, minor < 0 ? "-" : "", amount / unit);
    if (digits > 0)
        buf_fmt(w->out, ".%0*" PRIu64, digits, amount % unit);
}

void json_put_bool(struct json_writer *w, bool b)
{
    item_begin(w);
    buf_str(w->out, b ? STR("true") : STR("false"));
}

void json_put_null(struct json_writer *w)
{
    item_begin(w);
    buf_str(w->out, STR("null"));
}

void json_put_raw(struct json_writer *w, struct str json)
{
    item_begin(w);
    buf_str(w->out, json.p ? json : STR("null"));
}
