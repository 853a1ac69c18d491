/* What the server says of itself: health, metrics, the document of its API, what roles reach, live
 * changes. */
#include "http/app_part.h"

#include <string.h>
#include <sys/statvfs.h>

#include "base/arena.h"
#include "engine/engine.h"

#define METRICS_BYTES_MAX (4u << 20)
#define ALL_ROLES                                                                                  \
    {                                                                                              \
        REACH_ALL, REACH_ALL, REACH_ALL, REACH_ALL, REACH_ALL, REACH_ALL                           \
    }
#define OWNER_AND_ENGINEER                                                                         \
    {                                                                                              \
        [ROLE_OWNER] = REACH_ALL, [ROLE_ENGINEER] = REACH_ALL                                      \
    }

/* --- Health --- */

struct health_out {
    struct str state;
};
static const struct field health_fields[] = {
    SHAPE_FIELD(struct health_out, state, TEXT, "ok", "ok", .required = true),
};
static const struct shape health_shape = {
    .name = "health", .size = sizeof(struct health_out), SHAPE_FIELDS(health_fields)};

static const struct err *get_health(struct call *call)
{
    ((struct health_out *)call->out)->state = STR("ok");
    return NULL;
}

static const struct err *touch_tx(struct tx *tx, void *arg)
{
    bool *exists = arg;
    return staff_exists(tx, exists);
}

static const struct err *get_readiness(struct call *call)
{
    struct server_control *control = call->service->control;
    bool exists;
    if (!atomic_load(&control->ready))
        return ERR_NEW(call->arena, ERR_SETUP_NEEDED, STR_NONE);
    TRY(call_read(call, touch_tx, &exists));
    if (!live_engine(control->live))
        return ERR_NEW(call->arena, ERR_HTTP_NOT_READY, STR_NONE, STR("5"));
    ((struct health_out *)call->out)->state = STR("ok");
    return NULL;
}

/* --- System --- */

struct system_out {
    struct str version, store, columns_error;
    int64_t started_at_us, customers, orders, column_bytes, columns_build_ms, columns_behind_ms;
    int64_t commits, commands, retries, checkpoints, disk_free_bytes;
    bool columns_ready;
};
static const struct field system_fields[] = {
    SHAPE_FIELD(struct system_out, version, TEXT, "Of the program.", "程序版本。",
                .required = true),
    SHAPE_FIELD(struct system_out, store, TEXT, "sqlite or postgres.", "sqlite 或 postgres。",
                .required = true),
    SHAPE_FIELD_AS(struct system_out, started_at_us, "started_at", TIME,
                   "Since when the server runs.", "启动时间。", .required = true),
    SHAPE_FIELD(struct system_out, columns_ready, BOOL, "Figures can be asked for.",
                "报表已就绪。"),
    SHAPE_FIELD(struct system_out, columns_error, TEXT,
                "What is wrong with the columns; null: nothing.", "列存的错误；空表示正常。"),
    SHAPE_FIELD(struct system_out, customers, I64, "Customers with orders in the columns.",
                "列存中有订单的客户数。"),
    SHAPE_FIELD(struct system_out, orders, I64, "Paid orders in the columns.",
                "列存中的已付款订单数。"),
    SHAPE_FIELD(struct system_out, column_bytes, I64, "Memory of the columns.",
                "列存占用内存（字节）。"),
    SHAPE_FIELD(struct system_out, columns_build_ms, I64, "How long building them took.",
                "建立列存用时（毫秒）。"),
    SHAPE_FIELD(struct system_out, columns_behind_ms, I64, "How old they are at most.",
                "列存最多落后（毫秒）。"),
    SHAPE_FIELD(struct system_out, commits, I64, "Commits since the start.", "启动以来的提交数。"),
    SHAPE_FIELD(struct system_out, commands, I64, "Commands committed since the start.",
                "启动以来提交的命令数。"),
    SHAPE_FIELD(struct system_out, retries, I64, "Transactions run again.", "重试的事务数。"),
    SHAPE_FIELD(struct system_out, checkpoints, I64, "Checkpoints of SQLite.", "SQLite 检查点数。"),
    SHAPE_FIELD(struct system_out, disk_free_bytes, I64, "Free where the data directory lies.",
                "数据目录所在磁盘的可用空间（字节）。"),
};
static const struct shape system_shape = {
    .name = "system", .size = sizeof(struct system_out), SHAPE_FIELDS(system_fields)};

