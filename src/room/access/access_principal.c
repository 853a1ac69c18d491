/* Who stands behind a session cookie or a key. */
#include "base/arena.h"
#include "room/access/access_part.h"
#include "sql_access.h"

struct look {
    struct service *service;
    struct arena *arena;
    const struct access_claim *claim;
    struct principal *principal;
    bool over;     /* the session has ended or its person is blocked */
    bool note_use; /* it is time to note that it is in use */
};

static struct str hash_of(struct service *service, struct str domain, struct str token,
                          uint8_t out[SECRET_HASH_BYTES])
{
    secret_lookup_hash(service->deps.keys, domain, token, out);
    return (struct str){(const char *)out, SECRET_HASH_BYTES};
}

struct str access_csrf_token(struct arena *arena, const struct keyring *keys,
                             struct str session_token)
{
    uint8_t hash[SECRET_HASH_BYTES];
    secret_lookup_hash(keys, ACCESS_DOMAIN_CSRF, session_token, hash);
    struct buf text = buf_new(arena, 2 * SECRET_HASH_BYTES + 1);
    for (int i = 0; i < SECRET_HASH_BYTES; i++)
        buf_fmt(&text, "%02x", hash[i]);
    return buf_view(&text);
}

static const struct err *session_tx(struct tx *tx, void *arg)
{
    struct look *look = arg;
    uint8_t hash[SECRET_HASH_BYTES];
    struct sql_access_session_by_token_in in = {
        hash_of(look->service, ACCESS_DOMAIN_SESSION, look->claim->session_token, hash)};
    struct sql_access_session_by_token_out row;
    bool found;
    TRY(sql_access_session_by_token_one(tx, &in, &row, &found));
    int64_t now_us = clock_now_us(&look->service->deps.clock);
    look->over = !found || row.blocked_at.set || row.expires_at <= now_us ||
                 row.seen_at + ACCESS_SESSION_IDLE_US <= now_us;
    if (look->over)
        return NULL;
    look->note_use = row.seen_at + ACCESS_SESSION_SEEN_US <= now_us;
    *look->principal = (struct principal){
        .kind = PRINCIPAL_STAFF,
        .id = row.staff_id,
        .role = (enum role)row.role,
        .name = str_copy(look->arena, row.name),
        .by = str_fmt(look->arena, "staff:%lld", (long long)row.staff_id),
        .session_id = row.session_id,
    };
    return NULL;
}

static const struct err *key_tx(struct tx *tx, void *arg)
{
    struct look *look = arg;
    uint8_t hash[SECRET_HASH_BYTES];
    struct sql_access_key_by_token_in in = {
        hash_of(look->service, ACCESS_DOMAIN_KEY, look->claim->bearer, hash)};
    struct sql_access_key_by_token_out row;
    bool found;
    TRY(sql_access_key_by_token_one(tx, &in, &row, &found));
    look->over = !found || row.revoked_at.set;
    if (look->over)
        return NULL;
    int64_t now_us = clock_now_us(&look->service->deps.clock);
    look->note_use = !row.used_at.set || row.used_at.v + ACCESS_SESSION_SEEN_US <= now_us;
    *look->principal = (struct principal){
        .kind = PRINCIPAL_KEY,
        .id = row.key_id,
        .scopes = (uint32_t)row.scopes,
        .name = str_copy(look->arena, row.name),
        .by = str_fmt(look->arena, "key:%lld", (long long)row.key_id),
    };
    return NULL;
}

static const struct err *use_tx(struct tx *tx, void *arg)
{
    const struct principal *principal = arg;
    int64_t now_us = tx_now_us(tx);
    if (principal->kind == PRINCIPAL_KEY)
        return sql_access_key_used_run(tx, &(struct sql_access_key_used_in){principal->id, now_us});
    return sql_access_session_seen_run(
        tx, &(struct sql_access_session_seen_in){principal->session_id, now_us});
}

/* It is time, and nobody else is at it. */
static bool sweep_is_due(struct service *service)
{
    int64_t now_us = clock_now_us(&service->deps.clock);
    int64_t last_us = atomic_load(&service->swept_at_us);
    return now_us - last_us >= ACCESS_SWEEP_US &&
           atomic_compare_exchange_strong(&service->swept_at_us, &last_us, now_us);
}

/* A read that waits for a write. Of many at once one does: the others find it noted next time, or
 * note it then. */
static const struct err *note_use(const struct look *look)
{
    struct service *service = look->service;
    struct store_job job = {
        .name = "access use", .fn = use_tx, .arg = look->principal, .again_if_ambiguous = true};
    if (atomic_flag_test_and_set(&service->noting_use))
        return NULL;
    const struct err *err = store_write(service->store, look->arena, &job);
    if (!err && sweep_is_due(service))
        err = access_sweep(service->store, look->arena);
    atomic_flag_clear(&service->noting_use);
    return err;
}

static const struct err *look_up(struct look *look, const char *name, store_fn *fn)
{
    struct store_job job = {.name = name, .fn = fn, .arg = look};
    TRY(store_read(look->service->store, look->arena, &job));
    return look->over || !look->note_use ? NULL : note_use(look);
}

const struct err *access_principal(struct service *service, struct arena *arena,
                                   const struct access_claim *claim, bool is_write,
                                   struct principal *principal)
{
    struct look look = {service, arena, claim, principal, false, false};
    *principal = (struct principal){.kind = PRINCIPAL_NOBODY};
    if (!service->store)
        return NULL;
    if (claim->bearer.p) {
        TRY(look_up(&look, "access key", key_tx));
        return look.over ? ERR_NEW(arena, ERR_ACCESS_KEY_BAD, STR("Authorization")) : NULL;
    }
    if (!claim->session_token.p)
        return NULL;
    TRY(look_up(&look, "access session", session_tx));
    if (look.over)
        return ERR_NEW(arena, ERR_ACCESS_SESSION_OVER, STR_NONE);
    struct str expected = access_csrf_token(arena, service->deps.keys, claim->session_token);
    if (is_write && (!claim->csrf_token.p || !secret_equal(expected, claim->csrf_token)))
        return ERR_NEW(arena, ERR_ACCESS_CSRF, STR("X-CSRF-Token"));
    return NULL;
}
