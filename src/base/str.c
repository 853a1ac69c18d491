#include "base/str.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "base/arena.h"
#include "base/check.h"

#define NUMBER_BYTES_MAX 400

struct str str_c(const char *c_string)
{
    if (c_string == NULL)
        return STR_NONE;
    return (struct str){c_string, strlen(c_string)};
}

bool str_is(struct str s)
{
    return s.n > 0;
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
            return false;
    }
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);
    if (order != 0)
        return order;
    return (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_slice(s, 0, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_slice(s, s.n - suffix.n, s.n), suffix);
}

/* White space that str_trim takes away. */
static const struct str spaces[] = {
    STR_INIT(" "),        STR_INIT("\t"),           STR_INIT("\n"),           STR_INIT("\v"),
    STR_INIT("\f"),       STR_INIT("\r"),           STR_INIT("\xE3\x80\x80"), /* U+3000 */
    STR_INIT("\xC2\xA0"), STR_INIT("\xEF\xBB\xBF"),                           /* U+00A0, U+FEFF */
};
#define SPACE_COUNT (sizeof spaces / sizeof spaces[0])

static size_t space_at_start(struct str s)
{
    for (size_t i = 0; i < SPACE_COUNT; i++) {
        if (str_starts(s, spaces[i]))
            return spaces[i].n;
    }
    return 0;
}

static size_t space_at_end(struct str s)
{
    for (size_t i = 0; i < SPACE_COUNT; i++) {
        if (str_ends(s, spaces[i]))
            return spaces[i].n;
    }
    return 0;
}

struct str str_trim(struct str s)
{
    size_t n;
    while ((n = space_at_start(s)) > 0)
        s = str_slice(s, n, s.n);
    while ((n = space_at_end(s)) > 0)
        s = str_slice(s, 0, s.n - n);
    return s;
}

struct str str_slice(struct str s, size_t from, size_t to)
{
    if (s.p == NULL)
        return STR_NONE;
    if (to > s.n)
        to = s.n;
    if (from > to)
        from = to;
    return (struct str){s.p + from, to - from};
}

struct str str_cut(struct str s, char separator, struct str *rest)
{
    const char *at = s.n > 0 ? memchr(s.p, separator, s.n) : NULL;
    if (at == NULL) {
        *rest = STR_NONE;
        return s;
    }
    size_t n = (size_t)(at - s.p);
    *rest = str_slice(s, n + 1, s.n);
    return str_slice(s, 0, n);
}

struct str str_copy(struct arena *arena, struct str s)
{
    if (s.p == NULL)
        return STR_NONE;
    return (struct str){str_z(arena, s), s.n};
}

const char *str_z(struct arena *arena, struct str s)
{
    CHECK(s.n < SIZE_MAX);
    char *copy = arena_alloc(arena, s.n + 1);
    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    return copy;
}

struct str str_fmt(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str s = str_vfmt(arena, format, args);
    va_end(args);
    return s;
}

struct str str_vfmt(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    CHECK(n >= 0);
    char *p = arena_alloc(arena, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return (struct str){p, (size_t)n};
}

struct str str_join(struct arena *arena, const struct str *parts, size_t count, struct str between)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        bool fits =
            !__builtin_add_overflow(n, parts[i].n, &n) && !__builtin_add_overflow(n, between.n, &n);
        CHECK(fits);
    }
    struct buf out = buf_new(arena, n);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_str(&out, between);
        buf_str(&out, parts[i]);
    }
    return buf_view(&out);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool str_to_i64(struct str s, int64_t *out)
{
    size_t i = 0;
    bool negative = false;
    if (i < s.n && (s.p[i] == '-' || s.p[i] == '+')) {
        negative = s.p[i] == '-';
        i++;
    }
    if (i == s.n)
        return false;
    /* Counted downwards: the smallest int64 has no positive counterpart. */
    int64_t value = 0;
    for (; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, s.p[i] - '0', &value))
            return false;
    }
    if (!negative && value == INT64_MIN)
        return false;
    *out = negative ? value : -value;
    return true;
}

static size_t skip_digits(struct str s, size_t i)
{
    while (i < s.n && is_digit(s.p[i]))
        i++;
    return i;
}

