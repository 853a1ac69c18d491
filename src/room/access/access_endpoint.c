/* What the console and programs ask of this room. */
#include "base/arena.h"
#include "base/calendar.h"
#include "room/access/access_part.h"
#include "sql_access.h"

#include <stdio.h>

#define ALL_ROLES                                                                                  \
    {                                                                                              \
        REACH_ALL, REACH_ALL, REACH_ALL, REACH_ALL, REACH_ALL, REACH_ALL                           \
    }
#define OWNER_ONLY                                                                                 \
    {                                                                                              \
        [ROLE_OWNER] = REACH_ALL                                                                   \
    }
#define OWNER_AND_ENGINEER                                                                         \
    {                                                                                              \
        [ROLE_OWNER] = REACH_ALL, [ROLE_ENGINEER] = REACH_ALL                                      \
    }

static const char *const role_names[] = {
#define ROLE(code, name, en, zh, doc_en, doc_zh) name,
    ROLE_TABLE(ROLE)
#undef ROLE
        NULL};

/* --- The session --- */

struct login_in {
    struct str login, password;
};
static const struct field login_fields[] = {
    SHAPE_FIELD(struct login_in, login, TEXT, "The login.", "登录名。", .required = true,
                .max = 200),
    SHAPE_FIELD(struct login_in, password, TEXT, "The password.", "密码。", .required = true,
                .max = 1000, .secret = true),
};
static const struct shape login_shape = {
    .name = "login", .size = sizeof(struct login_in), SHAPE_FIELDS(login_fields)};

struct me_out {
    int64_t staff_id;
    struct str name, csrf_token;
    int role;
    struct shape_list may;
};
static const struct field me_fields[] = {
    SHAPE_FIELD(struct me_out, staff_id, ID, "The person logged in; null for a key.",
                "当前登录的人；密钥为空。"),
    SHAPE_FIELD(struct me_out, name, TEXT, "Their name.", "姓名。", .required = true),
    SHAPE_FIELD(struct me_out, role, ENUM, "Their role; null for a key.", "角色；密钥为空。",
                .values = role_names),
    SHAPE_FIELD(struct me_out, csrf_token, TEXT, "To be sent as X-CSRF-Token with every write.",
                "每次写操作须以 X-CSRF-Token 发送。"),
    SHAPE_FIELD(struct me_out, may, LIST,
                "Names of the operations (operationId) that they may call.",
                "可以调用的操作（operationId）。", .max = 1000),
};
static const struct shape me_shape = {
    .name = "me", .size = sizeof(struct me_out), SHAPE_FIELDS(me_fields)};

static void fill_me(struct call *call, struct str session_token)
{
    struct me_out *out = call->out;
    const struct service *service = call->service;
    out->staff_id = call->principal.kind == PRINCIPAL_STAFF ? call->principal.id : 0;
    out->name = call->principal.name;
    out->role = call->principal.kind == PRINCIPAL_STAFF ? (int)call->principal.role : -1;
    if (session_token.p)
        out->csrf_token = access_csrf_token(call->arena, service->deps.keys, session_token);
    size_t room = 0;
    for (int t = 0; t < service->table_count; t++)
        room += (size_t)service->tables[t]->count;
    struct str *names = ARENA_ARRAY(call->arena, room + 1, struct str);
    size_t count = 0;
    for (int t = 0; t < service->table_count; t++) {
        const struct endpoint_table *table = service->tables[t];
        for (int i = 0; i < table->count; i++)
            if (endpoint_reach(&table->endpoints[i], &call->principal) != REACH_NONE)
                names[count++] = str_c(table->endpoints[i].name);
    }
    out->may = (struct shape_list){names, count};
}

static const struct err *log_in(struct call *call)
{
    const struct login_in *in = call->in;
    struct str token;
    struct principal principal;
    TRY(access_login(call, in->login, in->password, &token, &principal));
    call->set_cookie = access_cookie(call, token);
    call->set_cookie_2 = access_device_cookie(call, in->login);
    fill_me(call, token);
    return NULL;
}

static const struct err *see_me(struct call *call)
{
    fill_me(call, call->session_token);
    return NULL;
}

static const struct err *log_out_tx(struct tx *tx, void *arg)
{
    const struct call *call = arg;
    return sql_access_session_delete_run(
        tx, &(struct sql_access_session_delete_in){call->principal.session_id});
}

static const struct err *log_out(struct call *call)
{
    TRY(call_write(call, log_out_tx, call));
    call->set_cookie = access_cookie(call, STR_NONE);
    return NULL;
}

