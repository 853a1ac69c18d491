#include "codec/xlsx_format.h"

#include "base/arena.h"
#include "base/calendar.h"
#include "base/limits.h"
#include "codec/xlsx_xml.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Excel knows at most 65,490 cell styles and far fewer formats; what is beyond is shown as a
 * number. */
#define STYLES_MAX 65536
#define FORMATS_MAX 65536
#define SECONDS_PER_DAY 86400
#define SERIAL_MAX 2958466 /* 10000-01-01 of the 1900 system */
#define SERIAL_OF_1970 25569
#define DURATION_SECONDS_MAX 1e15
#define DIGITS_SHOWN 15 /* by Excel, of a number */

/* --- Which formats are dates --- */

enum xlsx_shown xlsx_format_builtin(int64_t id)
{
    if (id == 46 || id == 79) /* [h]:mm:ss; 79 in Thai */
        return XLSX_SHOWN_DURATION;
    bool is_time = (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) ||
                   (id >= 50 && id <= 58) || (id >= 71 && id <= 81);
    return is_time ? XLSX_SHOWN_TIME : XLSX_SHOWN_NUMBER;
}

/* [h], [mm], [ss]: nothing but one letter, repeated. Others are colours, conditions, languages. */
static bool is_elapsed(struct str inside)
{
    if (inside.n == 0 || !strchr("hHmMsS", inside.p[0]))
        return false;
    for (size_t i = 1; i < inside.n; i++) {
        if (inside.p[i] != inside.p[0])
            return false;
    }
    return true;
}

/* How many bytes at the front of a code say nothing about dates: text in quotes, escaped
 * characters, brackets, "General", an exponent. 0 where they do. */
static size_t skip_plain(struct str code)
{
    char c = code.p[0];
    if (c == '\\' || c == '_' || c == '*')
        return 2;
    if (c == '"' || c == '[') {
        const char *end = memchr(code.p + 1, c == '"' ? '"' : ']', code.n - 1);
        return end ? (size_t)(end - code.p) + 1 : code.n;
    }
    if (code.n >= 7 && str_eq_nocase(str_slice(code, 0, 7), STR("general")))
        return 7;
    bool exponent = (c == 'e' || c == 'E') && code.n > 1 && strchr("+-", code.p[1]);
    return exponent ? 2 : 0;
}

enum xlsx_shown xlsx_format_code(struct str code)
{
    bool is_time = false;
    while (code.n > 0 && code.p[0] != ';') {
        size_t skipped = skip_plain(code);
        bool bracket = code.p[0] == '[' && skipped > 2;
        if (bracket && is_elapsed(str_slice(code, 1, skipped - 1)))
            return XLSX_SHOWN_DURATION;
        /* e: the year in Chinese and Japanese formats. */
        if (skipped == 0 && code.p[0] != '\0' && strchr("yYmMdDhHsSeE", code.p[0]))
            is_time = true;
        size_t n = skipped > 0 ? skipped : 1;
        code = str_slice(code, n < code.n ? n : code.n, code.n);
    }
    return is_time ? XLSX_SHOWN_TIME : XLSX_SHOWN_NUMBER;
}

/* --- Styles --- */

struct xlsx_styles {
    uint8_t formats[FORMATS_MAX]; /* 1 + enum xlsx_shown of a format that the workbook defines; 0:
                                     it does not */
    uint8_t styles[STYLES_MAX];
    int64_t style_count;
    bool in_formats, in_styles;
};

static bool attribute_i64(const char **attributes, const char *name, int64_t *out)
{
    const char *value = xlsx_attribute(attributes, name);
    return value && str_to_i64(str_trim(str_c(value)), out);
}

static void on_format(struct xlsx_styles *styles, const char **attributes)
{
    int64_t id;
    const char *code = xlsx_attribute(attributes, "formatCode");
    if (code && attribute_i64(attributes, "numFmtId", &id) && id >= 0 && id < FORMATS_MAX)
        styles->formats[id] = (uint8_t)(1 + xlsx_format_code(str_c(code)));
}

static void on_style(struct xlsx_styles *styles, const char **attributes)
{
    int64_t id;
    if (styles->style_count == STYLES_MAX)
        return;
    uint8_t *shown = &styles->styles[styles->style_count++];
    *shown = XLSX_SHOWN_NUMBER;
    if (!attribute_i64(attributes, "numFmtId", &id))
        return;
    bool own = id >= 0 && id < FORMATS_MAX && styles->formats[id] != 0;
    *shown = own ? (uint8_t)(styles->formats[id] - 1) : (uint8_t)xlsx_format_builtin(id);
}

