/* The first minute: what stands, and the one-time link that makes the brand and its owner. */
#include "http/app_part.h"

#include <string.h>

#include "base/arena.h"
#include "engine/engine.h"
#include "room/access/access_session.h"

/* --- What stands --- */

struct status_out {
    bool brand_exists, owner_exists, is_demo, has_orders;
    struct str brand_name, currency, time_zone, version;
    int64_t currency_digits;
    bool columns_ready;
};
static const struct field status_fields[] = {
    SHAPE_FIELD(struct status_out, brand_exists, BOOL, "A brand has been set up here.",
                "已建立品牌。"),
    SHAPE_FIELD(struct status_out, owner_exists, BOOL, "Somebody can log in.", "已有可登录的人。"),
    SHAPE_FIELD(struct status_out, is_demo, BOOL,
                "The brand is a demo: its people are made up, and it can be removed.",
                "这是演示品牌：人物均为虚构，可以移除。"),
    SHAPE_FIELD(struct status_out, has_orders, BOOL, "Some paid order is in the figures.",
                "报表中已有付款订单。"),
    SHAPE_FIELD(struct status_out, brand_name, TEXT, "Its name.", "品牌名称。"),
    SHAPE_FIELD(struct status_out, currency, TEXT, "ISO 4217 code.", "币种代码（ISO 4217）。"),
    SHAPE_FIELD(struct status_out, currency_digits, I64, "Decimals of amounts.", "金额小数位数。"),
    SHAPE_FIELD(struct status_out, time_zone, TEXT, "IANA name.", "时区（IANA）。"),
    SHAPE_FIELD(struct status_out, columns_ready, BOOL, "Figures can be asked for.",
                "报表已就绪。"),
    SHAPE_FIELD(struct status_out, version, TEXT, "Of the program.", "程序版本。",
                .required = true),
};
static const struct shape status_shape = {
    .name = "status", .size = sizeof(struct status_out), SHAPE_FIELDS(status_fields)};

static const struct err *get_status(struct call *call)
{
    struct server_control *control = call->service->control;
    struct status_out *out = call->out;
    out->version = STR(HUITOU_VERSION);
    out->brand_exists = atomic_load(&control->ready);
    if (!out->brand_exists)
        return NULL;
    const struct brand *brand = call->service->brand;
    pthread_mutex_lock(&control->setup_lock);
    out->owner_exists = control->setup_token[0] == '\0';
    pthread_mutex_unlock(&control->setup_lock);
    out->brand_name = brand->name;
    out->currency = brand->currency;
    out->currency_digits = brand->currency_digits;
    out->time_zone = brand->time_zone;
    struct engine *engine = live_engine(control->live);
    out->is_demo = brand->demo != BRAND_REAL;
    out->has_orders = engine && engine_size(engine).orders > 0;
    out->columns_ready = engine != NULL;
    return NULL;
}

/* --- Setting up --- */

struct setup_in {
    struct str token, brand_name, currency, time_zone, login, name, password;
};
static const struct field setup_fields[] = {
    SHAPE_FIELD(struct setup_in, token, TEXT, "Of the set-up link.", "初始化链接中的令牌。",
                .required = true, .max = 200, .secret = true),
    SHAPE_FIELD(struct setup_in, brand_name, TEXT, "The brand's name; where there is no brand yet.",
                "品牌名称；尚无品牌时填写。", .max = 1000),
    SHAPE_FIELD(struct setup_in, currency, TEXT, "ISO 4217 code; fixed from then on.",
                "币种代码；之后不能更改。", .max = 10, .fallback = "CNY"),
    SHAPE_FIELD(struct setup_in, time_zone, TEXT, "IANA name; fixed from then on.",
                "时区；之后不能更改。", .max = 100, .fallback = "Asia/Shanghai"),
    SHAPE_FIELD(struct setup_in, login, TEXT, "The owner's login.", "品牌方的登录名。",
                .required = true, .max = 200),
    SHAPE_FIELD(struct setup_in, name, TEXT, "The owner's name.", "品牌方的姓名。",
                .required = true, .max = 1000),
    SHAPE_FIELD(struct setup_in, password, TEXT, "The owner's password, 10 bytes or more.",
                "品牌方的密码，至少 10 字节。", .required = true, .max = 1000, .secret = true),
};
static const struct shape setup_shape = {
    .name = "setup", .size = sizeof(struct setup_in), SHAPE_FIELDS(setup_fields)};

struct setup_out {
    struct str csrf_token;
};
static const struct field setup_out_fields[] = {
    SHAPE_FIELD(struct setup_out, csrf_token, TEXT, "Of the owner's session, which has begun.",
                "品牌方的会话已开始，此为其 CSRF 令牌。", .required = true),
};
static const struct shape setup_out_shape = {
    .name = "setup_done", .size = sizeof(struct setup_out), SHAPE_FIELDS(setup_out_fields)};

struct owner {
    struct call *call;
    struct staff_new wanted;
    struct str hash, token;
};

