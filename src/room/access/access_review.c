/* What a review of security looks at, and what is noted of changes that no request made. */
#include "base/arena.h"
#include "room/access/access_part.h"
#include "sql_access.h"

const struct err *access_sessions_end(struct tx *tx)
{
    return sql_access_session_delete_all_run(tx);
}

const struct err *access_audit_note(struct tx *tx, const struct audit_note *note)
{
    const struct sql_access_audit_insert_in row = {
        .audit_id = id_next(tx_deps(tx)->ids),
        .at = tx_now_us(tx),
        .by_kind = PRINCIPAL_NOBODY,
        .by_name = note->by,
        .endpoint = note->operation,
        .object = note->object,
        .before = note->before,
        .after = note->after,
        .request_id = STR(""),
    };
    return sql_access_audit_insert_run(tx, &row);
}

static const struct err *review_staff(struct tx *tx, struct access_review *review, int64_t now_us)
{
    struct stmt_cursor cursor;
    struct sql_access_review_staff_out row;
    bool has;
    TRY(sql_access_review_staff_open(tx, &cursor));
    for (;;) {
        TRY(sql_access_review_staff_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        int64_t seen_at = row.seen_at.set ? row.seen_at.v : row.created_at;
        review->people++;
        review->owners += row.role == ROLE_OWNER;
        review->people_unseen += now_us - seen_at > ACCESS_UNSEEN_US;
    }
}

static const struct err *review_keys(struct tx *tx, struct access_review *review, int64_t now_us)
{
    struct stmt_cursor cursor;
    struct sql_access_review_keys_out row;
    bool has;
    TRY(sql_access_review_keys_open(tx, &cursor));
    for (;;) {
        TRY(sql_access_review_keys_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        int64_t used_at = row.used_at.set ? row.used_at.v : row.created_at;
        review->keys++;
        review->keys_unused += now_us - used_at > ACCESS_UNSEEN_US;
        review->keys_old += now_us - row.created_at > ACCESS_KEY_OLD_US;
    }
}

const struct err *access_review(struct tx *tx, struct access_review *review)
{
    int64_t now_us = tx_now_us(tx);
    struct sql_access_review_sessions_in in = {now_us, now_us - ACCESS_SESSION_IDLE_US};
    struct sql_access_review_sessions_out sessions;
    bool found;
    *review = (struct access_review){0};
    TRY(review_staff(tx, review, now_us));
    TRY(review_keys(tx, review, now_us));
    TRY(sql_access_review_sessions_one(tx, &in, &sessions, &found));
    review->sessions = sessions.session_count;
    return NULL;
}
