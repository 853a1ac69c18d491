#include "codec/xlsx_text.h"

#include "base/arena.h"
#include "base/limits.h"
#include "codec/xlsx_xml.h"

#include <string.h>

#define ESCAPE_BYTES 7 /* _x000D_ */

struct xlsx_text xlsx_text_new(struct arena *arena)
{
    return (struct xlsx_text){.bytes = buf_new(arena, 2 * (size_t)LIMIT_CELL_BYTES_MAX)};
}

void xlsx_text_begin(struct xlsx_text *text)
{
    text->bytes.n = 0;
    text->in_run = text->in_phonetic = text->too_long = false;
}

void xlsx_text_run_begin(struct xlsx_text *text, bool preserve)
{
    text->in_run = true;
    text->preserve = preserve;
    text->run_from = text->bytes.n;
}

void xlsx_text_start(struct xlsx_text *text, int level, const char *name, const char **attributes)
{
    if (level == 1 && strcmp(name, "rPh") == 0)
        text->in_phonetic = true;
    if (strcmp(name, "t") != 0 || level > 2 || text->in_phonetic)
        return;
    const char *space = xlsx_attribute_prefixed(attributes, "space");
    xlsx_text_run_begin(text, space && strcmp(space, "preserve") == 0);
}

void xlsx_text_end(struct xlsx_text *text, int level, const char *name)
{
    if (level == 1 && strcmp(name, "rPh") == 0)
        text->in_phonetic = false;
    if (text->in_run && strcmp(name, "t") == 0)
        xlsx_text_run_end(text);
}

void xlsx_text_add(struct xlsx_text *text, const char *bytes, size_t n)
{
    if (!text->in_run || text->too_long)
        return;
    text->too_long = n > LIMIT_CELL_BYTES_MAX - text->bytes.n;
    if (!text->too_long)
        buf_add(&text->bytes, bytes, n);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The UTF-16 unit of an escape that begins at p, or -1. */
static int32_t escape_at(const char *p, size_t n)
{
    if (n < ESCAPE_BYTES || p[0] != '_' || p[1] != 'x' || p[6] != '_')
        return -1;
    int32_t unit = 0;
    for (int i = 2; i < 6; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static size_t put_utf8(char *out, int32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* Resolves the escape at p into out (never longer); how many bytes it took, 0 where it is none. An
 * escape of no character (half a surrogate pair, zero) stays as it is written. */
static size_t resolve(const char *p, size_t n, char *out, size_t *put)
{
    int32_t unit = escape_at(p, n);
    size_t took = ESCAPE_BYTES;
    if (unit <= 0)
        return 0;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        int32_t low = escape_at(p + ESCAPE_BYTES, n - ESCAPE_BYTES);
        if (low < 0xDC00 || low > 0xDFFF)
            return 0;
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        took = 2 * (size_t)ESCAPE_BYTES;
    } else if (unit >= 0xDC00 && unit <= 0xDFFF) {
        return 0;
    }
    *put = put_utf8(out, unit);
    return took;
}

static size_t resolve_escapes(char *p, size_t n)
{
    size_t out = 0;
    for (size_t in = 0; in < n;) {
        size_t put, took = p[in] == '_' ? resolve(p + in, n - in, p + out, &put) : 0;
        if (took == 0) {
            p[out++] = p[in++];
            continue;
        }
        out += put;
        in += took;
    }
    return out;
}

static size_t join_line_breaks(char *p, size_t n)
{
    size_t out = 0;
    for (size_t in = 0; in < n; in++) {
        if (p[in] == '\r' && in + 1 < n && p[in + 1] == '\n')
            continue;
        p[out++] = p[in] == '\r' ? '\n' : p[in];
    }
    return out;
}

static bool is_xml_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void xlsx_text_run_end(struct xlsx_text *text)
{
    text->in_run = false;
    size_t n = text->bytes.n - text->run_from;
    if (n == 0)
        return;
    char *p = text->bytes.p + text->run_from;
    size_t from = 0;
    while (!text->preserve && from < n && is_xml_blank(p[from]))
        from++;
    while (!text->preserve && n > from && is_xml_blank(p[n - 1]))
        n--;
    memmove(p, p + from, n - from);
    n -= from;
    if (memchr(p, '_', n))
        n = resolve_escapes(p, n);
    if (memchr(p, '\r', n))
        n = join_line_breaks(p, n);
    text->bytes.n = text->run_from + n;
}

struct str xlsx_text_view(const struct xlsx_text *text)
{
    return text->bytes.n > 0 ? (struct str){text->bytes.p, text->bytes.n} : STR("");
}
