/* link: room_order */
/* The pure rules of orders. Expected values follow from the words of order_rule.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"
#include "room/order/order_rule.h"

#define SURE(us) ((struct order_age){(us), false})
#define AT_MOST(us) ((struct order_age){(us), true})

/* An age that is not sure is an upper bound: known at 10 sure, a saying of at most 11 may be of 9;
 * known at most 10, one of 9 may be later. */
static void test_beats(void **state)
{
    (void)state;
    for (int progress = -1; progress <= 1; progress++) {
        assert_false(order_rule_beats(SURE(10), SURE(9), progress, false));
        assert_true(order_rule_beats(SURE(10), SURE(10), progress, false));
        assert_true(order_rule_beats(SURE(10), SURE(11), progress, false));
        assert_true(order_rule_beats(AT_MOST(10), SURE(11), progress, false));
        assert_false(order_rule_beats(SURE(10), AT_MOST(9), progress, false));
        assert_true(order_rule_beats(AT_MOST(10), AT_MOST(10), progress, false));
        assert_int_equal(order_rule_beats(SURE(10), AT_MOST(11), progress, false),
                         progress >= 0);
        assert_int_equal(order_rule_beats(AT_MOST(10), AT_MOST(11), progress, false),
                         progress >= 0);
        assert_int_equal(order_rule_beats(AT_MOST(10), SURE(9), progress, false),
                         progress > 0);
        assert_int_equal(order_rule_beats(AT_MOST(10), AT_MOST(9), progress, false),
                         progress > 0);
        assert_true(order_rule_beats(AT_MOST(10), SURE(10), progress, false));
        assert_false(order_rule_beats(SURE(10), SURE(10), progress, true));
        assert_true(order_rule_beats(SURE(10), SURE(11), progress, true));
    }
}

static void test_top_line(void **state)
{
    (void)state;
    const struct order_line_row lines[] = {
        {.product_id = 1, .amount_minor = -5},
        {.product_id = 2, .amount_minor = 7},
        {.product_id = 3, .amount_minor = 7},
        {.product_id = 4, .amount_minor = 6},
    };
    int64_t product, amount;
    order_rule_top_line(lines, 4, &product, &amount);
    assert_int_equal(product, 2);
    assert_int_equal(amount, 7);
    order_rule_top_line(lines, 1, &product, &amount); /* only a discount */
    assert_int_equal(product, 1);
    assert_int_equal(amount, -5);
    order_rule_top_line(lines, 0, &product, &amount);
    assert_int_equal(product, 0);
    assert_int_equal(amount, 0);
}

static void test_whole_day(void **state)
{
    (void)state;
    const struct order_refund_part refunds[] = {{100, 3}, {101, 4}, {102, 3}, {103, 9}};
    assert_int_equal(order_rule_whole_day(10, refunds, 4), 102);
    assert_int_equal(order_rule_whole_day(10, refunds, 2), DAY_NONE);
    assert_int_equal(order_rule_whole_day(3, refunds, 4), 100);
    assert_int_equal(order_rule_whole_day(20, refunds, 4), DAY_NONE);
    assert_int_equal(order_rule_whole_day(0, refunds, 1), 100);
    assert_int_equal(order_rule_whole_day(0, refunds, 0), DAY_NONE);
    const struct order_refund_part most[] = {{100, INT64_MAX}, {101, INT64_MAX}};
    assert_int_equal(order_rule_whole_day(INT64_MAX, most, 2), 100);
}

static void test_paid_at(void **state)
{
    (void)state;
    assert_int_equal(order_rule_paid_at(ORDER_CREATED, 5, 6), INT64_MIN);
    assert_int_equal(order_rule_paid_at(ORDER_PAID, 5, INT64_MIN), 5);
    assert_int_equal(order_rule_paid_at(ORDER_RECEIVED, 5, 6), 6);
    assert_int_equal(order_rule_paid_at(ORDER_CLOSED, 5, INT64_MIN), INT64_MIN);
    assert_int_equal(order_rule_paid_at(ORDER_CLOSED, 5, 6), 6);
}

/* Every column changes the bytes of a row, but how old the knowledge is and when it was written do
 * not. */
