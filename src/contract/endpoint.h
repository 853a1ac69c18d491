/* Endpoints: what the program answers over HTTP, each declared once. From a declaration come routing, the check of who
 * may, the limits, the decoding of path, query and body with every error at once, the OpenAPI document, the list of what
 * a role can reach (`huitou access`), and its name in log and metrics. No behaviour of any room lives here. */
#ifndef HUITOU_CONTRACT_ENDPOINT_H
#define HUITOU_CONTRACT_ENDPOINT_H

#include "contract/shape.h"

/* --- Who asks --- */

/* ROLE(CODE, "name", "title en", "title zh", "what it is for en", zh): the roles of a brand's own people. */
#define ROLE_TABLE(ROLE)                                                                                             \
    ROLE(OWNER, "owner", "Owner", "品牌方", "Answers for the money and for the law: everything.",                    \
         "对资金与合规负责：全部权限。")                                                                             \
    ROLE(OPERATOR, "operator", "Operator", "运营", "Orders, customers, figures; no staff, keys or settings.",        \
         "订单、客户与报表；不含员工、密钥与设置。")                                                                 \
    ROLE(SERVICE_MANAGER, "service_manager", "Service manager", "服务经理",                                          \
         "The customers of the people below, for supervision.", "查看下级名下的客户，进行督导。")                    \
    ROLE(CLIENT_MANAGER, "client_manager", "Client manager", "客户经理",                                             \
         "Own customers and those of the people below.", "自己名下及下级名下的客户。")                               \
    ROLE(AGENT, "agent", "Agent", "代理", "Own customers only.", "仅自己名下的客户。")                               \
    ROLE(ENGINEER, "engineer", "Engineer", "工程师", "API, keys and system health; no personal data in the clear.",  \
         "接口、密钥与系统状态；看不到明文个人信息。")
enum role {
#define ROLE(code, name, en, zh, doc_en, doc_zh) ROLE_##code,
    ROLE_TABLE(ROLE)
#undef ROLE
    ROLE_MAX
};
struct role_info {
    const char *name;
    struct text title, doc;
};
const struct role_info *role_info(enum role role);
bool role_by_name(struct str name, enum role *role);

/* Which rows of a kind a person reaches: those kept by themselves, by people below them too, or all. */
enum reach { REACH_NONE, REACH_OWN, REACH_BELOW, REACH_ALL };
const char *reach_name(enum reach reach);

/* SCOPE(CODE, "name", doc): what an API key may be given. An endpoint asks for one of them. */
#define SCOPE_TABLE(SCOPE)                                                                  \
    SCOPE(CUSTOMERS_READ, "customers:read", "See customers, masked", "查看客户（脱敏）")    \
    SCOPE(CUSTOMERS_WRITE, "customers:write", "Tag, merge, split, correct customers",       \
          "给客户打标签、合并、拆分、更正")                                                 \
    SCOPE(PERSONAL_READ, "personal:read", "See personal data in the clear; leaves a trace", \
          "查看明文个人信息（留痕）")                                                       \
    SCOPE(ORDERS_IMPORT, "orders:import", "Import orders", "导入订单")                      \
    SCOPE(REPORTS_READ, "reports:read", "Read reports", "查看报表")                         \
    SCOPE(SETTINGS_READ, "settings:read", "See settings, staff and the audit trail",        \
          "查看设置、员工与审计记录")                                                       \
    SCOPE(SETTINGS_WRITE, "settings:write", "Change settings, staff and keys",              \
          "修改设置、员工与密钥")                                                           \
    SCOPE(SYSTEM_READ, "system:read", "System health", "查看系统状态")                      \
    SCOPE(CUSTOMERS_ERASE, "customers:erase", "Erase customers for good", "永久删除客户个人信息")
enum scope {
#define SCOPE(code, name, en, zh) SCOPE_##code,
    SCOPE_TABLE(SCOPE)
#undef SCOPE
    SCOPE_MAX
};
struct scope_info {
    const char *name;
    struct text doc;
};
const struct scope_info *scope_info(enum scope scope);
bool scope_by_name(struct str name, enum scope *scope);

enum principal_kind {
    PRINCIPAL_NOBODY, /* not logged in */
    PRINCIPAL_STAFF,  /* a person with a session */
    PRINCIPAL_KEY,    /* a program with an API key */
};
struct principal {
    enum principal_kind kind;
    int64_t id; /* of the staff member or the key */
    enum role role; /* of staff */
    uint32_t scopes; /* of a key: bit per enum scope */
    struct str name; /* as the audit trail calls them */
    struct str by;   /* "staff:ID", "key:ID": as the rooms note who did something */
    int64_t session_id;
};

/* --- What is asked --- */

enum endpoint_method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_MAX };
const char *method_name(enum endpoint_method method);

