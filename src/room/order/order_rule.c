#include "room/order/order_rule.h"

#include "base/arena.h"
#include "base/check.h"

#include <string.h>

#define FACT_BYTES_MAX 4096
#define CONTENT_BYTES_MAX (16u << 20)

static const char *const state_names[ORDER_STATE_MAX] = {
    [ORDER_CREATED] = "created",   [ORDER_PAID] = "paid",     [ORDER_SHIPPED] = "shipped",
    [ORDER_RECEIVED] = "received", [ORDER_CLOSED] = "closed",
};

static void put_i64(struct buf *buf, int64_t number);
static void put_str(struct buf *buf, struct str s);
static void add_buyer(struct buf *buf, const struct keyring *keys,
                      const struct customer_buyer *buyer);
static struct str hash_of(struct arena *arena, const struct buf *content);

const char *order_state_name(enum order_state state)
{
    CHECK(state < ORDER_STATE_MAX);
    return state_names[state];
}

void order_rule_top_line(const struct order_line_row *lines, size_t count, int64_t *product_id,
                         int64_t *amount_minor)
{
    *product_id = 0;
    *amount_minor = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && lines[i].amount_minor <= *amount_minor)
            continue;
        *product_id = lines[i].product_id;
        *amount_minor = lines[i].amount_minor;
    }
}

int32_t order_rule_whole_day(int64_t amount_minor, const struct order_refund_part *refunds,
                             size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        bool fits = add_i64(sum, refunds[i].amount_minor, &sum);
        if (refunds[i].amount_minor == 0)
            continue;
        if (!fits || sum >= amount_minor)
            return refunds[i].day;
    }
    return DAY_NONE;
}

int64_t order_rule_paid_at(enum order_state state, int64_t occurred_at_us, int64_t told_paid_at_us)
{
    if (state == ORDER_CREATED)
        return INT64_MIN;
    if (state == ORDER_CLOSED || told_paid_at_us != INT64_MIN)
        return told_paid_at_us;
    return occurred_at_us;
}

struct str order_rule_order_bytes(struct arena *arena, const struct order_row *row)
{
    struct buf buf = buf_new(arena, FACT_BYTES_MAX);
    buf_char(&buf, 'o');
    put_i64(&buf, row->customer_id);
    put_i64(&buf, row->order_id);
    put_str(&buf, row->source);
    put_str(&buf, row->number);
    put_i64(&buf, row->state);
    put_i64(&buf, row->occurred_at_us);
    put_i64(&buf, row->paid_at_us);
    put_i64(&buf, row->paid_day);
    put_i64(&buf, row->amount_minor);
    put_i64(&buf, row->refunded_minor);
    put_i64(&buf, row->refunded_whole_day);
    put_i64(&buf, row->channel_id);
    put_i64(&buf, row->top_product_id);
    put_i64(&buf, row->top_line_minor);
    put_i64(&buf, row->line_count);
    put_i64(&buf, row->identity_id);
    put_str(&buf, row->content_hash);
    return buf_view(&buf);
}

struct str order_rule_line_bytes(struct arena *arena, const struct order_line_row *row)
{
    struct buf buf = buf_new(arena, FACT_BYTES_MAX);
    buf_char(&buf, 'l');
    put_i64(&buf, row->customer_id);
    put_i64(&buf, row->order_id);
    put_i64(&buf, row->line_no);
    put_i64(&buf, row->product_id);
    put_i64(&buf, row->quantity_milli);
    put_i64(&buf, row->amount_minor);
    return buf_view(&buf);
}

struct str order_rule_refund_bytes(struct arena *arena, const struct order_refund_row *row)
{
    struct buf buf = buf_new(arena, FACT_BYTES_MAX);
    buf_char(&buf, 'r');
    put_i64(&buf, row->customer_id);
    put_i64(&buf, row->refund_id);
    put_i64(&buf, row->order_id);
    put_str(&buf, row->source);
    put_str(&buf, row->number);
    put_i64(&buf, row->amount_minor);
    put_i64(&buf, row->refunded_at_us);
    put_i64(&buf, row->refunded_day);
    put_i64(&buf, row->channel_id);
    put_str(&buf, row->content_hash);
    return buf_view(&buf);
}

int64_t order_slice_next(int64_t size, int64_t took_us)
{
    enum { FIRST = 250, AIM_US = 40000, LEAST = 50, MOST = 20000 };
    if (size <= 0)
        return FIRST;
    int64_t next = took_us > 0 ? (int64_t)((double)size * AIM_US / (double)took_us) : MOST;
    if (next > 2 * size)
        next = 2 * size;
    if (next < size / 4)
        next = size / 4;
    if (next < LEAST)
        next = LEAST;
    return next > MOST ? MOST : next;
}

