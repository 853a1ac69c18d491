/* The demo brand behind HTTP: made in the background from the set-up link, entered without a
 * password by the same link, removed by its owner, upon which the link's page is there again. No
 * account is needed to look around, and none is left open: the link is a secret that works once,
 * and the people of the demo have no passwords. */
#include "http/app_part.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/access/access_session.h"

#define DEMO_BYTES_MAX ((size_t)1 << 36)

static const char *const state_names[] = {"idle", "at_work", "ready", "failed", NULL};

/* --- In the background ------------------------------------------------------------------- */

static void tell(struct demo_work *work, enum demo_state state, const struct text *step,
                 int percent)
{
    pthread_mutex_lock(&work->lock);
    work->state = state;
    work->step = step;
    work->percent = percent;
    pthread_mutex_unlock(&work->lock);
}

static void tell_end(struct demo_work *work, struct arena *arena, const struct err *err)
{
    pthread_mutex_lock(&work->lock);
    for (int lang = 0; err && lang < LANG_MAX; lang++) {
        struct str text = err_text(arena, err, (enum lang)lang);
        snprintf(work->error[lang], sizeof(work->error[lang]), "%.*s", STR_ARG(text));
    }
    pthread_mutex_unlock(&work->lock);
}

static void tell_progress(void *arg, const struct text *step, int percent)
{
    tell(arg, DEMO_AT_WORK, step, percent);
}

static void *make_in_background(void *arg)
{
    static const struct text opening = TEXT("Opening the doors", "正在打开");
    struct server_control *control = arg;
    struct demo_work *work = &control->demo;
    struct arena *arena = arena_new("demo", DEMO_BYTES_MAX);
    struct demo_options options = {.directory = control->options.directory,
                                   .lang = work->lang,
                                   .seed = DEMO_SEED_DEFAULT,
                                   .progress = tell_progress,
                                   .progress_arg = work};
    struct demo_result result;
    const struct err *err = demo_make(arena, &options, &result);
    if (!err) {
        tell(work, DEMO_AT_WORK, &opening, 100);
        pthread_mutex_lock(&control->setup_lock);
        err = app_open(control, arena);
        pthread_mutex_unlock(&control->setup_lock);
    }
    tell_end(work, arena, err);
    tell(work, err ? DEMO_FAILED : DEMO_READY, NULL, err ? 0 : 100);
    arena_free(arena);
    return NULL;
}

/* Once nobody is at work on it any more. What cannot be removed is served again. */
static const struct err *remove_now(struct server_control *control, struct arena *arena)
{
    struct str directory = control->options.directory;
    app_close(control);
    const struct err *err = home_demo_remove(arena, directory);
    if (!err || home_state(arena, directory) != HOME_BRAND)
        return err;
    const struct err *again = app_open(control, arena);
    return again ? again : err;
}

static void *remove_in_background(void *arg)
{
    struct server_control *control = arg;
    struct arena *arena = arena_new("demo", DEMO_BYTES_MAX);
    pthread_rwlock_wrlock(&control->gate);
    pthread_mutex_lock(&control->setup_lock);
    const struct err *err = remove_now(control, arena);
    pthread_mutex_unlock(&control->setup_lock);
    pthread_rwlock_unlock(&control->gate);
    tell_end(&control->demo, arena, err);
    tell(&control->demo, err ? DEMO_FAILED : DEMO_IDLE, NULL, 0);
    arena_free(arena);
    return NULL;
}

static void join_earlier(struct demo_work *work)
{
    if (work->joinable)
        pthread_join(work->thread, NULL);
    work->joinable = false;
}

/* Under setup_lock, and nothing is at work. */
static void begin(struct server_control *control, const struct text *step, void *(*fn)(void *))
{
    struct demo_work *work = &control->demo;
    join_earlier(work);
    tell(work, DEMO_AT_WORK, step, 0);
    CHECK(pthread_create(&work->thread, NULL, fn, control) == 0);
    work->joinable = true;
}