enum endpoint_flag {
    ENDPOINT_PUBLIC = 1,     /* nobody need be logged in */
    ENDPOINT_WRITE = 2,      /* changes something: a session needs its CSRF token, the answer is not cached */
    ENDPOINT_IDEMPOTENT = 4, /* takes an Idempotency-Key */
    ENDPOINT_AUDITED = 8,    /* leaves a row in the audit trail; every WRITE does unless it is ENDPOINT_PUBLIC */
    ENDPOINT_UPLOAD = 16,    /* the body is a file, put aside on disk before the handler is called */
    ENDPOINT_FILE = 32,      /* the answer is a file, not JSON */
    ENDPOINT_STREAM = 64,    /* the answer is a stream of server-sent events */
    ENDPOINT_SETUP = 128,    /* answers while there is no brand yet, too */
};

/* A file as an answer. */
struct endpoint_file {
    struct str content_type, name; /* name: offered for saving; absent: shown in the browser */
    struct str bytes; /* in the call's arena; absent: the file at `path` */
    struct str packed; /* the same as gzip; absent: not at hand */
    struct str path;
    bool keep; /* the file at `path` stays; else it is removed once it is sent */
};

struct service; /* what handlers reach: store, brand, live columns (job/service.h) */

/* One request on its way through a handler. Threads: a call belongs to one worker. */
struct call {
    struct arena *arena; /* freed when the answer has been sent */
    struct service *service;
    const struct endpoint *endpoint;
    struct principal principal;
    enum reach reach; /* which rows the principal reaches here */
    enum lang lang;
    int64_t now_us;
    struct str address; /* of the client */
    struct str request_id;
    struct str session_token;    /* of the cookie; absent: none */
    struct str device_token;     /* of the cookie that a login leaves; absent: none */
    bool over_tls;               /* a proxy that is believed says that the client came by https */
    struct str idempotency_key;  /* absent: none was given */
    uint8_t request_hash[16];    /* of method, path, query, body */
    const void *path, *query, *in; /* structs of the endpoint's shapes; NULL where it has none */
    void *out; /* zeroed struct of the out shape: the handler fills it */
    /* Uploads: */
    struct str upload_path, upload_name;
    int64_t upload_bytes;
    /* The handler may set: */
    int status; /* 0: 200, or 204 without an out shape */
    struct endpoint_file file;
    struct str location; /* of what was made */
    struct str etag;     /* strong, of a GET; absent: none */
    struct str set_cookie; /* whole header values, at most two */
    struct str set_cookie_2;
    struct str audit_object, audit_before, audit_after; /* "customer:123", JSON, JSON: for the audit trail */
    /* An answer that was made before (of an earlier request with the same idempotency key, or kept): sent as it stands. */
    struct str replay, replay_packed; /* packed: the same as gzip; absent: not at hand */
};

typedef const struct err *endpoint_fn(struct call *call);

struct endpoint {
    const char *name; /* OpenAPI's operationId: "listCustomers" */
    enum endpoint_method method;
    const char *path; /* "/api/v1/customers/{customer_id}": what is in braces are fields of path_shape */
    enum scope scope; /* what a key needs */
    uint8_t reach[ROLE_MAX]; /* enum reach of each role */
    unsigned flags;
    const struct shape *path_shape, *query_shape, *in, *out;
    int status; /* of success; 0: 200, or 204 without an out shape */
    const enum err_code *errors; /* beyond those that every endpoint may answer; ERR_NONE ends */
    endpoint_fn *handler;
    int64_t body_bytes_max; /* 0: LIMIT_BODY_BYTES_MAX */
    struct text title, doc;
};

/* A room's endpoints. */
struct endpoint_table {
    const char *tag; /* of OpenAPI */
    struct text title;
    const struct endpoint *endpoints;
    int count;
};
/* Reaches and flags that many declare. SEE: looks at customers; TOUCH: works with them; RUN: with all of them at once. */
#define REACH_SEE                                                                                 \
    {[ROLE_OWNER] = REACH_ALL, [ROLE_OPERATOR] = REACH_ALL, [ROLE_SERVICE_MANAGER] = REACH_BELOW, \
     [ROLE_CLIENT_MANAGER] = REACH_BELOW, [ROLE_AGENT] = REACH_OWN}
#define REACH_TOUCH                                                                              \
    {[ROLE_OWNER] = REACH_ALL, [ROLE_OPERATOR] = REACH_ALL, [ROLE_CLIENT_MANAGER] = REACH_BELOW, \
     [ROLE_AGENT] = REACH_OWN}
#define REACH_RUN {[ROLE_OWNER] = REACH_ALL, [ROLE_OPERATOR] = REACH_ALL}
#define ENDPOINT_WRITES (ENDPOINT_WRITE | ENDPOINT_AUDITED | ENDPOINT_IDEMPOTENT)
#define ENDPOINTS(array) .endpoints = (array), .count = (int)(sizeof(array) / sizeof((array)[0]))

/* What a principal reaches at an endpoint; REACH_NONE: may not. Public ones are open to all. */
enum reach endpoint_reach(const struct endpoint *endpoint, const struct principal *principal);
/* Whether customers' names stand in the clear for them: for staff, who know the customers that they reach by name; for a
 * program only with personal:read. Phone numbers and the like are masked for all until revealed (SPEC.md: People see what
 * their role allows). */
bool principal_sees_names(const struct principal *principal);
/* The answer as it is sent: call->out by the endpoint's out shape, in call->arena. */
struct str endpoint_reply_json(const struct call *call);

#endif
