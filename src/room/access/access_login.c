/* Logging in: throttled by account and by address before any password is looked at, and as slow for
 * a login that nobody has as for a wrong password. */
#include "base/arena.h"
#include "room/access/access_part.h"
#include "sql_access.h"

#include <arpa/inet.h>

enum failure_kind { FAILURE_ACCOUNT = 1, FAILURE_ADDRESS = 2, FAILURE_DEVICE = 3 };

struct login {
    struct call *call;
    struct str account; /* normal form */
    struct str device;  /* a device that the account was used from before; absent: not known */
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
        bytes[i] =
            login.p[i] >= 'A' && login.p[i] <= 'Z' ? (char)(login.p[i] - 'A' + 'a') : login.p[i];
    return (struct str){bytes, login.n};
}

/* An IPv6 customer has a /64 at least (RFC 6177): all of it counts as one address. */
static struct str address_counted(struct arena *arena, struct str address)
{
    char v6[16];
    if (!address.p)
        return STR("-");
    if (inet_pton(AF_INET6, str_z(arena, address), v6) != 1)
        return address;
    return str_copy(arena, (struct str){v6, 8});
}

/* --- Devices --- */

/* "NONCE.SEAL": whoever has it logged in to this account before; it lets in nobody. */
static struct str device_seal(struct arena *arena, const struct keyring *keys, struct str account,
                              struct str nonce)
{
    uint8_t hash[SECRET_HASH_BYTES];
    struct str text = str_fmt(arena, "%.*s\n%.*s", STR_ARG(nonce), STR_ARG(account));
    secret_lookup_hash(keys, ACCESS_DOMAIN_DEVICE, text, hash);
    struct buf seal = buf_new(arena, 2 * SECRET_HASH_BYTES + 1);
    for (int i = 0; i < SECRET_HASH_BYTES; i++)
        buf_fmt(&seal, "%02x", hash[i]);
    return buf_view(&seal);
}

/* What stands for the device in the count of its failures; absent where it is not known to the
 * account. */
static struct str device_of(const struct call *call, struct str account)
{
    struct str seal, nonce = str_cut(call->device_token, '.', &seal);
    if (!call->device_token.p || !seal.p)
        return STR_NONE;
    struct str right = device_seal(call->arena, call->service->deps.keys, account, nonce);
    return secret_equal(right, seal) ? nonce : STR_NONE;
}

struct str access_device_cookie(const struct call *call, struct str login)
{
    struct arena *arena = call->arena;
    struct str account = access_login_normal(arena, login);
    if (device_of(call, account).p)
        return STR_NONE;
    struct str nonce = secret_token(arena, STR(""));
    struct str seal = device_seal(arena, call->service->deps.keys, account, nonce);
    return str_fmt(arena,
                   ACCESS_DEVICE_COOKIE
                   "=%.*s.%.*s; Path=/api/v1/session; Max-Age=%lld; HttpOnly; SameSite=Strict%s",
                   STR_ARG(nonce), STR_ARG(seal), (long long)(ACCESS_DEVICE_US / 1000000),
                   call->over_tls ? "; Secure" : "");
}

/* --- Counting --- */

static struct str failure_hash(struct tx *tx, const struct login *login, enum failure_kind kind,
                               uint8_t out[SECRET_HASH_BYTES])
{
    struct str value = login->device, domain = ACCESS_DOMAIN_DEVICE;
    if (kind == FAILURE_ACCOUNT) {
        value = login->account;
        domain = ACCESS_DOMAIN_ACCOUNT;
    } else if (kind == FAILURE_ADDRESS) {
        value = address_counted(tx_arena(tx), login->call->address);
        domain = ACCESS_DOMAIN_ADDRESS;
    }
    secret_lookup_hash(tx_deps(tx)->keys, domain, value, out);
    return (struct str){(const char *)out, SECRET_HASH_BYTES};
}

