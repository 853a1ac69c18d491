#include "room/order/import_clean.h"

#include <string.h>

#include "base/arena.h"

#define KEY_BYTES_MAX (4u << 20)
#define FIGURE_DIGITS_MAX 15 /* that a spreadsheet's figure keeps (IEEE 754 double) */

/* --- Characters --- */

/* The next code point of well-formed UTF-8; a byte that is none stands for itself. */
static uint32_t next_point(struct str s, size_t *at)
{
    const unsigned char *p = (const unsigned char *)s.p + *at;
    size_t left = s.n - *at;
    size_t size = p[0] < 0xc0 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    uint32_t point = p[0];
    if (size > left)
        size = 1;
    if (size > 1)
        point = p[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++)
        point = point << 6 | (p[i] & 0x3f);
    *at += size;
    return point;
}

/* Full-width forms of ASCII (U+FF01 to U+FF5E) and U+3000. */
static uint32_t narrow(uint32_t point)
{
    if (point >= 0xff01 && point <= 0xff5e)
        return point - 0xff01 + '!';
    return point == 0x3000 ? ' ' : point;
}

static bool is_space_point(uint32_t point)
{
    return point <= ' ' || point == 0x7f || point == 0xa0 || point == 0xfeff ||
           (point >= 0x2000 && point <= 0x200f) || point == 0x3000;
}

static bool is_alnum(uint32_t point)
{
    return (point >= '0' && point <= '9') || (point >= 'a' && point <= 'z') ||
           (point >= 'A' && point <= 'Z');
}

/* ASCII punctuation, and that of Chinese (U+3001 to U+3011, U+2010 to U+2026, the middle dot). */
static bool is_punctuation(uint32_t point)
{
    return (point < 0x80 && !is_alnum(point)) || (point >= 0x3001 && point <= 0x3011) ||
           (point >= 0x2010 && point <= 0x2026) || point == 0xb7;
}

static void add_point(struct buf *buf, uint32_t point)
{
    if (point < 0x80) {
        buf_char(buf, (char)point);
    } else if (point < 0x800) {
        buf_char(buf, (char)(0xc0 | point >> 6));
        buf_char(buf, (char)(0x80 | (point & 0x3f)));
    } else if (point < 0x10000) {
        buf_char(buf, (char)(0xe0 | point >> 12));
        buf_char(buf, (char)(0x80 | (point >> 6 & 0x3f)));
        buf_char(buf, (char)(0x80 | (point & 0x3f)));
    } else {
        buf_char(buf, (char)(0xf0 | point >> 18));
        buf_char(buf, (char)(0x80 | (point >> 12 & 0x3f)));
        buf_char(buf, (char)(0x80 | (point >> 6 & 0x3f)));
        buf_char(buf, (char)(0x80 | (point & 0x3f)));
    }
}

static bool is_one_of(struct str text, const struct str *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(text, words[i]))
            return true;
    }
    return false;
}
#define IS_ONE_OF(text, words) is_one_of((text), (words), sizeof(words) / sizeof((words)[0]))

static bool holds(struct str text, struct str part)
{
    return text.n >= part.n && memmem(text.p, text.n, part.p, part.n) != NULL;
}

/* --- Names --- */

/* Narrow, small and without spaces; punctuation still there. */
static struct str plain(struct arena *arena, struct str name)
{
    struct buf buf = buf_new(arena, KEY_BYTES_MAX);
    for (size_t at = 0; at < name.n;) {
        uint32_t point = narrow(next_point(name, &at));
        if (is_space_point(point))
            continue;
        bool capital = point >= 'A' && point <= 'Z';
        add_point(&buf, capital ? point - 'A' + 'a' : point);
    }
    return buf_view(&buf);
}