struct password_in {
    struct str old_password, new_password;
};
static const struct field password_fields[] = {
    SHAPE_FIELD(struct password_in, old_password, TEXT, "The present password.", "当前密码。",
                .required = true, .max = 1000, .secret = true),
    SHAPE_FIELD(struct password_in, new_password, TEXT, "The new password, 10 bytes or more.",
                "新密码，至少 10 字节。", .required = true, .max = 1000, .secret = true),
};
static const struct shape password_shape = {
    .name = "password_change", .size = sizeof(struct password_in), SHAPE_FIELDS(password_fields)};

struct password_change {
    struct call *call;
    struct sql_access_staff_one_out staff;
    struct str hash;
};

static const struct err *read_me_tx(struct tx *tx, void *arg)
{
    struct password_change *change = arg;
    bool found;
    TRY(sql_access_staff_one_one(tx, &(struct sql_access_staff_one_in){change->call->principal.id},
                                 &change->staff, &found));
    if (!found)
        return ERR_NEW(tx_arena(tx), ERR_STAFF_UNKNOWN, STR_NONE);
    struct arena *arena = change->call->arena;
    change->staff.login = str_copy(arena, change->staff.login);
    change->staff.name = str_copy(arena, change->staff.name);
    change->staff.password_hash = str_copy(arena, change->staff.password_hash);
    return NULL;
}

static const struct err *change_password_tx(struct tx *tx, void *arg)
{
    const struct password_change *change = arg;
    struct call *call = change->call;
    call->audit_object = call->principal.by;
    return staff_password_set(tx, call->principal.id, change->hash, call->principal.session_id);
}

static const struct err *change_password(struct call *call)
{
    const struct password_in *in = call->in;
    struct password_change change = {.call = call};
    if (call->principal.kind != PRINCIPAL_STAFF)
        return ERR_NEW(call->arena, ERR_STAFF_UNKNOWN, STR_NONE);
    TRY(call_read(call, read_me_tx, &change));
    if (!staff_password_fits(call->service, in->old_password, change.staff.password_hash))
        return ERR_NEW(call->arena, ERR_PASSWORD_OLD_WRONG, STR("/old_password"));
    struct staff_new as_new = {
        .login = change.staff.login, .name = change.staff.name, .password = in->new_password};
    if (staff_check(call->arena, &as_new))
        return ERR_NEW(call->arena, ERR_STAFF_PASSWORD, STR("/new_password"));
    change.hash = staff_password_hash(call->service, call->arena, in->new_password);
    return call_write(call, change_password_tx, &change);
}

/* --- Staff --- */

struct staff_out {
    int64_t staff_id, manager_id, created_at_us;
    struct str login, name;
    int role;
    bool blocked;
};
static const struct field staff_fields[] = {
    SHAPE_FIELD(struct staff_out, staff_id, ID, "The person.", "员工。", .required = true),
    SHAPE_FIELD(struct staff_out, login, TEXT, "What they type to log in.", "登录名。",
                .required = true),
    SHAPE_FIELD(struct staff_out, name, TEXT, "Their name.", "姓名。", .required = true),
    SHAPE_FIELD(struct staff_out, role, ENUM, "What they may do.", "角色。", .required = true,
                .values = role_names),
    SHAPE_FIELD(struct staff_out, manager_id, ID, "Who supervises them.", "上级。"),
    SHAPE_FIELD(struct staff_out, blocked, BOOL, "May not log in.", "已停用。"),
    SHAPE_FIELD_AS(struct staff_out, created_at_us, "created_at", TIME, "Since when.", "加入时间。",
                   .required = true),
};
static const struct shape staff_shape = {
    .name = "staff", .size = sizeof(struct staff_out), SHAPE_FIELDS(staff_fields)};

struct staff_list_out {
    struct shape_list items;
};
static const struct field staff_list_fields[] = {
    SHAPE_FIELD(struct staff_list_out, items, LIST, "Everybody, in the order they came.",
                "全部员工，按加入先后。", .sub = &staff_shape),
};
static const struct shape staff_list_shape = {
    .name = "staff_list", .size = sizeof(struct staff_list_out), SHAPE_FIELDS(staff_list_fields)};

struct staff_path {
    int64_t staff_id;
};
static const struct field staff_path_fields[] = {
    SHAPE_FIELD(struct staff_path, staff_id, ID, "The person.", "员工。", .required = true),
};
static const struct shape staff_path_shape = {
    .name = "staff_path", .size = sizeof(struct staff_path), SHAPE_FIELDS(staff_path_fields)};

