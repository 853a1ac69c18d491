#include "job/rebuild.h"

#include "base/arena.h"
#include "room/customer/customer.h"
#include "room/order/order.h"

#define NAMES_AT_ONCE 2000
#define PAGE_BYTES_MAX ((size_t)256 << 20)

static const struct err *calendar_tx(struct tx *tx, void *arg)
{
    (void)arg;
    return setup_rebuild(tx);
}

static const struct err *claims_tx(struct tx *tx, void *arg)
{
    (void)arg;
    TRY(customer_rebuild_claims(tx));
    TRY(order_rebuild(tx));
    return customer_rebuild_names_begin(tx);
}

struct page {
    int64_t from_id, after_id, count;
};

static const struct err *names_tx(struct tx *tx, void *arg)
{
    struct page *page = arg;
    page->after_id = page->from_id; /* it may run several times */
    return customer_rebuild_names(tx, NAMES_AT_ONCE, &page->after_id, &page->count);
}

static const struct err *in_write(struct store *store, struct arena *arena, const char *name,
                                  store_fn *fn, void *arg)
{
    struct store_job job = {.name = name, .fn = fn, .arg = arg, .takes_long = true};
    return store_write(store, arena, &job);
}

const struct err *rebuild_all(struct store *store, struct arena *arena,
                              struct rebuild_result *result)
{
    struct page page = {.count = 1};
    *result = (struct rebuild_result){0};
    TRY(in_write(store, arena, "rebuild.calendar", calendar_tx, NULL));
    TRY(in_write(store, arena, "rebuild.claims", claims_tx, NULL));
    while (page.count > 0) {
        struct arena *part = arena_new("rebuild", PAGE_BYTES_MAX);
        const struct err *err = in_write(store, part, "rebuild.names", names_tx, &page);
        if (err)
            err = err_copy(arena, err);
        arena_free(part);
        TRY(err);
        page.from_id = page.after_id;
        result->names += page.count;
    }
    return NULL;
}
