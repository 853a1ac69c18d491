/* link: contract */
/* Arguments, separated by zero bytes, read as flags; the same bytes read as JSON by the same shape.
 * Each argument is used once or refused; every error has a place and a message. */
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "contract/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARGS_MAX 64

struct inner {
    struct str name;
};
struct outer {
    struct str text, needed;
    int64_t number, time_us;
    bool yes;
    int32_t day;
    int choice;
    struct shape_list words;
};
struct document {
    struct outer outer;
    struct shape_list list;
    struct shape_map map;
};
static const char *const choices[] = {"net", "gross", NULL};
static const struct field inner_fields[] = {
    {.name = "name", .kind = FIELD_TEXT, .offset = offsetof(struct inner, name), .required = true},
};
static const struct shape inner_shape = {
    .name = "inner", .size = sizeof(struct inner), SHAPE_FIELDS(inner_fields)};
static const struct field outer_fields[] = {
    {.name = "text", .kind = FIELD_TEXT, .offset = offsetof(struct outer, text), .max = 8},
    {.name = "needed",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct outer, needed),
     .required = true},
    {.name = "number",
     .kind = FIELD_I64,
     .offset = offsetof(struct outer, number),
     .min = -9,
     .max = 9},
    {.name = "time", .kind = FIELD_TIME, .offset = offsetof(struct outer, time_us)},
    {.name = "yes", .kind = FIELD_BOOL, .offset = offsetof(struct outer, yes)},
    {.name = "as_of", .kind = FIELD_DAY, .offset = offsetof(struct outer, day)},
    {.name = "choice",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct outer, choice),
     .values = choices},
    {.name = "word", .kind = FIELD_LIST, .offset = offsetof(struct outer, words)},
};
static const struct shape outer_shape = {
    .name = "outer", .size = sizeof(struct outer), SHAPE_FIELDS(outer_fields)};
static const struct field document_fields[] = {
    {.name = "outer",
     .kind = FIELD_OBJECT,
     .offset = offsetof(struct document, outer),
     .sub = &outer_shape},
    {.name = "list",
     .kind = FIELD_LIST,
     .offset = offsetof(struct document, list),
     .sub = &inner_shape},
    {.name = "map", .kind = FIELD_MAP, .offset = offsetof(struct document, map)},
};
static const struct shape document_shape = {
    .name = "document", .size = sizeof(struct document), SHAPE_FIELDS(document_fields)};

static void check_errors(struct arena *arena, const struct err *err)
{
    int count = 0;
    for (; err; err = err->next) {
        CHECK(err->field.p && err_text(arena, err, LANG_ZH).n > 0);
        CHECK(++count <= SHAPE_ERRORS_MAX);
    }
}

static void check_values(const struct outer *out)
{
    CHECK(out->number >= -9 && out->number <= 9);
    CHECK(out->text.n <= 8 && out->choice >= -1 && out->choice <= 1);
    CHECK(!out->text.p || str_is_utf8(out->text));
}

static void read_as_flags(struct arena *arena, char *bytes, size_t size)
{
    char *argv[ARGS_MAX];
    int argc = 0;
    for (size_t at = 0; at < size && argc < ARGS_MAX; at += strlen(bytes + at) + 1)
        argv[argc++] = bytes + at;
    struct outer out;
    struct str rest[ARGS_MAX];
    int rest_count;
    const struct err *err =
        shape_read_flags(arena, &outer_shape, argc, argv, &out, rest, &rest_count);
    CHECK(rest_count >= 0 && rest_count <= argc);
    CHECK(err || out.needed.p);
    check_values(&out);
    check_errors(arena, err);
}

static void read_as_json(struct arena *arena, struct str text)
{
    const struct json_value *value;
    if (json_read(arena, STR("input"), text, &value))
        return;
    struct document out;
    const struct err *err = shape_read_json(arena, &document_shape, value, &out);
    check_errors(arena, err);
    check_values(&out.outer);
    const struct inner *list = out.list.items;
    for (size_t i = 0; !err && i < out.list.count; i++)
        CHECK(list[i].name.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new("fuzz", (size_t)64 << 20);
    char *bytes = arena_alloc(arena, size + 1);
    if (size > 0)
        memcpy(bytes, data, size);
    read_as_json(arena, (struct str){bytes, size});
    read_as_flags(arena, bytes, size);
    arena_free(arena);
    return 0;
}