bool app_demo_is_busy(struct server_control *control)
{
    pthread_mutex_lock(&control->demo.lock);
    bool busy = control->demo.state == DEMO_AT_WORK;
    pthread_mutex_unlock(&control->demo.lock);
    return busy || control->demo.stopping;
}

void app_demo_stop(struct server_control *control)
{
    pthread_mutex_lock(&control->setup_lock);
    control->demo.stopping = true;
    pthread_mutex_unlock(&control->setup_lock);
    join_earlier(&control->demo);
}

/* --- How it goes ------------------------------------------------------------------------- */

struct demo_out {
    int state;
    int64_t percent;
    struct str step, error;
};
static const struct field demo_fields[] = {
    SHAPE_FIELD(struct demo_out, state, ENUM,
                "idle; at_work: being made or removed; ready: made; failed.",
                "idle 空闲；at_work 正在建立或移除；ready 已建立；failed 失败。", .required = true,
                .values = state_names),
    SHAPE_FIELD(struct demo_out, percent, I64, "How much is done.", "完成百分比。",
                .required = true),
    SHAPE_FIELD(struct demo_out, step, TEXT, "What is being done; null: nothing.",
                "正在进行的步骤；空表示没有。"),
    SHAPE_FIELD(struct demo_out, error, TEXT, "Why it failed; null: it did not.",
                "失败原因；空表示没有失败。"),
};
static const struct shape demo_shape = {
    .name = "demo", .size = sizeof(struct demo_out), SHAPE_FIELDS(demo_fields)};

static const struct err *get_demo(struct call *call)
{
    struct demo_work *work = &call->service->control->demo;
    struct demo_out *out = call->out;
    pthread_mutex_lock(&work->lock);
    out->state = work->state;
    out->percent = work->percent;
    if (work->step)
        out->step = str_c(work->step->in[call->lang]);
    if (work->state == DEMO_FAILED)
        out->error = str_copy(call->arena, str_c(work->error[call->lang]));
    pthread_mutex_unlock(&work->lock);
    return NULL;
}

/* --- Making ------------------------------------------------------------------------------ */

struct demo_in {
    struct str token;
};
static const struct field demo_in_fields[] = {
    SHAPE_FIELD(struct demo_in, token, TEXT, "Of the set-up link.", "初始化链接中的令牌。",
                .required = true, .max = 200, .secret = true),
};
static const struct shape demo_in_shape = {
    .name = "demo_link", .size = sizeof(struct demo_in), SHAPE_FIELDS(demo_in_fields)};

static const struct err *check_token(struct call *call, const struct demo_in *in)
{
    const struct server_control *control = call->service->control;
    if (control->setup_token[0] == '\0' || !secret_equal(str_c(control->setup_token), in->token))
        return ERR_NEW(call->arena, ERR_SETUP_LINK, STR("/token"));
    return NULL;
}

static const struct err *make_demo_locked(struct call *call)
{
    static const struct text beginning = TEXT("Beginning", "正在开始");
    struct server_control *control = call->service->control;
    TRY(check_token(call, call->in));
    if (app_demo_is_busy(control))
        return NULL; /* asked twice */
    if (control->home && control->service.brand->demo == BRAND_REAL)
        return ERR_NEW(call->arena, ERR_DEMO_REAL_BRAND, STR_NONE, control->service.brand->name);
    if (control->home)
        return ERR_NEW(call->arena, ERR_DEMO_EXISTS, STR_NONE);
    control->demo.lang = call->lang;
    begin(control, &beginning, make_in_background);
    return NULL;
}

static const struct err *make_demo(struct call *call)
{
    struct server_control *control = call->service->control;
    pthread_mutex_lock(&control->setup_lock);
    const struct err *err = make_demo_locked(call);
    pthread_mutex_unlock(&control->setup_lock);
    return err ? err : get_demo(call);
}

/* --- Entering ---------------------------------------------------------------------------- */