static void test_row_bytes(void **state)
{
    (void)state;
    struct arena *arena = arena_new("test", 1 << 20);
    const struct order_row row = {
        .customer_id = 1, .order_id = 2, .source = STR("s"), .number = STR("n")};
    struct order_row other[16];
    for (int i = 0; i < 16; i++)
        other[i] = row;
    other[0].customer_id++;
    other[1].order_id++;
    other[2].source = STR("sn");
    other[3].number = STR("");
    other[4].state++;
    other[5].occurred_at_us++;
    other[6].paid_at_us++;
    other[7].paid_day++;
    other[8].amount_minor++;
    other[9].refunded_minor++;
    other[10].refunded_whole_day++;
    other[11].channel_id++;
    other[12].top_product_id++;
    other[13].line_count++;
    other[14].identity_id++;
    other[15].content_hash = STR("x");
    struct str bytes = order_rule_order_bytes(arena, &row);
    for (int i = 0; i < 16; i++)
        assert_false(str_eq(bytes, order_rule_order_bytes(arena, &other[i])));
    struct order_row same = row;
    same.exported_at_us = 9;
    same.recorded_at_us = 9;
    assert_true(str_eq(bytes, order_rule_order_bytes(arena, &same)));
    arena_free(arena);
}

/* What a source tells enters the hash; identities do by key: another key gives another hash. */
static void test_content_hash(void **state)
{
    (void)state;
    struct arena *arena = arena_new("test", 1 << 20);
    uint8_t master[SECRET_KEY_BYTES] = {1};
    secret_init();
    struct keyring *keys = keyring_new(arena, master);
    master[0] = 2;
    struct keyring *other_keys = keyring_new(arena, master);
    struct customer_buyer buyer = {.identity_count = 1};
    buyer.identities[0] =
        (struct identity_value){IDENTITY_PHONE, STR(""), STR("13912345678"), false};
    struct order_line_fact line = {
        .product_code = STR("P"), .quantity_milli = 1000, .amount_minor = 5};
    struct order_fact fact = {.source = STR("s"),
                              .number = STR("n"),
                              .amount_minor = 5,
                              .lines = &line,
                              .line_count = 1,
                              .buyer = &buyer,
                              .exported_at_us = 1};
    struct str hash = order_rule_content_hash(arena, keys, &fact);
    assert_int_equal(hash.n, ORDER_CONTENT_BYTES);
    fact.exported_at_us = 2;
    assert_true(str_eq(hash, order_rule_content_hash(arena, keys, &fact)));
    assert_false(str_eq(hash, order_rule_content_hash(arena, other_keys, &fact)));
    buyer.identities[0].weak = true;
    assert_false(str_eq(hash, order_rule_content_hash(arena, keys, &fact)));
    buyer.identities[0].weak = false;
    line.amount_minor = 6;
    assert_false(str_eq(hash, order_rule_content_hash(arena, keys, &fact)));
    line.amount_minor = 5;
    fact.buyer = NULL;
    assert_false(str_eq(hash, order_rule_content_hash(arena, keys, &fact)));
    arena_free(arena);
}

/* By hand: 1,000 orders in 80 ms are twice too many for 40 ms; and so on. */
static void slices_aim_at_a_tenth_of_a_second(void **state)
{
    (void)state;
    assert_int_equal(order_slice_next(0, 0), 250);
    assert_int_equal(order_slice_next(1000, 80000), 500);
    assert_int_equal(order_slice_next(1000, 40000), 1000);
    assert_int_equal(order_slice_next(1000, 25000), 1600);
    assert_int_equal(order_slice_next(1000, 10000), 2000);    /* at most doubled */
    assert_int_equal(order_slice_next(1000, 0), 2000);        /* a clock that stands still */
    assert_int_equal(order_slice_next(1000, -5), 2000);       /* or goes back */
    assert_int_equal(order_slice_next(1000, 10000000), 250);  /* at most quartered */
    assert_int_equal(order_slice_next(60, 10000000), 50);     /* never none */
    assert_int_equal(order_slice_next(20000, 1), 20000);
    assert_int_equal(order_slice_next(20000, INT64_MAX), 5000);
    /* Where each order takes 100 us, sizes settle at 400 whatever they began with. */
    for (int64_t size = 50; size <= 20000; size *= 7) {
        int64_t now = size;
        for (int i = 0; i < 20; i++)
            now = order_slice_next(now, now * 100);
        assert_int_equal(now, 400);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_aim_at_a_tenth_of_a_second),
        cmocka_unit_test(test_beats),     cmocka_unit_test(test_top_line),
        cmocka_unit_test(test_whole_day), cmocka_unit_test(test_paid_at),
        cmocka_unit_test(test_row_bytes), cmocka_unit_test(test_content_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
