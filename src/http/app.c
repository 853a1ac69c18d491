#include "http/app_part.h"

#include <string.h>

#include "base/arena.h"
#include "codec/gzip.h"
#include "http/http_asset.h"
#include "room/order/import_queue.h"
#include "room/insight/insight_kept.h"
#include "room/order/person.h"

static const struct endpoint_table *const tables[] = {
    &setup_endpoints,  &demo_endpoints,   &access_endpoints, &customer_endpoints, &person_endpoints,
    &import_endpoints, &people_endpoints, &insight_endpoints, &portrait_endpoints,
    &today_endpoints,  &backup_endpoints, &review_endpoints, &system_endpoints,
};
#define SMALL_BYTES_MAX ((size_t)1 << 20)
#define BRAND_BYTES_MAX ((size_t)1 << 36)
#define TABLE_COUNT ((int)(sizeof(tables) / sizeof(tables[0])))

#define STATE_BYTES_MAX ((size_t)1 << 16)

struct app {
    struct server_control control;
};

const struct endpoint_table *const *app_tables(int *count)
{
    *count = TABLE_COUNT;
    return tables;
}

static const struct err *authenticate(struct call *call, const struct http_credentials *credentials,
                                      bool is_write)
{
    struct server_control *control = call->service->control;
    bool public = (call->endpoint->flags & ENDPOINT_PUBLIC) != 0;
    if (!atomic_load(&control->ready)) {
        call->principal = (struct principal){.kind = PRINCIPAL_NOBODY};
        if (call->endpoint->flags & ENDPOINT_SETUP)
            return NULL;
        return ERR_NEW(call->arena, ERR_SETUP_NEEDED, STR_NONE);
    }
    if (public)
        return NULL;
    struct access_claim claim = {credentials->bearer, credentials->session, credentials->csrf_token,
                                 credentials->address};
    return access_principal(call->service, call->arena, &claim, is_write, &call->principal);
}

static void publish(void *arg, struct str topic, struct str data)
{
    struct server_control *control = arg;
    struct http_server *http = atomic_load(&control->http);
    if (http)
        http_publish(http, topic, data);
}

static void live_changed(void *arg, int64_t event_count)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "{\"events\":%lld}", (long long)event_count);
    publish(arg, STR("changes"), (struct str){text, (size_t)n});
}

static struct engine *live_columns(struct service *service)
{
    return live_engine(service->control->live);
}

static struct str columns_stand(struct service *service, struct arena *arena)
{
    return live_stand(service->control->live, arena);
}

static bool columns_wait(struct service *service, int64_t timeout_ms)
{
    return live_wait(service->control->live, timeout_ms);
}

static int64_t columns_behind_us(struct service *service)
{
    struct arena *arena = arena_new("columns' state", STATE_BYTES_MAX);
    int64_t behind_us = live_state(service->control->live, arena).behind_us;
    arena_free(arena);
    return behind_us;
}

static void bulk_wake(struct service *service)
{
    bulk_runner_wake(service->control->bulk);
}

static void purge_wake(struct service *service)
{
    purger_wake(service->control->purger);
}

static const struct err *staff_exists_tx(struct tx *tx, void *arg)
{
    return staff_exists(tx, arg);
}

void app_new_setup_token(struct server_control *control)
{
    struct arena *arena = arena_new("set-up token", SMALL_BYTES_MAX);
    struct str token = secret_token(arena, STR(""));
    memcpy(control->setup_token, token.p, token.n);
    control->setup_token[token.n] = '\0';
    arena_free(arena);
}

static const struct err *open_imports(struct server_control *control, struct arena *arena)
{
    struct home *home = control->home;
    struct imports_options options = {
        .store = home->store,
        .brand = home->brand,
        .directory = str_fmt(arena, "%.*s/uploads", STR_ARG(home->directory)),
        .temporary_directory = home->temporary_directory,
        .publish = publish,
        .publish_arg = control,
    };
    return imports_open(arena, &options, &control->service.imports);
}

static const struct err *open_brand(struct server_control *control, struct arena *arena)
{
    bool exists = false;
    struct service *service = &control->service;
    struct store_job job = {.name = "staff exists", .fn = staff_exists_tx, .arg = &exists};
    TRY(home_open(arena, control->options.directory, HOME_SERVE, &control->home));
    service->store = control->home->store;
    service->brand = control->home->brand;
    service->deps = control->home->deps;
    service->upload_directory = control->home->temporary_directory;
    service->directory = control->home->directory;
    TRY(store_read(service->store, arena, &job));
    /* A process may have ended between an erasure's commit and its line in the log. */
    TRY(erasure_log_settle(service->store, arena, service->directory));
    if (!exists && control->setup_token[0] == '\0')
        app_new_setup_token(control);
    TRY(open_imports(control, arena));
    struct live_options live = {
        .store = service->store, .changed = live_changed, .arg = control};
    control->live = live_start(arena, &live);
    control->bulk = bulk_runner_start(arena, service->store);
    control->purger = purger_start(arena, service->store, service->imports);
    atomic_store(&control->ready, true);
    return NULL;
}

