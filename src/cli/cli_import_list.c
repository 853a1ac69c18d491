/* huitou import list: past imports, of the command line and of the console. */
#include "base/calendar.h"
#include "cli/cli.h"
#include "cli/cli_table.h"
#include "codec/json.h"
#include "job/home.h"
#include "room/order/import_queue.h"

#define LIST_MAX 10000

struct list_flags {
    int64_t limit;
};
static const struct field list_fields[] = {
    SHAPE_FIELD(struct list_flags, limit, I64, "How many at most.", "最多多少条。", .min = 1,
                .max = LIST_MAX, .fallback = "50"),
};
const struct shape cli_import_list_shape = {
    .name = "import_list", .size = sizeof(struct list_flags), SHAPE_FIELDS(list_fields)};

struct list {
    struct cli *cli;
    const struct brand *brand;
    int64_t limit;
    struct import_brief *items;
    size_t count;
};

static const struct err *list_tx(struct tx *tx, void *arg)
{
    struct list *list = arg;
    struct import_brief *items;
    TRY(import_list(tx, INT64_MAX, list->limit, &items, &list->count));
    list->items = ARENA_ARRAY(list->cli->arena, list->count + 1, struct import_brief);
    for (size_t i = 0; i < list->count; i++) {
        list->items[i] = items[i];
        list->items[i].name = str_copy(list->cli->arena, items[i].name);
        list->items[i].by = str_copy(list->cli->arena, items[i].by);
        list->items[i].map_name = str_copy(list->cli->arena, items[i].map_name);
    }
    return NULL;
}

static void draw(const struct list *list)
{
    static const struct text titles[] = {TEXT("When", "时间"),    TEXT("Who", "何人"),
                                         TEXT("File", "文件"),    TEXT("State", "状态"),
                                         TEXT("Map", "映射"),     TEXT("new", "新增"),
                                         TEXT("changed", "更正"), TEXT("same", "相同"),
                                         TEXT("refunds", "退款"), TEXT("rejected rows", "被拒行")};
    struct cli *cli = list->cli;
    struct cli_column columns[10];
    for (int i = 0; i < 10; i++)
        columns[i] = (struct cli_column){str_c(titles[i].in[cli->lang]),
                                         i < 5 ? COLUMN_TEXT : COLUMN_NUMBER};
    struct cli_table table = cli_table_new(cli->arena, columns, 10);
    for (size_t i = 0; i < list->count; i++) {
        const struct import_brief *one = &list->items[i];
        const int64_t counts[] = {one->orders_new, one->orders_changed, one->orders_same,
                                  one->refunds, one->rows_rejected};
        struct str *cells = cli_table_row(&table);
        cells[0] = zone_time_text(cli->arena, list->brand->zone, one->created_at_us);
        cells[1] = text_clean(cli->arena, one->by);
        cells[2] = text_clean(cli->arena, one->name);
        cells[3] = str_c(upload_state_info(one->state)->title.in[cli->lang]);
        cells[4] = text_clean(cli->arena, one->map_name);
        for (int c = 0; c < 5; c++)
            cells[5 + c] = text_count(cli->arena, counts[c]);
    }
    if (list->count == 0)
        PAGE_SAY(&cli->page, "Nothing has been imported yet.", "还没有导入过。");
    else
        cli_table_draw(&cli->page, &table);
}

static void put_text(struct json_writer *w, const char *key, struct str text)
{
    json_key(w, str_c(key));
    json_put_str(w, text);
}

static void put_time(struct json_writer *w, struct arena *arena, const char *key, int64_t time_us)
{
    put_text(w, key, time_us == INT64_MIN ? STR_NONE : time_text(arena, time_us));
}

static void put(struct json_writer *w, struct arena *arena, const struct import_brief *one)
{
    const struct {
        const char *key;
        int64_t n;
    } counts[] = {{"rows", one->rows},
                  {"orders_new", one->orders_new},
                  {"orders_changed", one->orders_changed},
                  {"orders_same", one->orders_same},
                  {"refunds", one->refunds},
                  {"rows_rejected", one->rows_rejected}};
    json_open(w, '{');
    json_key(w, STR("import_id"));
    json_put_id(w, one->import_id);
    put_text(w, "file", one->name);
    put_text(w, "by", one->by);
    put_text(w, "state", str_c(upload_state_info(one->state)->name));
    put_text(w, "map", one->map_name);
    put_time(w, arena, "created_at", one->created_at_us);
    put_time(w, arena, "started_at", one->started_at_us);
    put_time(w, arena, "finished_at", one->finished_at_us);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        json_key(w, str_c(counts[i].key));
        json_put_i64(w, counts[i].n);
    }
    json_close(w, '}');
}

static void put_json(const struct list *list)
{
    struct cli *cli = list->cli;
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    put_text(&w, "directory", cli->directory);
    json_key(&w, STR("imports"));
    json_open(&w, '[');
    for (size_t i = 0; i < list->count; i++) {
        put(&w, cli->arena, &list->items[i]);
        page_flush(&cli->page);
    }
    json_close(&w, ']');
    json_close(&w, '}');
    page_char(&cli->page, '\n');
}

static const struct err *list_home(struct cli *cli, struct home *home, void *arg)
{
    struct list *list = arg;
    struct store_job job = {.name = "import list", .fn = list_tx, .arg = list};
    list->brand = home->brand;
    TRY(store_read(home->store, cli->arena, &job));
    if (cli->json)
        put_json(list);
    else
        draw(list);
    return NULL;
}

const struct err *cli_import_list(struct cli *cli, const struct cli_call *call)
{
    const struct list_flags *flags = call->flags;
    struct list list = {.cli = cli, .limit = flags->limit};
    return cli_with_home(cli, false, list_home, &list);
}
