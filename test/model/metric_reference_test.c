/* link: engine contract codec */
/* CDNOW (master and sample) and UCI Online Retail, put into the columns directly, against the
 * reference answers that DuckDB gave (../shared/data: NAME.tsv beside reference.sql;
 * DEFINITIONS.md). HUITOU_SHARED_DATA names another place. Where the data are absent the tests
 * say so and are skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/decimal.h"
#include "base/limits.h"
#include "engine/engine.h"

#define LINES_MAX 600000
#define CELLS_MAX 32
#define TSV_ROWS_MAX 2000
#define IDS_MAX 64

static const char *data_folder(void)
{
    const char *named = getenv("HUITOU_SHARED_DATA");
    return named ? named : TEST_DATA "/../../../shared/data";
}

/* --- Reading the data --- */

struct line {
    int64_t customer_id, order_id, amount_minor, channel_id;
    bool is_refund;
    int32_t day;
    int second; /* of the day */
};
struct brand {
    const char *folder; /* of the answers */
    struct arena *arena;
    struct line *lines;
    size_t line_count;
    struct str *channels; /* from index 1 */
    int64_t channel_count;
    struct engine *engine;
    struct report_scope scope;
    int faults;
};

static gzFile open_data(const char *name)
{
    char path[1000];
    snprintf(path, sizeof(path), "%s/%s", data_folder(), name);
    gzFile file = gzopen(path, "rb");
    if (!file) {
        print_message("%s is not there: this test did not run\n", path);
        skip();
    }
    return file;
}

static int64_t number_of(struct str text)
{
    int64_t value;
    assert_true(str_to_i64(text, &value));
    return value;
}

/* Cents, rounded half away from zero. */
static int64_t cents(struct str quantity, struct str price)
{
    struct decimal q = {0}, p = {0}, product = {0};
    int64_t minor = 0;
    assert_true(decimal_parse(quantity, &q) && decimal_parse(price, &p));
    assert_true(decimal_mul(q, p, &product) && decimal_to_minor(product, 2, &minor));
    return minor;
}

/* customer [sample id] yyyymmdd pieces dollars: each line is an order. */
static void read_cdnow(struct brand *brand, gzFile file, int date_at, bool has_header)
{
    char text[200];
    if (has_header)
        assert_non_null(gzgets(file, text, sizeof(text)));
    while (gzgets(file, text, sizeof(text))) {
        struct str word[6] = {0};
        int words = 0;
        for (char *p = strtok(text, " \r\n"); p && words < 6; p = strtok(NULL, " \r\n"))
            word[words++] = str_c(p);
        if (words == 0)
            continue;
        assert_int_equal(words, date_at + 3);
        int64_t date = number_of(word[date_at]);
        assert_true(brand->line_count < LINES_MAX);
        struct line *line = &brand->lines[brand->line_count++];
        line->customer_id = number_of(word[0]);
        line->order_id = (int64_t)brand->line_count;
        line->day = day_of_civil((int)(date / 10000), (int)(date / 100 % 100), (int)(date % 100));
        line->amount_minor = cents(STR("1"), word[date_at + 2]);
    }
}

static int split_csv(char *text, struct str *cell)
{
    int count = 0;
    for (char *p = text; *p;) {
        bool quoted = *p == '"';
        char *from = quoted ? ++p : p, *to = from;
        for (; *p && (quoted || (*p != ',' && *p != '\r' && *p != '\n')); p++) {
            if (quoted && *p == '"' && p[1] != '"')
                break;
            if (quoted && *p == '"')
                p++;
            *to++ = *p;
        }
        assert_true(count < CELLS_MAX);
        cell[count++] = (struct str){from, (size_t)(to - from)};
        p += quoted;
        if (*p != ',')
            break;
        p++;
    }
    return count;
}

static int64_t channel_of(struct brand *brand, struct str name)
{
    for (int64_t i = 1; i <= brand->channel_count; i++)
        if (str_eq(brand->channels[i], name))
            return i;
    assert_true(brand->channel_count + 1 < IDS_MAX);
    brand->channels[++brand->channel_count] = str_copy(brand->arena, name);
    return brand->channel_count;
}

/* InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country */
static void read_online_retail(struct brand *brand, gzFile file)
{
    char text[2000];
    assert_non_null(gzgets(file, text, sizeof(text)));
    while (gzgets(file, text, sizeof(text))) {
        struct str cell[CELLS_MAX];
        assert_int_equal(split_csv(text, cell), 8);
        bool is_refund = str_starts(cell[0], STR("C"));
        if (cell[6].n == 0 || str_starts(cell[0], STR("A")))
            continue;
        int64_t amount = cents(cell[3], cell[5]);
        if (!is_refund && (number_of(cell[3]) <= 0 || atof(str_z(brand->arena, cell[5])) <= 0))
            continue;
        assert_true(brand->line_count < LINES_MAX);
        struct line *line = &brand->lines[brand->line_count++];
        line->customer_id = number_of(cell[6]);
        line->order_id = number_of(is_refund ? str_slice(cell[0], 1, cell[0].n) : cell[0]);
        line->is_refund = is_refund;
        line->amount_minor = is_refund ? -amount : amount;
        line->channel_id = channel_of(brand, cell[7]);
        int year, month, day, hour, minute, second;
        assert_int_equal(sscanf(str_z(brand->arena, cell[4]), "%d-%d-%d %d:%d:%d", &year, &month,
                                &day, &hour, &minute, &second),
                         6);
        line->day = day_of_civil(year, month, day);
        line->second = hour * 3600 + minute * 60 + second;
    }
}

static int by_customer_and_order(const void *left, const void *right)
{
    const struct line *a = left, *b = right;
    int64_t keys[][2] = {{a->customer_id, b->customer_id},
                         {a->is_refund, b->is_refund},
                         {a->order_id, b->order_id},
                         {a->day, b->day},
                         {a->second, b->second}};
    for (int i = 0; i < 5; i++)
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    return 0;
}

/* Lines of one order or credit note become one fact; the earliest line dates it. */
static void put_all(struct brand *brand)
{
    static struct engine_order orders[5000];
    static struct engine_refund refunds[5000];
    struct line *lines = brand->lines;
    size_t i = 0;
    qsort(lines, brand->line_count, sizeof(*lines), by_customer_and_order);
    while (i < brand->line_count) {
        size_t order_count = 0, refund_count = 0;
        int64_t customer_id = lines[i].customer_id;
        while (i < brand->line_count && lines[i].customer_id == customer_id) {
            const struct line *first = &lines[i];
            int64_t amount = 0;
            for (; i < brand->line_count && lines[i].customer_id == customer_id &&
                   lines[i].order_id == first->order_id && lines[i].is_refund == first->is_refund;
                 i++)
                amount += lines[i].amount_minor;
            assert_true(order_count < 5000 && refund_count < 5000);
            if (first->is_refund)
                refunds[refund_count++] = (struct engine_refund){
                    .amount_minor = amount,
                    .refunded_day = first->day,
                    .channel_id = first->channel_id,
                };
            else
                orders[order_count++] = (struct engine_order){
                    .order_id = first->order_id,
                    .amount_minor = amount,
                    .paid_day = first->day,
                    .refunded_whole_day = DAY_NONE,
                    .channel_id = first->channel_id,
                };
        }
        assert_null(
            engine_put(brand->engine, customer_id, orders, order_count, refunds, refund_count));
    }
    for (int64_t c = 1; c <= brand->channel_count; c++)
        engine_name_channel(brand->engine, c, brand->channels[c]);
}

/* --- The answers --- */

struct tsv {
    struct str names[CELLS_MAX];
    int columns;
    struct str (*rows)[CELLS_MAX];
    size_t row_count;
};

static int split_tsv(struct arena *arena, const char *text, struct str *cells)
{
    struct str rest = str_copy(arena, str_trim(str_c(text)));
    int count = 0;
    while (rest.p) {
        assert_true(count < CELLS_MAX);
        cells[count++] = str_cut(rest, '\t', &rest);
    }
    return count;
}

