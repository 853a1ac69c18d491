/* Merges link, splits cut the link again; no fact moves. Whoever changes a person's tree holds the
 * lock of its root. */
#include "base/arena.h"
#include "room/customer/customer_part.h"
#include "sql_customer.h"

/* Both roots, locked, and still the roots. */
static const struct err *lock_two(struct tx *tx, int64_t from_id, int64_t into_id, int64_t roots[2])
{
    TRY(customer_root_of(tx, STR("from"), from_id, &roots[0]));
    TRY(customer_root_of(tx, STR("into"), into_id, &roots[1]));
    if (roots[0] == roots[1])
        return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_SAME, STR("from"), customer_id_text(tx, from_id),
                       customer_id_text(tx, into_id));
    TRY(event_lock(tx, roots, 2));
    int64_t now[2];
    TRY(customer_root_of(tx, STR("from"), from_id, &now[0]));
    TRY(customer_root_of(tx, STR("into"), into_id, &now[1]));
    if (now[0] != roots[0] || now[1] != roots[1])
        return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_RACED, STR("from"));
    return NULL;
}

/* Somebody who was erased is nobody's person any more: merged, they would be known again. */
static const struct err *check_kinds(struct tx *tx, const int64_t roots[2])
{
    static const struct str fields[] = {STR_INIT("from"), STR_INIT("into")};
    for (int i = 0; i < 2; i++) {
        struct sql_customer_one_out row;
        bool found;
        TRY(sql_customer_one_one(tx, &(struct sql_customer_one_in){roots[i]}, &row, &found));
        if (!found)
            return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_UNKNOWN, fields[i],
                           customer_id_text(tx, roots[i]));
        if (!row.data_key.p)
            return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_ERASED, fields[i],
                           customer_id_text(tx, roots[i]));
        if (i == 1 && row.placeholder)
            return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_PLACEHOLDER, fields[i],
                           customer_id_text(tx, roots[i]));
    }
    return NULL;
}

static const struct err *check_merge(struct tx *tx, const int64_t roots[2])
{
    TRY(check_kinds(tx, roots));
    bool found;
    int64_t members = 0;
    for (int i = 0; i < 2; i++) {
        struct sql_customer_member_count_out count;
        TRY(sql_customer_member_count_one(tx, &(struct sql_customer_member_count_in){roots[i]},
                                          &count, &found));
        members += found ? count.members : 0;
    }
    if (members > LIMIT_MERGE_MEMBERS_MAX)
        return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_MERGE_LIMIT, STR("from"),
                       str_fmt(tx_arena(tx), "%lld", (long long)members),
                       str_fmt(tx_arena(tx), "%d", LIMIT_MERGE_MEMBERS_MAX));
    return NULL;
}

ERR_RESULT customer_merge(struct tx *tx, int64_t from_id, int64_t into_id, struct str by)
{
    int64_t roots[2];
    TRY(lock_two(tx, from_id, into_id, roots));
    TRY(check_merge(tx, roots));
    int64_t from = roots[0], into = roots[1], now_us = tx_now_us(tx);
    by = customer_text_or_empty(by);
    TRY(sql_customer_link_run(tx, &(struct sql_customer_link_in){from, some_i64(into)}));
    TRY(sql_customer_root_move_run(tx, &(struct sql_customer_root_move_in){from, into}));
    TRY(sql_customer_merge_insert_run(
        tx, &(struct sql_customer_merge_insert_in){.customer_id = from,
                                                   .merge_id = id_next(tx_deps(tx)->ids),
                                                   .into_id = into,
                                                   .merged_at = now_us,
                                                   .merged_by = by}));
    TRY(sql_customer_proposal_decide_run(
        tx, &(struct sql_customer_proposal_decide_in){.root_id = into,
                                                      .other_root_id = into,
                                                      .decided = PROPOSAL_MERGED,
                                                      .decided_at = now_us}));
    struct customer_note notes[] = {
        {"from", customer_id_text(tx, from)}, {"into", customer_id_text(tx, into)}, {"by", by}};
    customer_note_event(tx, from, EVENT_CUSTOMER_MERGED, notes, 3);
    customer_note_event(tx, into, EVENT_CUSTOMER_MERGED, notes, 3);
    return NULL;
}

struct member {
    int64_t customer_id, parent_id; /* parent 0: the root */
    bool below;                     /* belongs to what is split off */
};