static const struct err *count(struct tx *tx, struct login *login, enum failure_kind kind,
                               int64_t most)
{
    uint8_t hash[SECRET_HASH_BYTES];
    int64_t now_us = login->call->now_us;
    struct sql_access_login_failed_in in = {kind, failure_hash(tx, login, kind, hash), now_us,
                                            now_us - ACCESS_FAILURE_WINDOW_US};
    struct sql_access_login_failed_out row;
    bool found;
    TRY(sql_access_login_failed_one(tx, &in, &row, &found));
    int64_t wait_us = row.since + ACCESS_FAILURE_WINDOW_US - now_us;
    if (row.failure_count > most && wait_us > login->wait_us)
        login->wait_us = wait_us;
    return NULL;
}

/* Counted before the password is looked at, and taken back where it fits: many tries at once count
 * as many. A device that the account knows has a count of its own, so that strangers' failures
 * cannot keep its owner out. */
static const struct err *count_tx(struct tx *tx, void *arg)
{
    struct login *login = arg;
    login->wait_us = 0;
    if (login->device.p) {
        TRY(count(tx, login, FAILURE_DEVICE, ACCESS_FAILURES_PER_DEVICE));
    } else {
        TRY(count(tx, login, FAILURE_ACCOUNT, ACCESS_FAILURES_PER_ACCOUNT));
        if (login->wait_us == 0)
            TRY(count(tx, login, FAILURE_ADDRESS, ACCESS_FAILURES_PER_ADDRESS));
    }
    if (login->wait_us > 0)
        return NULL;
    TRY(sql_access_staff_by_login_one(tx, &(struct sql_access_staff_by_login_in){login->account},
                                      &login->staff, &login->found));
    struct arena *arena = login->call->arena;
    login->staff.name = str_copy(arena, login->staff.name);
    login->staff.password_hash = str_copy(arena, login->staff.password_hash);
    return NULL;
}

static const struct err *take_back(struct tx *tx, const struct login *login)
{
    uint8_t hash[SECRET_HASH_BYTES];
    enum failure_kind kind = login->device.p ? FAILURE_DEVICE : FAILURE_ACCOUNT;
    struct str who = failure_hash(tx, login, kind, hash);
    TRY(sql_access_login_succeeded_run(tx, &(struct sql_access_login_succeeded_in){kind, who}));
    if (login->device.p)
        return NULL;
    struct str address = failure_hash(tx, login, FAILURE_ADDRESS, hash);
    return sql_access_login_not_failed_run(
        tx, &(struct sql_access_login_not_failed_in){FAILURE_ADDRESS, address});
}

const struct err *access_session_new(struct tx *tx, int64_t staff_id, struct str token)
{
    uint8_t hash[SECRET_HASH_BYTES];
    secret_lookup_hash(tx_deps(tx)->keys, ACCESS_DOMAIN_SESSION, token, hash);
    int64_t now_us = tx_now_us(tx);
    TRY(sql_access_staff_seen_run(tx, &(struct sql_access_staff_seen_in){staff_id, now_us}));
    struct sql_access_session_insert_in row = {
        .session_id = id_next(tx_deps(tx)->ids),
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
    TRY(take_back(tx, login));
    TRY(access_session_new(tx, login->staff.staff_id, login->token));
    login->call->audit_object =
        str_fmt(tx_arena(tx), "staff:%lld", (long long)login->staff.staff_id);
    return access_audit(tx, login->call);
}

/* Of the same cost as a real one, for a password that nothing fits. */
static const char nobodys_hash[] = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
                                   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const struct err *access_login(struct call *call, struct str login_text, struct str password,
                               struct str *token, struct principal *principal)
{
    struct login login = {.call = call, .account = access_login_normal(call->arena, login_text)};
    login.device = device_of(call, login.account);
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

/* What came by TLS goes back by TLS only (RFC 6265, 4.1.2.5). */
struct str access_cookie(const struct call *call, struct str token)
{
    const char *secure = call->over_tls ? "; Secure" : "";
    if (!token.p)
        return str_fmt(call->arena,
                       ACCESS_SESSION_COOKIE "=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax%s",
                       secure);
    return str_fmt(call->arena,
                   ACCESS_SESSION_COOKIE "=%.*s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s",
                   STR_ARG(token), (long long)(ACCESS_SESSION_US / 1000000), secure);
}
