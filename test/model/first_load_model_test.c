/* link: room_order test_support */
/* A file of random orders — several lines, shared phones, receivers, nobody, refunds beside and after,
 * some of orders that never come — imported in the ordinary way, as a first load, and as a first load
 * that a command of another writer ends at a random step: every table must say the same, but for ids
 * and for what is sealed. On both databases. Seed in HUITOU_TEST_SEED. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../unit/order_support.h"

#define ORDERS 120
#define EXPORTED_AT_US INT64_C(1710000000000000)

static const char map[] =
    "{\"name\": \"load\", \"source\": \"shop\", \"time_format\": \"%Y-%m-%d\", "
    "\"columns\": {\"order_number\": \"no\", \"order_time\": \"time\", \"member_card\": \"card\", "
    "\"phone\": \"phone\", \"receiver_phone\": \"receiver\", \"buyer_name\": \"name\", "
    "\"line_amount\": \"amount\", \"channel\": \"channel\", \"product_code\": \"code\", "
    "\"product_name\": \"product\", \"refund_amount\": \"back\", \"refund_of\": \"of\"}, "
    "\"refund_when\": [{\"column\": \"no\", \"starts_with\": \"R\"}]}";

/* --- The file --- */

static void put_buyer(struct buf *text, struct test_random *random)
{
    int64_t person = test_random_below(random, 30);
    bool card = test_random_below(random, 4) > 0, phone = test_random_below(random, 3) > 0;
    bool receiver = test_random_below(random, 3) == 0;
    if (test_random_below(random, 10) == 0)
        card = phone = receiver = false; /* nobody */
    if (card)
        buf_fmt(text, "card%d", (int)person);
    buf_char(text, ',');
    if (phone) /* families share one */
        buf_fmt(text, "139%08d", (int)(person / 2));
    buf_char(text, ',');
    if (receiver)
        buf_fmt(text, "139%08d", (int)test_random_below(random, 20));
    buf_fmt(text, ",%s,", card || phone ? "王小明" : "");
}

static void put_rows(struct buf *text, struct test_random *random, const char *number, int lines,
                     const char *refund_of)
{
    struct buf row = buf_new(text->arena, 4096);
    buf_fmt(&row, "%s,2023-%02d-%02d,", number, 1 + (int)test_random_below(random, 12),
            1 + (int)test_random_below(random, 28));
    put_buyer(&row, random);
    for (int i = 0; i < lines; i++) {
        int product = (int)test_random_below(random, 6);
        bool back = !refund_of && test_random_below(random, 12) == 0;
        buf_str(text, buf_view(&row));
        buf_fmt(text, "%s%d.50,c%d,P%d,Product %d,%s,%s\n", refund_of ? "-" : "",
                (int)test_random_below(random, 50), (int)test_random_below(random, 3), product,
                product, back ? "1.00" : "", refund_of ? refund_of : "");
    }
}

static struct str random_file(struct arena *arena, struct test_random *random)
{
    struct buf text = buf_new(arena, 1 << 20);
    buf_str(&text, STR("no,time,card,phone,receiver,name,amount,channel,code,product,back,of\n"));
    for (int i = 0; i < ORDERS; i++) {
        char number[16], of[16];
        snprintf(number, sizeof(number), "A%d", i);
        put_rows(&text, random, number, 1 + (int)test_random_below(random, 3), NULL);
        if (test_random_below(random, 6) > 0)
            continue;
        snprintf(number, sizeof(number), "R%d", i);
        snprintf(of, sizeof(of), "A%d", (int)test_random_below(random, ORDERS + 20));
        put_rows(&text, random, number, 1, of);
    }
    return buf_view(&text);
}

/* --- The other writer: one order of a customer of its own --- */

struct run {
    struct shop *shop;
    int64_t batch_orders;
    int inject_at; /* the other writer's turn, in calls of progress while it writes; 0: before the
                    * import, INT_MAX: after it */
    int calls;
    bool injected, claimed;
    struct import_result result;
};

