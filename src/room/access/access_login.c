/* Logging in: throttled by account and by address before any password is looked at, and as slow for a login that nobody
 * has as for a wrong password. */
#include "base/arena.h"
#include "room/access/access_part.h"
#include "sql_access.h"

enum failure_kind { FAILURE_ACCOUNT = 1, FAILURE_ADDRESS = 2 };

struct login {
    struct call *call;
    struct str account; /* normal form */
    struct sql_access_staff_by_login_out staff;
    bool found;
    int64_t wait_us; /* above 0: too many failures */
    struct str token;
};

void password_gate_init(struct password_gate *gate)
{
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->free, NULL);
    gate->at_work = 0;
}

#define PASSWORDS_AT_ONCE 2

static void gate_enter(struct password_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->at_work == PASSWORDS_AT_ONCE)
        pthread_cond_wait(&gate->free, &gate->lock);
    gate->at_work++;
    pthread_mutex_unlock(&gate->lock);
}

static void gate_leave(struct password_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->at_work--;
    pthread_cond_signal(&gate->free);
    pthread_mutex_unlock(&gate->lock);
}

struct str staff_password_hash(struct service *service, struct arena *arena, struct str password)
{
    gate_enter(&service->passwords);
    struct str hash = secret_password_hash(arena, password);
    gate_leave(&service->passwords);
    return hash;
}

bool staff_password_fits(struct service *service, struct str password, struct str hash)
{
    gate_enter(&service->passwords);
    bool fits = secret_password_fits(password, hash);
    gate_leave(&service->passwords);
    return fits;
}

struct str access_login_normal(struct arena *arena, struct str login)
{
    login = str_copy(arena, str_trim(login));
    char *bytes = arena_alloc(arena, login.n + 1);
    for (size_t i = 0; i < login.n; i++)
        bytes[i] = login.p[i] >= 'A' && login.p[i] <= 'Z' ? (char)(login.p[i] - 'A' + 'a')
                                                          : login.p[i];
    return (struct str){bytes, login.n};
}

static struct str failure_hash(struct tx *tx, const struct login *login, enum failure_kind kind,
                               uint8_t out[SECRET_HASH_BYTES])
{
    bool account = kind == FAILURE_ACCOUNT;
    struct str address = login->call->address.p ? login->call->address : STR("-");
    secret_lookup_hash(tx_deps(tx)->keys, account ? ACCESS_DOMAIN_ACCOUNT : ACCESS_DOMAIN_ADDRESS,
                       account ? login->account : address, out);
    return (struct str){(const char *)out, SECRET_HASH_BYTES};
}

static const struct err *look_at_failures(struct tx *tx, struct login *login,
                                          enum failure_kind kind, int64_t most)
{
    uint8_t hash[SECRET_HASH_BYTES];
    struct sql_access_login_failures_in in = {kind, failure_hash(tx, login, kind, hash)};
    struct sql_access_login_failures_out row;
    bool found;
    TRY(sql_access_login_failures_one(tx, &in, &row, &found));
    int64_t ends_us = found ? row.since + ACCESS_FAILURE_WINDOW_US : 0;
    int64_t wait_us = ends_us - login->call->now_us;
    if (found && row.failure_count >= most && wait_us > login->wait_us)
        login->wait_us = wait_us;
    return NULL;
}

static const struct err *look_tx(struct tx *tx, void *arg)
{
    struct login *login = arg;
    login->wait_us = 0;
    TRY(look_at_failures(tx, login, FAILURE_ACCOUNT, ACCESS_FAILURES_PER_ACCOUNT));
    TRY(look_at_failures(tx, login, FAILURE_ADDRESS, ACCESS_FAILURES_PER_ADDRESS));
    TRY(sql_access_staff_by_login_one(tx, &(struct sql_access_staff_by_login_in){login->account}, &login->staff,
                               &login->found));
    struct arena *arena = login->call->arena;
    login->staff.name = str_copy(arena, login->staff.name);
    login->staff.password_hash = str_copy(arena, login->staff.password_hash);
    return NULL;
}