/* styleSheet/numFmts/numFmt come before styleSheet/cellXfs/xf. */
static void on_start(void *arg, int depth, const char *name, const char **attributes)
{
    struct xlsx_styles *styles = arg;
    if (depth == 2) {
        styles->in_formats = strcmp(name, "numFmts") == 0;
        styles->in_styles = strcmp(name, "cellXfs") == 0;
    } else if (depth == 3 && styles->in_formats && strcmp(name, "numFmt") == 0) {
        on_format(styles, attributes);
    } else if (depth == 3 && styles->in_styles && strcmp(name, "xf") == 0) {
        on_style(styles, attributes);
    }
}

static void on_end(void *arg, int depth, const char *name)
{
    (void)arg;
    (void)depth;
    (void)name;
}

const struct err *xlsx_styles_read(struct arena *arena, struct xlsx_zip *zip, struct str part,
                                   struct xlsx_styles **out)
{
    struct xlsx_styles *styles = ARENA_NEW(arena, struct xlsx_styles);
    *out = styles;
    if (!part.p)
        return NULL;
    struct xlsx_xml_handler handler = {on_start, on_end, NULL, styles};
    struct xlsx_xml *xml;
    TRY(xlsx_xml_open(arena, zip, part, LIMIT_WORKBOOK_HEAD_BYTES_MAX, &handler, &xml));
    for (bool end = false; !end;)
        TRY(xlsx_xml_step(xml, &end));
    xlsx_xml_close(xml);
    return NULL;
}

enum xlsx_shown xlsx_styles_shown(const struct xlsx_styles *styles, int64_t style)
{
    if (style < 0 || style >= styles->style_count)
        return XLSX_SHOWN_NUMBER;
    return (enum xlsx_shown)styles->styles[style];
}

/* --- Texts --- */

static enum table_cell put(enum table_cell kind, struct str text, char *out, size_t *n)
{
    *n = text.n < XLSX_VALUE_BYTES_MAX ? text.n : XLSX_VALUE_BYTES_MAX;
    memcpy(out, text.p, *n);
    return kind;
}

static bool is_integer(struct str text)
{
    size_t from = text.n > 0 && text.p[0] == '-' ? 1 : 0;
    for (size_t i = from; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    }
    return text.n > from && text.n < XLSX_VALUE_BYTES_MAX;
}

/* Most numbers are written as they are shown: no sign but a minus, no exponent, no zero too many,
 * digits that a double keeps. */
static bool is_shown_as_written(struct str text)
{
    size_t at = text.n > 0 && text.p[0] == '-' ? 1 : 0;
    size_t from = at;
    while (at < text.n && text.p[at] >= '0' && text.p[at] <= '9')
        at++;
    bool whole_is_plain = at > from && (text.p[from] != '0' || at == from + 1);
    if (!whole_is_plain || at == text.n || text.p[at] != '.')
        return false;
    while (++at < text.n && text.p[at] >= '0' && text.p[at] <= '9')
        ;
    return at == text.n && text.n - from <= DIGITS_SHOWN + 1 && text.p[at - 1] > '0';
}

/* Digits and an exponent as plain digits: "1.25e-07" is 0.000000125. */
static struct str without_exponent(const char *scientific, char *out)
{
    char digits[32];
    int digit_count = 0;
    const char *p = scientific;
    size_t n = 0;
    if (*p == '-') {
        out[n++] = '-';
        p++;
    }
    for (; *p && *p != 'e'; p++) {
        if (*p != '.')
            digits[digit_count++] = *p;
    }
    int exponent = 0;
    (void)sscanf(p, "e%d", &exponent);
    while (digit_count > 1 && digits[digit_count - 1] == '0')
        digit_count--;
    int point = exponent + 1; /* digits before the point */
    if (point <= 0)
        out[n++] = '0';
    for (int i = 0; i < point; i++)
        out[n++] = i < digit_count ? digits[i] : '0';
    if (point >= digit_count)
        return (struct str){out, n};
    out[n++] = '.';
    for (int i = point; i < 0; i++)
        out[n++] = '0';
    for (int i = point > 0 ? point : 0; i < digit_count; i++)
        out[n++] = digits[i];
    return (struct str){out, n};
}

static enum table_cell number_text(double x, char *out, size_t *n)
{
    char scientific[40], plain[XLSX_VALUE_BYTES_MAX];
    if (x == 0)
        return put(TABLE_CELL_NUMBER, STR("0"), out, n);
    snprintf(scientific, sizeof(scientific), "%.14e", x);
    double again;
    bool exact = str_to_f64(str_c(scientific), &again) && again == x;
    if (!exact && x == floor(x))
        snprintf(scientific, sizeof(scientific), "%.16e", x);
    return put(TABLE_CELL_NUMBER, without_exponent(scientific, plain), out, n);
}