static struct tsv read_tsv(struct brand *brand, const char *name)
{
    char path[1000], text[2000];
    snprintf(path, sizeof(path), "%s/%s/%s.tsv", data_folder(), brand->folder, name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s cannot be read", path);
    struct tsv tsv = {.rows = arena_array(brand->arena, TSV_ROWS_MAX, sizeof(*tsv.rows))};
    assert_non_null(fgets(text, sizeof(text), file));
    tsv.columns = split_tsv(brand->arena, text, tsv.names);
    while (fgets(text, sizeof(text), file)) {
        assert_true(tsv.row_count < TSV_ROWS_MAX);
        int cells = split_tsv(brand->arena, text, tsv.rows[tsv.row_count++]);
        assert_true(cells <= tsv.columns);
    }
    fclose(file);
    return tsv;
}

static struct str tsv_cell(const struct tsv *tsv, size_t row, const char *name)
{
    for (int i = 0; i < tsv->columns; i++)
        if (str_eq(tsv->names[i], str_c(name)))
            return tsv->rows[row][i];
    fail_msg("the answers have no column %s", name);
    return STR_NONE;
}

static struct report *run(struct brand *brand, const char *name, bool net)
{
    struct report *report;
    struct report_scope scope = brand->scope;
    scope.net = net;
    assert_null(
        engine_report(brand->arena, brand->engine, metric_by_name(str_c(name)), &scope, &report));
    return report;
}

static int column_of(const struct metric_section *section, const char *name)
{
    for (int i = 0; i < section->column_count; i++)
        if (strcmp(section->columns[i].name, name) == 0)
            return i;
    fail_msg("the report has no column %s", name);
    return -1;
}

/* A cell against an answer: counts exactly, money to 0.01, the rest to what the answer was
 * rounded to. */
static bool cell_is(struct brand *brand, enum cell_kind kind, const struct cell *cell,
                    struct str answer, double tolerance)
{
    double value = 0;
    if (answer.n == 0)
        return cell->null;
    if (cell->null)
        return false;
    switch (kind) {
    case CELL_DAY:
        return str_eq(day_text(brand->arena, (int32_t)cell->i), answer);
    case CELL_MONTH:
        return str_eq(month_text(brand->arena, (int32_t)cell->i), answer);
    case CELL_TEXT:
        return str_eq(cell->s, answer);
    default:
        assert_true(str_to_f64(answer, &value));
    }
    if (kind == CELL_COUNT)
        return (double)cell->i == value;
    if (kind == CELL_AMOUNT)
        return fabs((double)cell->i / 100 - value) < 0.0101;
    double got = kind == CELL_MEAN_AMOUNT ? cell->f / 100 : cell->f;
    return fabs(got - value) <= tolerance;
}

/* Pairs: column of the report, column of the answers; NULL ends. Rows stand in the same order. */
struct pair {
    const char *column, *answer;
};

static void compare(struct brand *brand, struct report *report, int section, const char *file,
                    size_t rows_max, double tolerance, const struct pair *pairs)
{
    struct tsv tsv = read_tsv(brand, file);
    const struct report_section *rows = &report->sections[section];
    size_t row_count = rows->row_count < rows_max ? rows->row_count : rows_max;
    if (row_count != tsv.row_count) {
        print_error("%s/%s: %zu rows, not %zu\n", brand->folder, file, row_count, tsv.row_count);
        brand->faults++;
        return;
    }
    for (size_t i = 0; i < row_count; i++) {
        for (const struct pair *pair = pairs; pair->column; pair++) {
            int column = column_of(rows->is, pair->column);
            const struct cell *cell =
                &rows->cells[i * (size_t)rows->is->column_count + (size_t)column];
            struct str answer = tsv_cell(&tsv, i, pair->answer);
            if (cell_is(brand, rows->is->columns[column].kind, cell, answer, tolerance))
                continue;
            print_error("%s/%s row %zu: %s is %" PRId64 " %.9g, not %.*s\n", brand->folder, file,
                        i + 1, pair->column, cell->i, cell->f, STR_ARG(answer));
            brand->faults++;
        }
    }
}
#define PAIRS(...)                                                                                 \
    (const struct pair[])                                                                          \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            NULL, NULL                                                                             \
        }                                                                                          \
    }
#define ALL_ROWS SIZE_MAX
#define ROUNDED_6 0.0000006
#define ROUNDED_4 0.00006

/* Three windows of each cohort stand in one row of the answers. */
static void compare_cohort_windows(struct brand *brand)
{
    struct tsv tsv = read_tsv(brand, "windows_by_cohort");
    const struct report_section *rows = &run(brand, "nday", false)->sections[1];
    assert_int_equal(rows->row_count, tsv.row_count * 7);
    for (size_t i = 0; i < rows->row_count; i++) {
        const struct cell *row = &rows->cells[i * 8];
        size_t at = i / 7;
        if (row[1].i != 30 && row[1].i != 60 && row[1].i != 90)
            continue;
        assert_true(cell_is(brand, CELL_MONTH, &row[0], tsv_cell(&tsv, at, "cohort"), 0));
        static const char *const names[] = {"rep", "elig", "elig_rep"};
        for (int k = 0; k < 3; k++) {
            struct str name = str_fmt(brand->arena, "%s%d", names[k], (int)row[1].i);
            struct str answer = tsv_cell(&tsv, at, str_z(brand->arena, name));
            if (row[3 + k].i == number_of(answer))
                continue;
            print_error("%s/windows_by_cohort row %zu: %.*s\n", brand->folder, at + 1,
                        STR_ARG(name));
            brand->faults++;
        }
        assert_int_equal(row[2].i, number_of(tsv_cell(&tsv, at, "customers")));
        assert_int_equal(row[7].i, number_of(tsv_cell(&tsv, at, "rep_ever")));
    }
}