/* One part of the content; zeros where there is none. */
static void put_part(struct arena *arena, bool told, const struct buf *content, uint8_t *part)
{
    memset(part, 0, ORDER_CONTENT_PART_BYTES);
    if (told)
        memcpy(part, hash_of(arena, content).p, ORDER_CONTENT_PART_BYTES);
}

struct str order_rule_content_hash(struct arena *arena, const struct keyring *keys,
                                   const struct order_fact *fact)
{
    uint8_t *parts = arena_alloc(arena, ORDER_CONTENT_BYTES);
    int64_t told = order_rule_told(fact);
    struct buf lines = buf_new(arena, CONTENT_BYTES_MAX), channel = buf_new(arena, FACT_BYTES_MAX),
               buyer = buf_new(arena, FACT_BYTES_MAX);
    put_i64(&lines, fact->line_count);
    for (int i = 0; i < fact->line_count; i++) {
        const struct order_line_fact *line = &fact->lines[i];
        put_str(&lines, line->product_code);
        put_str(&lines, line->product_name);
        put_str(&lines, line->category);
        put_i64(&lines, line->quantity_milli);
        put_i64(&lines, line->amount_minor);
    }
    put_str(&channel, fact->channel);
    add_buyer(&buyer, keys, fact->buyer);
    put_part(arena, told & ORDER_TOLD_LINES && fact->line_count > 0, &lines, parts);
    put_part(arena, told & ORDER_TOLD_CHANNEL && str_is(fact->channel), &channel,
             parts + ORDER_CONTENT_PART_BYTES);
    put_part(arena, told & ORDER_TOLD_BUYER, &buyer, parts + 2 * ORDER_CONTENT_PART_BYTES);
    return (struct str){(const char *)parts, ORDER_CONTENT_BYTES};
}

struct str order_rule_refund_content_hash(struct arena *arena, const struct keyring *keys,
                                          const struct refund_fact *fact)
{
    struct buf buf = buf_new(arena, CONTENT_BYTES_MAX);
    put_str(&buf, fact->order_number);
    put_i64(&buf, fact->refunded_at_us);
    put_i64(&buf, fact->amount_minor);
    put_str(&buf, fact->channel);
    add_buyer(&buf, keys, fact->buyer);
    return hash_of(arena, &buf);
}

void order_rule_number_hash(const struct keyring *keys, enum lookup_kind kind, struct str source,
                            struct str number, uint8_t out[SECRET_HASH_BYTES])
{
    char value[LIMIT_NAME_BYTES_MAX + LIMIT_ORDER_NUMBER_BYTES_MAX + 64];
    CHECK(source.n + 1 + number.n <= sizeof(value));
    memcpy(value, source.p, source.n);
    value[source.n] = 0x1f;
    memcpy(value + source.n + 1, number.p, number.n);
    struct str domain = kind == LOOKUP_ORDER ? STR("order.number") : STR("refund.number");
    secret_lookup_hash(keys, domain, (struct str){value, source.n + 1 + number.n}, out);
}

static void put_i64(struct buf *buf, int64_t number)
{
    uint8_t bytes[8];
    uint64_t rest = (uint64_t)number;
    for (int i = 0; i < 8; i++, rest >>= 8)
        bytes[i] = (uint8_t)rest;
    buf_add(buf, bytes, sizeof(bytes));
}

/* An absent string and an empty one count as the same: a database may hand back either. */
static void put_str(struct buf *buf, struct str s)
{
    put_i64(buf, (int64_t)s.n);
    if (s.n > 0)
        buf_str(buf, s);
}

static void add_buyer(struct buf *buf, const struct keyring *keys,
                      const struct customer_buyer *buyer)
{
    uint8_t hash[SECRET_HASH_BYTES];
    put_i64(buf, buyer ? buyer->identity_count : 0);
    for (int i = 0; buyer && i < buyer->identity_count; i++) {
        put_i64(buf, buyer->identities[i].weak);
        if (buyer->hashed) {
            buf_add(buf, buyer->hashes[i], sizeof(hash));
            continue;
        }
        identity_hash(keys, &buyer->identities[i], hash);
        buf_add(buf, hash, sizeof(hash));
    }
    if (!buyer || !str_is(buyer->name))
        return;
    secret_lookup_hash(keys, STR("order.buyer_name"), buyer->name, hash);
    buf_add(buf, hash, sizeof(hash));
}

static struct str hash_of(struct arena *arena, const struct buf *content)
{
    uint8_t *hash = arena_alloc(arena, SECRET_HASH_BYTES);
    secret_content_hash(buf_view(content), hash);
    return (struct str){(const char *)hash, SECRET_HASH_BYTES};
}