static enum table_cell moment_text(int64_t day, int64_t second, char *out, size_t *n)
{
    int year, month, day_of_month;
    char text[64];
    day_to_civil((int32_t)day, &year, &month, &day_of_month);
    snprintf(text, sizeof(text), "%04d-%02d-%02d %02d:%02d:%02d", year, month, day_of_month,
             (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
    return put(TABLE_CELL_TIME, str_c(text), out, n);
}

static enum table_cell clock_text(int64_t seconds, char *out, size_t *n)
{
    char text[64];
    snprintf(text, sizeof(text), "%02" PRId64 ":%02d:%02d", seconds / 3600,
             (int)(seconds / 60 % 60), (int)(seconds % 60));
    return put(TABLE_CELL_TEXT, str_c(text), out, n);
}

static enum table_cell serial_text(double serial, bool epoch_1904, char *out, size_t *n)
{
    int64_t seconds = llround(serial * SECONDS_PER_DAY);
    int64_t number = seconds / SECONDS_PER_DAY, second = seconds % SECONDS_PER_DAY;
    if (number == 0)
        return clock_text(second, out, n);
    if (epoch_1904)
        return moment_text(day_of_civil(1904, 1, 1) + number, second, out, n);
    if (number == 60) {
        moment_text(day_of_civil(1900, 2, 28), second, out, n);
        out[9]++; /* 28 to 29 */
        return TABLE_CELL_TIME;
    }
    /* Serial 1 is 1900-01-01; from 61 on the numbers are one too high for that, for the leap day
     * that never was. */
    int64_t day = number - SERIAL_OF_1970 + (number < 60 ? 1 : 0);
    return moment_text(day, second, out, n);
}

enum table_cell xlsx_number_text(struct str value, enum xlsx_shown shown, bool epoch_1904,
                                 char out[XLSX_VALUE_BYTES_MAX], size_t *n)
{
    double x;
    if (shown == XLSX_SHOWN_NUMBER && (is_integer(value) || is_shown_as_written(value)))
        return put(TABLE_CELL_NUMBER, value, out, n);
    value = str_trim(value);
    if (shown == XLSX_SHOWN_NUMBER && is_integer(value))
        return put(TABLE_CELL_NUMBER, value, out, n);
    if (!str_to_f64(value, &x))
        return put(TABLE_CELL_TEXT, value, out, n);
    double serial_max = epoch_1904 ? SERIAL_MAX - 1462 : SERIAL_MAX;
    if (shown == XLSX_SHOWN_DURATION && x >= 0 && x * SECONDS_PER_DAY < DURATION_SECONDS_MAX)
        return clock_text(llround(x * SECONDS_PER_DAY), out, n);
    if (shown == XLSX_SHOWN_TIME && x >= 0 && x < serial_max - 0.5 / SECONDS_PER_DAY)
        return serial_text(x, epoch_1904, out, n);
    return is_integer(value) ? put(TABLE_CELL_NUMBER, value, out, n) : number_text(x, out, n);
}

enum table_cell xlsx_iso_text(struct str value, char out[XLSX_VALUE_BYTES_MAX], size_t *n)
{
    static const struct str patterns[] = {STR_INIT("%Y-%m-%dT%H:%M:%S.%f"),
                                          STR_INIT("%Y-%m-%dT%H:%M:%S"), STR_INIT("%Y-%m-%dT%H:%M"),
                                          STR_INIT("%Y-%m-%d")};
    value = str_trim(value);
    struct str text = str_ends(value, STR("Z")) ? str_slice(value, 0, value.n - 1) : value;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        struct civil civil;
        if (!civil_parse(patterns[i], text, &civil))
            continue;
        int64_t seconds =
            (int64_t)day_of_civil(civil.year, civil.month, civil.day) * SECONDS_PER_DAY;
        seconds += civil.hour * 3600 + civil.minute * 60 + civil.second;
        seconds += civil.microsecond >= US_PER_SECOND / 2 ? 1 : 0;
        int64_t second = ((seconds % SECONDS_PER_DAY) + SECONDS_PER_DAY) % SECONDS_PER_DAY;
        return moment_text((seconds - second) / SECONDS_PER_DAY, second, out, n);
    }
    return put(TABLE_CELL_TEXT, value, out, n);
}
