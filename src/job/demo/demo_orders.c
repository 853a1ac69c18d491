/* Room order in the demo: the past year's orders as a file, then the last week's as another, in
 * which some rows are wrong, as in the files that merchants have. Both go through the import as any
 * file does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/limits.h"
#include "codec/file.h"
#include "job/demo/demo_life.h"
#include "room/order/import.h"

#define WEEK_DAYS 7
#define MINUTES_PER_DAY (24 * 60)
#define IMPORT_BYTES_MAX ((size_t)1 << 37)

/* How the files are read; their times are by the brand's clock. */
static const char map_text[] =
    "{\"name\": \"demo-shop\", \"title_en\": \"Orders of the demo shop\", \"title_zh\": "
    "\"演示店铺的订单\","
    " \"format\": \"csv\", \"encoding\": \"utf-8\", \"source\": \"demo-shop\","
    " \"time_format\": \"%Y-%m-%d %H:%M:%S\","
    " \"columns\": {\"order_number\": \"Order\", \"order_time\": \"Time\", \"product_code\": "
    "\"Product\","
    " \"product_name\": \"Description\", \"quantity\": \"Quantity\", \"unit_price\": \"Price\","
    " \"currency\": \"Currency\", \"buyer_id\": \"Customer\", \"buyer_name\": \"Name\", \"phone\": "
    "\"Phone\","
    " \"email\": \"Email\", \"channel\": \"Country\"},"
    " \"refund_when\": [{\"column\": \"Order\", \"starts_with\": \"C\"}],"
    " \"skip_when\": [{\"column\": \"Order\", \"starts_with\": \"A\"},"
    " {\"column\": \"Price\", \"number_equals\": \"0\"}]}\n";
static const char header[] =
    "Order,Time,Product,Description,Quantity,Price,Currency,Customer,Name,Phone,Email,Country\n";

/* Rows that a person would have to look at; {D} is the last order's day. Their numbers are in no
 * other row. */
static const char *const wrong_rows[] = {
    "590001,{D} 25:10:00,22423,REGENCY CAKESTAND 3 TIER,2,12.75,GBP,,,,,United Kingdom",
    "590002,{D} 10:02:00,47566,PARTY BUNTING,three,4.95,GBP,,,,,United Kingdom",
    "590003,{D} 10:15:00,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2.95,EUR,,,,,Germany",
    "590004,,84879,ASSORTED COLOUR BIRD ORNAMENT,8,1.69,GBP,,,,,United Kingdom",
    "590005,{D} 10:40:00,22086,PAPER CHAIN KIT 50'S CHRISTMAS,6,\"2,9.5\",GBP,,,,,United Kingdom",
    "590006,2091-12-24 11:00:00,23084,RABBIT NIGHT LIGHT,12,2.08,GBP,,,,,France",
    "590007,{D} 11:20:00,20725,LUNCH BAG RED RETROSPOT,10,,GBP,,,,,United Kingdom",
};

/* --- The files --------------------------------------------------------------------------- */

static void put_cell(struct buf *line, struct str cell)
{
    bool plain = !memchr(cell.p, ',', cell.n) && !memchr(cell.p, '"', cell.n);
    if (plain) {
        buf_str(line, cell);
        return;
    }
    buf_char(line, '"');
    for (size_t i = 0; i < cell.n; i++) {
        if (cell.p[i] == '"')
            buf_char(line, '"');
        buf_char(line, cell.p[i]);
    }
    buf_char(line, '"');
}

/* What all rows of a run begin and end with. */
struct frame {
    struct str head, tail;
};

static struct frame frame_of(struct demo *demo, struct arena *arena, const struct demo_run *run)
{
    const struct demo_data *data = demo->data;
    struct str day = day_text(arena, demo_run_day(run) + demo->shift_days);
    int minute = (int)(run->minute % MINUTES_PER_DAY);
    struct buf tail = buf_new(arena, 4096);
    buf_str(&tail, STR(",GBP,"));
    if (run->customer == DEMO_NONE) {
        buf_str(&tail, STR(",,,"));
    } else {
        const struct demo_person *person = &demo->people[run->customer];
        bool second = demo->second_until[run->customer] != DAY_NONE &&
                      demo_run_day(run) <= demo->second_until[run->customer];
        buf_str(&tail, second ? demo_second_number(demo, run->customer)
                              : data->customers[run->customer].number);
        buf_fmt(&tail, ",%.*s,%.*s,", STR_ARG(person->name), STR_ARG(person->phone));
        if (person->email.p)
            buf_str(&tail, person->email);
    }
    buf_char(&tail, ',');
    put_cell(&tail, data->countries[run->country]);
    buf_char(&tail, '\n');
    struct str number = demo_run_number(arena, run);
    return (struct frame){str_fmt(arena, "%.*s,%.*s %02d:%02d:00,", STR_ARG(number), STR_ARG(day),
                                  minute / 60, minute % 60),
                          buf_view(&tail)};
}

static void write_run(struct demo *demo, struct arena *arena, const struct demo_run *run,
                      FILE *file)
{
    const struct demo_data *data = demo->data;
    struct frame frame = frame_of(demo, arena, run);
    struct buf line = buf_new(arena, LIMIT_LINE_BYTES_MAX);
    for (uint32_t i = 0; i < run->row_count; i++) {
        const struct demo_row *row = &data->rows[run->first_row + i];
        line.n = 0;
        buf_str(&line, frame.head);
        put_cell(&line, data->product_codes[row->product]);
        buf_char(&line, ',');
        put_cell(&line, data->product_names[row->product]);
        buf_fmt(&line, ",%lld,%.*s", (long long)row->quantity, STR_ARG(data->prices[row->price]));
        buf_str(&line, frame.tail);
        fwrite(line.p, 1, line.n, file);
    }
}

