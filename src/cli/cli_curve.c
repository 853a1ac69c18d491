#include "cli/cli_curve.h"

#include <math.h>

#define DOTS_ACROSS 2
#define DOTS_DOWN 4
#define CURVE_LINES 10
#define AXIS_COLUMNS 6
#define CURVE_COLUMNS_MAX 90

/* The next round share above the highest: 1, 2, 2.5, 5 × a power of ten. */
static double round_up(double share)
{
    static const double steps[] = {1, 2, 2.5, 5, 10};
    double base = pow(10, floor(log10(share)));
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (share <= base * steps[i] * (1 + 1e-9))
            return fmin(base * steps[i], 1);
    return 1;
}

/* Which dots of a character of the braille block (U+2800) stand at (x, y) within it. */
static uint8_t dot_bit(int x, int y)
{
    static const uint8_t bits[DOTS_DOWN][DOTS_ACROSS] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    return bits[y][x];
}

struct canvas {
    uint8_t *cells; /* CURVE_LINES × columns */
    int columns;
};

static void set_dot(struct canvas *canvas, int x, int y)
{
    int line = y / DOTS_DOWN;
    canvas->cells[line * canvas->columns + x / DOTS_ACROSS] |=
        dot_bit(x % DOTS_ACROSS, y % DOTS_DOWN);
}

static void plot(struct canvas *canvas, const struct cli_step *steps, size_t count, int64_t day_max,
                 double top)
{
    int across = canvas->columns * DOTS_ACROSS, down = CURVE_LINES * DOTS_DOWN;
    int last_y = down - 1;
    size_t next = 0;
    double share = 0;
    for (int x = 0; x < across; x++) {
        double day = (double)day_max * x / (across - 1);
        for (; next < count && (double)steps[next].day <= day; next++)
            share = steps[next].share;
        int y = down - 1 - (int)lround(share / top * (down - 1));
        y = y < 0 ? 0 : y;
        for (int riser = y; riser <= (last_y > y ? last_y : y); riser++)
            set_dot(canvas, x, riser); /* joins a step to the one before */
        last_y = y;
    }
}

static void draw_day_axis(struct page *page, int columns, int64_t day_max)
{
    page_repeat(page, " ", AXIS_COLUMNS);
    page_str(page, STR("└"));
    page_repeat(page, "─", columns);
    page_char(page, '\n');
    struct str middle = TEXT_FILL(page->arena, page->lang, "day {0}", "第 {0} 天",
                                  text_count(page->arena, day_max / 2));
    struct str end = text_count(page->arena, day_max);
    page_repeat(page, " ", AXIS_COLUMNS + 1);
    page_cell(page, STR("0"), columns / 2, false);
    int rest = columns - columns / 2 - str_width(end);
    page_cell(page, middle, rest > 0 ? rest : 0, false);
    page_str(page, end);
    page_char(page, '\n');
}

void cli_curve_draw(struct page *page, const struct cli_step *steps, size_t count, int64_t day_max)
{
    if (count == 0 || day_max <= 0 || !(steps[count - 1].share > 0))
        return;
    int columns = page->columns - AXIS_COLUMNS - 2;
    columns = columns < CURVE_COLUMNS_MAX ? columns : CURVE_COLUMNS_MAX;
    double top = round_up(steps[count - 1].share);
    struct canvas canvas = {.columns = columns};
    canvas.cells = ARENA_ARRAY(page->arena, (size_t)(CURVE_LINES * columns), uint8_t);
    plot(&canvas, steps, count, day_max, top);
    for (int line = 0; line < CURVE_LINES; line++) {
        bool marked = line == 0 || line == CURVE_LINES / 2;
        double share = line == 0 ? top : top / 2;
        page_cell(page, marked ? str_fmt(page->arena, "%.4g %%", share * 100) : STR(""),
                  AXIS_COLUMNS - 1, true);
        page_str(page, marked ? STR(" ┤") : STR(" │"));
        page_style(page, PAGE_FIRST);
        for (int c = 0; c < columns; c++) {
            uint8_t dots = canvas.cells[line * columns + c];
            char glyph[4] = {(char)0xE2, (char)(0xA0 + (dots >> 6)), (char)(0x80 + (dots & 0x3F)),
                             0};
            page_str(page, dots ? str_c(glyph) : STR(" "));
        }
        page_style(page, PAGE_PLAIN);
        page_char(page, '\n');
    }
    draw_day_axis(page, columns, day_max);
}