struct staff_in {
    struct str login, name, password;
    int role;
    int64_t manager_id;
};
static const struct field staff_in_fields[] = {
    SHAPE_FIELD(struct staff_in, login, TEXT, "What they type to log in.", "登录名。",
                .required = true, .max = 200),
    SHAPE_FIELD(struct staff_in, name, TEXT, "Their name.", "姓名。", .required = true,
                .max = 1000),
    SHAPE_FIELD(struct staff_in, password, TEXT, "Their first password, 10 bytes or more.",
                "初始密码，至少 10 字节。", .required = true, .max = 1000, .secret = true),
    SHAPE_FIELD(struct staff_in, role, ENUM, "What they may do.", "角色。", .required = true,
                .values = role_names),
    SHAPE_FIELD(struct staff_in, manager_id, ID, "Who supervises them.", "上级。"),
};
static const struct shape staff_in_shape = {
    .name = "staff_new", .size = sizeof(struct staff_in), SHAPE_FIELDS(staff_in_fields)};

struct staff_change_in {
    struct str name;
    int role;
    int64_t manager_id;
    bool blocked;
};
static const struct field staff_change_fields[] = {
    SHAPE_FIELD(struct staff_change_in, name, TEXT, "Their name.", "姓名。", .required = true,
                .max = 1000),
    SHAPE_FIELD(struct staff_change_in, role, ENUM, "What they may do.", "角色。", .required = true,
                .values = role_names),
    SHAPE_FIELD(struct staff_change_in, manager_id, ID, "Who supervises them.", "上级。"),
    SHAPE_FIELD(struct staff_change_in, blocked, BOOL, "May not log in; their sessions end.",
                "停用，会话随即结束。"),
};
static const struct shape staff_change_shape = {.name = "staff_change",
                                                .size = sizeof(struct staff_change_in),
                                                SHAPE_FIELDS(staff_change_fields)};

static const struct err *fill_staff(struct tx *tx, struct arena *arena, int64_t staff_id,
                                    struct staff_out *out)
{
    struct sql_access_staff_one_out row;
    bool found;
    TRY(sql_access_staff_one_one(tx, &(struct sql_access_staff_one_in){staff_id}, &row, &found));
    if (!found)
        return ERR_NEW(tx_arena(tx), ERR_STAFF_UNKNOWN, STR_NONE);
    *out = (struct staff_out){
        .staff_id = row.staff_id,
        .login = str_copy(arena, row.login),
        .name = str_copy(arena, row.name),
        .role = (int)row.role,
        .manager_id = row.manager_id.set ? row.manager_id.v : 0,
        .blocked = row.blocked_at.set,
        .created_at_us = row.created_at,
    };
    return NULL;
}

/* For the audit trail. */
static struct str staff_json(struct arena *arena, const struct staff_out *staff)
{
    struct buf out = buf_new(arena, 16384);
    struct json_writer w = json_writer(&out, false);
    shape_write_json(&w, &staff_shape, staff);
    return buf_view(&out);
}

static const struct err *list_staff_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    struct staff_list_out *out = call->out;
    struct stmt_cursor cursor;
    bool has;
    struct staff_out *items = ARENA_ARRAY(call->arena, 10001, struct staff_out);
    out->items = (struct shape_list){items, 0};
    TRY(sql_access_staff_all_open(tx, &cursor));
    for (;;) {
        struct sql_access_staff_all_out row;
        TRY(sql_access_staff_all_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        items[out->items.count++] = (struct staff_out){
            .staff_id = row.staff_id,
            .login = str_copy(call->arena, row.login),
            .name = str_copy(call->arena, row.name),
            .role = (int)row.role,
            .manager_id = row.manager_id.set ? row.manager_id.v : 0,
            .blocked = row.blocked_at.set,
            .created_at_us = row.created_at,
        };
    }
}

static const struct err *list_staff(struct call *call)
{
    return call_read(call, list_staff_tx, call);
}

struct staff_write {
    struct call *call;
    struct staff_new wanted;
    struct str hash;
};

static const struct err *create_staff_tx(struct tx *tx, void *arg)
{
    const struct staff_write *write = arg;
    struct call *call = write->call;
    int64_t staff_id;
    TRY(staff_create(tx, &write->wanted, write->hash, &staff_id));
    TRY(fill_staff(tx, call->arena, staff_id, call->out));
    call->audit_object = str_fmt(call->arena, "staff:%lld", (long long)staff_id);
    call->audit_after = staff_json(call->arena, call->out);
    call->location = str_fmt(call->arena, "/api/v1/staff/%lld", (long long)staff_id);
    return NULL;
}

static const struct err *create_staff(struct call *call)
{
    const struct staff_in *in = call->in;
    struct staff_write write = {.call = call,
                                .wanted = {.login = in->login,
                                           .name = in->name,
                                           .password = in->password,
                                           .role = (enum role)in->role,
                                           .manager_id = in->manager_id}};
    TRY(staff_check(call->arena, &write.wanted));
    write.hash = staff_password_hash(call->service, call->arena, in->password);
    return call_write(call, create_staff_tx, &write);
}

