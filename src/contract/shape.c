#include "contract/shape_internal.h"

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/limits.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define NAME_BYTES_MAX 64 /* of a name that is looked for among the known ones */
#define HELP_BYTES_MAX (256u << 10)
#define POINTER_BYTES_MAX (64u << 10)

/* --- One value --- */

void shape_bounds(const struct field *field, int64_t *min, int64_t *max)
{
    *min = field->min;
    *max = field->max;
    bool given = field->min != 0 || field->max != 0;
    CHECK(!given || field->min <= field->max);
    if (given)
        return;
    switch (field->kind) {
    case FIELD_TEXT:
        *max = SHAPE_TEXT_BYTES_MAX;
        return;
    case FIELD_I64:
        *min = INT64_MIN;
        *max = INT64_MAX;
        return;
    case FIELD_DAY:
        *min = LIMIT_DAY_MIN;
        *max = LIMIT_DAY_MAX;
        return;
    case FIELD_TIME:
        *min = LIMIT_DAY_MIN * US_PER_DAY;
        *max = (LIMIT_DAY_MAX + 1) * US_PER_DAY - 1;
        return;
    case FIELD_ID:
        *min = 1;
        *max = INT64_MAX;
        return;
    case FIELD_DECIMAL:
        *max = DECIMAL_BYTES_MAX;
        return;
    default:
        *max = SHAPE_ITEMS_MAX;
    }
}

/* Digits at [from, from + n) as a number; -1 where anything else stands there. */
static int digits_at(struct str text, size_t from, size_t n)
{
    int value = 0;
    for (size_t i = from; i < from + n; i++) {
        if (i >= text.n || text.p[i] < '0' || text.p[i] > '9')
            return -1;
        value = value * 10 + (text.p[i] - '0');
    }
    return value;
}

/* The end of an RFC 3339 time: "Z" or "+08:00", in seconds east of UTC. */
static bool offset_parse(struct str text, int64_t *offset_s)
{
    *offset_s = 0;
    if (text.n == 1 && (text.p[0] == 'Z' || text.p[0] == 'z'))
        return true;
    int hour = digits_at(text, 1, 2);
    int minute = digits_at(text, 4, 2);
    if (text.n != 6 || (text.p[0] != '+' && text.p[0] != '-') || text.p[3] != ':')
        return false;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
        return false;
    *offset_s = (text.p[0] == '-' ? -1 : 1) * (hour * 3600 + minute * 60);
    return true;
}

/* ".123456": up to nine digits, of which six count. *n is what was read; 0 where there is no point.
 */
static bool fraction_parse(struct str text, int *microsecond, size_t *n)
{
    *microsecond = 0;
    *n = 0;
    if (text.n == 0 || text.p[0] != '.')
        return true;
    size_t end = 1;
    while (end < text.n && digits_at(text, end, 1) >= 0)
        end++;
    for (size_t i = 1; i <= 6; i++)
        *microsecond = *microsecond * 10 + (i < end ? text.p[i] - '0' : 0);
    *n = end;
    return end > 1 && end <= 10;
}