const struct err *app_open(struct server_control *control, struct arena *arena)
{
    control->brand_arena = arena_new("brand", BRAND_BYTES_MAX);
    const struct err *err = open_brand(control, control->brand_arena);
    if (!err)
        return NULL;
    err = err_copy(arena, err);
    app_close(control);
    return err;
}

void app_close(struct server_control *control)
{
    struct service *service = &control->service;
    atomic_store(&control->ready, false);
    purger_stop(control->purger);
    control->purger = NULL;
    if (service->imports)
        imports_close(service->imports);
    service->imports = NULL;
    bulk_runner_stop(control->bulk);
    control->bulk = NULL;
    backup_work_join(control->backups);
    if (control->live)
        live_stop(control->live);
    if (control->home)
        home_close(control->home);
    control->live = NULL;
    control->home = NULL;
    service->store = NULL;
    service->brand = NULL;
    service->directory = STR_NONE;
    arena_free(control->brand_arena);
    control->brand_arena = NULL;
}

static void enter(struct service *service)
{
    pthread_rwlock_rdlock(&service->control->gate);
}

static void leave(struct service *service)
{
    pthread_rwlock_unlock(&service->control->gate);
}

static const struct err *listen_now(struct server_control *control)
{
    struct http_options http = {
        .address = control->options.address,
        .port = control->options.port,
        .tables = tables,
        .table_count = TABLE_COUNT,
        .assets = http_assets,
        .asset_count = http_asset_count,
        .service = &control->service,
        .deps = {.clock = clock_system()},
        .authenticate = authenticate,
        .enter = enter,
        .leave = leave,
        .behind_proxy = control->options.behind_proxy,
        .upload_directory =
            str_fmt(control->arena, "%.*s/tmp", STR_ARG(control->options.directory)),
        .log = control->options.log,
    };
    return http_start(control->arena, &http, &control->http);
}

/* Whoever wants to take the brand away is not kept waiting by requests that go on coming. */
static void gate_init(pthread_rwlock_t *gate)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(gate, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

/* What stands in the directory: opened, but for what is left of a demo that was not made or removed
 * to the end. */
static const struct err *open_what_stands(struct server_control *control, struct arena *arena)
{
    struct str directory = control->options.directory;
    if (home_state(arena, directory) == HOME_HALF_REMOVED)
        TRY(home_demo_remove(arena, directory));
    if (home_state(arena, directory) == HOME_BRAND) {
        TRY(app_open(control, arena));
        if (control->service.brand->demo != BRAND_DEMO_UNFINISHED)
            return NULL;
        app_close(control);
        TRY(home_demo_remove(arena, directory));
    }
    if (control->setup_token[0] == '\0')
        app_new_setup_token(control);
    return NULL;
}

const struct err *app_start(struct arena *arena, const struct app_options *options,
                            struct app **out)
{
    struct app *app = ARENA_NEW(arena, struct app);
    struct server_control *control = &app->control;
    struct clock clock = clock_system();
    control->arena = arena;
    control->options = *options;
    control->started_at_us = clock_now_us(&clock);
    control->service.control = control;
    control->service.tables = tables;
    control->service.table_count = TABLE_COUNT;
    control->service.engine = live_columns;
    control->service.columns_stand = columns_stand;
    control->service.columns_wait = columns_wait;
    control->service.kept = kept_answers_new(arena);
    control->openapi = http_openapi(arena, tables, TABLE_COUNT);
    if (!gzip_pack(arena, control->openapi, &control->openapi_packed))
        control->openapi_packed = STR_NONE;
    control->service.columns_behind_us = columns_behind_us;
    control->service.bulk_wake = bulk_wake;
    control->service.purge_wake = purge_wake;
    control->service.publish = publish;
    control->service.publish_arg = control;
    control->backups = backup_work_new(arena);
    password_gate_init(&control->service.passwords);
    pthread_mutex_init(&control->setup_lock, NULL);
    pthread_mutex_init(&control->demo.lock, NULL);
    gate_init(&control->gate);
    TRY(open_what_stands(control, arena));
    const struct err *err = listen_now(control);
    if (err)
        app_close(control);
    *out = app;
    return err;
}

void app_stop(struct app *app)
{
    app_demo_stop(&app->control);
    http_stop(app->control.http);
    app_close(&app->control);
    backup_work_stop(app->control.backups);
    pthread_rwlock_destroy(&app->control.gate);
    pthread_mutex_destroy(&app->control.demo.lock);
    pthread_mutex_destroy(&app->control.setup_lock);
}

int app_port(const struct app *app)
{
    return http_port(app->control.http);
}

struct str app_setup_token(const struct app *app)
{
    return app->control.setup_token[0] ? str_c(app->control.setup_token) : STR_NONE;
}

bool app_is_demo(const struct app *app)
{
    return app->control.service.brand && app->control.service.brand->demo != BRAND_REAL;
}