static const struct err *change_staff_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct staff_path *path = call->path;
    const struct staff_change_in *in = call->in;
    struct staff_out before;
    TRY(fill_staff(tx, call->arena, path->staff_id, &before));
    struct staff_change wanted = {.name = in->name,
                                  .role = (enum role)in->role,
                                  .manager_id = in->manager_id,
                                  .blocked = in->blocked};
    TRY(staff_change(tx, path->staff_id, &wanted));
    TRY(fill_staff(tx, call->arena, path->staff_id, call->out));
    call->audit_object = str_fmt(call->arena, "staff:%lld", (long long)path->staff_id);
    call->audit_before = staff_json(call->arena, &before);
    call->audit_after = staff_json(call->arena, call->out);
    return NULL;
}

static const struct err *change_staff(struct call *call)
{
    return call_write(call, change_staff_tx, call);
}

struct reset_in {
    struct str password;
};
static const struct field reset_fields[] = {
    SHAPE_FIELD(struct reset_in, password, TEXT, "A new password, 10 bytes or more.",
                "新密码，至少 10 字节。", .required = true, .max = 1000, .secret = true),
};
static const struct shape reset_shape = {
    .name = "password_reset", .size = sizeof(struct reset_in), SHAPE_FIELDS(reset_fields)};

static const struct err *reset_password_tx(struct tx *tx, void *arg)
{
    const struct staff_write *write = arg;
    struct call *call = write->call;
    const struct staff_path *path = call->path;
    struct staff_out staff;
    TRY(fill_staff(tx, call->arena, path->staff_id, &staff));
    if (str_eq_nocase(staff.login, write->wanted.password))
        return ERR_NEW(tx_arena(tx), ERR_STAFF_PASSWORD, STR("/password"));
    call->audit_object = str_fmt(call->arena, "staff:%lld", (long long)path->staff_id);
    return staff_password_set(tx, path->staff_id, write->hash, 0);
}

static const struct err *reset_password(struct call *call)
{
    const struct reset_in *in = call->in;
    struct staff_write write = {
        .call = call,
        .wanted = {.login = STR("somebody"), .name = STR("somebody"), .password = in->password}};
    TRY(staff_check(call->arena, &write.wanted));
    write.hash = staff_password_hash(call->service, call->arena, in->password);
    return call_write(call, reset_password_tx, &write);
}

/* --- Keys --- */

struct key_out {
    int64_t key_id, created_at_us, used_at_us, revoked_at_us;
    struct str name, hint, key;
    struct shape_list scopes;
};
static const struct field key_fields[] = {
    SHAPE_FIELD(struct key_out, key_id, ID, "The key's id.", "密钥编号。", .required = true),
    SHAPE_FIELD(struct key_out, name, TEXT, "What it is for.", "用途。", .required = true),
    SHAPE_FIELD(struct key_out, hint, TEXT, "Its last four characters.", "末四位。",
                .required = true),
    SHAPE_FIELD(struct key_out, scopes, LIST, "What it may do.", "权限范围。"),
    SHAPE_FIELD(struct key_out, key, TEXT, "The key itself: shown once, when it is made.",
                "密钥本身：仅在创建时显示一次。"),
    SHAPE_FIELD_AS(struct key_out, created_at_us, "created_at", TIME, "When it was made.",
                   "创建时间。", .required = true),
    SHAPE_FIELD_AS(struct key_out, used_at_us, "used_at", TIME, "About when it was last used.",
                   "最近使用时间。"),
    SHAPE_FIELD_AS(struct key_out, revoked_at_us, "revoked_at", TIME,
                   "When it was revoked; null: it holds.", "吊销时间；空表示有效。"),
};
static const struct shape key_shape = {
    .name = "api_key", .size = sizeof(struct key_out), SHAPE_FIELDS(key_fields)};
struct key_list_out {
    struct shape_list items;
};
static const struct field key_list_fields[] = {
    SHAPE_FIELD(struct key_list_out, items, LIST, "All keys, also revoked ones.",
                "全部密钥，含已吊销的。", .sub = &key_shape),
};
static const struct shape key_list_shape = {
    .name = "api_key_list", .size = sizeof(struct key_list_out), SHAPE_FIELDS(key_list_fields)};