static struct str without_unit(struct str name)
{
    static const struct str units[] = {
        STR_INIT("(元)"),        STR_INIT("(件)"),     STR_INIT("(个)"),  STR_INIT("(¥)"),
        STR_INIT("(￥)"),        STR_INIT("(rmb)"),    STR_INIT("(cny)"), STR_INIT("(人民币)"),
        STR_INIT("(单位:元)"),   STR_INIT("(单位元)"), STR_INIT("[元]"),  STR_INIT("【元】"),
        STR_INIT("(人民币/元)"),
    };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (str_ends(name, units[i]) && name.n > units[i].n)
            return str_slice(name, 0, name.n - units[i].n);
    }
    return name;
}

struct str import_name_key(struct arena *arena, struct str name)
{
    struct str text = without_unit(plain(arena, name));
    struct buf buf = buf_new(arena, KEY_BYTES_MAX);
    for (size_t at = 0; at < text.n;) {
        uint32_t point = next_point(text, &at);
        if (!is_punctuation(point))
            add_point(&buf, point);
    }
    return buf_view(&buf);
}

/* --- Cells --- */

static bool has_wide(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] == 0xef)
            return true;
    }
    return false;
}

static struct str narrowed(struct arena *arena, struct str text)
{
    if (!has_wide(text))
        return text;
    struct buf buf = buf_new(arena, KEY_BYTES_MAX);
    for (size_t at = 0; at < text.n;)
        add_point(&buf, narrow(next_point(text, &at)));
    return str_trim(buf_view(&buf));
}

/* Spaces at both ends, also those without a width. */
static struct str trim(struct str text)
{
    static const struct str zero_width = STR_INIT("\xe2\x80\x8b");
    for (;;) {
        struct str before = text;
        text = str_trim(text);
        if (str_starts(text, zero_width))
            text = str_slice(text, zero_width.n, text.n);
        if (str_ends(text, zero_width))
            text = str_slice(text, 0, text.n - zero_width.n);
        if (text.n == before.n)
            return text;
    }
}

/* ="123" and '123 are ways to keep a spreadsheet from making a number of digits. */
static struct str unwrapped(struct str text)
{
    text = trim(text);
    if (text.n >= 3 && str_starts(text, STR("=\"")) && str_ends(text, STR("\"")))
        text = trim(str_slice(text, 2, text.n - 1));
    if (str_starts(text, STR("'")))
        text = trim(str_slice(text, 1, text.n));
    return text;
}

static bool is_empty_word(struct str text)
{
    static const struct str words[] = {
        STR_INIT("-"),    STR_INIT("--"),  STR_INIT("---"), STR_INIT("—"),
        STR_INIT("——"),   STR_INIT("－"),  STR_INIT("无"),  STR_INIT("null"),
        STR_INIT("none"), STR_INIT("nil"), STR_INIT("n/a"), STR_INIT("nan"),
        STR_INIT("\\N"),  STR_INIT("/"),   STR_INIT("空"),  STR_INIT("暂无"),
    };
    return text.n <= 6 && IS_ONE_OF(text, words); /* none of them is longer: most cells are */
}

static struct str without_currency(struct str text)
{
    static const struct str signs[] = {STR_INIT("元"),  STR_INIT("¥"),   STR_INIT("￥"),
                                       STR_INIT("rmb"), STR_INIT("cny"), STR_INIT("人民币")};
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        size_t n = signs[i].n;
        if (text.n > n && str_eq_nocase(str_slice(text, 0, n), signs[i]))
            text = trim(str_slice(text, n, text.n));
        if (text.n > n && str_eq_nocase(str_slice(text, text.n - n, text.n), signs[i]))
            text = trim(str_slice(text, 0, text.n - n));
    }
    return text;
}

static struct str without_pieces(struct str text)
{
    static const struct str words[] = {STR_INIT("件"), STR_INIT("个")};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_ends(text, words[i]) && text.n > words[i].n)
            return trim(str_slice(text, 0, text.n - words[i].n));
    }
    return text;
}

/* A signed amount keeps its sign before the currency: -¥5.00 */
static struct str clean_amount(struct arena *arena, struct str text)
{
    if (text.n > 1 && (text.p[0] == '-' || text.p[0] == '+')) {
        struct str rest = without_currency(str_slice(text, 1, text.n));
        return rest.n + 1 == text.n ? text : str_fmt(arena, "%c%.*s", text.p[0], STR_ARG(rest));
    }
    return without_currency(text);
}