static const struct err *make_owner_tx(struct tx *tx, void *arg)
{
    struct owner *owner = arg;
    struct call *call = owner->call;
    bool exists;
    int64_t staff_id;
    TRY(staff_exists(tx, &exists));
    if (exists)
        return ERR_NEW(tx_arena(tx), ERR_SETUP_LINK, STR("/token"));
    TRY(staff_create(tx, &owner->wanted, owner->hash, &staff_id));
    TRY(access_session_new(tx, staff_id, owner->token));
    /* Who has just become the owner is who did it. */
    call->principal = (struct principal){.kind = PRINCIPAL_STAFF,
                                         .id = staff_id,
                                         .role = ROLE_OWNER,
                                         .name = str_trim(owner->wanted.name)};
    call->audit_object = str_fmt(call->arena, "staff:%lld", (long long)staff_id);
    return access_audit(tx, call);
}

/* With the fields as this request calls them. */
static void join(struct err_list *errors, const struct err *err)
{
    while (err) {
        const struct err *next = err->next;
        struct err *one = ARENA_NEW(errors->arena, struct err);
        *one = *err;
        one->next = NULL;
        if (err->code == ERR_SETUP_NAME)
            one->field = STR("/brand_name");
        if (err->code == ERR_SETUP_CURRENCY)
            one->field = STR("/currency");
        if (err->code == ERR_ZONE_UNKNOWN)
            one->field = STR("/time_zone");
        err_list_add(errors, one);
        err = next;
    }
}

static const struct err *check_all(struct server_control *control, const struct setup_in *in,
                                   const struct staff_new *wanted, struct arena *arena)
{
    struct err_list errors = {.arena = arena};
    if (!control->home) {
        struct str name = in->brand_name.p ? in->brand_name : STR("");
        join(&errors, setup_check(arena, name, in->currency, in->time_zone));
    }
    join(&errors, staff_check(arena, wanted));
    return errors.first;
}

/* Under setup_lock. */
static const struct err *set_up_locked(struct call *call, const struct setup_in *in)
{
    struct server_control *control = call->service->control;
    struct owner owner = {.call = call,
                          .wanted = {.login = in->login,
                                     .name = in->name,
                                     .password = in->password,
                                     .role = ROLE_OWNER},
                          .token = secret_token(call->arena, STR(""))};
    if (control->setup_token[0] == '\0' || !secret_equal(str_c(control->setup_token), in->token))
        return ERR_NEW(call->arena, ERR_SETUP_LINK, STR("/token"));
    if (app_demo_is_busy(control))
        return ERR_NEW(call->arena, ERR_DEMO_MAKING, STR_NONE);
    TRY(check_all(control, in, &owner.wanted, call->arena));
    owner.hash = staff_password_hash(call->service, call->arena, in->password);
    if (!control->home) {
        struct home_create create = {.directory = control->options.directory,
                                     .name = in->brand_name,
                                     .currency = in->currency,
                                     .time_zone = in->time_zone};
        TRY(home_create(call->arena, &create));
        TRY(app_open(control, call->arena));
    }
    struct store_job job = {.name = "set up", .fn = make_owner_tx, .arg = &owner};
    TRY(store_write(call->service->store, call->arena, &job));
    memset(control->setup_token, 0, sizeof(control->setup_token));
    call->set_cookie = access_cookie(call, owner.token);
    call->set_cookie_2 = access_device_cookie(call, in->login);
    struct setup_out *out = call->out;
    out->csrf_token = access_csrf_token(call->arena, call->service->deps.keys, owner.token);
    return NULL;
}

static const struct err *set_up(struct call *call)
{
    struct server_control *control = call->service->control;
    pthread_mutex_lock(&control->setup_lock);
    const struct err *err = set_up_locked(call, call->in);
    pthread_mutex_unlock(&control->setup_lock);
    return err;
}

static const enum err_code setup_errors[] = {
    ERR_SETUP_LINK, ERR_SETUP_NAME,     ERR_SETUP_CURRENCY, ERR_ZONE_UNKNOWN, ERR_STAFF_LOGIN,
    ERR_STAFF_NAME, ERR_STAFF_PASSWORD, ERR_DEMO_MAKING,    ERR_NONE};

static const struct endpoint endpoints[] = {
    {.name = "getStatus",
     .method = METHOD_GET,
     .path = "/api/v1/status",
     .flags = ENDPOINT_PUBLIC | ENDPOINT_SETUP,
     .out = &status_shape,
     .handler = get_status,
     .title = TEXT("What stands", "当前状态"),
     .doc = TEXT(
         "The first thing a page asks: whether there is a brand, and whether somebody can log in.",
         "页面首先询问：是否已有品牌、是否已有可登录的人。")},
    {.name = "setUp",
     .method = METHOD_POST,
     .path = "/api/v1/setup",
     .flags = ENDPOINT_PUBLIC | ENDPOINT_SETUP | ENDPOINT_WRITE,
     .in = &setup_shape,
     .out = &setup_out_shape,
     .status = 201,
     .errors = setup_errors,
     .handler = set_up,
     .title = TEXT("Set up the brand", "建立品牌"),
     .doc = TEXT(
         "With the token of the one-time link that the server prints: makes the brand, where there "
         "is none, and "
         "its owner, and begins the owner's session.",
         "凭服务启动时打印的一次性链接中的令牌：建立品牌（若尚无）与品牌方账号，并开始其会话。")},
};
const struct endpoint_table setup_endpoints = {
    .tag = "setup", .title = TEXT("The first minute", "首次设置"), ENDPOINTS(endpoints)};