struct key_in {
    struct str name;
    struct shape_list scopes;
};
static const struct field key_in_fields[] = {
    SHAPE_FIELD(struct key_in, name, TEXT, "What it is for.", "用途。", .required = true, .min = 1,
                .max = 100),
    SHAPE_FIELD(struct key_in, scopes, LIST, "What it may do.", "权限范围。", .required = true,
                .min = 1, .max = 50),
};
static const struct shape key_in_shape = {
    .name = "api_key_new", .size = sizeof(struct key_in), SHAPE_FIELDS(key_in_fields)};
struct key_path {
    int64_t key_id;
};
static const struct field key_path_fields[] = {
    SHAPE_FIELD(struct key_path, key_id, ID, "The key.", "密钥。", .required = true),
};
static const struct shape key_path_shape = {
    .name = "api_key_path", .size = sizeof(struct key_path), SHAPE_FIELDS(key_path_fields)};

static struct shape_list scope_list(struct arena *arena, int64_t scopes)
{
    struct str *names = ARENA_ARRAY(arena, SCOPE_MAX + 1, struct str);
    size_t count = 0;
    for (int i = 0; i < SCOPE_MAX; i++)
        if (scopes >> i & 1)
            names[count++] = str_c(scope_info((enum scope)i)->name);
    return (struct shape_list){names, count};
}

static const struct err *read_scopes(struct arena *arena, const struct shape_list *list,
                                     int64_t *scopes)
{
    struct err_list errors = {.arena = arena};
    *scopes = 0;
    for (size_t i = 0; i < list->count; i++) {
        enum scope scope;
        if (scope_by_name(((const struct str *)list->items)[i], &scope)) {
            *scopes |= (int64_t)1 << scope;
            continue;
        }
        struct str known = str_join(arena, scope_list(arena, -1).items, SCOPE_MAX, STR(", "));
        err_list_add(&errors,
                     ERR_NEW(arena, ERR_KEY_SCOPE, str_fmt(arena, "/scopes/%zu", i), known));
    }
    return errors.first;
}

struct key_write {
    struct call *call;
    struct str key;
    int64_t scopes;
};

static const struct err *create_key_tx(struct tx *tx, void *arg)
{
    const struct key_write *write = arg;
    struct call *call = write->call;
    const struct key_in *in = call->in;
    uint8_t hash[SECRET_HASH_BYTES];
    secret_lookup_hash(tx_deps(tx)->keys, ACCESS_DOMAIN_KEY, write->key, hash);
    struct str hint = str_slice(write->key, write->key.n - 4, write->key.n);
    struct sql_access_key_insert_in row = {.key_id = id_next(tx_deps(tx)->ids),
                                           .token_hash = {(const char *)hash, SECRET_HASH_BYTES},
                                           .name = in->name,
                                           .hint = hint,
                                           .scopes = write->scopes,
                                           .created_by = call->principal.id,
                                           .created_at = tx_now_us(tx)};
    TRY(sql_access_key_insert_run(tx, &row));
    *(struct key_out *)call->out = (struct key_out){
        .key_id = row.key_id,
        .name = in->name,
        .hint = hint,
        .scopes = scope_list(call->arena, write->scopes),
        .created_at_us = row.created_at,
        .used_at_us = INT64_MIN,
        .revoked_at_us = INT64_MIN,
    };
    call->audit_object = str_fmt(call->arena, "key:%lld", (long long)row.key_id);
    struct buf after = buf_new(call->arena, 16384);
    struct json_writer w = json_writer(&after, false);
    shape_write_json(&w, &key_shape, call->out);
    call->audit_after = buf_view(&after);
    ((struct key_out *)call->out)->key = write->key;
    return NULL;
}

static const struct err *create_key(struct call *call)
{
    const struct key_in *in = call->in;
    struct key_write write = {.call = call};
    TRY(read_scopes(call->arena, &in->scopes, &write.scopes));
    write.key = secret_token(call->arena, STR(ACCESS_KEY_PREFIX));
    return call_write(call, create_key_tx, &write);
}

static const struct err *list_keys_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    struct key_list_out *out = call->out;
    struct key_out *items = ARENA_ARRAY(call->arena, 10001, struct key_out);
    struct stmt_cursor cursor;
    bool has;
    out->items = (struct shape_list){items, 0};
    TRY(sql_access_key_all_open(tx, &cursor));
    for (;;) {
        struct sql_access_key_all_out row;
        TRY(sql_access_key_all_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        items[out->items.count++] = (struct key_out){
            .key_id = row.key_id,
            .name = str_copy(call->arena, row.name),
            .hint = str_copy(call->arena, row.hint),
            .scopes = scope_list(call->arena, row.scopes),
            .created_at_us = row.created_at,
            .used_at_us = row.used_at.set ? row.used_at.v : INT64_MIN,
            .revoked_at_us = row.revoked_at.set ? row.revoked_at.v : INT64_MIN,
        };
    }
}

