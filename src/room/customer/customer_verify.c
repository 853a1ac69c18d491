/* Whether the room's rows agree with each other: links with roots, claimed identities with the
 * look-up. */
#include "room/customer/customer_part.h"
#include "sql_customer.h"

struct faults {
    struct tx *tx;
    int64_t count;
    struct str first;
};

static void fault(struct faults *faults, int64_t customer_id, const char *words)
{
    if (faults->count++ == 0)
        faults->first =
            str_fmt(tx_arena(faults->tx), "customer %lld: %s", (long long)customer_id, words);
}

/* Walks a link up to its top; what is wrong with it, NULL where nothing is. */
static const struct err *walk_up(struct tx *tx, const struct sql_customer_verify_links_out *link,
                                 const char **wrong)
{
    int64_t at = link->parent_id;
    for (int steps = 0; steps < LIMIT_MERGE_MEMBERS_MAX; steps++) {
        struct sql_customer_parent_out row;
        bool found;
        TRY(sql_customer_parent_one(tx, &(struct sql_customer_parent_in){at}, &row, &found));
        if (!found) {
            *wrong = "is merged below a customer that does not exist";
            return NULL;
        }
        if (!row.parent_id.set) {
            *wrong = at == link->root_id ? NULL : "its root is not the top of its merges";
            return NULL;
        }
        at = row.parent_id.v;
    }
    *wrong = "its merges lead round in a circle";
    return NULL;
}

static const struct err *verify_links(struct faults *faults)
{
    struct stmt_cursor cursor;
    struct sql_customer_verify_links_out link;
    bool has;
    TRY(sql_customer_verify_links_open(faults->tx, &cursor));
    for (;;) {
        TRY(sql_customer_verify_links_next(&cursor, &link, &has));
        if (!has)
            return NULL;
        const char *wrong;
        TRY(walk_up(faults->tx, &link, &wrong));
        if (wrong)
            fault(faults, link.customer_id, wrong);
    }
}

static const struct err *verify_roots(struct faults *faults)
{
    struct stmt_cursor cursor;
    struct sql_customer_verify_roots_out row;
    bool has;
    TRY(sql_customer_verify_roots_open(faults->tx, &cursor));
    for (;;) {
        TRY(sql_customer_verify_roots_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        fault(faults, row.customer_id, "stands alone and yet has another root");
    }
}

static const struct err *verify_claims(struct faults *faults)
{
    struct stmt_cursor cursor;
    struct sql_customer_verify_claims_out row;
    bool has;
    TRY(sql_customer_verify_claims_open(faults->tx, &cursor));
    for (;;) {
        TRY(sql_customer_verify_claims_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        fault(faults, row.customer_id, "a claimed identity is not in the look-up");
    }
}

static const struct err *verify_lookups(struct faults *faults)
{
    struct stmt_cursor cursor;
    struct sql_customer_verify_lookups_out row;
    bool has;
    TRY(sql_customer_verify_lookups_open(faults->tx, &cursor));
    for (;;) {
        TRY(sql_customer_verify_lookups_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        fault(faults, row.customer_id, "the look-up names an identity that it does not have");
    }
}

ERR_RESULT customer_verify(struct tx *tx, int64_t *fault_count, struct str *first_fault)
{
    struct faults faults = {.tx = tx, .first = STR_NONE};
    TRY(verify_links(&faults));
    TRY(verify_roots(&faults));
    TRY(verify_claims(&faults));
    TRY(verify_lookups(&faults));
    *fault_count = faults.count;
    *first_fault = faults.first;
    return NULL;
}
