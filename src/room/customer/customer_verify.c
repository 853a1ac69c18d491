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

/* Of somebody who was erased nothing may be left. */
static const struct err *verify_erased(struct faults *faults)
{
    struct stmt_cursor cursor;
    struct sql_customer_verify_erased_out row;
    bool has;
    TRY(sql_customer_verify_erased_open(faults->tx, &cursor));
    for (;;) {
        TRY(sql_customer_verify_erased_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        if (!row.noted)
            fault(faults, row.customer_id, "has no data key, and no erasure took it");
        if (row.named || row.identities || row.evidence)
            fault(faults, row.customer_id, "was erased, but sealed fields are left");
    }
}

static const struct err *verify_forgotten(struct faults *faults)
{
    struct stmt_cursor cursor;
    struct sql_customer_verify_erased_names_out named;
    struct sql_customer_verify_keyed_out keyed;
    bool has;
    TRY(sql_customer_verify_erased_names_open(faults->tx, &cursor));
    for (;;) {
        TRY(sql_customer_verify_erased_names_next(&cursor, &named, &has));
        if (!has)
            break;
        fault(faults, named.customer_id, "was erased, but is found by a name");
    }
    TRY(sql_customer_verify_keyed_open(faults->tx, &cursor));
    for (;;) {
        TRY(sql_customer_verify_keyed_next(&cursor, &keyed, &has));
        if (!has)
            return NULL;
        fault(faults, keyed.customer_id, "was erased, but has a data key");
    }
}

static bool consent_is_sound(const struct sql_customer_verify_consents_out *row)
{
    if (!row->known || row->purpose <= CONSENT_PURPOSE_NONE ||
        row->purpose >= CONSENT_PURPOSE_MAX || row->channel < 0 ||
        row->channel >= CONSENT_CHANNEL_MAX || (row->given != 0 && row->given != 1))
        return false;
    bool any = row->channel == CONSENT_BY_ANY;
    return row->how > CONSENT_HOW_NONE && row->how < CONSENT_HOW_MAX &&
           (any || consent_has_channels((enum consent_purpose)row->purpose));
}

static const struct err *verify_consents(struct faults *faults)
{
    struct stmt_cursor cursor;
    struct sql_customer_verify_consents_out row;
    bool has;
    TRY(sql_customer_verify_consents_open(faults->tx, &cursor));
    for (;;) {
        TRY(sql_customer_verify_consents_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        if (!consent_is_sound(&row))
            fault(faults, row.customer_id, "a consent makes no sense, or is nobody's");
    }
}

ERR_RESULT customer_verify(struct tx *tx, int64_t *fault_count, struct str *first_fault)
{
    struct faults faults = {.tx = tx, .first = STR_NONE};
    TRY(verify_links(&faults));
    TRY(verify_roots(&faults));
    TRY(verify_claims(&faults));
    TRY(verify_lookups(&faults));
    TRY(verify_erased(&faults));
    TRY(verify_forgotten(&faults));
    TRY(verify_consents(&faults));
    *fault_count = faults.count;
    *first_fault = faults.first;
    return NULL;
}