/* "256178943210987000.00": a figure, and longer than figures can be. */
static bool is_long_figure(struct str text)
{
    size_t digits = 0;
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    if (digits <= FIGURE_DIGITS_MAX || digits + 1 >= text.n || text.p[digits] != '.')
        return false;
    for (size_t i = digits + 1; i < text.n; i++) {
        if (text.p[i] != '0')
            return false;
    }
    return true;
}

bool import_digits_lost(struct str text)
{
    size_t i = 0, from;
    if (is_long_figure(text))
        return true;
    while (i < text.n && text.p[i] >= '0' && text.p[i] <= '9')
        i++;
    bool fraction = i < text.n && text.p[i] == '.';
    if (i != 1)
        return false;
    for (i += fraction; i < text.n && text.p[i] >= '0' && text.p[i] <= '9';)
        i++;
    if (i >= text.n || (text.p[i] != 'E' && text.p[i] != 'e'))
        return false;
    bool plus = ++i < text.n && text.p[i] == '+';
    from = i += plus;
    while (i < text.n && text.p[i] >= '0' && text.p[i] <= '9')
        i++;
    return i == text.n && i > from && i - from <= 3 && (plus || fraction);
}

/* --- People --- */

/* #…#, $…$, ~…~ are the platforms' encrypted values; ## begins others. */
static bool is_encrypted(struct str text)
{
    if (str_starts(text, STR("##")) || holds(text, STR("密文")))
        return true;
    char first = text.p[0];
    return text.n >= 3 && (first == '#' || first == '$' || first == '~') &&
           text.p[text.n - 1] == first;
}

static bool is_masked(struct str text)
{
    static const struct str marks[] = {STR_INIT("*"), STR_INIT("＊"), STR_INIT("●"), STR_INIT("•")};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (holds(text, marks[i]))
            return true;
    }
    return is_encrypted(text) || import_digits_lost(text);
}

/* A number that a platform lends for one parcel: 13800138000-1234, 13800138000转1234. */
static bool is_alias_phone(struct str text)
{
    size_t digits = 0;
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    bool extension = digits == 11 && digits < text.n &&
                     (text.p[digits] == '-' || text.p[digits] == ',' || text.p[digits] == '#');
    return extension || holds(text, STR("转"));
}

static bool is_phone_kind(enum import_kind kind)
{
    return kind == IMPORT_PHONE || kind == IMPORT_RECEIVER_PHONE;
}

static bool is_amount_kind(enum import_kind kind)
{
    return kind == IMPORT_ORDER_AMOUNT || kind == IMPORT_LINE_AMOUNT || kind == IMPORT_UNIT_PRICE ||
           kind == IMPORT_REFUND_AMOUNT || kind == IMPORT_BALANCE_AMOUNT;
}

static bool is_time_kind(enum import_kind kind)
{
    return kind == IMPORT_ORDER_TIME || kind == IMPORT_PAID_TIME || kind == IMPORT_REFUND_TIME;
}

static bool is_number_kind(enum import_kind kind)
{
    return kind == IMPORT_ORDER_NUMBER || kind == IMPORT_REFUND_OF || kind == IMPORT_LINE_NUMBER;
}

/* Names of people, products and places keep their letters as they are. */
static bool is_written_narrow(enum import_kind kind)
{
    return is_amount_kind(kind) || is_time_kind(kind) || is_phone_kind(kind) ||
           is_number_kind(kind) || kind == IMPORT_QUANTITY || kind == IMPORT_BUYER_ID ||
           kind == IMPORT_MEMBER_CARD || kind == IMPORT_EMAIL;
}

/* A number that a spreadsheet took for an amount: "291234567890.00", "291,234,567,890". Longer
 * ones have lost digits (import_digits_lost). */
