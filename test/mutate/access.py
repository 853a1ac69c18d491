"""Breaks of who may do what: logins, sessions, keys, roles and rows, the trail, idempotency. Read by script/mutate."""

WHOLE = "http/access_test.py --database sqlite --only "
TESTS = {
    # Each hash of a password is a tenth of a second: of what a break concerns as little as there is.
    "account": ["access_test *account_waits_sqlite"],
    "device": ["access_test *device_is_let_in_sqlite"],
    "address": ["access_test *address_waits_sqlite"],
    "cost": ["access_test *costs_as_much_sqlite"],
    "ends": ["access_test *absolute_end_sqlite"],
    "over": ["access_test *is_over_goes_sqlite"],
    "blocked": ["access_test *while_logging_in_sqlite"],
    "tls": ["http/access_test.py --database sqlite --only tls"],
    "session": [WHOLE + "sessions,changed_people"],
    "mask": ["customer_test"],
    "csrf": [WHOLE + "csrf"],
    "keys": [WHOLE + "keys,doors"],
    "rows": [WHOLE + "below", WHOLE + "lists,rows"],
    "trail": [WHOLE + "trail"],
    "noted": ["access_test *said_twice_sqlite"],
    "setup": ["http/contract_test.py --database sqlite --only before_a_brand,the_link"],
    "staff": ["access_test *who_is_above_sqlite"],
    "password": ["access_test *passwords_sqlite"],
    "people": ["http/contract_test.py --database sqlite --only people_and_keys"],
    "once": ["http/contract_test.py --database sqlite --only people_and_keys,customers", "access_test *are_one*", "access_test *twice*"],
    "secret": ["secret_test"],
    "declared": ["http/contract_test.py --database sqlite --only none"],
}

DECLARED = "src/contract/endpoint.h"
LOGIN = "src/room/access/access_login.c"
PRINCIPAL = "src/room/access/access_principal.c"
CALL = "src/room/access/access_call.c"
STAFF = "src/room/access/access_staff.c"
ENDPOINTS = "src/room/access/access_endpoint.c"
STATEMENTS = "src/room/access/statements.sql"
KEEPER = "src/room/customer/customer_keeper.c"
CUSTOMER = "src/room/order/customer_endpoint.c"

