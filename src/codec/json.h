/* JSON. Reading wraps jansson (strict, duplicate keys refused, depth limited); writing is a small stream writer, so
 * that money is written as exact decimals. The only door to the JSON library. */
#ifndef HUITOU_CODEC_JSON_H
#define HUITOU_CODEC_JSON_H

#include "base/err.h"

#define LIMIT_JSON_WRITER_DEPTH 16

/* Names differ from jansson's own (JSON_STRING, json_string …), which would be called in our place. */
enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_FALSE,
    JSON_KIND_TRUE,
    JSON_KIND_INTEGER,
    JSON_KIND_REAL,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT,
};

/* A parsed value; lives in the arena that it was read into. */
struct json_value;
/* A BOM before it is passed over. Errors: JSON_BAD with line and column, JSON_TOO_DEEP. field names the source (a file,
 * "body"). */
ERR_RESULT json_read(struct arena *arena, struct str field, struct str text, const struct json_value **out);
enum json_kind json_kind(const struct json_value *value);
int64_t json_i64(const struct json_value *value); /* asserts JSON_KIND_INTEGER */
double json_f64(const struct json_value *value);  /* of an integer too */
struct str json_str(const struct json_value *value); /* asserts JSON_KIND_STRING */
size_t json_count(const struct json_value *value); /* array elements or object members */
const struct json_value *json_at(const struct json_value *array, size_t index);
const struct json_value *json_get(const struct json_value *object, struct str key); /* NULL where missing */
/* In the order of the text. */
const struct json_value *json_member(const struct json_value *object, size_t index, struct str *key);

/* Writer: appends to a buffer; commas and indentation are its work. What is written is valid JSON whatever the bytes of a
 * str: those that are not UTF-8 become U+FFFD. */
struct json_writer {
    struct buf *out;
    int depth;
    bool indent;
    bool has_item[LIMIT_JSON_WRITER_DEPTH];
    bool after_key;
};
struct json_writer json_writer(struct buf *out, bool indent);
void json_open(struct json_writer *w, char bracket); /* '{' or '[' */
void json_close(struct json_writer *w, char bracket); /* '}' or ']' */
void json_key(struct json_writer *w, struct str key);
void json_put_str(struct json_writer *w, struct str s); /* absent writes null */
void json_put_i64(struct json_writer *w, int64_t n);
void json_put_id(struct json_writer *w, int64_t id); /* ids are strings */
void json_put_f64(struct json_writer *w, double x);  /* shortest digits that read back the same; NaN writes null */
void json_put_minor(struct json_writer *w, int64_t minor, int digits); /* 8911407.90 */
void json_put_bool(struct json_writer *w, bool b);
void json_put_null(struct json_writer *w);
void json_put_raw(struct json_writer *w, struct str json); /* JSON text as it stands; absent writes null */

#endif