static const struct err *list_keys(struct call *call)
{
    return call_read(call, list_keys_tx, call);
}

static const struct err *revoke_key_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct key_path *path = call->path;
    struct sql_access_key_revoke_in in = {path->key_id, tx_now_us(tx)};
    struct sql_access_key_revoke_out row;
    bool found;
    TRY(sql_access_key_revoke_one(tx, &in, &row, &found));
    if (!found)
        return ERR_NEW(tx_arena(tx), ERR_KEY_UNKNOWN, STR_NONE);
    call->audit_object = str_fmt(call->arena, "key:%lld", (long long)path->key_id);
    return NULL;
}

static const struct err *revoke_key(struct call *call)
{
    return call_write(call, revoke_key_tx, call);
}

/* --- The audit trail --- */

struct audit_out {
    int64_t audit_id, at_us, by_id;
    struct str by_kind, by_name, operation, title, object, before, after, request_id;
};
static const struct field audit_fields[] = {
    SHAPE_FIELD(struct audit_out, audit_id, ID, "The row.", "记录编号。", .required = true),
    SHAPE_FIELD_AS(struct audit_out, at_us, "at", TIME, "When.", "时间。", .required = true),
    SHAPE_FIELD(struct audit_out, by_kind, TEXT, "staff, key or nobody.", "staff、key 或 nobody。",
                .required = true),
    SHAPE_FIELD(struct audit_out, by_id, ID, "Who.", "操作者编号。"),
    SHAPE_FIELD(struct audit_out, by_name, TEXT, "Who, by name.", "操作者。", .required = true),
    SHAPE_FIELD(struct audit_out, operation, TEXT, "The operation (operationId).",
                "操作（operationId）。", .required = true),
    SHAPE_FIELD(struct audit_out, title, TEXT, "The operation as people call it.", "操作的名称。",
                .required = true),
    SHAPE_FIELD(struct audit_out, object, TEXT, "What it was done to: kind:id.",
                "对象：种类:编号。", .required = true),
    SHAPE_FIELD(struct audit_out, before, JSON, "What it was, without personal data.",
                "之前的内容（不含个人信息）。"),
    SHAPE_FIELD(struct audit_out, after, JSON, "What it became.", "之后的内容。"),
    SHAPE_FIELD(struct audit_out, request_id, TEXT, "The request.", "请求编号。", .required = true),
};
static const struct shape audit_shape = {
    .name = "audit", .size = sizeof(struct audit_out), SHAPE_FIELDS(audit_fields)};
struct audit_list_out {
    struct shape_list items;
    struct str next_cursor;
};
static const struct field audit_list_fields[] = {
    SHAPE_FIELD(struct audit_list_out, items, LIST, "The newest first.", "最新的在前。",
                .sub = &audit_shape),
    SHAPE_FIELD(struct audit_list_out, next_cursor, TEXT,
                "Give it as ?cursor to go on; null at the end.",
                "作为 ?cursor 传入以继续；到底时为空。"),
};
static const struct shape audit_list_shape = {
    .name = "audit_list", .size = sizeof(struct audit_list_out), SHAPE_FIELDS(audit_list_fields)};
struct audit_query {
    struct str object;
    int64_t cursor, limit;
};
static const struct field audit_query_fields[] = {
    SHAPE_FIELD(struct audit_query, object, TEXT, "Only of this object: kind:id.",
                "只看此对象：种类:编号。", .max = 100),
    SHAPE_FIELD(struct audit_query, cursor, ID, "Where to go on: next_cursor of the last page.",
                "上一页的 next_cursor。"),
    SHAPE_FIELD(struct audit_query, limit, I64, "Rows at most.", "最多多少行。", .min = 1,
                .max = 200, .fallback = "50"),
};
static const struct shape audit_query_shape = {
    .name = "audit_query", .size = sizeof(struct audit_query), SHAPE_FIELDS(audit_query_fields)};

/* An operation that no endpoint has (any more) goes by its own name. */
static struct str operation_title(struct call *call, struct str name)
{
    const struct service *service = call->service;
    for (int t = 0; t < service->table_count; t++) {
        const struct endpoint_table *table = service->tables[t];
        for (int i = 0; i < table->count; i++)
            if (str_eq(name, str_c(table->endpoints[i].name)))
                return str_c(table->endpoints[i].title.in[call->lang]);
    }
    return str_copy(call->arena, name);
}

