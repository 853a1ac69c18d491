#include "room/order/order_first_load.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/order/order_rule.h"
#include "sql_order.h"

#define SETTLE_CHUNK 50000
#define SETTLE_BYTES_MAX ((size_t)256 << 20)

static ERR_RESULT has_any(struct tx *tx, bool *any)
{
    struct sql_order_any_out order;
    struct sql_order_refund_any_out refund;
    TRY(sql_order_any_one(tx, &order, any));
    return *any ? NULL : sql_order_refund_any_one(tx, &refund, any);
}

static ERR_RESULT set(struct tx *tx, int64_t import_id)
{
    return sql_order_first_load_set_run(tx, &(struct sql_order_first_load_set_in){import_id});
}

static ERR_RESULT see(struct tx *tx, struct sql_order_first_load_see_out *row)
{
    bool found;
    TRY(sql_order_first_load_see_one(tx, row, &found));
    CHECK(found); /* the migration put it there */
    return NULL;
}

/* Before the row is changed, and not behind hold: of two who hold it neither could go on. */
static ERR_RESULT take(struct tx *tx, struct sql_order_first_load_take_out *row)
{
    bool found;
    TRY(sql_order_first_load_take_one(tx, row, &found));
    CHECK(found);
    return NULL;
}

static ERR_RESULT hold(struct tx *tx, struct sql_order_first_load_hold_out *row)
{
    bool found;
    TRY(sql_order_first_load_hold_one(tx, row, &found));
    CHECK(found);
    return NULL;
}

ERR_RESULT order_first_load_open(struct tx *tx, int64_t import_id, enum order_load *how)
{
    struct sql_order_first_load_see_out seen;
    struct sql_order_first_load_take_out taken;
    bool any;
    *how = ORDER_LOAD_ORDINARY;
    TRY(see(tx, &seen));
    TRY(has_any(tx, &any));
    if (seen.import_id == 0 && any)
        return NULL;
    TRY(take(tx, &taken)); /* only now does everybody else wait */
    TRY(has_any(tx, &any));
    if (taken.import_id == 0 && any)
        return NULL;
    *how = any ? ORDER_LOAD_RECOVER : ORDER_LOAD_FIRST;
    return set(tx, import_id);
}

ERR_RESULT order_first_load_step(struct tx *tx, int64_t import_id, int64_t number,
                                 enum order_step *step)
{
    struct sql_order_first_load_step_in in = {import_id, number};
    struct sql_order_first_load_step_out out;
    struct sql_order_first_load_see_out row;
    bool taken;
    *step = ORDER_STEP_TAKEN;
    TRY(sql_order_first_load_step_one(tx, &in, &out, &taken));
    if (taken)
        return NULL;
    TRY(see(tx, &row)); /* nobody but this load makes it this load's again */
    bool again = row.import_id == import_id && row.batch_count == number;
    *step = again ? ORDER_STEP_AGAIN : ORDER_STEP_OVER;
    return NULL;
}

static struct str hash_str(const struct order_claim *claim)
{
    return (struct str){(const char *)claim->hash, SECRET_HASH_BYTES};
}

static ERR_RESULT insert_claims(struct tx *tx, struct arena *arena,
                                const struct order_claim *claims, size_t count)
{
    struct sql_order_lookup_insert_in *ins =
        ARENA_ARRAY(arena, count, struct sql_order_lookup_insert_in);
    for (size_t i = 0; i < count; i++)
        ins[i] =
            (struct sql_order_lookup_insert_in){LOOKUP_ORDER, hash_str(&claims[i]),
                                                claims[i].customer_id, claims[i].order_id};
    return sql_order_lookup_insert_bulk(tx, ins, count);
}