static const struct err *get_system(struct call *call)
{
    struct server_control *control = call->service->control;
    struct system_out *out = call->out;
    struct store *store = call->service->store;
    struct live_state live = live_state(control->live, call->arena);
    struct store_counters counters = store_counters(store);
    struct engine *engine = live_engine(control->live);
    struct statvfs disk;
    out->version = STR(HUITOU_VERSION);
    out->store = store_kind(store) == STORE_SQLITE ? STR("sqlite") : STR("postgres");
    out->started_at_us = control->started_at_us;
    out->columns_ready = live.ready;
    out->columns_error = live.error;
    out->columns_build_ms = live.build_us / 1000;
    out->columns_behind_ms = live.behind_us / 1000;
    out->commits = counters.commits;
    out->commands = counters.commands;
    out->retries = counters.retries;
    out->checkpoints = counters.checkpoints;
    if (statvfs(str_z(call->arena, control->options.directory), &disk) == 0)
        out->disk_free_bytes = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
    if (!engine)
        return NULL;
    struct engine_size size = engine_size(engine);
    out->customers = size.customers;
    out->orders = size.orders;
    out->column_bytes = size.bytes;
    return NULL;
}

static void put_gauge(struct buf *out, const char *name, const char *type, const char *help,
                      int64_t n)
{
    buf_fmt(out, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", name, help, name, type, name,
            (long long)n);
}

static const struct err *get_metrics(struct call *call)
{
    struct server_control *control = call->service->control;
    struct buf out = buf_new(call->arena, METRICS_BYTES_MAX);
    http_metrics(control->http, &out);
    if (atomic_load(&control->ready)) {
        struct store_counters counters = store_counters(call->service->store);
        struct live_state live = live_state(control->live, call->arena);
        put_gauge(&out, "huitou_store_commits_total", "counter", "Commits since the start.",
                  counters.commits);
        put_gauge(&out, "huitou_store_commands_total", "counter",
                  "Commands committed since the start.", counters.commands);
        put_gauge(&out, "huitou_store_retries_total", "counter", "Transactions run again.",
                  counters.retries);
        put_gauge(&out, "huitou_columns_ready", "gauge", "1: figures can be asked for.",
                  live.ready);
        put_gauge(&out, "huitou_columns_events_total", "counter", "Events applied to the columns.",
                  live.applied_count);
    }
    call->file = (struct endpoint_file){
        .content_type = STR("text/plain; version=0.0.4; charset=utf-8"), .bytes = buf_view(&out)};
    return NULL;
}

static const struct err *get_openapi(struct call *call)
{
    const struct server_control *control = call->service->control;
    call->file = (struct endpoint_file){.content_type = STR("application/json"),
                                        .bytes = control->openapi,
                                        .packed = control->openapi_packed};
    return NULL;
}

static const struct err *watch(struct call *call)
{
    (void)call; /* the stream itself is the http floor's */
    return NULL;
}

/* --- Roles --- */

struct role_reach_out {
    struct str operation, title, reach;
};
static const struct field role_reach_fields[] = {
    SHAPE_FIELD(struct role_reach_out, operation, TEXT, "operationId", "operationId",
                .required = true),
    SHAPE_FIELD(struct role_reach_out, title, TEXT, "What it does.", "作用。", .required = true),
    SHAPE_FIELD(struct role_reach_out, reach, TEXT, "own, below or all: which rows.",
                "own、below 或 all：可及的数据范围。", .required = true),
};
static const struct shape role_reach_shape = {
    .name = "role_reach", .size = sizeof(struct role_reach_out), SHAPE_FIELDS(role_reach_fields)};
struct role_out {
    struct str role, title, description;
    struct shape_list reaches;
};
static const struct field role_fields[] = {
    SHAPE_FIELD(struct role_out, role, TEXT, "The role.", "角色。", .required = true),
    SHAPE_FIELD(struct role_out, title, TEXT, "As people call it.", "名称。", .required = true),
    SHAPE_FIELD(struct role_out, description, TEXT, "What it is for.", "用途。", .required = true),
    SHAPE_FIELD(struct role_out, reaches, LIST, "What it can reach.", "可以使用的操作。",
                .sub = &role_reach_shape),
};
static const struct shape role_shape = {
    .name = "role", .size = sizeof(struct role_out), SHAPE_FIELDS(role_fields)};
struct roles_out {
    struct shape_list items;
};
static const struct field roles_fields[] = {
    SHAPE_FIELD(struct roles_out, items, LIST, "All roles.", "全部角色。", .sub = &role_shape),
};
static const struct shape roles_shape = {
    .name = "role_list", .size = sizeof(struct roles_out), SHAPE_FIELDS(roles_fields)};