static void add_audit(struct call *call, const struct sql_access_audit_page_out *row)
{
    static const char *const kinds[] = {"nobody", "staff", "key"};
    struct audit_list_out *out = call->out;
    struct arena *arena = call->arena;
    ((struct audit_out *)out->items.items)[out->items.count++] = (struct audit_out){
        .audit_id = row->audit_id,
        .at_us = row->at,
        .by_kind = str_c(kinds[row->by_kind >= 0 && row->by_kind <= 2 ? row->by_kind : 0]),
        .by_id = row->by_id,
        .by_name = str_copy(arena, row->by_name),
        .operation = str_copy(arena, row->endpoint),
        .title = operation_title(call, row->endpoint),
        .object = str_copy(arena, row->object),
        .before = row->before.p ? str_copy(arena, row->before) : STR_NONE,
        .after = row->after.p ? str_copy(arena, row->after) : STR_NONE,
        .request_id = str_copy(arena, row->request_id),
    };
}

/* Both statements give the same columns. */
_Static_assert(sizeof(struct sql_access_audit_page_out) ==
                   sizeof(struct sql_access_audit_of_object_out),
               "rows of the audit trail");

static const struct err *list_audit_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    const struct audit_query *query = call->query;
    struct audit_list_out *out = call->out;
    int64_t before_id = query->cursor ? query->cursor : INT64_MAX;
    out->items = (struct shape_list){
        ARENA_ARRAY(call->arena, (size_t)query->limit + 1, struct audit_out), 0};
    struct stmt_cursor cursor;
    bool has = true;
    const struct stmt *stmt =
        query->object.p ? &sql_access_audit_of_object : &sql_access_audit_page;
    struct sql_access_audit_of_object_in one = {query->object, before_id, query->limit + 1};
    struct sql_access_audit_page_in all = {before_id, query->limit + 1};
    TRY(stmt_open(tx, stmt, query->object.p ? (const void *)&one : (const void *)&all, &cursor));
    while (has) {
        struct sql_access_audit_page_out row;
        TRY(stmt_next(&cursor, &row, &has));
        if (has)
            add_audit(call, &row);
    }
    if (out->items.count <= (size_t)query->limit)
        return NULL;
    out->items.count--;
    const struct audit_out *last = (struct audit_out *)out->items.items + out->items.count - 1;
    out->next_cursor = str_fmt(call->arena, "%lld", (long long)last->audit_id);
    return NULL;
}

static const struct err *list_audit(struct call *call)
{
    return call_read(call, list_audit_tx, call);
}

/* --- The table --- */

static const enum err_code login_errors[] = {ERR_LOGIN_WRONG, ERR_LOGIN_WAIT, ERR_NONE};
static const enum err_code password_errors[] = {ERR_PASSWORD_OLD_WRONG, ERR_STAFF_PASSWORD,
                                                ERR_STAFF_UNKNOWN, ERR_NONE};
static const enum err_code staff_errors[] = {ERR_STAFF_LOGIN,
                                             ERR_STAFF_NAME,
                                             ERR_STAFF_PASSWORD,
                                             ERR_STAFF_LOGIN_TAKEN,
                                             ERR_STAFF_MANAGER,
                                             ERR_IDEMPOTENCY_OTHER,
                                             ERR_NONE};
static const enum err_code change_errors[] = {ERR_STAFF_UNKNOWN, ERR_STAFF_NAME, ERR_STAFF_MANAGER,
                                              ERR_STAFF_LAST_OWNER, ERR_NONE};
static const enum err_code reset_errors[] = {ERR_STAFF_UNKNOWN, ERR_STAFF_PASSWORD, ERR_NONE};
static const enum err_code key_errors[] = {ERR_KEY_SCOPE, ERR_NONE};
static const enum err_code revoke_errors[] = {ERR_KEY_UNKNOWN, ERR_NONE};