struct demo_session_out {
    struct str csrf_token;
};
static const struct field demo_session_fields[] = {
    SHAPE_FIELD(struct demo_session_out, csrf_token, TEXT, "Of the session, which has begun.",
                "会话已开始，此为其 CSRF 令牌。", .required = true),
};
static const struct shape demo_session_shape = {.name = "demo_session",
                                                .size = sizeof(struct demo_session_out),
                                                SHAPE_FIELDS(demo_session_fields)};

struct entry {
    struct call *call;
    struct str token;
};

static const struct err *enter_tx(struct tx *tx, void *arg)
{
    struct entry *entry = arg;
    struct call *call = entry->call;
    int64_t staff_id;
    struct str name;
    TRY(staff_owner_without_password(tx, &staff_id, &name));
    if (staff_id == 0)
        return ERR_NEW(tx_arena(tx), ERR_SETUP_LINK, STR("/token"));
    TRY(access_session_new(tx, staff_id, entry->token));
    call->principal = (struct principal){.kind = PRINCIPAL_STAFF,
                                         .id = staff_id,
                                         .role = ROLE_OWNER,
                                         .name = str_copy(call->arena, name)};
    call->audit_object = str_fmt(call->arena, "staff:%lld", (long long)staff_id);
    return access_audit(tx, call);
}

static const struct err *enter_demo_locked(struct call *call)
{
    struct server_control *control = call->service->control;
    struct entry entry = {call, secret_token(call->arena, STR(""))};
    TRY(check_token(call, call->in));
    if (app_demo_is_busy(control))
        return ERR_NEW(call->arena, ERR_DEMO_MAKING, STR_NONE);
    if (!control->home)
        return ERR_NEW(call->arena, ERR_SETUP_NEEDED, STR_NONE);
    if (control->service.brand->demo == BRAND_REAL)
        return ERR_NEW(call->arena, ERR_DEMO_NOT, STR_NONE, control->service.brand->name);
    struct store_job job = {.name = "enter demo", .fn = enter_tx, .arg = &entry};
    TRY(store_write(control->service.store, call->arena, &job));
    memset(control->setup_token, 0, sizeof(control->setup_token));
    call->set_cookie = access_cookie(call, entry.token);
    ((struct demo_session_out *)call->out)->csrf_token =
        access_csrf_token(call->arena, control->service.deps.keys, entry.token);
    return NULL;
}

static const struct err *enter_demo(struct call *call)
{
    struct server_control *control = call->service->control;
    pthread_mutex_lock(&control->setup_lock);
    const struct err *err = enter_demo_locked(call);
    pthread_mutex_unlock(&control->setup_lock);
    return err;
}

/* --- Removing ---------------------------------------------------------------------------- */

struct demo_removed_out {
    struct str setup_token;
};
static const struct field demo_removed_fields[] = {
    SHAPE_FIELD(struct demo_removed_out, setup_token, TEXT,
                "Of a new set-up link, /welcome#TOKEN: for a brand of one's own.",
                "新的初始化链接 /welcome#令牌：用于建立自己的品牌。", .required = true),
};
static const struct shape demo_removed_shape = {.name = "demo_removed",
                                                .size = sizeof(struct demo_removed_out),
                                                SHAPE_FIELDS(demo_removed_fields)};

static const struct err *note_removal_tx(struct tx *tx, void *arg)
{
    struct call *call = arg;
    (void)tx;
    call->audit_object = STR("brand:demo");
    return NULL;
}

static const struct err *remove_demo_locked(struct call *call)
{
    static const struct text removing = TEXT("Removing the demo brand", "正在移除演示品牌");
    struct server_control *control = call->service->control;
    if (call->service->brand->demo == BRAND_REAL)
        return ERR_NEW(call->arena, ERR_DEMO_NOT, STR_NONE, call->service->brand->name);
    if (app_demo_is_busy(control))
        return ERR_NEW(call->arena, ERR_DEMO_MAKING, STR_NONE);
    /* Should the removal fail, the brand is there as before, and who asked for it. */
    TRY(call_write(call, note_removal_tx, call));
    app_new_setup_token(control);
    ((struct demo_removed_out *)call->out)->setup_token =
        str_copy(call->arena, str_c(control->setup_token));
    call->set_cookie = access_cookie(call, STR_NONE);
    begin(control, &removing, remove_in_background);
    return NULL;
}