/* [+-] digits [. digits] [e [+-] digits], with a digit on at least one side of the point. */
static bool is_f64(struct str s)
{
    size_t i = 0;
    if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
        i++;
    size_t start = i;
    i = skip_digits(s, i);
    size_t digits = i - start;
    if (i < s.n && s.p[i] == '.') {
        start = i + 1;
        i = skip_digits(s, start);
        digits += i - start;
    }
    if (digits == 0)
        return false;
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i++;
        if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
            i++;
        start = i;
        i = skip_digits(s, i);
        if (i == start)
            return false;
    }
    return i == s.n;
}

bool str_to_f64(struct str s, double *out)
{
    char text[NUMBER_BYTES_MAX + 1];
    if (s.n > NUMBER_BYTES_MAX || !is_f64(s))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    /* The "C" locale costs nothing to open, and the point stays a point whatever the process has
     * set. */
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    CHECK(c_locale != (locale_t)0);
    double value = strtod_l(text, NULL, c_locale);
    freelocale(c_locale);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

/* Length of the well-formed character that begins at p (RFC 3629, table in section 4), or 0. */
static size_t utf8_length(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return 1;
    size_t length = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || length > n)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    bool overlong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xED && p[1] > 0x9F;
    bool beyond = p[0] == 0xF4 && p[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : length;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    for (size_t i = 0; i < s.n;) {
        size_t length = utf8_length(p + i, s.n - i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

/* Columns of the character at *at, which moves past it. A byte that is not UTF-8 takes one. */
static int next_width(struct str s, size_t *at)
{
    const unsigned char *p = (const unsigned char *)s.p + *at;
    size_t length = utf8_length(p, s.n - *at);
    if (length <= 1) {
        *at += 1;
        return p[0] < 0x20 || p[0] == 0x7F ? 0 : 1;
    }
    UChar32 c;
    U8_NEXT_UNSAFE(s.p, *at, c);
    uint32_t no_width = U_GC_MN_MASK | U_GC_ME_MASK | U_GC_CF_MASK | U_GC_CC_MASK;
    if (U_GET_GC_MASK(c) & no_width)
        return 0;
    int width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
    return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

int str_width(struct str s)
{
    int columns = 0;
    for (size_t at = 0; at < s.n;)
        columns += next_width(s, &at);
    return columns;
}

struct str str_fit(struct str s, int columns)
{
    int used = 0;
    for (size_t at = 0; at < s.n;) {
        size_t start = at;
        used += next_width(s, &at);
        if (used > columns)
            return str_slice(s, 0, start);
    }
    return s;
}

struct buf buf_new(struct arena *arena, size_t bytes_max)
{
    return (struct buf){.arena = arena, .bytes_max = bytes_max};
}

/* Makes room for n more bytes and returns where they go. */
static char *buf_reserve(struct buf *buf, size_t n)
{
    CHECK(buf->n <= buf->bytes_max && n <= buf->bytes_max - buf->n);
    size_t needed = buf->n + n;
    if (needed > buf->capacity) {
        size_t capacity = buf->capacity < 32 ? 64 : buf->capacity * 2;
        if (capacity < needed)
            capacity = needed;
        /* One byte more than it counts, for the end mark that vsnprintf writes. */
        char *p = arena_alloc(buf->arena, capacity + 1);
        if (buf->n > 0)
            memcpy(p, buf->p, buf->n);
        buf->p = p;
        buf->capacity = capacity;
    }
    return buf->p + buf->n;
}

void buf_add(struct buf *buf, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    memcpy(buf_reserve(buf, n), bytes, n);
    buf->n += n;
}

void buf_str(struct buf *buf, struct str s)
{
    buf_add(buf, s.p, s.n);
}

void buf_char(struct buf *buf, char c)
{
    *buf_reserve(buf, 1) = c;
    buf->n++;
}

void buf_fmt(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(n >= 0);
    vsnprintf(buf_reserve(buf, (size_t)n), (size_t)n + 1, format, again);
    va_end(again);
    buf->n += (size_t)n;
}

struct str buf_view(const struct buf *buf)
{
    return (struct str){buf->p != NULL ? buf->p : "", buf->n};
}