static const struct endpoint endpoints[] = {
    {.name = "logIn",
     .method = METHOD_POST,
     .path = "/api/v1/session",
     .flags = ENDPOINT_PUBLIC | ENDPOINT_WRITE,
     .in = &login_shape,
     .out = &me_shape,
     .errors = login_errors,
     .handler = log_in,
     .title = TEXT("Log in", "登录"),
     .doc = TEXT("Sets the session cookie. Five failures in a quarter of an hour close the account "
                 "for the rest of it, but "
                 "not to devices from which its owner has logged in before.",
                 "设置会话 "
                 "Cookie。一刻钟内失败五次，账号将在余下时间内暂停登录；本人曾成功登录过的设备不受"
                 "他人失败的影响。")},
    {.name = "getMe",
     .method = METHOD_GET,
     .path = "/api/v1/session",
     .scope = SCOPE_REPORTS_READ,
     .reach = ALL_ROLES,
     .out = &me_shape,
     .handler = see_me,
     .title = TEXT("Who is logged in", "当前登录的人")},
    {.name = "logOut",
     .method = METHOD_DELETE,
     .path = "/api/v1/session",
     .scope = SCOPE_REPORTS_READ,
     .reach = ALL_ROLES,
     .flags = ENDPOINT_WRITE | ENDPOINT_AUDITED,
     .handler = log_out,
     .title = TEXT("Log out", "退出登录")},
    {.name = "changePassword",
     .method = METHOD_PUT,
     .path = "/api/v1/session/password",
     .scope = SCOPE_SETTINGS_WRITE,
     .reach = ALL_ROLES,
     .flags = ENDPOINT_WRITE | ENDPOINT_AUDITED,
     .in = &password_shape,
     .errors = password_errors,
     .handler = change_password,
     .title = TEXT("Change one's own password", "修改自己的密码"),
     .doc = TEXT("Ends all other sessions of the person.", "该员工的其他会话随即结束。")},
    {.name = "listStaff",
     .method = METHOD_GET,
     .path = "/api/v1/staff",
     .scope = SCOPE_SETTINGS_READ,
     .reach = OWNER_ONLY,
     .out = &staff_list_shape,
     .handler = list_staff,
     .title = TEXT("Staff", "员工")},
    {.name = "createStaff",
     .method = METHOD_POST,
     .path = "/api/v1/staff",
     .scope = SCOPE_SETTINGS_WRITE,
     .reach = OWNER_ONLY,
     .flags = ENDPOINT_WRITE | ENDPOINT_AUDITED | ENDPOINT_IDEMPOTENT,
     .in = &staff_in_shape,
     .out = &staff_shape,
     .status = 201,
     .errors = staff_errors,
     .handler = create_staff,
     .title = TEXT("Add a person", "添加员工")},
    {.name = "changeStaff",
     .method = METHOD_PUT,
     .path = "/api/v1/staff/{staff_id}",
     .scope = SCOPE_SETTINGS_WRITE,
     .reach = OWNER_ONLY,
     .flags = ENDPOINT_WRITE | ENDPOINT_AUDITED,
     .path_shape = &staff_path_shape,
     .in = &staff_change_shape,
     .out = &staff_shape,
     .errors = change_errors,
     .handler = change_staff,
     .title = TEXT("Change a person", "修改员工")},
    {.name = "resetPassword",
     .method = METHOD_PUT,
     .path = "/api/v1/staff/{staff_id}/password",
     .scope = SCOPE_SETTINGS_WRITE,
     .reach = OWNER_ONLY,
     .flags = ENDPOINT_WRITE | ENDPOINT_AUDITED,
     .path_shape = &staff_path_shape,
     .in = &reset_shape,
     .errors = reset_errors,
     .handler = reset_password,
     .title = TEXT("Give a person a new password", "重置员工密码")},
    {.name = "listKeys",
     .method = METHOD_GET,
     .path = "/api/v1/keys",
     .scope = SCOPE_SETTINGS_READ,
     .reach = OWNER_AND_ENGINEER,
     .out = &key_list_shape,
     .handler = list_keys,
     .title = TEXT("API keys", "API 密钥")},
    {.name = "createKey",
     .method = METHOD_POST,
     .path = "/api/v1/keys",
     .scope = SCOPE_SETTINGS_WRITE,
     .reach = OWNER_ONLY,
     .flags = ENDPOINT_WRITE | ENDPOINT_AUDITED,
     .in = &key_in_shape,
     .out = &key_shape,
     .status = 201,
     .errors = key_errors,
     .handler = create_key,
     .title = TEXT("Make an API key", "新建 API 密钥"),
     .doc = TEXT("The key itself is shown in this answer and never again.",
                 "密钥只在本次返回中显示一次。")},
    {.name = "revokeKey",
     .method = METHOD_DELETE,
     .path = "/api/v1/keys/{key_id}",
     .scope = SCOPE_SETTINGS_WRITE,
     .reach = OWNER_AND_ENGINEER,
     .flags = ENDPOINT_WRITE | ENDPOINT_AUDITED,
     .path_shape = &key_path_shape,
     .errors = revoke_errors,
     .handler = revoke_key,
     .title = TEXT("Revoke an API key", "吊销 API 密钥")},
    {.name = "listAudit",
     .method = METHOD_GET,
     .path = "/api/v1/audit",
     .scope = SCOPE_SETTINGS_READ,
     .reach = OWNER_ONLY,
     .query_shape = &audit_query_shape,
     .out = &audit_list_shape,
     .handler = list_audit,
     .title = TEXT("The audit trail", "审计记录")},
};
const struct endpoint_table access_endpoints = {
    .tag = "access", .title = TEXT("Who may do what", "权限"), ENDPOINTS(endpoints)};