/* One that is there already was claimed by an earlier try over the same rows. */
static ERR_RESULT add_claims(struct tx *tx, struct arena *arena, const struct order_claim *claims,
                             size_t count)
{
    struct sql_order_lookup_claim_in *ins =
        ARENA_ARRAY(arena, count, struct sql_order_lookup_claim_in);
    struct sql_order_lookup_claim_out *outs =
        ARENA_ARRAY(arena, count, struct sql_order_lookup_claim_out);
    bool *claimed = ARENA_ARRAY(arena, count, bool);
    for (size_t i = 0; i < count; i++)
        ins[i] =
            (struct sql_order_lookup_claim_in){LOOKUP_ORDER, hash_str(&claims[i]),
                                               claims[i].customer_id, claims[i].order_id};
    return sql_order_lookup_claim_many(tx, ins, count, outs, claimed);
}

ERR_RESULT order_first_load_claim(struct tx *tx, const struct order_claim *claims, size_t count,
                                  bool fresh, bool last)
{
    TRY(fresh ? insert_claims(tx, tx_arena(tx), claims, count)
              : add_claims(tx, tx_arena(tx), claims, count));
    return last ? set(tx, 0) : NULL;
}

/* --- What is behind, from the rows --- */

ERR_RESULT order_first_load_claims(struct tx *tx, order_claim_fn *fn, void *arg)
{
    const struct keyring *keys = tx_deps(tx)->keys;
    struct sql_order_numbers_all_out row;
    struct stmt_cursor cursor;
    bool has;
    TRY(sql_order_numbers_all_open(tx, &cursor));
    for (;;) {
        struct order_claim claim;
        TRY(sql_order_numbers_all_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        claim.customer_id = row.customer_id;
        claim.order_id = row.order_id;
        order_rule_number_hash(keys, LOOKUP_ORDER, row.source, row.number, claim.hash);
        TRY(fn(arg, &claim));
    }
}

/* Claims gathered until there are enough to be worth sorting: neighbours share pages. */
struct settle {
    struct tx *tx;
    struct arena *arena; /* of one chunk's statement */
    struct order_claim *claims;
    size_t count;
};

static int compare_claims(const void *a, const void *b)
{
    const struct order_claim *x = a, *y = b;
    return memcmp(x->hash, y->hash, sizeof(x->hash));
}

static ERR_RESULT settle_chunk(struct settle *s)
{
    qsort(s->claims, s->count, sizeof(*s->claims), compare_claims);
    arena_reset(s->arena);
    TRY(add_claims(s->tx, s->arena, s->claims, s->count));
    s->count = 0;
    return NULL;
}

static const struct err *settle_one(void *arg, const struct order_claim *claim)
{
    struct settle *s = arg;
    s->claims[s->count++] = *claim;
    return s->count == SETTLE_CHUNK ? settle_chunk(s) : NULL;
}

static void free_arena(void *arena)
{
    arena_free(arena);
}

/* Claims of all orders, those that are there already left as they are. */
static ERR_RESULT settle_all(struct tx *tx)
{
    struct settle s = {.tx = tx, .arena = arena_new("claims of a first load", SETTLE_BYTES_MAX)};
    arena_defer(tx_arena(tx), free_arena, s.arena);
    s.claims = ARENA_ARRAY(tx_arena(tx), SETTLE_CHUNK, struct order_claim);
    TRY(set(tx, 0)); /* from here on a load that runs waits, and then finds itself ended */
    TRY(order_first_load_claims(tx, settle_one, &s));
    return s.count > 0 ? settle_chunk(&s) : NULL;
}

ERR_RESULT order_first_load_settle(struct tx *tx)
{
    struct sql_order_first_load_see_out seen;
    struct sql_order_first_load_take_out taken;
    struct sql_order_first_load_hold_out held;
    TRY(see(tx, &seen));
    if (seen.import_id != 0) {
        TRY(take(tx, &taken));
        return taken.import_id == 0 ? NULL : settle_all(tx);
    }
    TRY(hold(tx, &held));
    if (held.import_id == 0)
        return NULL;
    /* Begun between the two, and not to be taken any more: the next try sees it. */
    return ERR_NEW(tx_arena(tx), ERR_STORE_CONFLICT, STR_NONE, STR("order_first_load_hold"),
                   STR("a first load began"));
}

ERR_RESULT order_rebuild(struct tx *tx)
{
    return settle_all(tx);
}
