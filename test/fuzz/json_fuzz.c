/* link: codec */
/* Any bytes: read or refused with a message. What was read is written and reads back the same. */
#include "base/arena.h"
#include "base/check.h"
#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* False where it is nested deeper than the writer goes. */
static bool write_value(struct json_writer *w, const struct json_value *value)
{
    enum json_kind kind = json_kind(value);
    if (kind == JSON_KIND_INTEGER)
        json_put_i64(w, json_i64(value));
    else if (kind == JSON_KIND_REAL)
        json_put_f64(w, json_f64(value));
    else if (kind == JSON_KIND_STRING)
        json_put_str(w, json_str(value));
    else if (kind == JSON_KIND_NULL)
        json_put_null(w);
    else if (kind == JSON_KIND_TRUE || kind == JSON_KIND_FALSE)
        json_put_bool(w, kind == JSON_KIND_TRUE);
    if (kind != JSON_KIND_ARRAY && kind != JSON_KIND_OBJECT)
        return true;
    if (w->depth == LIMIT_JSON_WRITER_DEPTH)
        return false;
    bool is_object = kind == JSON_KIND_OBJECT;
    json_open(w, is_object ? '{' : '[');
    for (size_t i = 0; i < json_count(value); i++) {
        struct str key;
        const struct json_value *item = is_object ? json_member(value, i, &key) : json_at(value, i);
        if (is_object)
            json_key(w, key);
        if (!write_value(w, item))
            return false;
    }
    json_close(w, is_object ? '}' : ']');
    return true;
}

static void check_same(const struct json_value *a, const struct json_value *b)
{
    enum json_kind kind = json_kind(a);
    if (kind == JSON_KIND_REAL) { /* 1.0 is written as 1 */
        CHECK(json_kind(b) == JSON_KIND_REAL || json_kind(b) == JSON_KIND_INTEGER);
        CHECK(json_f64(a) == json_f64(b));
        return;
    }
    CHECK(json_kind(b) == kind);
    if (kind == JSON_KIND_INTEGER)
        CHECK(json_i64(a) == json_i64(b));
    if (kind == JSON_KIND_STRING)
        CHECK(str_eq(json_str(a), json_str(b)));
    if (kind != JSON_KIND_ARRAY && kind != JSON_KIND_OBJECT)
        return;
    CHECK(json_count(a) == json_count(b));
    for (size_t i = 0; i < json_count(a); i++) {
        if (kind == JSON_KIND_ARRAY) {
            check_same(json_at(a, i), json_at(b, i));
            continue;
        }
        struct str key_a, key_b;
        const struct json_value *item_a = json_member(a, i, &key_a);
        const struct json_value *item_b = json_member(b, i, &key_b);
        CHECK(str_eq(key_a, key_b));
        CHECK(json_get(a, key_a) == item_a);
        check_same(item_a, item_b);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new("fuzz", (size_t)256 << 20);
    struct str text = {(const char *)data, size};
    const struct json_value *value;
    const struct err *err = json_read(arena, STR("input"), text, &value);
    if (err) {
        CHECK(str_is_utf8(err_text(arena, err, LANG_ZH)));
    } else {
        struct buf buf = buf_new(arena, (size_t)64 << 20);
        struct json_writer w = json_writer(&buf, size % 2 == 0);
        if (write_value(&w, value)) {
            const struct json_value *again = NULL;
            CHECK(json_read(arena, STR("again"), buf_view(&buf), &again) == NULL);
            check_same(value, again);
        }
    }
    arena_free(arena);
    return 0;
}