static void compare_counts(struct brand *brand)
{
    compare(brand, run(brand, "totals", false), 0, "totals", ALL_ROWS, ROUNDED_4,
            PAIRS({"customers", "customers"}, {"orders", "orders"},
                  {"purchase_days", "purchase_days"}, {"first_day", "first_order_date"},
                  {"last_day", "last_order_date"}, {"gross_amount", "revenue"},
                  {"mean_order_amount", "mean_order_value"},
                  {"median_order_amount", "median_order_value"}));
    compare(brand, run(brand, "repurchase", false), 0, "repurchase", ALL_ROWS, ROUNDED_6,
            PAIRS({"customers", "customers"}, {"repeat_customers", "repeat_customers_by_day"},
                  {"repurchase_rate", "repurchase_rate"},
                  {"repeat_customers_by_order", "repeat_customers_by_order"},
                  {"repurchase_rate_by_order", "repurchase_rate_by_order"},
                  {"three_plus_days", "three_plus_days"}, {"five_plus_days", "five_plus_days"},
                  {"orders_per_customer", "orders_per_customer"}, {"max_orders", "max_orders"},
                  {"max_days", "max_days"}));
    compare(brand, run(brand, "frequency", false), 0, "frequency_distribution", ALL_ROWS, 0,
            PAIRS({"purchase_days", "purchase_days"}, {"customers", "customers"}));
    compare(brand, run(brand, "nday", false), 0, "windows_overall", ALL_ROWS, ROUNDED_6,
            PAIRS({"window_days", "window_days"}, {"customers", "customers"},
                  {"repurchased", "repurchased_any"}, {"rate_all", "rate_all"},
                  {"eligible", "eligible"}, {"repurchased_eligible", "repurchased_eligible"},
                  {"rate", "rate_eligible"}));
    compare_cohort_windows(brand);
    compare(brand, run(brand, "cohorts", false), 0, "cohort_retention_long", ALL_ROWS, ROUNDED_6,
            PAIRS({"cohort", "cohort"}, {"month_offset", "month_offset"},
                  {"cohort_size", "cohort_size"}, {"active", "active"},
                  {"retention", "retention"}));
    compare(brand, run(brand, "cohort-revenue", false), 0, "cohort_revenue_long", ALL_ROWS, 0,
            PAIRS({"cohort", "cohort"}, {"month_offset", "month_offset"}, {"orders", "orders"},
                  {"amount", "revenue"}));
    compare(brand, run(brand, "monthly", false), 0, "monthly", ALL_ROWS, 0,
            PAIRS({"month", "month"}, {"orders", "orders"}, {"amount", "revenue"},
                  {"active_customers", "active_customers"}, {"new_customers", "new_customers"},
                  {"returning_customers", "returning_customers"}));
}

static void compare_distributions(struct brand *brand)
{
    compare(brand, run(brand, "rhythm", false), 0, "interpurchase", ALL_ROWS, ROUNDED_6,
            PAIRS({"gaps", "gaps"}, {"median", "median_gap"}, {"mean", "mean_gap"}, {"p25", "p25"},
                  {"p75", "p75"}, {"p90", "p90"}, {"max", "max_gap"},
                  {"median_of_customer_mean", "median_of_customer_mean_gap"},
                  {"median_days_to_second", "median_days_to_second"}));
    compare(brand, run(brand, "rhythm", false), 1, "interpurchase_by_order_number", 10, ROUNDED_4,
            PAIRS({"from_purchase", "from_day_no"}, {"gaps", "n"}, {"median", "median_gap"},
                  {"mean", "mean_gap"}));
    compare(brand, run(brand, "second-purchase", false), 0, "km_second_purchase", ALL_ROWS,
            ROUNDED_6,
            PAIRS({"day", "day"}, {"cum_repurchase", "cum_repurchase"},
                  {"standard_error", "greenwood_se"}, {"at_risk", "at_risk"}));
    compare(brand, run(brand, "rfm", false), 0, "rfm_cut_thresholds", ALL_ROWS, 0.0051,
            PAIRS({"dimension", "dim"}, {"q20", "q20"}, {"q40", "q40"}, {"q60", "q60"},
                  {"q80", "q80"}));
    compare(brand, run(brand, "rfm", false), 1, "rfm_cut_quintiles", ALL_ROWS, 0,
            PAIRS({"dimension", "dim"}, {"score", "score"}, {"customers", "customers"}));
    compare(brand, run(brand, "rfm", false), 2, "rfm_cut_cells", ALL_ROWS, 0,
            PAIRS({"r", "r"}, {"f", "f"}, {"m", "m"}, {"customers", "customers"}));
    compare(brand, run(brand, "concentration", false), 0, "concentration", ALL_ROWS, ROUNDED_6,
            PAIRS({"top_share", "top_share_of_customers"}, {"top_customers", "top_customers"},
                  {"amount", "top_revenue"}, {"amount_share", "revenue_share"}));
    compare(brand, run(brand, "concentration", false), 1, "gini", ALL_ROWS, ROUNDED_6,
            PAIRS({"gini", "gini"}));
}

