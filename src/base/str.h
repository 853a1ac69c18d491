/* Strings and bytes with a length. A str is borrowed: who made the memory owns it. p == NULL is "absent"
 * (SQL NULL, an empty option); an empty string has p != NULL and n == 0. */
#ifndef HUITOU_BASE_STR_H
#define HUITOU_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_INIT(literal) {"" literal, sizeof(literal) - 1}
#define STR_NONE ((struct str){NULL, 0})
/* For printf: "%.*s", STR_ARG(s) */
#define STR_ARG(s) (int)(s).n, (s).p

struct str str_c(const char *c_string);
bool str_is(struct str s); /* neither absent nor empty */
bool str_eq(struct str a, struct str b); /* the same bytes: absent equals empty */
bool str_eq_nocase(struct str a, struct str b); /* ASCII letters only */
int str_cmp(struct str a, struct str b);        /* bytewise, as memcmp; shorter first */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_trim(struct str s); /* ASCII white space, U+3000, U+00A0 and U+FEFF at both ends */
struct str str_slice(struct str s, size_t from, size_t to);
/* The part before the first `separator`; *rest is what follows (absent where there was none). */
struct str str_cut(struct str s, char separator, struct str *rest);
struct str str_copy(struct arena *arena, struct str s);
const char *str_z(struct arena *arena, struct str s); /* NUL-terminated copy */
struct str str_fmt(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct str str_vfmt(struct arena *arena, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
struct str str_join(struct arena *arena, const struct str *parts, size_t count, struct str between);
/* Reads the whole of s as a decimal integer; false where it is anything else or does not fit. */
bool str_to_i64(struct str s, int64_t *out);
bool str_to_f64(struct str s, double *out);
/* True where s is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool str_is_utf8(struct str s);
/* Terminal columns that s takes: East Asian wide and full-width count two, combining marks none (UAX #11). */
int str_width(struct str s);
/* The longest prefix of s that takes at most `columns` columns. */
struct str str_fit(struct str s, int columns);

/* A growing buffer in an arena. Ends the process past bytes_max: give it a cap that means something. */
struct buf {
    struct arena *arena;
    char *p;
    size_t n, capacity, bytes_max;
};
struct buf buf_new(struct arena *arena, size_t bytes_max);
void buf_add(struct buf *buf, const void *bytes, size_t n);
void buf_str(struct buf *buf, struct str s);
void buf_char(struct buf *buf, char c);
void buf_fmt(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct str buf_view(const struct buf *buf);

#endif
