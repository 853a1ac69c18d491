#include "codec/xlsx_output.h"

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "codec/file.h"

#include <math.h>
#include <string.h>
#include <unistd.h>
#include <xlsxwriter.h>

#define SHEET_NAME_COLUMNS_MAX                                                                     \
    24 /* Excel's limit is 31 characters; room for a number, and for wide ones */
#define WIDTH_MIN 8
#define WIDTH_MAX 60
#define WIDTH_PARAGRAPH 100
#define TEXT_BYTES_MAX 32767                    /* Excel counts characters; bytes are never fewer */
#define CELL_ARENA_BYTES_MAX ((size_t)64 << 20) /* XLSX_COLUMNS_MAX cells of TEXT_BYTES_MAX */
#define MARKED_COLOUR 0xFFE699

enum look {
    LOOK_HEADER,
    LOOK_PARAGRAPH,
    LOOK_TEXT, /* "@": what is typed into the cell stays text */
    LOOK_MARKED,
    LOOK_RATIO,
    LOOK_DAY,
    LOOK_MONTH,
    LOOK_DECIMALS, /* and the number of decimals */
    LOOK_COUNT = LOOK_DECIMALS + DECIMAL_SCALE_MAX + 1,
};

struct xlsx_output {
    struct arena *arena;
    struct arena *cell_arena; /* of one row */
    struct str path;
    const char *temporary;  /* NULL: in place, or gone */
    lxw_workbook *workbook; /* NULL: closed */
    lxw_format *formats[LOOK_COUNT];
    lxw_worksheet *sheet;
    lxw_row_t row;
    lxw_col_t column;
    int widths[XLSX_COLUMNS_MAX];
    int column_count;
    bool text_only;
    lxw_error failed; /* the first */
};

/* --- Opening and formats --- */

static const struct err *output_failed(struct xlsx_output *output, lxw_error error)
{
    if (error == LXW_ERROR_MEMORY_MALLOC_FAILED)
        return ERR_NEW(output->arena, ERR_MEMORY_OUT, output->path);
    return ERR_NEW(output->arena, ERR_FILE_WRITE, output->path, str_c(lxw_strerror(error)));
}

static void close_deferred(void *arg)
{
    struct xlsx_output *output = arg;
    if (output->workbook)
        lxw_workbook_free(output->workbook);
    output->workbook = NULL;
    if (output->temporary)
        unlink(output->temporary);
    output->temporary = NULL;
    arena_free(output->cell_arena);
    output->cell_arena = NULL;
}

static void make_formats(struct xlsx_output *output)
{
    for (int i = 0; i < LOOK_COUNT; i++) {
        output->formats[i] = workbook_add_format(output->workbook);
        if (!output->formats[i]) {
            output->failed = LXW_ERROR_MEMORY_MALLOC_FAILED;
            return;
        }
    }
    format_set_bold(output->formats[LOOK_HEADER]);
    format_set_bottom(output->formats[LOOK_HEADER], LXW_BORDER_THIN);
    format_set_text_wrap(output->formats[LOOK_PARAGRAPH]);
    format_set_align(output->formats[LOOK_PARAGRAPH], LXW_ALIGN_VERTICAL_TOP);
    format_set_num_format(output->formats[LOOK_TEXT], "@");
    format_set_num_format(output->formats[LOOK_MARKED], "@");
    format_set_bg_color(output->formats[LOOK_MARKED], MARKED_COLOUR);
    format_set_num_format(output->formats[LOOK_RATIO], "0.0%");
    format_set_num_format(output->formats[LOOK_DAY], "yyyy-mm-dd");
    format_set_num_format(output->formats[LOOK_MONTH], "yyyy-mm");
    for (int decimals = 0; decimals <= DECIMAL_SCALE_MAX; decimals++) {
        struct str zeros = str_slice(STR("000000000"), 0, (size_t)decimals);
        struct str code =
            str_fmt(output->arena, "#,##0%s%.*s", decimals > 0 ? "." : "", STR_ARG(zeros));
        format_set_num_format(output->formats[LOOK_DECIMALS + decimals],
                              str_z(output->arena, code));
    }
}