static const struct err *write_other(struct tx *tx, void *arg)
{
    struct run *run = arg;
    struct customer_buyer *buyer = ARENA_NEW(tx_arena(tx), struct customer_buyer);
    struct order_fact *fact = ARENA_NEW(tx_arena(tx), struct order_fact);
    buyer->identity_count = 1;
    buyer->identities[0] = (struct identity_value){
        .kind = IDENTITY_MEMBER_CARD, .issuer = STR(""), .value = STR("other")};
    *fact = (struct order_fact){.source = STR("shop"),
                                .number = STR("OTHER"),
                                .state = ORDER_PAID,
                                .occurred_at_us = EXPORTED_AT_US,
                                .paid_at_us = EXPORTED_AT_US,
                                .amount_minor = 700,
                                .exported_at_us = EXPORTED_AT_US,
                                .buyer = buyer};
    struct order_batch batch = {.brand = run->shop->brand, .orders = fact, .order_count = 1};
    TRY(order_batch_apply(tx, &batch));
    assert_int_equal(batch.order_new_count, 1);
    return NULL;
}

static void inject(struct run *run)
{
    assert_false(run->injected);
    run->injected = true;
    test_write(run->shop->test, write_other, run);
}

static void progress(void *arg, const char *phase, int64_t done, int64_t total)
{
    struct run *run = arg;
    (void)done, (void)total;
    bool writes = strcmp(phase, "write") == 0, claims = strcmp(phase, "claim") == 0;
    run->claimed = run->claimed || claims;
    if ((writes || claims) && ++run->calls == run->inject_at)
        inject(run);
}

/* Everything that the tables say, without ids: a customer is named by the first of its claimed
 * identities, the first of its orders, the first of its refunds. */
#define WHO(id)                                                                                    \
    "(SELECT i.hash FROM identity i WHERE i.customer_id = " id                                     \
    " AND i.claimed = 1 ORDER BY i.hash LIMIT 1), "                                                \
    "(SELECT w.number FROM orders w WHERE w.customer_id = " id " ORDER BY w.number LIMIT 1), "     \
    "(SELECT x.number FROM refund x WHERE x.customer_id = " id " ORDER BY x.number LIMIT 1)"

static const char *const questions[] = {
    "SELECT o.number, o.source, o.state, o.occurred_at, o.paid_at, o.paid_day, o.amount_minor, "
    "o.refunded_minor, o.refunded_whole_day, c.name, p.code, o.top_line_minor, o.line_count, "
    "o.exported_at, o.content_hash, d.hash, " WHO("o.customer_id")
    " FROM orders o LEFT JOIN channel c ON c.channel_id = o.channel_id LEFT JOIN product p ON "
    "p.product_id = o.top_product_id LEFT JOIN identity d ON d.customer_id = o.customer_id AND "
    "d.identity_id = o.identity_id",
    "SELECT o.number, l.line_no, p.code, p.name, l.quantity_milli, l.amount_minor FROM order_line "
    "l JOIN orders o ON o.customer_id = l.customer_id AND o.order_id = l.order_id LEFT JOIN "
    "product p ON p.product_id = l.product_id",
    "SELECT r.number, o.number, r.amount_minor, r.refunded_at, r.refunded_day, c.name, "
    "r.exported_at, r.content_hash, " WHO("r.customer_id")
    " FROM refund r LEFT JOIN orders o ON o.customer_id = r.customer_id AND o.order_id = "
    "r.order_id LEFT JOIN channel c ON c.channel_id = r.channel_id",
    "SELECT w.order_hash, r.number FROM refund_waiting w JOIN refund r ON r.refund_id = "
    "w.refund_id AND r.customer_id = w.customer_id",
    "SELECT l.kind, l.hash, o.number, r.number, i.hash, " WHO("l.customer_id")
    " FROM lookup l LEFT JOIN orders o ON o.customer_id = l.customer_id AND o.order_id = "
    "l.object_id LEFT JOIN refund r ON r.customer_id = l.customer_id AND r.refund_id = "
    "l.object_id LEFT JOIN identity i ON i.customer_id = l.customer_id AND i.identity_id = "
    "l.object_id",
    "SELECT c.placeholder, c.created_at, CASE WHEN c.name_sealed IS NULL THEN 0 ELSE 1 END, "
    "h.version, " WHO("c.customer_id") ", " WHO("c.root_id")
    " FROM customer c JOIN event_head h ON h.customer_id = c.customer_id",
    "SELECT i0.kind, i0.issuer, i0.hash, i0.claimed, i0.weak, " WHO("i0.customer_id")
    " FROM identity i0",
    "SELECT n.kind, n.hash, " WHO("n.customer_id") " FROM customer_name_hash n",
    "SELECT m.identity_kind, m.decided FROM merge_proposal m",
    "SELECT e.version, e.type, " WHO("e.customer_id") " FROM event e",
    "SELECT import_id, batch_count FROM order_first_load WHERE import_id <> 0",
};