static struct str without_figure(struct arena *arena, struct str text)
{
    char digits[FIGURE_DIGITS_MAX];
    size_t n = 0, i = 0, since_comma = 0;
    bool grouped = false;
    for (; i < text.n && text.p[i] != '.'; i++) {
        bool digit = text.p[i] >= '0' && text.p[i] <= '9';
        bool comma = text.p[i] == ',' && (grouped ? since_comma == 3 : n >= 1 && n <= 3);
        if (!comma && (!digit || n == sizeof(digits)))
            return text;
        grouped = grouped || comma;
        since_comma = comma ? 0 : since_comma + 1;
        if (digit)
            digits[n++] = text.p[i];
    }
    bool fraction = i + 1 < text.n;
    while (++i < text.n) {
        if (text.p[i] != '0')
            return text;
    }
    if (n == 0 || (grouped && since_comma != 3) || (!grouped && !fraction))
        return text;
    return str_copy(arena, (struct str){digits, n});
}

struct str import_clean(struct arena *arena, enum import_kind kind, struct str raw, bool *masked)
{
    static const bool personal[IMPORT_KIND_MAX] = {
#define KIND(code, name, is_personal, title_en, title_zh, en, zh) [IMPORT_##code] = is_personal,
        IMPORT_KIND_TABLE(KIND)
#undef KIND
    };
    struct str text = unwrapped(raw);
    *masked = false;
    if (!str_is(text) || is_empty_word(text))
        return STR_NONE;
    if (personal[kind]) {
        *masked = is_masked(text) || (is_phone_kind(kind) && is_alias_phone(text));
        if (*masked)
            return STR_NONE;
    }
    if (is_written_narrow(kind))
        text = narrowed(arena, text);
    if (is_time_kind(kind) && str_starts(text, STR("0000-00-00")))
        return STR_NONE;
    if (is_amount_kind(kind))
        text = clean_amount(arena, text);
    if (kind == IMPORT_QUANTITY)
        text = without_pieces(text);
    if (is_number_kind(kind) || is_phone_kind(kind))
        text = without_figure(arena, text);
    return str_is(text) ? text : STR_NONE;
}

/* "(1单)", "（共3笔）", "3 单" */
static bool is_count(struct str text)
{
    static const struct str units[] = {STR_INIT("单"), STR_INIT("笔"), STR_INIT("条"),
                                       STR_INIT("件"), STR_INIT("个"), STR_INIT("行")};
    size_t digits = 0;
    if (str_starts(text, STR("(")) || str_starts(text, STR("（")))
        return true;
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    struct str rest = trim(str_slice(text, digits, text.n));
    for (size_t i = 0; digits > 0 && i < sizeof(units) / sizeof(units[0]); i++) {
        if (str_starts(rest, units[i]))
            return true;
    }
    return false;
}

bool import_is_total_word(struct str text)
{
    static const struct str words[] = {
        STR_INIT("总计"),     STR_INIT("合计"), STR_INIT("小计"),     STR_INIT("总合计"),
        STR_INIT("汇总"),     STR_INIT("共计"), STR_INIT("累计"),     STR_INIT("本页小计"),
        STR_INIT("本页合计"), STR_INIT("总和"), STR_INIT("订单合计"), STR_INIT("金额合计"),
        STR_INIT("total"),    STR_INIT("sum"),  STR_INIT("subtotal"), STR_INIT("grand total"),
    };
    static const struct str colons[] = {STR_INIT(":"), STR_INIT("：")};
    static const struct str all = STR_INIT("共");
    text = trim(text);
    if (str_starts(text, all) && text.n > all.n && text.p[all.n] != '(' &&
        is_count(trim(str_slice(text, all.n, text.n))))
        return true;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t n = words[i].n;
        if (text.n < n || !str_eq_nocase(str_slice(text, 0, n), words[i]))
            continue;
        struct str rest = trim(str_slice(text, n, text.n));
        if (rest.n == 0 || str_starts(rest, colons[0]) || str_starts(rest, colons[1]) ||
            is_count(rest))
            return true;
    }
    return false;
}