static struct shape_list reaches_of(struct call *call, enum role role)
{
    int count;
    const struct endpoint_table *const *tables = app_tables(&count);
    size_t room = 0;
    for (int t = 0; t < count; t++)
        room += (size_t)tables[t]->count;
    struct role_reach_out *items = ARENA_ARRAY(call->arena, room + 1, struct role_reach_out);
    struct shape_list list = {items, 0};
    for (int t = 0; t < count; t++) {
        for (int i = 0; i < tables[t]->count; i++) {
            const struct endpoint *endpoint = &tables[t]->endpoints[i];
            if ((endpoint->flags & ENDPOINT_PUBLIC) || endpoint->reach[role] == REACH_NONE)
                continue;
            items[list.count++] = (struct role_reach_out){
                str_c(endpoint->name), str_c(endpoint->title.in[call->lang]),
                str_c(reach_name((enum reach)endpoint->reach[role]))};
        }
    }
    return list;
}

static const struct err *list_roles(struct call *call)
{
    struct role_out *items = ARENA_ARRAY(call->arena, ROLE_MAX, struct role_out);
    for (int i = 0; i < ROLE_MAX; i++) {
        const struct role_info *info = role_info((enum role)i);
        items[i] =
            (struct role_out){str_c(info->name), str_c(info->title.in[call->lang]),
                              str_c(info->doc.in[call->lang]), reaches_of(call, (enum role)i)};
    }
    ((struct roles_out *)call->out)->items = (struct shape_list){items, ROLE_MAX};
    return NULL;
}

static const enum err_code ready_errors[] = {ERR_SETUP_NEEDED, ERR_HTTP_NOT_READY, ERR_NONE};

static const struct endpoint endpoints[] = {
    {.name = "getHealth",
     .method = METHOD_GET,
     .path = "/health",
     .flags = ENDPOINT_PUBLIC | ENDPOINT_SETUP,
     .out = &health_shape,
     .handler = get_health,
     .title = TEXT("The process answers", "进程存活")},
    {.name = "getReadiness",
     .method = METHOD_GET,
     .path = "/ready",
     .flags = ENDPOINT_PUBLIC | ENDPOINT_SETUP,
     .out = &health_shape,
     .errors = ready_errors,
     .handler = get_readiness,
     .title = TEXT("The store answers and figures can be asked for", "数据库可用且报表已就绪")},
    {.name = "getMetrics",
     .method = METHOD_GET,
     .path = "/metrics",
     .scope = SCOPE_SYSTEM_READ,
     .reach = OWNER_AND_ENGINEER,
     .flags = ENDPOINT_FILE,
     .handler = get_metrics,
     .title = TEXT("Counters for Prometheus", "Prometheus 指标")},
    {.name = "getSystem",
     .method = METHOD_GET,
     .path = "/api/v1/system",
     .scope = SCOPE_SYSTEM_READ,
     .reach = OWNER_AND_ENGINEER,
     .out = &system_shape,
     .handler = get_system,
     .title = TEXT("System health", "系统状态")},
    {.name = "getOpenapi",
     .method = METHOD_GET,
     .path = "/api/openapi.json",
     .flags = ENDPOINT_PUBLIC | ENDPOINT_SETUP | ENDPOINT_FILE,
     .handler = get_openapi,
     .title = TEXT("This document", "本接口文档")},
    {.name = "watchChanges",
     .method = METHOD_GET,
     .path = "/api/v1/stream",
     .scope = SCOPE_REPORTS_READ,
     .reach = {[ROLE_OWNER] = REACH_ALL, [ROLE_OPERATOR] = REACH_ALL},
     .flags = ENDPOINT_STREAM,
     .handler = watch,
     .title = TEXT("Live changes", "实时变化"),
     .doc = TEXT("Server-sent events: `changes` when figures may have changed, `import` for the "
                 "progress of imports. Ends "
                 "after a quarter of an hour; come again.",
                 "服务器推送事件：`changes` 表示数据可能已变，`import` "
                 "为导入进度。一刻钟后结束，请重新连接。")},
    {.name = "listRoles",
     .method = METHOD_GET,
     .path = "/api/v1/roles",
     .scope = SCOPE_SETTINGS_READ,
     .reach = ALL_ROLES,
     .out = &roles_shape,
     .handler = list_roles,
     .title = TEXT("Roles and what they reach", "角色与权限")},
};
const struct endpoint_table system_endpoints = {
    .tag = "system", .title = TEXT("The server itself", "系统"), ENDPOINTS(endpoints)};
