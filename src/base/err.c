#include "base/err.h"

#include <string.h>

#include "base/arena.h"
#include "base/check.h"

/* What goes into a message may come from outside: a whole cell, a whole file name. */
#define FIELD_BYTES_MAX 4096
#define ARG_BYTES_MAX 1024
#define TEXT_BYTES_MAX ((size_t)64 << 10)

static const struct err_info infos[ERR_CODE_MAX] = {
    [ERR_NONE] = {"NONE", 0, 200, ERR_CLASS_INTERNAL, TEXT("", "")},
#define ERROR(code, number, http, class, en, zh)                                                   \
    [ERR_##code] = {#code, number, http, ERR_CLASS_##class, TEXT(en, zh)},
#include "base/error.def"
#undef ERROR
};

/* A copy of at most bytes_max bytes, cut between characters. */
static struct str clip(struct arena *arena, struct str s, size_t bytes_max)
{
    if (s.n <= bytes_max)
        return str_copy(arena, s);
    size_t n = bytes_max;
    while (n > 0 && ((unsigned char)s.p[n] & 0xC0) == 0x80)
        n--;
    return str_fmt(arena, "%.*s…", (int)n, s.p);
}

const struct err *err_make(struct arena *arena, enum err_code code, struct str field,
                           const char *file, int line, const struct str *args, int arg_count)
{
    CHECK(code > ERR_NONE && code < ERR_CODE_MAX);
    CHECK(arg_count >= 0 && arg_count <= ERR_ARG_MAX);
    struct err *err = ARENA_NEW(arena, struct err);
    err->code = code;
    err->field = clip(arena, field, FIELD_BYTES_MAX);
    err->file = file;
    err->line = line;
    for (int i = 0; i < arg_count; i++)
        err->arg[i] = clip(arena, args[i], ARG_BYTES_MAX);
    return err;
}

const struct err_info *err_info(enum err_code code)
{
    CHECK(code >= ERR_NONE && code < ERR_CODE_MAX);
    return &infos[code];
}

enum err_class err_class(const struct err *err)
{
    return err_info(err->code)->class;
}

/* Where an error names no field, its message begins after the "{field}: ". */
static struct str without_field(struct str message)
{
    static const struct str leads[] = {STR_INIT("{field}: "), STR_INIT("{field}：")};
    for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++) {
        if (str_starts(message, leads[i]))
            return str_slice(message, leads[i].n, message.n);
    }
    return message;
}

/* If a placeholder begins `rest`, its length and its value; else 0. */
static size_t placeholder(const struct err *err, struct str rest, struct str *value)
{
    if (str_starts(rest, STR("{field}"))) {
        *value = err->field;
        return STR("{field}").n;
    }
    if (rest.n >= 3 && rest.p[0] == '{' && rest.p[2] == '}') {
        int i = rest.p[1] - '0';
        if (i >= 0 && i < ERR_ARG_MAX) {
            *value = err->arg[i];
            return 3;
        }
    }
    return 0;
}

struct str err_text(struct arena *arena, const struct err *err, enum lang lang)
{
    CHECK(lang >= 0 && lang < LANG_MAX);
    struct str rest = str_c(err_info(err->code)->message.in[lang]);
    if (!str_is(err->field))
        rest = without_field(rest);
    struct buf out = buf_new(arena, TEXT_BYTES_MAX);
    while (rest.n > 0) {
        struct str value = STR_NONE;
        size_t n = placeholder(err, rest, &value);
        if (n > 0) {
            buf_str(&out, value);
        } else {
            n = 1;
            buf_char(&out, rest.p[0]);
        }
        rest = str_slice(rest, n, rest.n);
    }
    return buf_view(&out);
}

const struct err *err_copy(struct arena *arena, const struct err *err)
{
    const struct err *first = NULL;
    const struct err **place = &first;
    for (; err != NULL; err = err->next) {
        struct err *copy = ARENA_NEW(arena, struct err);
        *copy = *err;
        copy->next = NULL;
        copy->field = str_copy(arena, err->field);
        for (int i = 0; i < ERR_ARG_MAX; i++)
            copy->arg[i] = str_copy(arena, err->arg[i]);
        *place = copy;
        place = &copy->next;
    }
    return first;
}

void err_list_add(struct err_list *list, const struct err *err)
{
    for (; err != NULL; err = err->next) {
        struct err *copy = ARENA_NEW(list->arena, struct err);
        *copy = *err;
        copy->next = NULL;
        if (list->last != NULL)
            list->last->next = copy;
        else
            list->first = copy;
        list->last = copy;
        list->count++;
    }
}