static const struct err *remove_demo(struct call *call)
{
    struct server_control *control = call->service->control;
    pthread_mutex_lock(&control->setup_lock);
    const struct err *err = remove_demo_locked(call);
    pthread_mutex_unlock(&control->setup_lock);
    return err;
}

/* --- The table --------------------------------------------------------------------------- */

static const enum err_code make_errors[] = {ERR_SETUP_LINK, ERR_DEMO_REAL_BRAND, ERR_DEMO_EXISTS,
                                            ERR_NONE};
static const enum err_code enter_errors[] = {ERR_SETUP_LINK, ERR_SETUP_NEEDED, ERR_DEMO_NOT,
                                             ERR_DEMO_MAKING, ERR_NONE};
static const enum err_code remove_errors[] = {ERR_DEMO_NOT, ERR_DEMO_MAKING, ERR_NONE};

static const struct endpoint endpoints[] = {
    {.name = "getDemo",
     .method = METHOD_GET,
     .path = "/api/v1/demo",
     .flags = ENDPOINT_PUBLIC | ENDPOINT_SETUP,
     .out = &demo_shape,
     .handler = get_demo,
     .title = TEXT("How the demo brand's making goes", "演示品牌的进度")},
    {.name = "makeDemo",
     .method = METHOD_POST,
     .path = "/api/v1/demo",
     .flags = ENDPOINT_PUBLIC | ENDPOINT_SETUP | ENDPOINT_WRITE,
     .in = &demo_in_shape,
     .out = &demo_shape,
     .status = 202,
     .errors = make_errors,
     .handler = make_demo,
     .title = TEXT("Make a demo brand", "建立演示品牌"),
     .doc = TEXT("With the token of the set-up link, where there is no brand yet: a year of a real "
                 "shop's orders with made-up "
                 "people, in the background. The link stays good until the demo is entered.",
                 "凭初始化链接中的令牌，在尚无品牌时：用一家真实店铺一年的订单与虚构人物建立演示品"
                 "牌，在后台进行。进入演示前链接一直有效。")},
    {.name = "enterDemo",
     .method = METHOD_POST,
     .path = "/api/v1/demo/session",
     .flags = ENDPOINT_PUBLIC | ENDPOINT_SETUP | ENDPOINT_WRITE,
     .in = &demo_in_shape,
     .out = &demo_session_shape,
     .status = 201,
     .errors = enter_errors,
     .handler = enter_demo,
     .title = TEXT("Enter the demo brand", "进入演示品牌"),
     .doc = TEXT("With the token of the set-up link: begins the session of the demo's owner, who "
                 "has no password. The link is "
                 "used up; the server prints another one when it starts.",
                 "凭初始化链接中的令牌：开始演示品牌方的会话（该账号没有密码）。链接随即失效；服务"
                 "下次启动时会打印新的链接。")},
    {.name = "removeDemo",
     .method = METHOD_DELETE,
     .path = "/api/v1/demo",
     .scope = SCOPE_SETTINGS_WRITE,
     .reach = {[ROLE_OWNER] = REACH_ALL},
     .flags = ENDPOINT_WRITE | ENDPOINT_AUDITED,
     .out = &demo_removed_shape,
     .status = 202,
     .errors = remove_errors,
     .handler = remove_demo,
     .title = TEXT("Remove the demo brand", "移除演示品牌"),
     .doc = TEXT("Takes it away with everything in it, in the background, and ends all sessions. A "
                 "brand of one's own is never "
                 "removed.",
                 "在后台移除演示品牌及其全部内容，并结束所有会话。自己的品牌绝不会被移除。")},
};
const struct endpoint_table demo_endpoints = {
    .tag = "demo", .title = TEXT("The demo brand", "演示品牌"), ENDPOINTS(endpoints)};
