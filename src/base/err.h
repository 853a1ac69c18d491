/* Errors. A function that can fail returns `const struct err *`; NULL is success. An error lives in the arena it
 * was made in. What can go wrong is declared once in error.def: number, class, HTTP status and both languages. */
#ifndef HUITOU_BASE_ERR_H
#define HUITOU_BASE_ERR_H

#include "base/lang.h"
#include "base/str.h"

enum err_class {
    ERR_CLASS_CALLER,    /* what was asked is wrong or not allowed; says what to do */
    ERR_CLASS_RETRY,     /* the same again may succeed: seen by the transaction runner only */
    ERR_CLASS_AMBIGUOUS, /* the connection broke during COMMIT: done or not done */
    ERR_CLASS_INTERNAL,  /* ours or the machine's fault */
};

enum err_code {
    ERR_NONE,
#define ERROR(code, number, http, class, en, zh) ERR_##code,
#include "base/error.def"
#undef ERROR
    ERR_CODE_MAX
};

#define ERR_ARG_MAX 4

struct err {
    enum err_code code;
    struct str field;            /* which field, flag, file:line or JSON pointer; absent where none */
    struct str arg[ERR_ARG_MAX]; /* fill {0}…{3} of the message */
    const struct err *next;      /* further errors of the same input: all are reported at once */
    const char *file;            /* where in the source it was made */
    int line;
};

struct err_info {
    const char *name;
    int number;
    int http_status;
    enum err_class class;
    struct text message; /* "{field}" and "{0}"…"{3}" are filled in */
};

#define ERR_RESULT __attribute__((warn_unused_result)) const struct err *

/* A new error; arguments beyond those given are absent. Use the macro: it notes the place. */
ERR_RESULT err_make(struct arena *arena, enum err_code code, struct str field, const char *file, int line,
                    const struct str *args, int arg_count);
#define ERR_NEW(arena, code, field, ...)                                                                     \
    err_make((arena), (code), (field), __FILE__, __LINE__, (const struct str[]){STR_NONE, ##__VA_ARGS__} + 1, \
             (int)(sizeof((const struct str[]){STR_NONE, ##__VA_ARGS__}) / sizeof(struct str)) - 1)

const struct err_info *err_info(enum err_code code);
enum err_class err_class(const struct err *err);
/* The message in a language, without those of err->next. */
struct str err_text(struct arena *arena, const struct err *err, enum lang lang);
/* Copies an error (and its list) into another arena. */
ERR_RESULT err_copy(struct arena *arena, const struct err *err);

/* Collects all errors of one input, in the order they were found. */
struct err_list {
    struct arena *arena;
    const struct err *first;
    struct err *last;
    int count;
};
void err_list_add(struct err_list *list, const struct err *err);

#define TRY(call)                          \
    do {                                   \
        const struct err *try_err = (call); \
        if (try_err)                       \
            return try_err;                \
    } while (0)

#endif