/* Channel = country; refunds are given as negative amounts. */
static void compare_online_retail(struct brand *brand)
{
    compare(brand, run(brand, "by-channel", false), 0, "by_country", ALL_ROWS, 0,
            PAIRS({"channel", "country"}, {"customers", "customers"}, {"orders", "orders"},
                  {"amount", "revenue"}));
    compare(brand, run(brand, "concentration", true), 0, "concentration_net", ALL_ROWS, ROUNDED_6,
            PAIRS({"top_share", "top_share_of_customers"}, {"top_customers", "top_customers"},
                  {"amount", "top_net_revenue"}, {"amount_share", "net_share"}));
    compare(brand, run(brand, "totals", true), 0, "refunds_total", ALL_ROWS, ROUNDED_6,
            PAIRS({"refunds", "refund_invoices"}, {"refund_customers", "refund_customers"},
                  {"refund_customers_without_purchase", "refund_customers_without_any_order"},
                  {"refund_over_gross", "refund_over_gross"}, {"net_amount", "net_revenue"},
                  {"share_of_buyers_refunded", "share_of_buyers_with_a_refund"}));
    struct tsv tsv = read_tsv(brand, "refunds_by_month");
    const struct report_section *rows = &run(brand, "monthly", false)->sections[0];
    assert_int_equal(rows->row_count, tsv.row_count);
    for (size_t i = 0; i < tsv.row_count; i++) {
        double amount;
        assert_true(str_to_f64(tsv_cell(&tsv, i, "refund_amount"), &amount));
        assert_int_equal(rows->cells[i * 8 + 6].i, number_of(tsv_cell(&tsv, i, "refund_invoices")));
        assert_true(fabs((double)rows->cells[i * 8 + 7].i / 100 + amount) < 0.0101);
    }
}

/* --- The tests --- */

static struct brand brand_new(const char *folder)
{
    struct brand brand = {.folder = folder, .arena = arena_new(folder, (size_t)1 << 30)};
    brand.lines = ARENA_ARRAY(brand.arena, LINES_MAX, struct line);
    brand.channels = ARENA_ARRAY(brand.arena, IDS_MAX, struct str);
    brand.engine = engine_new(brand.arena);
    return brand;
}

static void check_brand(struct brand *brand)
{
    put_all(brand);
    int32_t first_day, last_day;
    assert_true(engine_days(brand->engine, LIMIT_DAY_MAX + 1, &first_day, &last_day));
    brand->scope = (struct report_scope){
        .as_of_day = last_day + 1, .from_day = first_day, .to_day = last_day, .currency_digits = 2};
    compare_counts(brand);
    compare_distributions(brand);
}

static void brand_end(struct brand *brand)
{
    int faults = brand->faults;
    engine_free(brand->engine);
    arena_free(brand->arena);
    assert_int_equal(faults, 0);
}

static void cdnow_master(void **state)
{
    (void)state;
    gzFile file = open_data("cdnow/CDNOW_master.txt.gz");
    struct brand brand = brand_new("cdnow/reference_master");
    read_cdnow(&brand, file, 1, true);
    gzclose(file);
    check_brand(&brand);
    brand_end(&brand);
}

static void cdnow_sample(void **state)
{
    (void)state;
    gzFile file = open_data("cdnow/CDNOW_sample.txt.gz");
    struct brand brand = brand_new("cdnow/reference_sample");
    read_cdnow(&brand, file, 2, false);
    gzclose(file);
    check_brand(&brand);
    brand_end(&brand);
}

static void online_retail(void **state)
{
    (void)state;
    gzFile file = open_data("online_retail/online_retail.csv.gz");
    struct brand brand = brand_new("online_retail/reference");
    read_online_retail(&brand, file);
    gzclose(file);
    check_brand(&brand);
    compare_online_retail(&brand);
    brand_end(&brand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cdnow_master),
        cmocka_unit_test(cdnow_sample),
        cmocka_unit_test(online_retail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
