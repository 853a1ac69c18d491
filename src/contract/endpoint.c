#include "contract/endpoint.h"

#include "base/limits.h"

const struct role_info *role_info(enum role role)
{
    static const struct role_info infos[] = {
#define ROLE(code, name, en, zh, doc_en, doc_zh) {name, TEXT(en, zh), TEXT(doc_en, doc_zh)},
        ROLE_TABLE(ROLE)
#undef ROLE
    };
    return &infos[role];
}

bool role_by_name(struct str name, enum role *role)
{
    for (int i = 0; i < ROLE_MAX; i++) {
        if (str_eq(name, str_c(role_info((enum role)i)->name))) {
            *role = (enum role)i;
            return true;
        }
    }
    return false;
}

const char *reach_name(enum reach reach)
{
    static const char *const names[] = {"none", "own", "below", "all"};
    return names[reach];
}

const struct scope_info *scope_info(enum scope scope)
{
    static const struct scope_info infos[] = {
#define SCOPE(code, name, en, zh) {name, TEXT(en, zh)},
        SCOPE_TABLE(SCOPE)
#undef SCOPE
    };
    return &infos[scope];
}

bool scope_by_name(struct str name, enum scope *scope)
{
    for (int i = 0; i < SCOPE_MAX; i++) {
        if (str_eq(name, str_c(scope_info((enum scope)i)->name))) {
            *scope = (enum scope)i;
            return true;
        }
    }
    return false;
}

const char *method_name(enum endpoint_method method)
{
    static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    return names[method];
}

enum reach endpoint_reach(const struct endpoint *endpoint, const struct principal *principal)
{
    if (endpoint->flags & ENDPOINT_PUBLIC)
        return REACH_ALL;
    if (principal->kind == PRINCIPAL_STAFF)
        return (enum reach)endpoint->reach[principal->role];
    if (principal->kind == PRINCIPAL_KEY && (principal->scopes >> endpoint->scope & 1))
        return REACH_ALL;
    return REACH_NONE;
}

bool principal_sees_names(const struct principal *principal)
{
    if (principal->kind == PRINCIPAL_STAFF)
        return principal->role != ROLE_ENGINEER;
    return principal->kind == PRINCIPAL_KEY && (principal->scopes >> SCOPE_PERSONAL_READ & 1);
}

struct str endpoint_reply_json(const struct call *call)
{
    struct buf out = buf_new(call->arena, LIMIT_HTTP_REPLY_BYTES_MAX);
    struct json_writer w = json_writer(&out, false);
    shape_write_json(&w, call->endpoint->out, call->out);
    return buf_view(&out);
}