/* Counted before the password is looked at, and taken back where it fits: many tries at once count as many. */
static const struct err *count_tx(struct tx *tx, void *arg)
{
    struct login *login = arg;
    TRY(look_tx(tx, login));
    if (login->wait_us > 0)
        return NULL;
    int64_t now_us = login->call->now_us;
    const enum failure_kind kinds[] = {FAILURE_ACCOUNT, FAILURE_ADDRESS};
    for (int i = 0; i < 2; i++) {
        uint8_t hash[SECRET_HASH_BYTES];
        struct sql_access_login_failed_in in = {kinds[i], failure_hash(tx, login, kinds[i], hash), now_us,
                                         now_us - ACCESS_FAILURE_WINDOW_US};
        TRY(sql_access_login_failed_run(tx, &in));
    }
    return NULL;
}

const struct err *access_session_new(struct tx *tx, int64_t staff_id, struct str token)
{
    uint8_t hash[SECRET_HASH_BYTES];
    secret_lookup_hash(tx_deps(tx)->keys, ACCESS_DOMAIN_SESSION, token, hash);
    int64_t now_us = tx_now_us(tx);
    TRY(sql_access_staff_seen_run(tx, &(struct sql_access_staff_seen_in){staff_id, now_us}));
    struct sql_access_session_insert_in row = {.session_id = id_next(tx_deps(tx)->ids),
                                        .token_hash = {(const char *)hash, SECRET_HASH_BYTES},
                                        .staff_id = staff_id,
                                        .created_at = now_us,
                                        .seen_at = now_us,
                                        .expires_at = now_us + ACCESS_SESSION_US};
    return sql_access_session_insert_run(tx, &row);
}

static const struct err *enter_tx(struct tx *tx, void *arg)
{
    struct login *login = arg;
    uint8_t hash[SECRET_HASH_BYTES];
    struct str account = failure_hash(tx, login, FAILURE_ACCOUNT, hash);
    TRY(sql_access_login_succeeded_run(tx, &(struct sql_access_login_succeeded_in){FAILURE_ACCOUNT, account}));
    struct str address = failure_hash(tx, login, FAILURE_ADDRESS, hash);
    TRY(sql_access_login_not_failed_run(tx, &(struct sql_access_login_not_failed_in){FAILURE_ADDRESS, address}));
    TRY(access_session_new(tx, login->staff.staff_id, login->token));
    login->call->audit_object =
        str_fmt(tx_arena(tx), "staff:%lld", (long long)login->staff.staff_id);
    return access_audit(tx, login->call);
}

/* Of the same cost as a real one, for a password that nothing fits. */
static const char nobodys_hash[] =
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const struct err *access_login(struct call *call, struct str login_text, struct str password,
                               struct str *token, struct principal *principal)
{
    struct login login = {.call = call, .account = access_login_normal(call->arena, login_text)};
    struct store_job count = {
        .name = "login count", .fn = count_tx, .arg = &login, .again_if_ambiguous = true};
    TRY(store_write(call->service->store, call->arena, &count));
    if (login.wait_us > 0)
        return ERR_NEW(call->arena, ERR_LOGIN_WAIT, STR_NONE,
                       str_fmt(call->arena, "%lld", (long long)(login.wait_us / 1000000 + 1)));
    struct str hash = login.found ? login.staff.password_hash : str_c(nobodys_hash);
    bool fits = staff_password_fits(call->service, password, hash);
    if (!fits || !login.found || login.staff.blocked_at.set)
        return ERR_NEW(call->arena, ERR_LOGIN_WRONG, STR_NONE);
    login.token = secret_token(call->arena, STR(""));
    *principal = (struct principal){
        .kind = PRINCIPAL_STAFF,
        .id = login.staff.staff_id,
        .role = (enum role)login.staff.role,
        .name = login.staff.name,
        .by = str_fmt(call->arena, "staff:%lld", (long long)login.staff.staff_id),
    };
    call->principal = *principal;
    struct store_job enter = {.name = "login", .fn = enter_tx, .arg = &login};
    TRY(store_write(call->service->store, call->arena, &enter));
    *token = login.token;
    return NULL;
}

struct str access_cookie(struct arena *arena, struct str token)
{
    if (!token.p)
        return STR(ACCESS_SESSION_COOKIE "=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    return str_fmt(arena, ACCESS_SESSION_COOKIE "=%.*s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax",
                   STR_ARG(token), (long long)(ACCESS_SESSION_US / 1000000));
}
