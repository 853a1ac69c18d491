#include "http/app_part.h"

#include <string.h>

#include "base/arena.h"
#include "codec/file.h"
#include "http/http_asset.h"
#include "room/order/import_queue.h"
#include "room/order/person.h"

static const struct endpoint_table *const tables[] = {
    &setup_endpoints,  &access_endpoints, &customer_endpoints, &person_endpoints,
    &import_endpoints, &people_endpoints, &insight_endpoints,  &portrait_endpoints,
    &today_endpoints,  &backup_endpoints, &review_endpoints,   &system_endpoints,
};
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
    if (control->http)
        http_publish(control->http, topic, data);
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

static const struct err *staff_exists_tx(struct tx *tx, void *arg)
{
    return staff_exists(tx, arg);
}

static void make_setup_token(struct server_control *control)
{
    struct str token = secret_token(control->arena, STR(""));
    memcpy(control->setup_token, token.p, token.n);
    control->setup_token[token.n] = '\0';
}

static const struct err *open_imports(struct server_control *control)
{
    struct home *home = control->home;
    struct imports_options options = {
        .store = home->store,
        .brand = home->brand,
        .directory = str_fmt(control->arena, "%.*s/uploads", STR_ARG(home->directory)),
        .temporary_directory = home->temporary_directory,
        .publish = publish,
        .publish_arg = control,
    };
    const struct err *err = imports_open(control->arena, &options, &control->service.imports);
    if (!err)
        return NULL;
    home_close(home);
    control->home = NULL;
    return err;
}

const struct err *app_open(struct server_control *control)
{
    TRY(home_open(control->arena, control->options.directory, HOME_SERVE, &control->home));
    struct service *service = &control->service;
    service->store = control->home->store;
    service->brand = control->home->brand;
    service->deps = control->home->deps;
    service->upload_directory = control->home->temporary_directory;
    service->directory = control->home->directory;
    bool exists = false;
    struct store_job job = {.name = "staff exists", .fn = staff_exists_tx, .arg = &exists};
    const struct err *err = store_read(service->store, control->arena, &job);
    /* A process may have ended between an erasure's commit and its line in the log. */
    if (!err)
        err = erasure_log_settle(service->store, control->arena, service->directory);
    if (err) {
        home_close(control->home);
        control->home = NULL;
        return err;
    }
    if (!exists && control->setup_token[0] == '\0')
        make_setup_token(control);
    TRY(open_imports(control));
    struct live_options live = {
        .store = service->store, .changed = live_changed, .arg = control};
    control->live = live_start(control->arena, &live);
    control->bulk = bulk_runner_start(control->arena, service->store);
    atomic_store(&control->ready, true);
    return NULL;
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
        .behind_proxy = control->options.behind_proxy,
        .upload_directory = str_fmt(control->arena, "%.*s/tmp", STR_ARG(control->options.directory)),
        .log = control->options.log,
    };
    return http_start(control->arena, &http, &control->http);
}

static void close_all(struct server_control *control)
{
    if (control->service.imports)
        imports_close(control->service.imports);
    bulk_runner_stop(control->bulk);
    backup_work_stop(control->backups);
    if (control->live)
        live_stop(control->live);
    if (control->home)
        home_close(control->home);
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
    control->service.columns_behind_us = columns_behind_us;
    control->service.bulk_wake = bulk_wake;
    control->service.publish = publish;
    control->service.publish_arg = control;
    control->backups = backup_work_new(arena);
    password_gate_init(&control->service.passwords);
    pthread_mutex_init(&control->setup_lock, NULL);
    struct str config = str_fmt(arena, "%.*s/huitou.json", STR_ARG(options->directory));
    if (file_exists(arena, config))
        TRY(app_open(control));
    else
        make_setup_token(control);
    const struct err *err = listen_now(control);
    if (err)
        close_all(control);
    *out = app;
    return err;
}

void app_stop(struct app *app)
{
    http_stop(app->control.http);
    close_all(&app->control);
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