# Which tests, file, what is broken, the text and what stands instead, where it is SQL the statement.
BREAKS = [
    # --- Logging in ---
    ("account", LOGIN, "an account is let in after any number of failures",
     "        TRY(count(tx, login, FAILURE_ACCOUNT, ACCESS_FAILURES_PER_ACCOUNT));\n", ""),
    ("address", LOGIN, "an address may guess for ever",
     "        if (login->wait_us == 0)\n            TRY(count(tx, login, FAILURE_ADDRESS, ACCESS_FAILURES_PER_ADDRESS));\n", ""),
    ("account", LOGIN, "one try too few", "row.failure_count > most &&", "row.failure_count >= most &&"),
    ("account", LOGIN, "one try too many", "row.failure_count > most &&", "row.failure_count > most + 1 &&"),
    ("device", LOGIN, "a known device may guess for ever",
     "        TRY(count(tx, login, FAILURE_DEVICE, ACCESS_FAILURES_PER_DEVICE));\n", ""),
    ("device", LOGIN, "any device is known", "return secret_equal(right, seal) ? nonce : STR_NONE;", "return right.p ? nonce : STR_NONE;"),
    ("device", LOGIN, "a device is known to every account",
     'str_fmt(arena, "%.*s\\n%.*s", STR_ARG(nonce), STR_ARG(account))', 'str_fmt(arena, "%.*s\\n%.*s", STR_ARG(nonce), 0, account.p)'),
    ("address", LOGIN, "each address of an IPv6 network counts for itself", "(struct str){v6, 8}", "(struct str){v6, 16}"),
    ("account", LOGIN, "trying on makes the wait longer", "row.since + ACCESS_FAILURE_WINDOW_US - now_us;",
     "row.since + ACCESS_FAILURE_WINDOW_US * row.failure_count / 5 - now_us;"),
    ("account", STATEMENTS, "failures never grow old", "CASE WHEN login_failure.since < :window_from THEN 1 ELSE", "CASE WHEN 0 = 1 THEN 1 ELSE",
     "access_login_failed"),
    ("account", LOGIN, "what failed stays counted after a good login",
     "    TRY(sql_access_login_succeeded_run(tx, &(struct sql_access_login_succeeded_in){kind, who}));\n", "    (void)who;\n"),
    ("address", LOGIN, "good logins count against their address",
     "    return sql_access_login_not_failed_run(\n        tx, &(struct sql_access_login_not_failed_in){FAILURE_ADDRESS, address});",
     "    (void)address;\n    return NULL;"),
    ("cost", LOGIN, "an account that nobody has is refused at once",
     "    bool fits = staff_password_fits(call->service, password, hash);",
     "    bool fits = login.found && staff_password_fits(call->service, password, hash);"),
    ("cost", LOGIN, "an account that nobody has costs less", "m=65536,t=2,p=1$c29", "m=8192,t=1,p=1$c29"),
    ("session", LOGIN, "who is blocked logs in", "!fits || !login.found || login.staff.blocked_at.set", "!fits || !login.found"),
    ("session", LOGIN, "the session that the browser brought goes on", '    login.token = secret_token(call->arena, STR(""));',
     '    login.token = call->session_token.p ? call->session_token : secret_token(call->arena, STR(""));'),
    ("session", LOGIN, "scripts can read the session's cookie", '"=%.*s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s"',
     '"=%.*s; Path=/; Max-Age=%lld; SameSite=Lax%s"'),
    ("tls", LOGIN, "the device's cookie goes out in the clear",
     'STR_ARG(nonce), STR_ARG(seal), (long long)(ACCESS_DEVICE_US / 1000000),\n                   call->over_tls ? "; Secure" : "");',
     'STR_ARG(nonce), STR_ARG(seal), (long long)(ACCESS_DEVICE_US / 1000000), "");'),
    ("tls", LOGIN, "the session's cookie goes out in the clear", 'const char *secure = call->over_tls ? "; Secure" : "";',
     'const char *secure = "";'),
    ("secret", "src/base/secret.c", "passwords are hashed by argon2i", "crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13);",
     "crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2I13);"),
    ("secret", "src/base/secret.c", "passwords are hashed with a fifth of the memory", "crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13);",
     "crypto_pwhash_MEMLIMIT_INTERACTIVE / 5, crypto_pwhash_ALG_ARGON2ID13);"),
    ("secret", "src/base/secret.c", "passwords are hashed in one pass", "password.n, crypto_pwhash_OPSLIMIT_INTERACTIVE,",
     "password.n, crypto_pwhash_OPSLIMIT_MIN,"),
    ("secret", "src/base/secret.c", "any password fits", "text, password.p, password.n) == 0;", "text, password.p, password.n) <= 0;"),

    # --- Sessions ---
    ("ends", PRINCIPAL, "a session never ends", "row.expires_at <= now_us ||", "false ||"),
    ("ends", PRINCIPAL, "a session ends a moment late", "row.expires_at <= now_us ||", "row.expires_at < now_us ||"),
    ("ends", PRINCIPAL, "an idle session goes on", "row.seen_at + ACCESS_SESSION_IDLE_US <= now_us;", "false;"),
    ("ends", PRINCIPAL, "a session in use counts as idle", "look->note_use = row.seen_at + ACCESS_SESSION_SEEN_US <= now_us;",
     "look->note_use = false;"),
    ("blocked", PRINCIPAL, "who was blocked while logging in is in", "!found || row.blocked_at.set || row", "!found || row"),
    ("session", STAFF, "who is blocked has their session back later",
     "    if (wanted->blocked)\n        TRY(sql_access_session_delete_others_run(", "    if (wanted->blocked && staff_id < 0)\n        TRY(sql_access_session_delete_others_run("),
    ("session", STAFF, "a new password leaves the other sessions", "    return sql_access_session_delete_others_run(\n        tx, &(struct sql_access_session_delete_others_in){staff_id, keep_session_id});",
     "    (void)keep_session_id;\n    return NULL;"),
    ("session", STATEMENTS, "a new password ends one's own session", "staff_id = :staff_id AND session_id <> :except_id", "staff_id = :staff_id AND session_id <> -:except_id",
     "access_session_delete_others"),
    ("session", ENDPOINTS, "a session lives on behind a logout", "    return sql_access_session_delete_run(\n        tx, &(struct sql_access_session_delete_in){call->principal.session_id});",
     "    (void)tx;\n    (void)call;\n    return NULL;"),
    ("over", CALL, "sessions that are over stay", "    TRY(sql_access_session_delete_expired_run(\n        tx, &(struct sql_access_session_delete_expired_in){now_us}));\n", ""),
    ("over", CALL, "failures that are over stay", "    TRY(sql_access_login_forget_run(\n        tx, &(struct sql_access_login_forget_in){now_us - ACCESS_FAILURE_WINDOW_US}));\n", ""),
    ("over", CALL, "answers under keys stay for ever", "now_us - ACCESS_IDEMPOTENCY_US});", "INT64_MIN});"),
    ("over", CALL, "answers under keys go after a day", "now_us - ACCESS_IDEMPOTENCY_US});", "now_us - ACCESS_IDEMPOTENCY_US / 30});"),
    ("csrf", PRINCIPAL, "any CSRF token will do", "(!claim->csrf_token.p || !secret_equal(expected, claim->csrf_token))", "(!claim->csrf_token.p || !str_is(expected))"),
    ("csrf", PRINCIPAL, "no CSRF token will do", "(!claim->csrf_token.p || !secret_equal(expected, claim->csrf_token))",
     "claim->csrf_token.p && !secret_equal(expected, claim->csrf_token)"),
    ("csrf", PRINCIPAL, "all sessions have one CSRF token", "secret_lookup_hash(keys, ACCESS_DOMAIN_CSRF, session_token, hash);",
     "secret_lookup_hash(keys, ACCESS_DOMAIN_CSRF, str_slice(session_token, 0, 0), hash);"),
    ("csrf", "src/http/http_request.c", "nothing is a write", "bool is_write = (endpoint->flags & ENDPOINT_WRITE) != 0;", "bool is_write = endpoint == NULL;"),

    # --- Keys ---
    ("keys", PRINCIPAL, "a revoked key opens", "look->over = !found || row.revoked_at.set;", "look->over = !found;"),
    ("keys", "src/contract/endpoint.c", "a key of any scope opens all", "(principal->scopes >> endpoint->scope & 1)", "principal->scopes"),
    ("keys", ENDPOINTS, "a key is made with all scopes", ".scopes = write->scopes,\n", ".scopes = -1,\n"),
    ("trail", ENDPOINTS, "the audit trail holds the key itself", "    struct buf after = buf_new(call->arena, 16384);",
     "    ((struct key_out *)call->out)->key = write->key;\n    struct buf after = buf_new(call->arena, 16384);"),

    # --- Roles and rows ---
    ("rows", "src/contract/endpoint.c", "who reaches some rows reaches all", "return (enum reach)endpoint->reach[principal->role];",
     "return endpoint->reach[principal->role] ? REACH_ALL : REACH_NONE;"),
    ("keys", "src/contract/endpoint.c", "every role is an owner", "return (enum reach)endpoint->reach[principal->role];",
     "return (enum reach)endpoint->reach[ROLE_OWNER];"),
    ("keys", "src/http/http_request.c", "who may not may", "if (request->call.reach != REACH_NONE)\n", "if (request->call.reach != REACH_NONE || request->call.principal.kind)\n"),
    ("rows", KEEPER, "an agent reaches what is kept below", "if (*kept || staff_id == 0 || call->reach != REACH_BELOW)", "if (*kept || staff_id == 0)"),
    ("rows", KEEPER, "what is kept below is out of reach", "*kept = *kept || below[i] == staff_id;", "*kept = *kept || below[i] == -staff_id;"),
    ("rows", KEEPER, "who is kept by nobody is everybody's", "*kept = staff_id != 0 && staff_id == call->principal.id;",
     "*kept = staff_id == 0 || staff_id == call->principal.id;"),
    ("rows", KEEPER, "what is out of reach is told apart from what is not there",
     '    return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_UNKNOWN, STR("/customer_id"),\n                   customer_id_text(tx, customer_id));',
     '    return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_UNKNOWN, STR("/customer_id"),\n                   customer_id_text(tx, *root_id + 1));'),
    ("rows", STAFF, "only those directly below are below", "        at = manager_of(people, at);\n", "        at = 0;\n"),
    ("rows", "src/room/insight/people_query.c", "a list shows everybody", "    s->by_reach = true;\n", "    s->by_reach = false;\n"),
    ("rows", "src/room/insight/people_query.c", "an agent's list shows those kept below", "if (call->reach == REACH_BELOW)\n        TRY(staff_below(tx, call->principal.id, &below, &count));\n    int64_t *ids",
     "TRY(staff_below(tx, call->principal.id, &below, &count));\n    int64_t *ids"),
    ("rows", CUSTOMER, "a search finds others' customers", "        if (customer_reach(tx, call, ids[i], &root_id))\n            continue; /* not theirs to see */",
     "        root_id = ids[i];\n        if (customer_reach(tx, call, ids[i], &root_id) && root_id == 0)\n            continue; /* not theirs to see */"),
    ("rows", "src/room/insight/portrait_endpoint.c", "a portrait shows others' customers", "return customer_reach(tx, reaching->call, path->customer_id, &reaching->root_id);",
     "const struct err *err = customer_reach(tx, reaching->call, path->customer_id, &reaching->root_id);\n    return err && !tx ? err : NULL;"),
    ("declared", DECLARED, "an engineer sees customers", "{[ROLE_OWNER] = REACH_ALL, [ROLE_OPERATOR] = REACH_ALL, [ROLE_SERVICE_MANAGER] = REACH_BELOW, \\\n",
     "{[ROLE_OWNER] = REACH_ALL, [ROLE_ENGINEER] = REACH_ALL, [ROLE_OPERATOR] = REACH_ALL, [ROLE_SERVICE_MANAGER] = REACH_BELOW, \\\n"),
    ("declared", DECLARED, "agents run imports", "#define REACH_RUN {[ROLE_OWNER] = REACH_ALL, [ROLE_OPERATOR] = REACH_ALL}",
     "#define REACH_RUN {[ROLE_OWNER] = REACH_ALL, [ROLE_OPERATOR] = REACH_ALL, [ROLE_AGENT] = REACH_ALL}"),
    ("rows", CUSTOMER, "phones are shown in the clear", "return show(tx, call, root_id, false, PERSON_ORDERS_SHOWN_MAX, call->out);\n}\n\nstatic const struct err *get_customer(",
     "return show(tx, call, root_id, true, PERSON_ORDERS_SHOWN_MAX, call->out);\n}\n\nstatic const struct err *get_customer("),
    ("mask", "src/room/customer/customer_identity.c", "a masked phone shows all but one digit", "size_t front = n * 3 / 11,\n", "size_t front = n * 6 / 11,\n"),
    ("rows", "src/room/insight/people_query.c", "a list shows phones in the clear", "identity_mask(arena, best->kind, best->value)", "best->value"),

    # --- The trail ---
    ("trail", CUSTOMER, "revealing leaves no trace in the history", "    TRY(customer_reveal(tx, root_id, call->principal.by));\n", ""),
    ("noted", CALL, "nothing is audited", "if (call->endpoint->flags & ENDPOINT_AUDITED)", "if (call->endpoint->flags & ENDPOINT_FILE)"),
    ("noted", CALL, "the trail does not say who", ".by_id = call->principal.id,", ".by_id = 0,"),
    ("noted", CALL, "the trail does not say what was before", ".before = call->audit_before,", ".before = STR_NONE,"),
    ("noted", CALL, "the trail does not say what came of it", ".after = call->audit_after,", ".after = STR_NONE,"),
    ("trail", ENDPOINTS, "of a person that is changed the trail has no before", "    call->audit_before = staff_json(call->arena, &before);\n", "    (void)before;\n"),
    ("trail", CUSTOMER, "of a keeper the trail has what came, not what was", '"{\\"keeper\\":\\"%lld\\"}", (long long)before);', '"{\\"keeper\\":\\"%lld\\"}", (long long)in->staff_id);'),
    ("trail", LOGIN, "a login leaves no trace", "    return access_audit(tx, login->call);\n", "    return NULL;\n"),

    # --- The set-up link ---
    ("setup", "src/http/app_setup.c", "any token sets up", "control->setup_token[0] == '\\0' || !secret_equal(str_c(control->setup_token), in->token)", "control->setup_token[0] == '\\0'"),
    ("setup", "src/http/app_setup.c", "the link stays valid", "    memset(control->setup_token, 0, sizeof(control->setup_token));\n", ""),
    ("setup", "src/http/app_setup.c", "the link makes a second owner",
     "    if (exists)\n        return ERR_NEW(tx_arena(tx), ERR_SETUP_LINK, STR(\"/token\"));\n", ""),
    ("setup", "src/http/app.c", "an open brand has a link again", "if (!exists && control->setup_token[0] == '\\0')", "if (control->setup_token[0] == '\\0')"),

    # --- Staff ---
    ("staff", STAFF, "the last owner can go", "        TRY(keep_an_owner(tx, staff_id));\n", "        (void)keep_an_owner(tx, staff_id);\n"),
    ("staff", STATEMENTS, "a blocked owner counts as an owner", "role = :role AND blocked_at IS NULL ORDER BY staff_id LIMIT 10000;\n\n-- name: access_staff_lock_owners",
     "role = :role ORDER BY staff_id LIMIT 10000;\n\n-- name: access_staff_lock_owners"),
    ("staff", STAFF, "two people supervise each other", "(staff_id == 0 || !stands_below(&people, manager_id, staff_id));", "staff_id >= 0;"),
    ("password", STAFF, "a password may be the login", "!str_eq_nocase(password, login) && !password_is_common(password)", "login.n > 0 && !password_is_common(password)"),
    ("password", STAFF, "a password may be common", "!str_eq_nocase(password, login) && !password_is_common(password)", "!str_eq_nocase(password, login) && (password.n || !password_is_common(password))"),
    ("people", ENDPOINTS, "a reset password may be the login", "    if (str_eq_nocase(staff.login, write->wanted.password))\n        return ERR_NEW(tx_arena(tx), ERR_STAFF_PASSWORD, STR(\"/password\"));\n", ""),
    ("people", ENDPOINTS, "a new password without the old one", "    if (!staff_password_fits(call->service, in->old_password, change.staff.password_hash))\n", "    if (in->old_password.n == 0)\n"),

    # --- Said twice ---
    ("once", CALL, "one key, two requests", "if (!str_eq(row.request_hash, bytes_of(call->request_hash, sizeof(call->request_hash))))", "if (row.request_hash.n == 0)"),
    ("once", CALL, "a key is everybody's", 'return call->principal.by.p ? call->principal.by : STR("nobody");', 'return call->principal.by.p ? STR("somebody") : STR("nobody");'),
    ("once", CALL, "said twice, done twice", "return call->idempotency_key.p ? keep_answer(tx, call, key_hash) : NULL;", "(void)keep_answer;\n    return NULL;"),
    ("once", CALL, "the second answer has no address", "call->location = row.location.p ? str_copy(call->arena, row.location) : STR_NONE;", "call->location = STR_NONE;"),
    ("once", CALL, "the second answer has another status", "call->status = (int)row.status;", "call->status = 200;"),
    ("once", CALL, "the key is kept in a transaction of its own",
     "    return call->idempotency_key.p ? keep_answer(tx, call, key_hash) : NULL;\n}\n\nconst struct err *call_write(struct call *call, store_fn *fn, void *arg)\n{",
     "    return NULL;\n}\n\nstatic const struct err *keep_tx(struct tx *tx, void *arg)\n{\n    struct call *call = arg;\n    uint8_t hash[SECRET_HASH_BYTES];\n"
     "    secret_lookup_hash(tx_deps(tx)->keys, STR(\"idempotency\"), call->idempotency_key, hash);\n    return keep_answer(tx, call, bytes_of(hash, sizeof(hash)));\n}\n\n"
     "static const struct err *call_write_first(struct call *call, store_fn *fn, void *arg);\n"
     "const struct err *call_write(struct call *call, store_fn *fn, void *arg)\n{\n    TRY(call_write_first(call, fn, arg));\n"
     "    struct store_job keep = {.name = \"keep\", .fn = keep_tx, .arg = call, .again_if_ambiguous = true};\n"
     "    return call->idempotency_key.p && !call->replay.p ? store_write(call->service->store, call->arena, &keep) : NULL;\n}\n\n"
     "static const struct err *call_write_first(struct call *call, store_fn *fn, void *arg)\n{"),
    ("once", CALL, "what an earlier try left stays", "    forget_try(call);\n", "    (void)forget_try;\n"),
]
