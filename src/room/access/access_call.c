/* A handler's transactions: with the audit trail and idempotency around them. */
#include "base/arena.h"
#include "room/access/access_part.h"
#include "sql_access.h"

struct write {
    struct call *call;
    store_fn *fn;
    void *arg;
};

static struct str bytes_of(const uint8_t *bytes, size_t n)
{
    return (struct str){(const char *)bytes, n};
}

static struct str principal_of(const struct call *call)
{
    return call->principal.by.p ? call->principal.by : STR("nobody");
}

const struct err *access_audit(struct tx *tx, const struct call *call)
{
    const struct sql_access_audit_insert_in row = {
        .audit_id = id_next(tx_deps(tx)->ids),
        .at = tx_now_us(tx),
        .by_kind = call->principal.kind,
        .by_id = call->principal.id,
        .by_name = call->principal.name.p ? call->principal.name : STR(""),
        .endpoint = str_c(call->endpoint->name),
        .object = call->audit_object.p ? call->audit_object : STR(""),
        .before = call->audit_before,
        .after = call->audit_after,
        .request_id = call->request_id.p ? call->request_id : STR(""),
    };
    return sql_access_audit_insert_run(tx, &row);
}

const struct err *access_forget(struct tx *tx, struct str object)
{
    TRY(sql_access_audit_erase_run(tx, &(struct sql_access_audit_erase_in){object}));
    return sql_access_idempotency_erase_run(tx, &(struct sql_access_idempotency_erase_in){object});
}

static struct audit_row note_of(struct arena *arena,
                                const struct sql_access_audit_of_object_out *row)
{
    return (struct audit_row){.at_us = row->at,
                              .by = str_copy(arena, row->by_name),
                              .operation = str_copy(arena, row->endpoint),
                              .before = row->before.p ? str_copy(arena, row->before) : STR_NONE,
                              .after = row->after.p ? str_copy(arena, row->after) : STR_NONE};
}

const struct err *access_audit_of(struct tx *tx, struct str object, size_t max,
                                  struct audit_row **out, size_t *count)
{
    struct sql_access_audit_of_object_in in = {object, INT64_MAX, (int64_t)max};
    struct sql_access_audit_of_object_out row;
    struct stmt_cursor cursor;
    bool has;
    *out = ARENA_ARRAY(tx_arena(tx), max + 1, struct audit_row);
    *count = 0;
    TRY(sql_access_audit_of_object_open(tx, &in, &cursor));
    for (;;) {
        TRY(sql_access_audit_of_object_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        (*out)[(*count)++] = note_of(tx_arena(tx), &row);
    }
}

/* *known: the key was used before; call->replay is the answer. */
static const struct err *find_earlier(struct tx *tx, struct call *call, struct str key_hash,
                                      bool *known)
{
    struct sql_access_idempotency_find_out row;
    struct sql_access_idempotency_find_in in = {principal_of(call), key_hash};
    TRY(sql_access_idempotency_find_one(tx, &in, &row, known));
    if (!*known)
        return NULL;
    if (!str_eq(row.request_hash, bytes_of(call->request_hash, sizeof(call->request_hash))))
        return ERR_NEW(tx_arena(tx), ERR_IDEMPOTENCY_OTHER, STR("Idempotency-Key"));
    if (!row.reply.p && call->endpoint->out)
        return ERR_NEW(tx_arena(tx), ERR_IDEMPOTENCY_ERASED, STR("Idempotency-Key"));
    call->replay = str_copy(call->arena, row.reply.p ? row.reply : STR(""));
    call->location = row.location.p ? str_copy(call->arena, row.location) : STR_NONE;
    call->status = (int)row.status;
    return NULL;
}

static int status_of(const struct call *call)
{
    if (call->status)
        return call->status;
    if (call->endpoint->status)
        return call->endpoint->status;
    return call->endpoint->out ? 200 : 204;
}

static const struct err *keep_answer(struct tx *tx, const struct call *call, struct str key_hash)
{
    struct sql_access_idempotency_insert_in row = {
        .principal = principal_of(call),
        .key_hash = key_hash,
        .request_hash = bytes_of(call->request_hash, sizeof(call->request_hash)),
        .status = status_of(call),
        .reply = call->endpoint->out ? endpoint_reply_json(call) : STR_NONE,
        .location = call->location,
        .object = call->audit_object.p ? call->audit_object : STR(""),
        .created_at = tx_now_us(tx),
    };
    return sql_access_idempotency_insert_run(tx, &row);
}

/* What an earlier try left. */
static void forget_try(struct call *call)
{
    if (call->endpoint->out)
        shape_clear(call->endpoint->out, call->out);
    call->replay = call->location = STR_NONE;
    call->audit_object = call->audit_before = call->audit_after = STR_NONE;
    call->status = 0;
}

static const struct err *write_tx(struct tx *tx, void *arg)
{
    const struct write *write = arg;
    struct call *call = write->call;
    uint8_t hash[SECRET_HASH_BYTES] = {0};
    struct str key_hash = bytes_of(hash, sizeof(hash));
    bool known = false;
    forget_try(call);
    if (call->idempotency_key.p) {
        secret_lookup_hash(tx_deps(tx)->keys, STR("idempotency"), call->idempotency_key, hash);
        TRY(find_earlier(tx, call, key_hash, &known));
    }
    if (known)
        return NULL;
    TRY(write->fn(tx, write->arg));
    if (call->endpoint->flags & ENDPOINT_AUDITED)
        TRY(access_audit(tx, call));
    return call->idempotency_key.p ? keep_answer(tx, call, key_hash) : NULL;
}

const struct err *call_write(struct call *call, store_fn *fn, void *arg)
{
    struct write write = {call, fn, arg};
    struct store_job job = {.name = call->endpoint->name,
                            .fn = write_tx,
                            .arg = &write,
                            .again_if_ambiguous = call->idempotency_key.p != NULL};
    return store_write(call->service->store, call->arena, &job);
}

const struct err *call_read(struct call *call, store_fn *fn, void *arg)
{
    struct store_job job = {.name = call->endpoint->name, .fn = fn, .arg = arg};
    return store_read(call->service->store, call->arena, &job);
}

static const struct err *sweep_tx(struct tx *tx, void *arg)
{
    (void)arg;
    int64_t now_us = tx_now_us(tx);
    TRY(sql_access_session_delete_expired_run(
        tx, &(struct sql_access_session_delete_expired_in){now_us}));
    TRY(sql_access_login_forget_run(
        tx, &(struct sql_access_login_forget_in){now_us - ACCESS_FAILURE_WINDOW_US}));
    return sql_access_idempotency_forget_run(
        tx, &(struct sql_access_idempotency_forget_in){now_us - ACCESS_IDEMPOTENCY_US});
}

const struct err *access_sweep(struct store *store, struct arena *arena)
{
    struct store_job job = {.name = "access sweep", .fn = sweep_tx, .again_if_ambiguous = true};
    return store_write(store, arena, &job);
}