/* RFC 3339, section 5.6; or a day, which is its midnight in UTC. */
static bool time_parse(struct str text, int64_t *time_us)
{
    int32_t day;
    if (day_parse(text, &day)) {
        *time_us = day * US_PER_DAY;
        return true;
    }
    size_t clock = STR("2011-12-09T").n;
    size_t end = STR("2011-12-09T12:50:00").n;
    if (text.n <= end || !day_parse(str_slice(text, 0, clock - 1), &day))
        return false;
    char between = text.p[clock - 1];
    if (between != 'T' && between != 't' && between != ' ')
        return false;
    int hour = digits_at(text, clock, 2);
    int minute = digits_at(text, clock + 3, 2);
    int second = digits_at(text, clock + 6, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return false;
    if (text.p[clock + 2] != ':' || text.p[clock + 5] != ':')
        return false;
    int microsecond;
    size_t fraction_n;
    int64_t offset_s;
    if (!fraction_parse(str_slice(text, end, text.n), &microsecond, &fraction_n))
        return false;
    if (!offset_parse(str_slice(text, end + fraction_n, text.n), &offset_s))
        return false;
    int64_t second_of_day = hour * 3600 + minute * 60 + second;
    *time_us = day * US_PER_DAY + (second_of_day - offset_s) * US_PER_SECOND + microsecond;
    return true;
}

static enum err_code read_number(const struct field *field, int64_t value, int64_t *at)
{
    int64_t min, max;
    shape_bounds(field, &min, &max);
    if (value < min || value > max)
        return ERR_FIELD_RANGE;
    *at = value;
    return ERR_NONE;
}

static enum err_code read_text(const struct field *field, struct str text, struct str *at)
{
    int64_t min, max;
    shape_bounds(field, &min, &max);
    if (!str_is_utf8(text))
        return ERR_FIELD_NOT_UTF8;
    if ((int64_t)text.n < min || (int64_t)text.n > max)
        return ERR_FIELD_LENGTH;
    *at = text;
    return ERR_NONE;
}

static enum err_code read_day(const struct field *field, struct str text, int32_t *at)
{
    int64_t min, max;
    shape_bounds(field, &min, &max);
    int32_t day;
    if (!day_parse(text, &day) || day < min || day > max)
        return ERR_FIELD_NOT_DAY;
    *at = day;
    return ERR_NONE;
}

static enum err_code read_time(const struct field *field, struct str text, int64_t *at)
{
    int64_t min, max;
    shape_bounds(field, &min, &max);
    int64_t time_us;
    if (!time_parse(text, &time_us) || time_us < min || time_us > max)
        return ERR_FIELD_NOT_TIME;
    *at = time_us;
    return ERR_NONE;
}

static enum err_code read_choice(const struct field *field, struct str text, int *at)
{
    for (int i = 0; field->values[i]; i++) {
        if (str_eq(text, str_c(field->values[i]))) {
            *at = i;
            return ERR_NONE;
        }
    }
    return ERR_FIELD_NOT_CHOICE;
}

static enum err_code read_bool(struct str text, bool *at)
{
    *at = str_eq(text, STR("true"));
    return *at || str_eq(text, STR("false")) ? ERR_NONE : ERR_FIELD_NOT_BOOL;
}

/* A value written as text (a flag, a fallback, a JSON string) into the C field at `at`, which stays
 * as it is where the text is wrong. */
static enum err_code read_as_text(const struct field *field, struct str text, void *at)
{
    int64_t number;
    struct decimal decimal;
    switch (field->kind) {
    case FIELD_TEXT:
        return read_text(field, text, at);
    case FIELD_ID:
        if (!str_to_i64(text, &number) || number < 1)
            return ERR_FIELD_NOT_ID;
        *(int64_t *)at = number;
        return ERR_NONE;
    case FIELD_DECIMAL:
        if (!decimal_parse(text, &decimal))
            return ERR_FIELD_NOT_DECIMAL;
        *(struct str *)at = text;
        return ERR_NONE;
    case FIELD_I64:
        return str_to_i64(text, &number) ? read_number(field, number, at) : ERR_FIELD_NOT_NUMBER;
    case FIELD_BOOL:
        return read_bool(text, at);
    case FIELD_DAY:
        return read_day(field, text, at);
    case FIELD_TIME:
        return read_time(field, text, at);
    case FIELD_ENUM:
        return read_choice(field, text, at);
    default:
        break;
    }
    CHECK(false); /* a list, map or object has no fallback and is no flag */
    return ERR_INTERNAL;
}

static void *place_of(void *out, const struct field *field)
{
    return (char *)out + field->offset;
}

static void field_clear(const struct field *field, void *at)
{
    switch (field->kind) {
    case FIELD_DAY:
        *(int32_t *)at = DAY_NONE;
        break;
    case FIELD_TIME:
        *(int64_t *)at = INT64_MIN;
        break;
    case FIELD_ENUM:
        *(int *)at = -1;
        break;
    case FIELD_OBJECT:
        shape_clear(field->sub, at);
        break;
    case FIELD_F64:
        *(double *)at = (double)NAN;
        break;
    default: /* all zero: absent text, 0, false, no items */
        break;
    }
    if (field->fallback)
        CHECK(read_as_text(field, str_c(field->fallback), at) == ERR_NONE);
}

void shape_clear(const struct shape *shape, void *out)
{
    memset(out, 0, shape->size);
    for (int i = 0; i < shape->field_count; i++)
        field_clear(&shape->fields[i], place_of(out, &shape->fields[i]));
}

/* --- Errors --- */

static struct str number_text(struct arena *arena, int64_t n)
{
    return str_fmt(arena, "%" PRId64, n);
}

static struct str choices_text(struct arena *arena, const char *const *values, struct str between)
{
    size_t count = 0;
    while (values[count])
        count++;
    struct str *texts = ARENA_ARRAY(arena, count, struct str);
    for (size_t i = 0; i < count; i++)
        texts[i] = str_c(values[i]);
    return str_join(arena, texts, count, between);
}

/* where: JSON pointer or flag. n: bytes or items that it has, for those errors that tell it. */
static const struct err *field_error(struct arena *arena, enum err_code code,
                                     const struct field *field, struct str where, size_t n)
{
    int64_t min, max;
    shape_bounds(field, &min, &max);
    switch (code) {
    case ERR_FIELD_LENGTH:
    case ERR_FIELD_COUNT:
        return ERR_NEW(arena, code, where, number_text(arena, min), number_text(arena, max),
                       number_text(arena, (int64_t)n));
    case ERR_FIELD_RANGE:
        return ERR_NEW(arena, code, where, number_text(arena, min), number_text(arena, max));
    case ERR_FIELD_NOT_DAY:
        return ERR_NEW(arena, code, where, day_text(arena, (int32_t)min),
                       day_text(arena, (int32_t)max));
    case ERR_FIELD_NOT_TIME:
        return ERR_NEW(arena, code, where, time_text(arena, min), time_text(arena, max));
    case ERR_FIELD_NOT_CHOICE:
        return ERR_NEW(arena, code, where, choices_text(arena, field->values, STR(", ")));
    default:
        return ERR_NEW(arena, code, where);
    }
}

/* Levenshtein's distance of two names, as far as they are looked at. '-' and '_' are the same. */
static int distance(struct str a, struct str b)
{
    int row[NAME_BYTES_MAX + 1];
    size_t a_n = a.n < NAME_BYTES_MAX ? a.n : NAME_BYTES_MAX;
    size_t b_n = b.n < NAME_BYTES_MAX ? b.n : NAME_BYTES_MAX;
    for (size_t k = 0; k <= b_n; k++)
        row[k] = (int)k;
    for (size_t i = 1; i <= a_n; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        char in_a = a.p[i - 1] == '-' ? '_' : a.p[i - 1];
        for (size_t k = 1; k <= b_n; k++) {
            char in_b = b.p[k - 1] == '-' ? '_' : b.p[k - 1];
            int best = diagonal + (in_a == in_b ? 0 : 1);
            diagonal = row[k];
            if (row[k] + 1 < best)
                best = row[k] + 1;
            if (row[k - 1] + 1 < best)
                best = row[k - 1] + 1;
            row[k] = best;
        }
    }
    return row[b_n];
}

struct str nearest_word(struct str word, const struct str *candidates, int count)
{
    struct str best = STR_NONE;
    int best_distance = 0;
    for (int i = 0; i < count; i++) {
        int d = distance(word, candidates[i]);
        if (!best.p || d < best_distance) {
            best = candidates[i];
            best_distance = d;
        }
    }
    return best;
}

/* The name of a field; absent where the shape has none. */
static struct str nearest_field(struct arena *arena, const struct shape *shape, struct str name)
{
    struct str *names = ARENA_ARRAY(arena, (size_t)shape->field_count + 1, struct str);
    for (int i = 0; i < shape->field_count; i++)
        names[i] = str_c(shape->fields[i].name);
    return nearest_word(name, names, shape->field_count);
}

/* --- JSON --- */

static void read_object(struct err_list *errors, const struct shape *shape,
                        const struct json_value *value, struct str pointer, void *out);

/* RFC 6901: '~' is written ~0, '/' is written ~1. */
static struct str pointer_to(struct arena *arena, struct str parent, struct str name)
{
    struct buf buf = buf_new(arena, POINTER_BYTES_MAX);
    buf_str(&buf, parent);
    buf_char(&buf, '/');
    size_t n = name.n < SHAPE_TEXT_BYTES_MAX ? name.n : SHAPE_TEXT_BYTES_MAX;
    for (size_t i = 0; i < n; i++) {
        if (name.p[i] == '~')
            buf_str(&buf, STR("~0"));
        else if (name.p[i] == '/')
            buf_str(&buf, STR("~1"));
        else
            buf_char(&buf, name.p[i]);
    }
    return buf_view(&buf);
}

static void add_error(struct err_list *errors, const struct err *err)
{
    if (errors->count < SHAPE_ERRORS_MAX)
        err_list_add(errors, err);
}

static const struct field text_item = {.name = "", .kind = FIELD_TEXT};

static void read_json_text(struct err_list *errors, const struct field *field,
                           const struct json_value *value, struct str pointer, void *at)
{
    static const enum err_code wrong_kind[] = {
        [FIELD_TEXT] = ERR_FIELD_NOT_TEXT,
        [FIELD_DAY] = ERR_FIELD_NOT_DAY,
        [FIELD_TIME] = ERR_FIELD_NOT_TIME,
        [FIELD_ENUM] = ERR_FIELD_NOT_CHOICE,
        [FIELD_ID] = ERR_FIELD_NOT_ID,
        [FIELD_DECIMAL] = ERR_FIELD_NOT_DECIMAL,
    };
    bool is_text = json_kind(value) == JSON_KIND_STRING;
    struct str text = is_text ? json_str(value) : STR("");
    enum err_code code = is_text ? read_as_text(field, text, at) : wrong_kind[field->kind];
    if (code != ERR_NONE)
        add_error(errors, field_error(errors->arena, code, field, pointer, text.n));
}

static void read_json_number(struct err_list *errors, const struct field *field,
                             const struct json_value *value, struct str pointer, int64_t *at)
{
    enum err_code code = ERR_FIELD_NOT_NUMBER;
    if (json_kind(value) == JSON_KIND_INTEGER)
        code = read_number(field, json_i64(value), at);
    if (code != ERR_NONE)
        add_error(errors, field_error(errors->arena, code, field, pointer, 0));
}

static void read_json_bool(struct err_list *errors, const struct field *field,
                           const struct json_value *value, struct str pointer, bool *at)
{
    if (json_kind(value) == JSON_KIND_TRUE)
        *at = true;
    else if (json_kind(value) == JSON_KIND_FALSE)
        *at = false;
    else
        add_error(errors, field_error(errors->arena, ERR_FIELD_NOT_BOOL, field, pointer, 0));
}

/* Whether a list or map has an allowed number of items. */
static bool count_is_good(struct err_list *errors, const struct field *field, size_t count,
                          struct str pointer)
{
    int64_t min, max;
    shape_bounds(field, &min, &max);
    if ((int64_t)count >= min && (int64_t)count <= max)
        return true;
    add_error(errors, field_error(errors->arena, ERR_FIELD_COUNT, field, pointer, count));
    return false;
}

static void read_json_list(struct err_list *errors, const struct field *field,
                           const struct json_value *value, struct str pointer,
                           struct shape_list *at)
{
    struct arena *arena = errors->arena;
    if (json_kind(value) != JSON_KIND_ARRAY) {
        add_error(errors, field_error(arena, ERR_FIELD_NOT_LIST, field, pointer, 0));
        return;
    }
    size_t count = json_count(value);
    if (!count_is_good(errors, field, count, pointer))
        return;
    size_t item_bytes = field->sub ? field->sub->size : sizeof(struct str);
    at->items = arena_array(arena, count, item_bytes);
    at->count = count;
    for (size_t i = 0; i < count; i++) {
        struct str item_pointer = str_fmt(arena, "%.*s/%zu", STR_ARG(pointer), i);
        void *item = (char *)at->items + i * item_bytes;
        if (field->sub)
            read_object(errors, field->sub, json_at(value, i), item_pointer, item);
        else
            read_json_text(errors, &text_item, json_at(value, i), item_pointer, item);
    }
}

static void read_json_map(struct err_list *errors, const struct field *field,
                          const struct json_value *value, struct str pointer, struct shape_map *at)
{
    struct arena *arena = errors->arena;
    if (json_kind(value) != JSON_KIND_OBJECT) {
        add_error(errors, field_error(arena, ERR_FIELD_NOT_OBJECT, field, pointer, 0));
        return;
    }
    size_t count = json_count(value);
    if (!count_is_good(errors, field, count, pointer))
        return;
    at->pairs = ARENA_ARRAY(arena, count, struct shape_pair);
    at->count = count;
    for (size_t i = 0; i < count; i++) {
        struct shape_pair *pair = &at->pairs[i];
        struct str key;
        const struct json_value *member = json_member(value, i, &key);
        struct str member_pointer = pointer_to(arena, pointer, key);
        enum err_code code = read_text(&text_item, key, &pair->key);
        if (code != ERR_NONE)
            add_error(errors, field_error(arena, code, &text_item, member_pointer, key.n));
        read_json_text(errors, &text_item, member, member_pointer, &pair->value);
    }
}

static void read_json_field(struct err_list *errors, const struct field *field,
                            const struct json_value *value, struct str pointer, void *at)
{
    switch (field->kind) {
    case FIELD_I64:
        read_json_number(errors, field, value, pointer, at);
        return;
    case FIELD_BOOL:
        read_json_bool(errors, field, value, pointer, at);
        return;
    case FIELD_OBJECT:
        read_object(errors, field->sub, value, pointer, at);
        return;
    case FIELD_LIST:
        read_json_list(errors, field, value, pointer, at);
        return;
    case FIELD_MAP:
        read_json_map(errors, field, value, pointer, at);
        return;
    default:
        read_json_text(errors, field, value, pointer, at);
    }
}

static bool has_field(const struct shape *shape, struct str name)
{
    for (int i = 0; i < shape->field_count; i++) {
        if (str_eq(str_c(shape->fields[i].name), name))
            return true;
    }
    return false;
}

static void refuse_unknown(struct err_list *errors, const struct shape *shape,
                           const struct json_value *value, struct str pointer)
{
    for (size_t i = 0; i < json_count(value) && errors->count < SHAPE_ERRORS_MAX; i++) {
        struct str name;
        json_member(value, i, &name);
        if (has_field(shape, name))
            continue;
        struct str near = nearest_field(errors->arena, shape, name);
        add_error(errors, ERR_NEW(errors->arena, ERR_FIELD_UNKNOWN,
                                  pointer_to(errors->arena, pointer, name),
                                  near.p ? near : STR("-")));
    }
}

static void read_object(struct err_list *errors, const struct shape *shape,
                        const struct json_value *value, struct str pointer, void *out)
{
    struct arena *arena = errors->arena;
    shape_clear(shape, out);
    if (json_kind(value) != JSON_KIND_OBJECT) {
        if (pointer.n == 0)
            add_error(errors, ERR_NEW(arena, ERR_DOCUMENT_NOT_OBJECT, pointer, str_c(shape->name)));
        else
            add_error(errors, ERR_NEW(arena, ERR_FIELD_NOT_OBJECT, pointer));
        return;
    }
    for (int i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        const struct json_value *member = json_get(value, str_c(field->name));
        struct str member_pointer = pointer_to(arena, pointer, str_c(field->name));
        if (member && json_kind(member) != JSON_KIND_NULL)
            read_json_field(errors, field, member, member_pointer, place_of(out, field));
        else if (field->required)
            add_error(errors, ERR_NEW(arena, ERR_FIELD_MISSING, member_pointer));
    }
    refuse_unknown(errors, shape, value, pointer);
}

const struct err *shape_read_json(struct arena *arena, const struct shape *shape,
                                  const struct json_value *value, void *out)
{
    struct err_list errors = {.arena = arena};
    read_object(&errors, shape, value, STR(""), out);
    return errors.first;
}

/* --- Flags --- */

struct flag_reader {
    struct err_list errors;
    const struct shape *shape;
    int argc;
    char **argv;
    int at; /* the argument being read */
    void *out;
    bool *seen; /* by field */
};

struct str shape_flag_name(struct arena *arena, struct str name)
{
    struct str flag = str_fmt(arena, "--%.*s", STR_ARG(name));
    char *bytes = arena_alloc(arena, flag.n);
    for (size_t i = 0; i < flag.n; i++)
        bytes[i] = flag.p[i] == '_' ? '-' : flag.p[i];
    return (struct str){bytes, flag.n};
}

/* Index of the field that a flag such as "--as-of" names; -1 where there is none. */
static int field_of_flag(struct arena *arena, const struct shape *shape, struct str flag)
{
    for (int i = 0; i < shape->field_count; i++) {
        if (str_eq(shape_flag_name(arena, str_c(shape->fields[i].name)), flag))
            return i;
    }
    return -1;
}

static void flag_unknown(struct flag_reader *reader, struct str flag)
{
    struct arena *arena = reader->errors.arena;
    size_t dashes = str_starts(flag, STR("--")) ? 2 : 1;
    struct str near = nearest_field(arena, reader->shape, str_slice(flag, dashes, flag.n));
    add_error(&reader->errors, ERR_NEW(arena, ERR_FLAG_UNKNOWN, flag,
                                       near.p ? shape_flag_name(arena, near) : STR("--help")));
}

static enum err_code add_to_list(struct flag_reader *reader, struct str text,
                                 struct shape_list *list)
{
    if (!list->items)
        list->items = ARENA_ARRAY(reader->errors.arena, (size_t)reader->argc, struct str);
    enum err_code code = read_text(&text_item, text, (struct str *)list->items + list->count);
    if (code == ERR_NONE)
        list->count++;
    return code;
}

/* value absent: it is the next argument, or, of a FIELD_BOOL, "true". False where there is none. */
static bool flag_value(struct flag_reader *reader, const struct field *field, struct str *value)
{
    if (value->p)
        return true;
    if (field->kind == FIELD_BOOL) {
        *value = STR("true");
        return true;
    }
    if (reader->at + 1 >= reader->argc ||
        str_starts(str_c(reader->argv[reader->at + 1]), STR("--")))
        return false;
    *value = str_c(reader->argv[++reader->at]);
    return true;
}

static void read_flag(struct flag_reader *reader, struct str argument)
{
    struct arena *arena = reader->errors.arena;
    struct str value;
    struct str flag = str_cut(argument, '=', &value);
    int index = field_of_flag(arena, reader->shape, flag);
    if (index < 0) {
        flag_unknown(reader, flag);
        return;
    }
    const struct field *field = &reader->shape->fields[index];
    bool is_list = field->kind == FIELD_LIST && !field->sub;
    bool twice = reader->seen[index] && !is_list;
    reader->seen[index] = true;
    if (!flag_value(reader, field, &value)) {
        add_error(&reader->errors, ERR_NEW(arena, ERR_FLAG_VALUE, flag));
        return;
    }
    if (twice) {
        add_error(&reader->errors, ERR_NEW(arena, ERR_FLAG_TWICE, flag));
        return;
    }
    void *at = place_of(reader->out, field);
    enum err_code code = is_list ? add_to_list(reader, value, at) : read_as_text(field, value, at);
    if (code != ERR_NONE)
        add_error(&reader->errors,
                  field_error(arena, code, is_list ? &text_item : field, flag, value.n));
}

static void check_flags_seen(struct flag_reader *reader)
{
    struct arena *arena = reader->errors.arena;
    for (int i = 0; i < reader->shape->field_count; i++) {
        const struct field *field = &reader->shape->fields[i];
        struct str flag = shape_flag_name(arena, str_c(field->name));
        if (!reader->seen[i] && field->required)
            add_error(&reader->errors, ERR_NEW(arena, ERR_FIELD_MISSING, flag));
        if (reader->seen[i] && field->kind == FIELD_LIST) {
            const struct shape_list *list = place_of(reader->out, field);
            count_is_good(&reader->errors, field, list->count, flag);
        }
    }
}

const struct err *shape_read_flags(struct arena *arena, const struct shape *shape, int argc,
                                   char **argv, void *out, struct str *rest, int *rest_count)
{
    struct flag_reader reader = {
        .errors = {.arena = arena}, .shape = shape, .argc = argc, .argv = argv, .out = out};
    reader.seen = ARENA_ARRAY(arena, (size_t)shape->field_count, bool);
    shape_clear(shape, out);
    *rest_count = 0;
    bool flags_over = false;
    for (; reader.at < argc; reader.at++) {
        struct str argument = str_c(argv[reader.at]);
        bool is_flag = argument.n > 1 && argument.p[0] == '-';
        if (flags_over || !is_flag)
            rest[(*rest_count)++] = argument;
        else if (str_eq(argument, STR("--")))
            flags_over = true;
        else
            read_flag(&reader, argument);
    }
    check_flags_seen(&reader);
    return reader.errors.first;
}

/* --- Pairs --- */

static const struct field *field_named(const struct shape *shape, struct str name)
{
    for (int i = 0; i < shape->field_count; i++) {
        if (str_eq(str_c(shape->fields[i].name), name))
            return &shape->fields[i];
    }
    return NULL;
}

static bool is_text_list(const struct field *field)
{
    return field->kind == FIELD_LIST && !field->sub;
}

static void read_pair(struct err_list *errors, const struct field *field,
                      const struct shape_pair *pair, struct str where, size_t room, void *at)
{
    bool is_list = is_text_list(field);
    struct shape_list *list = at;
    if (is_list && !list->items)
        list->items = ARENA_ARRAY(errors->arena, room, struct str);
    enum err_code code = is_list ? read_text(&text_item, pair->value,
                                             (struct str *)list->items + list->count)
                                 : read_as_text(field, pair->value, at);
    if (is_list && code == ERR_NONE)
        list->count++;
    if (code != ERR_NONE)
        add_error(errors, field_error(errors->arena, code, is_list ? &text_item : field, where,
                                      pair->value.n));
}

const struct err *shape_read_pairs(struct arena *arena, const struct shape *shape,
                                   const struct shape_pair *pairs, size_t count, void *out)
{
    struct err_list errors = {.arena = arena};
    bool *seen = ARENA_ARRAY(arena, (size_t)shape->field_count + 1, bool);
    shape_clear(shape, out);
    for (size_t i = 0; i < count; i++) {
        struct str where = str_fmt(arena, "?%.*s", STR_ARG(pairs[i].key));
        const struct field *field = field_named(shape, pairs[i].key);
        if (!field) {
            struct str near = nearest_field(arena, shape, pairs[i].key);
            add_error(&errors, ERR_NEW(arena, ERR_FIELD_UNKNOWN, where, near.p ? near : STR("-")));
            continue;
        }
        bool *is_seen = &seen[field - shape->fields];
        if (*is_seen && !is_text_list(field))
            add_error(&errors, ERR_NEW(arena, ERR_FIELD_TWICE, where));
        else if (pairs[i].value.n > 0)
            read_pair(&errors, field, &pairs[i], where, count, place_of(out, field));
        *is_seen = *is_seen || pairs[i].value.n > 0;
    }
    for (int i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        struct str where = str_fmt(arena, "?%s", field->name);
        if (!seen[i] && field->required)
            add_error(&errors, ERR_NEW(arena, ERR_FIELD_MISSING, where));
        if (seen[i] && is_text_list(field))
            count_is_good(&errors, field, ((struct shape_list *)place_of(out, field))->count,
                          where);
    }
    return errors.first;
}

/* --- Help --- */

static struct str value_text(struct arena *arena, const struct field *field)
{
    switch (field->kind) {
    case FIELD_BOOL:
        return STR("");
    case FIELD_I64:
        return STR(" NUMBER");
    case FIELD_DAY:
        return STR(" YYYY-MM-DD");
    case FIELD_TIME:
        return STR(" TIME");
    case FIELD_ENUM:
        return str_fmt(arena, " %.*s", STR_ARG(choices_text(arena, field->values, STR("|"))));
    case FIELD_LIST:
        return STR(" TEXT…");
    default:
        return STR(" TEXT");
    }
}

/* "--as-of YYYY-MM-DD" */
static struct str flag_usage(struct arena *arena, const struct field *field)
{
    struct str parts[] = {shape_flag_name(arena, str_c(field->name)), value_text(arena, field)};
    return str_join(arena, parts, 2, STR(""));
}

struct str shape_flags_help(struct arena *arena, const struct shape *shape, enum lang lang)
{
    static const struct text required = TEXT(" (required)", "（必填）");
    int columns = 0;
    for (int i = 0; i < shape->field_count; i++) {
        int width = str_width(flag_usage(arena, &shape->fields[i]));
        columns = width > columns ? width : columns;
    }
    struct buf buf = buf_new(arena, HELP_BYTES_MAX);
    for (int i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        struct str usage = flag_usage(arena, field);
        buf_fmt(&buf, "  %.*s%*s  ", STR_ARG(usage), columns - str_width(usage), "");
        if (field->doc.in[lang])
            buf_str(&buf, str_c(field->doc.in[lang]));
        if (field->required)
            buf_str(&buf, str_c(required.in[lang]));
        /* 0 stands for "not given": what it means is the doc's to say. */
        if (field->fallback && strcmp(field->fallback, "0") != 0)
            buf_fmt(&buf, lang == LANG_ZH ? "（默认 %s）" : " (default %s)", field->fallback);
        buf_char(&buf, '\n');
    }
    return buf_view(&buf);
}