static const char *answers(struct shop *shop)
{
    struct buf buf = buf_new(shop->arena, (size_t)1 << 28);
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
        buf_fmt(&buf, "-- %zu\n%s\n", i, shop_sql(shop, questions[i]));
    return str_z(shop->arena, buf_view(&buf));
}

/* --- One way of doing it --- */

static char *run_one(enum store_kind kind, struct str file, struct run *run)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    run->shop = shop;
    shop_map(shop, map);
    struct import_options options = {
        .path = shop_file(shop, "load.csv", str_z(shop->arena, file)),
        .map = shop->map,
        .exported_at_us = EXPORTED_AT_US,
        .reject_path = shop_path(shop, "rejects"),
        .temporary_directory = str_c(shop->directory),
        .sort_memory_bytes = 1 << 20,
        .batch_orders = run->batch_orders,
        .progress = progress,
        .progress_arg = run,
    };
    if (run->inject_at == 0)
        inject(run);
    shop_must(shop->arena, import_orders(shop->test->store, shop->arena, shop->brand, &options,
                                         &run->result));
    if (!run->injected)
        inject(run);
    shop_verify(shop);
    char *got = strdup(answers(shop));
    struct import_result again;
    options.progress = NULL;
    shop_must(shop->arena,
              import_orders(shop->test->store, shop->arena, shop->brand, &options, &again));
    assert_int_equal(again.orders_new + again.orders_changed + again.refunds_new, 0);
    assert_string_equal(got, answers(shop)); /* the same file again is no news */
    shop_close(shop);
    return got;
}

static void compare(const char *expected, char *got, const char *what, int inject_at)
{
    size_t i = 0;
    while (expected[i] && expected[i] == got[i])
        i++;
    if (expected[i] != got[i])
        fail_msg("%s (other writer at %d): \"%.200s\" instead of \"%.200s\"", what, inject_at,
                 got + (i > 80 ? i - 80 : 0), expected + (i > 80 ? i - 80 : 0));
    free(got);
}

static void run_seed(enum store_kind kind, uint64_t seed)
{
    struct test_random random = test_random(seed);
    struct arena *arena = arena_new("file", 1 << 24);
    struct str file = random_file(arena, &random);
    int64_t batch_orders = 1 + test_random_below(&random, 40);
    struct run ordinary = {.batch_orders = batch_orders};
    struct run first = {.batch_orders = batch_orders, .inject_at = INT32_MAX};
    char *expected = run_one(kind, file, &ordinary);
    assert_false(ordinary.claimed);
    compare(expected, run_one(kind, file, &first), "first load", 0);
    assert_true(first.claimed);
    assert_int_equal(ordinary.result.orders_new, first.result.orders_new);
    assert_int_equal(ordinary.result.refunds_new, first.result.refunds_new);
    assert_int_equal(ordinary.result.refunds_without_order, first.result.refunds_without_order);
    for (int i = 0; i < 3; i++) {
        struct run ended = {.batch_orders = batch_orders,
                            .inject_at = 1 + (int)test_random_below(&random, first.calls)};
        compare(expected, run_one(kind, file, &ended), "ended first load", ended.inject_at);
        assert_int_equal(ordinary.result.orders_new, ended.result.orders_new);
    }
    free(expected);
    arena_free(arena);
}

static uint64_t first_seed(void)
{
    const char *seed = getenv("HUITOU_TEST_SEED");
    return seed ? strtoull(seed, NULL, 10) : 1;
}

static void test_sqlite(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 8; i++) {
        print_message("seed %llu\n", (unsigned long long)(first_seed() + i));
        run_seed(STORE_SQLITE, first_seed() + i);
    }
}

static void test_postgres(void **state)
{
    (void)state;
    print_message("seed %llu\n", (unsigned long long)first_seed());
    run_seed(STORE_POSTGRES, first_seed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sqlite),
                                       cmocka_unit_test(test_postgres)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
