/* link: room_order */
/* How long small commands take, alone and beside an import of changed orders:
 *
 *   small_commands STORE FIRST.csv CHANGED.csv BATCH_ORDERS [PAUSE_US]
 *
 * STORE: sqlite:/path/new.db, or the url of an empty PostgreSQL database. Loads FIRST.csv, times tags set on random
 * customers for two seconds, then the same until the import of CHANGED.csv ends. BATCH_ORDERS 0: slices by time.
 * Columns of the files: order,time,buyer,amount,channel,product (make_csv). By the wall, each in microseconds. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "room/order/import.h"
#include "room/order/import_row.h"

#define BYTES_MAX ((size_t)8 << 30)
#define ALONE_US INT64_C(2000000)
#define TIMES_MAX 1000000

static const char map_text[] =
    "{\"name\": \"bench\", \"source\": \"bench\", \"time_format\": \"%Y-%m-%d %H:%M:%S\", \"time_zone\": \"UTC\", "
    "\"columns\": {\"order_number\": \"order\", \"order_time\": \"time\", \"buyer_id\": \"buyer\", "
    "\"line_amount\": \"amount\", \"channel\": \"channel\", \"product_code\": \"product\"}}";

struct bench {
    struct arena *arena;
    struct store_options store_options;
    struct store *store;
    struct brand *brand;
    struct import_map *map;
    struct import_options import;
    struct import_result result;
    int64_t *customers, *times_us;
    size_t customer_count, time_count;
    size_t command; /* running number: no command says what an earlier one said */
    atomic_bool done;
};

static void must(struct bench *b, const struct err *err)
{
    if (!err)
        return;
    fprintf(stderr, "%s\n", str_z(b->arena, err_text(b->arena, err, LANG_EN)));
    exit(1);
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static const struct err *read_customers(struct tx *tx, void *arg)
{
    struct bench *b = arg;
    struct customer_scan scan;
    struct customer_scan_row row;
    bool has;
    b->customer_count = 0;
    TRY(customer_scan_open(tx, &scan));
    for (;;) {
        TRY(customer_scan_next(&scan, &row, &has));
        if (!has)
            return NULL;
        if (b->customer_count < TIMES_MAX)
            b->customers[b->customer_count++] = row.customer_id;
    }
}

static const struct err *set_tag(struct tx *tx, void *arg)
{
    struct bench *b = arg;
    int64_t id = b->customers[b->command * 7919 % b->customer_count];
    struct str tag = str_fmt(tx_arena(tx), "tag%zu", b->command / b->customer_count);
    return customer_tag_set(tx, id, tag, DAY_NONE, STR("bench"));
}

static void *import_changed(void *arg)
{
    struct bench *b = arg;
    struct arena *arena = arena_new("import", BYTES_MAX);
    must(b, import_orders(b->store, arena, b->brand, &b->import, &b->result));
    atomic_store(&b->done, true);
    return NULL;
}

static int compare_times(const void *x, const void *y)
{
    const int64_t *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

static void report(const struct bench *b, const char *what)
{
    qsort(b->times_us, b->time_count, sizeof(int64_t), compare_times);
    const int64_t *t = b->times_us;
    size_t n = b->time_count;
    printf("%-22s %7zu commands  p50 %8" PRId64 "  p90 %8" PRId64 "  p99 %8" PRId64 "  max %8" PRId64 " us\n", what, n,
           t[n / 2], t[n * 9 / 10], t[n * 99 / 100], t[n - 1]);
    fflush(stdout);
}

static void time_commands(struct bench *b, int64_t pause_us, int64_t until_us)
{
    struct arena *arena = arena_new("command", (size_t)64 << 20);
    const struct store_job job = {.name = "bench.tag", .fn = set_tag, .arg = b};
    b->time_count = 0;
    while (!atomic_load(&b->done) && now_us() < until_us && b->time_count < TIMES_MAX) {
        int64_t began_us = now_us();
        arena_reset(arena);
        must(b, store_write(b->store, arena, &job));
        b->times_us[b->time_count++] = now_us() - began_us;
        b->command++;
        usleep((useconds_t)pause_us);
    }
    arena_free(arena);
}

static void open_store(struct bench *b, const char *url)
{
    static const uint8_t master[SECRET_KEY_BYTES] = "a master key for measuring only";
    secret_init();
    b->store_options.url = str_c(url);
    b->store_options.deps.clock = clock_system();
    b->store_options.deps.ids = id_maker_new(b->arena, &b->store_options.deps.clock, 1);
    b->store_options.deps.keys = keyring_new(b->arena, master);
    must(b, store_migrate(b->arena, &b->store_options, NULL));
    must(b, store_open(b->arena, &b->store_options, &b->store));
    must(b, setup_create(b->store, b->arena, STR("Bench"), STR("CNY"), STR("Asia/Shanghai")));
    must(b, setup_load(b->store, b->arena, &b->brand));
    must(b, import_map_of_text(b->arena, STR("map"), str_c(map_text), &b->map));
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: small_commands STORE FIRST.csv CHANGED.csv BATCH_ORDERS [PAUSE_US]\n");
        return 2;
    }
    struct bench b = {.arena = arena_new("bench", BYTES_MAX)};
    int64_t pause_us = argc > 5 ? strtoll(argv[5], NULL, 10) : 2000;
    open_store(&b, argv[1]);
    b.customers = ARENA_ARRAY(b.arena, TIMES_MAX, int64_t);
    b.times_us = ARENA_ARRAY(b.arena, TIMES_MAX, int64_t);
    b.import = (struct import_options){.path = str_c(argv[2]),
                                       .map = b.map,
                                       .exported_at_us = INT64_MIN,
                                       .temporary_directory = STR("/tmp")};
    int64_t began_us = now_us();
    must(&b, import_orders(b.store, b.arena, b.brand, &b.import, &b.result));
    printf("first load             %7" PRId64 " orders in %.2f s\n", b.result.orders_new,
           (double)(now_us() - began_us) / 1e6);
    const struct store_job scan = {.name = "bench.customers", .fn = read_customers, .arg = &b};
    must(&b, store_read(b.store, b.arena, &scan));
    time_commands(&b, pause_us, now_us() + ALONE_US);
    report(&b, "alone");

    pthread_t thread;
    b.import.path = str_c(argv[3]);
    b.import.batch_orders = strtoll(argv[4], NULL, 10);
    began_us = now_us();
    if (pthread_create(&thread, NULL, import_changed, &b) != 0)
        return 1;
    time_commands(&b, pause_us, INT64_MAX);
    pthread_join(thread, NULL);
    report(&b, "beside the import");
    printf("changed                %7" PRId64 " orders in %.2f s\n", b.result.orders_changed,
           (double)(now_us() - began_us) / 1e6);
    store_close(b.store);
    arena_free(b.arena);
    return 0;
}