static void write_wrong_rows(struct demo *demo, struct arena *arena, FILE *file)
{
    struct str day = day_text(arena, demo->yesterday);
    for (size_t i = 0; i < sizeof(wrong_rows) / sizeof(wrong_rows[0]); i++) {
        struct str row = str_c(wrong_rows[i]);
        const char *mark = strstr(wrong_rows[i], "{D}");
        if (!mark) {
            fprintf(file, "%.*s\n", STR_ARG(row));
            continue;
        }
        size_t at = (size_t)(mark - row.p);
        fprintf(file, "%.*s%.*s%s\n", (int)at, row.p, STR_ARG(day), mark + 3);
    }
}

/* Orders of the data set's days from first_day to last_day. */
static void write_rows(struct demo *demo, int32_t first_day, int32_t last_day, FILE *file)
{
    struct arena *arena = arena_new("demo rows", (size_t)1 << 28);
    fputs(header, file);
    for (uint32_t i = 0; i < demo->data->run_count; i++) {
        const struct demo_run *run = &demo->data->runs[i];
        int32_t day = demo_run_day(run);
        if (day < first_day || day > last_day)
            continue;
        write_run(demo, arena, run, file);
        arena_reset(arena);
    }
    if (last_day == demo->data->last_day)
        write_wrong_rows(demo, arena, file);
    arena_free(arena);
}

static const struct err *write_file(struct demo *demo, struct str path, int32_t first_day,
                                    int32_t last_day)
{
    FILE *file = fopen(str_z(demo->arena, path), "wb");
    if (!file)
        return ERR_NEW(demo->arena, ERR_FILE_WRITE, path, str_c(strerrordesc_np(errno)));
    write_rows(demo, first_day, last_day, file);
    bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed)
        return ERR_NEW(demo->arena, ERR_FILE_WRITE, path, str_c(strerrordesc_np(errno)));
    return NULL;
}

/* --- The imports ------------------------------------------------------------------------- */

/* How much of an import each of its phases is, as measured; in their order. */
static void tell_import(void *arg, const char *name, int64_t done, int64_t total)
{
    static const struct {
        const char *name;
        double before, share;
    } phases[] = {{"read", 0.05, 0.35},
                  {"group", 0.4, 0.1},
                  {"write", 0.5, 0.4},
                  {"claim", 0.9, 0.08},
                  {"reject", 0.98, 0.02}};
    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
        double part = total > 0 ? (double)done / (double)total : 1;
        if (strcmp(phases[i].name, name) == 0)
            demo_tell(arg, phases[i].before + part * phases[i].share);
    }
}

static const struct err *import_file(struct demo *demo, struct arena *arena, struct str path,
                                     struct str map_path)
{
    struct import_map *map;
    struct import_result result;
    struct str rejects = str_fmt(arena, "%.*s.rejects.xlsx", STR_ARG(path));
    TRY(import_map_read(arena, map_path, &map));
    struct import_options options = {.path = path,
                                     .map = map,
                                     .exported_at_us = clock_now_us(&demo->home->deps.clock),
                                     .reject_path = rejects,
                                     .lang = demo->options->lang,
                                     .started_by = demo_staff_name(demo, DEMO_OPERATOR),
                                     .temporary_directory = demo->home->temporary_directory,
                                     .progress = tell_import,
                                     .progress_arg = demo};
    TRY(import_orders(demo->home->store, arena, demo->home->brand, &options, &result));
    demo->result->orders += result.orders;
    demo->result->refunds += result.refunds;
    demo->result->rows_rejected += result.rows_rejected;
    if (result.reject_path.p)
        unlink(str_z(arena, result.reject_path));
    return NULL;
}

static const struct err *bring_in(struct demo *demo, struct str name, int32_t first_day,
                                  int32_t last_day)
{
    struct str folder = demo->home->temporary_directory;
    struct str path = str_fmt(demo->arena, "%.*s/%.*s.csv", STR_ARG(folder), STR_ARG(name));
    struct str map_path = str_fmt(demo->arena, "%.*s/demo-shop.json", STR_ARG(folder));
    TRY(file_write(demo->arena, map_path, str_c(map_text), 0600));
    const struct err *err = write_file(demo, path, first_day, last_day);
    if (!err) {
        struct arena *arena = arena_new("demo import", IMPORT_BYTES_MAX);
        err = import_file(demo, arena, path, map_path);
        err = err ? err_copy(demo->arena, err) : NULL;
        arena_free(arena);
    }
    unlink(str_z(demo->arena, path));
    unlink(str_z(demo->arena, map_path));
    return err;
}

const struct err *demo_orders_past(struct demo *demo)
{
    return bring_in(demo, demo_word(demo, "orders-past-year", "历史订单-过去一年"), LIMIT_DAY_MIN,
                    demo->data->last_day - WEEK_DAYS);
}

const struct err *demo_orders_week(struct demo *demo)
{
    return bring_in(demo, demo_word(demo, "orders-last-week", "最近一周订单"),
                    demo->data->last_day - WEEK_DAYS + 1, demo->data->last_day);
}