const struct err *xlsx_output_open(struct arena *arena, struct str path, struct xlsx_output **out)
{
    struct xlsx_output *output = ARENA_NEW(arena, struct xlsx_output);
    output->arena = arena;
    output->path = str_copy(arena, path);
    output->cell_arena = arena_new("workbook cells", CELL_ARENA_BYTES_MAX);
    arena_defer(arena, close_deferred, output);
    TRY(file_temporary(arena, path, &output->temporary));
    lxw_workbook_options options = {.constant_memory = LXW_TRUE, .use_zip64 = LXW_TRUE};
    output->workbook = workbook_new_opt(output->temporary, &options);
    if (!output->workbook)
        return ERR_NEW(arena, ERR_MEMORY_OUT, output->path);
    make_formats(output);
    *out = output;
    return NULL;
}

/* --- Sheets and rows --- */

static void note(struct xlsx_output *output, lxw_error error)
{
    if (output->failed == LXW_NO_ERROR)
        output->failed = error;
}

/* The widths of the sheet that ends here. */
static void sheet_end(struct xlsx_output *output)
{
    if (!output->sheet)
        return;
    for (int c = 0; c < output->column_count; c++) {
        int width = output->widths[c] < WIDTH_MIN ? WIDTH_MIN : output->widths[c];
        lxw_col_t column = (lxw_col_t)c;
        note(output, worksheet_set_column(output->sheet, column, column, width + 2,
                                          output->text_only ? output->formats[LOOK_TEXT] : NULL));
    }
}

/* A name that Excel takes: none of []:*?/\, no apostrophe at an end, not too long, not blank. */
static struct str sheet_name(struct xlsx_output *output, struct str name, int number)
{
    struct str fitted = str_trim(str_fit(name, SHEET_NAME_COLUMNS_MAX));
    struct buf clean = buf_new(output->arena, 256);
    for (size_t i = 0; i < fitted.n; i++) {
        bool bad = strchr("[]:*?/\\'", fitted.p[i]) || (unsigned char)fitted.p[i] < ' ';
        buf_char(&clean, bad ? '-' : fitted.p[i]);
    }
    if (clean.n == 0)
        buf_str(&clean, STR("-"));
    if (number > 1)
        buf_fmt(&clean, " %d", number);
    return buf_view(&clean);
}

void xlsx_output_sheet(struct xlsx_output *output, struct str name)
{
    sheet_end(output);
    output->row = 0;
    output->column = 0;
    output->column_count = 0;
    output->text_only = false;
    memset(output->widths, 0, sizeof(output->widths));
    int number = 1;
    const char *candidate = str_z(output->arena, sheet_name(output, name, number));
    while (workbook_validate_sheet_name(output->workbook, candidate) ==
           LXW_ERROR_SHEETNAME_ALREADY_USED)
        candidate = str_z(output->arena, sheet_name(output, name, ++number));
    output->sheet = workbook_add_worksheet(output->workbook, candidate);
    if (!output->sheet)
        note(output, LXW_ERROR_MEMORY_MALLOC_FAILED);
}

void xlsx_output_row(struct xlsx_output *output)
{
    output->row++;
    CHECK(output->row <= XLSX_ROWS_MAX);
    output->column = 0;
    arena_reset(output->cell_arena);
}

/* Takes the next cell of the row for something `width` columns wide; false where all is lost
 * already. */
static bool next_cell(struct xlsx_output *output, int width, int width_max)
{
    CHECK(output->column < XLSX_COLUMNS_MAX);
    int *widest = &output->widths[output->column++];
    if (output->column > output->column_count)
        output->column_count = output->column;
    if (width > width_max)
        width = width_max;
    if (width > *widest)
        *widest = width;
    return output->sheet && output->failed == LXW_NO_ERROR;
}

static lxw_col_t at(const struct xlsx_output *output)
{
    return (lxw_col_t)(output->column - 1);
}

/* --- Cells --- */

/* Cut where Excel cuts, never inside a character. */
static const char *cell_text(struct xlsx_output *output, struct str text)
{
    size_t n = text.n;
    if (n > TEXT_BYTES_MAX) {
        n = TEXT_BYTES_MAX;
        while (n > 0 && ((unsigned char)text.p[n] & 0xC0) == 0x80)
            n--;
    }
    return str_z(output->cell_arena, str_slice(text, 0, n));
}

static void put_text(struct xlsx_output *output, struct str text, int width_max, lxw_format *format)
{
    if (!next_cell(output, str_width(text), width_max) || text.n == 0)
        return;
    note(output, worksheet_write_string(output->sheet, output->row, at(output),
                                        cell_text(output, text), format));
}

