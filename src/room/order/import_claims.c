#include "room/order/import_claims.h"

#include <string.h>

#include "base/arena.h"
#include "base/check.h"

#define CLAIMS_PER_TRANSACTION 100000
#define SORT_MEMORY_BYTES ((size_t)64 << 20)
#define BATCH_BYTES_MAX ((size_t)1 << 30)

struct import_claims {
    struct import_run *run;
    struct sorter *sorter; /* hash → customer, order */
    struct arena *arena;   /* of one transaction */
    struct order_claim *batch;
    size_t count, capacity;
    int64_t number;
    bool fresh, last;
    enum order_step step;
};

static void close_sorter(void *sorter)
{
    sorter_close(sorter);
}

static ERR_RESULT open_sorter(struct import_claims *claims)
{
    struct import_run *run = claims->run;
    size_t memory = run->options->sort_memory_bytes;
    struct sorter_options options = {
        .directory = run->options->temporary_directory,
        .memory_bytes = memory > 0 && memory < SORT_MEMORY_BYTES ? memory : SORT_MEMORY_BYTES,
    };
    if (options.memory_bytes < 1u << 20)
        options.memory_bytes = 1u << 20;
    TRY(sorter_open(run->arena, &options, &claims->sorter));
    arena_defer(run->arena, close_sorter, claims->sorter);
    return NULL;
}

ERR_RESULT import_claims_open(struct import_run *run, struct import_claims **out)
{
    struct import_claims *claims = ARENA_NEW(run->arena, struct import_claims);
    claims->run = run;
    claims->capacity = run->options->batch_orders > 0 ? (size_t)run->options->batch_orders
                                                      : CLAIMS_PER_TRANSACTION;
    claims->arena = arena_new("import claims", BATCH_BYTES_MAX);
    arena_defer(run->arena, import_free_arena, claims->arena);
    *out = claims;
    return open_sorter(claims);
}

static const struct err *add_one(void *arg, const struct order_claim *claim)
{
    struct import_claims *claims = arg;
    int64_t ids[2] = {claim->customer_id, claim->order_id};
    return sorter_add(claims->sorter, (struct str){(const char *)claim->hash, sizeof(claim->hash)},
                      (struct str){(const char *)ids, sizeof(ids)});
}

ERR_RESULT import_claims_add(struct import_claims *claims, const struct order_claim *added,
                             size_t count)
{
    for (size_t i = 0; i < count; i++)
        TRY(add_one(claims, &added[i]));
    return NULL;
}

/* --- From the rows --- */

/* A second try of the reading begins with an empty sorter. */
static const struct err *read_rows(struct tx *tx, void *arg)
{
    struct import_claims *claims = arg;
    sorter_close(claims->sorter);
    TRY(open_sorter(claims));
    return order_first_load_claims(tx, add_one, claims);
}

ERR_RESULT import_claims_read(struct import_claims *claims)
{
    struct store_job job = {.name = "import.claims_read", .fn = read_rows, .arg = claims};
    import_phase(claims->run, "claims read", 0);
    arena_reset(claims->arena);
    const struct err *err = store_read(claims->run->store, claims->arena, &job);
    return err ? err_copy(claims->run->arena, err) : NULL;
}

/* --- Writing --- */

static const struct err *note_commit(struct tx *tx, void *arg)
{
    struct import_claims *claims = arg;
    (void)tx;
    import_phase(claims->run, "claims commit", claims->number);
    return NULL;
}

static const struct err *write_batch(struct tx *tx, void *arg)
{
    struct import_claims *claims = arg;
    TRY(order_first_load_step(tx, claims->run->import_id, claims->number, &claims->step));
    if (claims->step != ORDER_STEP_TAKEN)
        return NULL;
    TRY(order_first_load_claim(tx, claims->batch, claims->count, claims->fresh, claims->last));
    tx_before_commit(tx, note_commit, claims);
    return NULL;
}

static ERR_RESULT next_batch(struct import_claims *claims)
{
    struct str key, value;
    bool has;
    arena_reset(claims->arena);
    claims->batch = ARENA_ARRAY(claims->arena, claims->capacity, struct order_claim);
    for (claims->count = 0; claims->count < claims->capacity;) {
        TRY(sorter_next(claims->sorter, &key, &value, &has));
        claims->last = !has;
        if (!has)
            return NULL;
        int64_t ids[2];
        struct order_claim *claim = &claims->batch[claims->count++];
        CHECK(key.n == sizeof(claim->hash) && value.n == sizeof(ids));
        memcpy(claim->hash, key.p, sizeof(claim->hash));
        memcpy(ids, value.p, sizeof(ids));
        claim->customer_id = ids[0];
        claim->order_id = ids[1];
    }
    return NULL;
}

ERR_RESULT import_claims_write(struct import_claims *claims, bool fresh, int64_t number)
{
    struct import_run *run = claims->run;
    struct store_job job = {.name = "import.claims",
                            .fn = write_batch,
                            .arg = claims,
                            .again_if_ambiguous = true,
                            .takes_long = true};
    int64_t done = 0, total = sorter_count(claims->sorter);
    claims->fresh = fresh;
    claims->number = number;
    TRY(sorter_finish(claims->sorter));
    for (claims->last = false; !claims->last;) {
        TRY(next_batch(claims));
        claims->number++;
        import_phase(run, "claims begin", claims->number);
        const struct err *err = store_write(run->store, claims->arena, &job);
        if (err)
            return err_copy(run->arena, err);
        import_phase(run, "claims done", claims->number);
        if (claims->step == ORDER_STEP_OVER)
            break;
        done += (int64_t)claims->count;
        import_progress(run, "claim", done, total);
    }
    sorter_close(claims->sorter);
    return NULL;
}