static const struct err *load_members(struct tx *tx, int64_t root_id, struct member *members,
                                      size_t *count)
{
    struct stmt_cursor cursor;
    struct sql_customer_members_out row;
    bool has;
    *count = 0;
    TRY(sql_customer_members_open(tx, &(struct sql_customer_members_in){root_id}, &cursor));
    for (;;) {
        TRY(sql_customer_members_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        if (*count == LIMIT_MERGE_MEMBERS_MAX) {
            stmt_close(&cursor);
            return ERR_NEW(tx_arena(tx), ERR_INTERNAL, STR_NONE,
                           STR("a merged customer has too many members"));
        }
        members[(*count)++] =
            (struct member){row.customer_id, row.parent_id.set ? row.parent_id.v : 0, false};
    }
}

static const struct member *member_of(const struct member *members, size_t count,
                                      int64_t customer_id)
{
    size_t from = 0, to = count; /* they come in the order of their ids */
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (members[middle].customer_id < customer_id)
            from = middle + 1;
        else
            to = middle;
    }
    return from < count && members[from].customer_id == customer_id ? &members[from] : NULL;
}

/* Marks top_id and all that hangs below it. */
static void mark_below(struct member *members, size_t count, int64_t top_id)
{
    for (size_t i = 0; i < count; i++) {
        const struct member *at = &members[i];
        for (size_t steps = 0; at && at->customer_id != top_id && steps < count; steps++)
            at = member_of(members, count, at->parent_id);
        members[i].below = at && at->customer_id == top_id;
    }
}

static const struct err *move_below(struct tx *tx, const struct member *members, size_t count,
                                    int64_t root_id)
{
    struct sql_customer_root_set_in *moves =
        ARENA_ARRAY(tx_arena(tx), count, struct sql_customer_root_set_in);
    size_t move_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (members[i].below)
            moves[move_count++] =
                (struct sql_customer_root_set_in){members[i].customer_id, root_id};
    }
    bool *found = ARENA_ARRAY(tx_arena(tx), count, bool);
    return sql_customer_root_set_many(tx, moves, move_count, NULL, found);
}

ERR_RESULT customer_split(struct tx *tx, int64_t customer_id, struct str by)
{
    int64_t root_id;
    TRY(customer_root_of(tx, STR("customer"), customer_id, &root_id));
    TRY(event_lock(tx, (int64_t[]){customer_id, root_id}, 2));
    int64_t locked_id = root_id;
    TRY(customer_root_of(tx, STR("customer"), customer_id, &root_id));
    if (root_id != locked_id)
        return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_RACED, STR("customer"));
    if (root_id == customer_id)
        return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_NOT_MERGED, STR("customer"),
                       customer_id_text(tx, customer_id));

    struct member *members = ARENA_ARRAY(tx_arena(tx), LIMIT_MERGE_MEMBERS_MAX, struct member);
    size_t count;
    TRY(load_members(tx, root_id, members, &count));
    mark_below(members, count, customer_id);
    TRY(move_below(tx, members, count, customer_id));
    TRY(sql_customer_link_run(tx, &(struct sql_customer_link_in){.customer_id = customer_id}));
    struct sql_customer_merge_undo_in undo = {customer_id, tx_now_us(tx),
                                              customer_text_or_empty(by)};
    TRY(sql_customer_merge_undo_run(tx, &undo));
    struct customer_note notes[] = {{"customer", customer_id_text(tx, customer_id)},
                                    {"from", customer_id_text(tx, root_id)},
                                    {"by", by}};
    customer_note_event(tx, customer_id, EVENT_CUSTOMER_SPLIT, notes, 3);
    customer_note_event(tx, root_id, EVENT_CUSTOMER_SPLIT, notes, 3);
    return NULL;
}

ERR_RESULT customer_proposal_refuse(struct tx *tx, int64_t a_id, int64_t b_id)
{
    int64_t roots[2];
    TRY(lock_two(tx, a_id, b_id, roots));
    int64_t refused = 0;
    for (int i = 0; i < 2; i++) { /* either birth may be the smaller id of the pair */
        int64_t changed;
        struct sql_customer_proposal_decide_in decide = {.root_id = roots[i],
                                                         .other_root_id = roots[1 - i],
                                                         .decided = PROPOSAL_REFUSED,
                                                         .decided_at = tx_now_us(tx)};
        TRY(sql_customer_proposal_decide_run_count(tx, &decide, &changed));
        refused += changed;
    }
    if (refused == 0)
        return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_PROPOSAL_UNKNOWN, STR("customer"),
                       customer_id_text(tx, a_id), customer_id_text(tx, b_id));
    return NULL;
}