static void put_number(struct xlsx_output *output, double value, struct str shown, int look)
{
    if (!next_cell(output, str_width(shown), WIDTH_MAX))
        return;
    note(output, worksheet_write_number(output->sheet, output->row, at(output), value,
                                        output->formats[look]));
}

void xlsx_output_header(struct xlsx_output *output, const struct str *titles, int count)
{
    arena_reset(output->cell_arena);
    for (int i = 0; i < count; i++)
        put_text(output, titles[i], WIDTH_MAX, output->formats[LOOK_HEADER]);
    if (output->sheet)
        worksheet_freeze_panes(output->sheet, 1, 0);
}

void xlsx_output_text_only(struct xlsx_output *output)
{
    output->text_only = true;
}

void xlsx_output_blank(struct xlsx_output *output)
{
    (void)next_cell(output, 0, 0);
}

void xlsx_output_text(struct xlsx_output *output, struct str text)
{
    put_text(output, text, WIDTH_MAX, output->text_only ? output->formats[LOOK_TEXT] : NULL);
}

void xlsx_output_marked(struct xlsx_output *output, struct str text)
{
    lxw_format *format = output->formats[LOOK_MARKED];
    if (text.n > 0)
        put_text(output, text, WIDTH_MAX, format);
    else if (next_cell(output, 0, WIDTH_MAX))
        note(output, worksheet_write_blank(output->sheet, output->row, at(output), format));
}

void xlsx_output_paragraph(struct xlsx_output *output, struct str text)
{
    put_text(output, text, WIDTH_PARAGRAPH, output->formats[LOOK_PARAGRAPH]);
}

void xlsx_output_integer(struct xlsx_output *output, int64_t value)
{
    xlsx_output_decimal(output, value, 0);
}

void xlsx_output_decimal(struct xlsx_output *output, int64_t minor, int digits)
{
    CHECK(digits >= 0 && digits <= DECIMAL_SCALE_MAX);
    if (minor > XLSX_EXACT_MAX || minor < -XLSX_EXACT_MAX) {
        xlsx_output_text(output, minor_plain(output->cell_arena, minor, digits));
        return;
    }
    /* Both are exact as doubles, so the quotient is the double nearest to the amount. */
    put_number(output, (double)minor / (double)pow10_i64(digits),
               minor_grouped(output->cell_arena, minor, digits), LOOK_DECIMALS + digits);
}

void xlsx_output_real(struct xlsx_output *output, double value, int decimals)
{
    CHECK(decimals >= 0 && decimals <= DECIMAL_SCALE_MAX);
    if (!isfinite(value)) {
        xlsx_output_blank(output);
        return;
    }
    struct str shown = str_fmt(output->cell_arena, "%.*f", decimals, value);
    put_number(output, value, shown, LOOK_DECIMALS + decimals);
}

void xlsx_output_ratio(struct xlsx_output *output, double value)
{
    if (!isfinite(value)) {
        xlsx_output_blank(output);
        return;
    }
    put_number(output, value, str_fmt(output->cell_arena, "%.1f%%", value * 100), LOOK_RATIO);
}

static void put_date(struct xlsx_output *output, int32_t day, int width, int look)
{
    if (!next_cell(output, width, WIDTH_MAX))
        return;
    lxw_datetime date = {.hour = 0};
    day_to_civil(day, &date.year, &date.month, &date.day);
    note(output, worksheet_write_datetime(output->sheet, output->row, at(output), &date,
                                          output->formats[look]));
}

void xlsx_output_day(struct xlsx_output *output, int32_t day)
{
    put_date(output, day, 10, LOOK_DAY);
}

void xlsx_output_month(struct xlsx_output *output, int32_t month)
{
    put_date(output, month_first_day(month), 7, LOOK_MONTH);
}

/* --- The end --- */

const struct err *xlsx_output_finish(struct xlsx_output *output)
{
    sheet_end(output);
    if (output->failed != LXW_NO_ERROR)
        return output_failed(output, output->failed);
    lxw_error error = workbook_close(output->workbook);
    output->workbook = NULL;
    if (error != LXW_NO_ERROR)
        return output_failed(output, error);
    const char *temporary = output->temporary;
    output->temporary = NULL;
    return file_put_in_place(output->arena, temporary, output->path, 0600);
}
