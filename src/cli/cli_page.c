#include "cli/cli_page.h"

#include "base/decimal.h"

#define FLUSH_BYTES 65536

/* Light to dark of one hue; the first five carry black text, the last two white. */
static const int shade_background[PAGE_SHADE_COUNT] = {195, 159, 117, 75, 32, 25, 18};
#define SHADE_WHITE_FROM 5

struct page page_new(struct arena *arena, FILE *file, enum lang lang, int columns, bool colour)
{
    return (struct page){.arena = arena,
                         .out = buf_new(arena, PAGE_BYTES_MAX),
                         .file = file,
                         .lang = lang,
                         .columns = columns,
                         .colour = colour};
}

void page_flush(struct page *page)
{
    if (!page->file)
        return;
    struct str text = buf_view(&page->out);
    if (text.n > 0)
        fwrite(text.p, 1, text.n, page->file);
    page->out.n = 0;
}

void page_str(struct page *page, struct str s)
{
    buf_str(&page->out, s);
}

void page_char(struct page *page, char c)
{
    buf_char(&page->out, c);
    if (c == '\n' && page->out.n >= FLUSH_BYTES)
        page_flush(page);
}

void page_repeat(struct page *page, const char *piece, int count)
{
    for (int i = 0; i < count; i++)
        page_str(page, str_c(piece));
}

void page_cell(struct page *page, struct str s, int width, bool right)
{
    if (width <= 0)
        return;
    int taken = str_width(s);
    bool cut = taken > width;
    if (cut) {
        s = str_fit(s, width - 1);
        taken = str_width(s) + 1;
    }
    if (right)
        page_repeat(page, " ", width - taken);
    page_str(page, s);
    if (cut)
        page_str(page, STR("…"));
    if (!right)
        page_repeat(page, " ", width - taken);
}

void page_line(struct page *page, struct str s)
{
    int width = str_width(s);
    page_cell(page, s, width < page->columns ? width : page->columns, false);
    page_char(page, '\n');
}

void page_style(struct page *page, enum page_style style)
{
    static const char *const codes[] = {
        [PAGE_PLAIN] = "\033[0m",       [PAGE_BOLD] = "\033[1m",         [PAGE_DIM] = "\033[2m",
        [PAGE_FIRST] = "\033[38;5;75m", [PAGE_SECOND] = "\033[38;5;25m",
    };
    if (page->colour)
        page_str(page, str_c(codes[style]));
}

void page_shade(struct page *page, int shade)
{
    if (page->colour)
        buf_fmt(&page->out, "\033[48;5;%d;38;5;%dm", shade_background[shade],
                shade >= SHADE_WHITE_FROM ? 231 : 16);
}

struct str text_fill(struct arena *arena, struct text text, enum lang lang, const struct str *args,
                     int count)
{
    struct str rest = str_c(text.in[lang]);
    struct buf out = buf_new(arena, PAGE_BYTES_MAX);
    for (size_t i = 0; i < rest.n; i++) {
        bool place = i + 2 < rest.n && rest.p[i] == '{' && rest.p[i + 2] == '}' &&
                     rest.p[i + 1] >= '0' && rest.p[i + 1] < '0' + count;
        if (!place) {
            buf_char(&out, rest.p[i]);
            continue;
        }
        buf_str(&out, args[rest.p[i + 1] - '0']);
        i += 2;
    }
    return buf_view(&out);
}

void page_paragraph(struct page *page, struct str s, int indent)
{
    enum { LINES_MAX = 64 };
    struct str lines[LINES_MAX];
    int count = text_wrap(s, page->columns - indent, lines, LINES_MAX);
    for (int i = 0; i < count && i < LINES_MAX; i++) {
        page_repeat(page, " ", indent);
        page_str(page, lines[i]);
        page_char(page, '\n');
    }
}

static size_t char_bytes(struct str s)
{
    unsigned char lead = (unsigned char)s.p[0];
    size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    return n < s.n ? n : s.n;
}

static bool is_control(struct str one)
{
    unsigned char lead = (unsigned char)one.p[0];
    if (one.n == 1)
        return lead < 0x20 || lead == 0x7F;
    /* U+0080 to U+009F, which some terminals obey */
    return one.n == 2 && lead == 0xC2 && (unsigned char)one.p[1] < 0xA0;
}

struct str text_clean(struct arena *arena, struct str s)
{
    bool dirty = false;
    for (size_t i = 0; i < s.n; i += char_bytes(str_slice(s, i, s.n)))
        dirty = dirty || is_control(str_slice(s, i, i + char_bytes(str_slice(s, i, s.n))));
    if (!dirty)
        return s;
    struct buf out = buf_new(arena, PAGE_BYTES_MAX);
    for (size_t i = 0; i < s.n;) {
        size_t n = char_bytes(str_slice(s, i, s.n));
        struct str one = str_slice(s, i, i + n);
        buf_str(&out, is_control(one) ? STR("?") : one);
        i += n;
    }
    return buf_view(&out);
}

static bool is_one_of(struct str one, const char *const *marks)
{
    for (; *marks; marks++)
        if (str_eq(one, str_c(*marks)))
            return true;
    return false;
}

/* Bytes of the next piece that stays on one line: a word, or one wide character with the marks that
 * belong to it. */
static size_t piece_bytes(struct str s)
{
    static const char *const opening[] = {"（", "「", "《", "“", NULL};
    static const char *const closing[] = {"）", "」", "》", "”",  "，", "。", "；",
                                          "：", "、", "！", "？", "…",  NULL};
    size_t n = char_bytes(s);
    struct str last = str_slice(s, 0, n);
    while (n < s.n && s.p[n] != ' ' && s.p[n] != '\n') {
        struct str next = str_slice(s, n, n + char_bytes(str_slice(s, n, s.n)));
        bool wide = str_width(last) == 2 || str_width(next) == 2;
        if (wide && !is_one_of(next, closing) && !is_one_of(last, opening))
            break;
        n += next.n;
        last = next;
    }
    return n;
}

int text_piece_width_max(struct str s)
{
    int max = 0;
    for (size_t i = 0; i < s.n;) {
        size_t n = piece_bytes(str_slice(s, i, s.n));
        int width = str_width(str_slice(s, i, i + n));
        if (width > max)
            max = width;
        i += n;
        while (i < s.n && s.p[i] == ' ')
            i++;
    }
    return max;
}

int text_wrap(struct str s, int width, struct str *lines, int max)
{
    int count = 0;
    size_t start = 0, end = 0; /* of the line being filled */
    for (size_t i = 0; i < s.n;) {
        size_t n = piece_bytes(str_slice(s, i, s.n));
        if (end > start && count + 1 < max && str_width(str_slice(s, start, i + n)) > width) {
            lines[count++] = str_slice(s, start, end);
            start = i;
        }
        i += n;
        end = i;
        while (i < s.n && s.p[i] == ' ')
            i++;
    }
    lines[count++] = str_slice(s, start, end);
    return count;
}

struct str text_count(struct arena *arena, int64_t n)
{
    return minor_grouped(arena, n, 0);
}
