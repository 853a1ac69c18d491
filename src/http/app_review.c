/* The review of security. */
#include "http/app_part.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/arena.h"
#include "job/review.h"

#define OWNER_AND_ENGINEER                                                                         \
    {                                                                                              \
        [ROLE_OWNER] = REACH_ALL, [ROLE_ENGINEER] = REACH_ALL                                      \
    }

static const char *const state_names[] = {"good", "attend", "act", NULL};

struct point_out {
    struct str check, title, finding, why, what_to_do;
    int state;
};
static const struct field point_fields[] = {
    SHAPE_FIELD(struct point_out, check, TEXT, "Its name for programs.", "检查项标识。",
                .required = true),
    SHAPE_FIELD(struct point_out, state, ENUM, "good; attend: see to it; act: do something now.",
                "good 良好；attend 需留意；act 需立即处理。", .required = true,
                .values = state_names),
    SHAPE_FIELD(struct point_out, title, TEXT, "What was looked at.", "检查内容。",
                .required = true),
    SHAPE_FIELD(struct point_out, finding, TEXT, "What was found.", "现状。", .required = true),
    SHAPE_FIELD(struct point_out, why, TEXT, "Why it matters.", "为何重要。", .required = true),
    SHAPE_FIELD(struct point_out, what_to_do, TEXT, "What to do; null where all is well.",
                "该怎么做；良好时为空。"),
};
static const struct shape point_shape = {
    .name = "security_point", .size = sizeof(struct point_out), SHAPE_FIELDS(point_fields)};
struct review_out {
    struct shape_list items;
    int64_t attend_count, act_count, looked_at_us;
};
static const struct field review_fields[] = {
    SHAPE_FIELD(struct review_out, items, LIST, "All points, in a fixed order.",
                "全部检查项，顺序固定。", .sub = &point_shape),
    SHAPE_FIELD(struct review_out, attend_count, I64, "Points to see to.", "需留意的项数。",
                .required = true),
    SHAPE_FIELD(struct review_out, act_count, I64, "Points that want something done now.",
                "需立即处理的项数。", .required = true),
    SHAPE_FIELD_AS(struct review_out, looked_at_us, "looked_at", TIME, "When.", "检查时间。",
                   .required = true),
};
static const struct shape review_shape = {
    .name = "security_review", .size = sizeof(struct review_out), SHAPE_FIELDS(review_fields)};

/* 127.0.0.0/8 and ::1. */
static bool is_loopback(struct arena *arena, struct str address)
{
    struct in_addr v4;
    struct in6_addr v6;
    const char *text = str_z(arena, address);
    if (!address.p)
        return true; /* the default */
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static const struct err *get_review(struct call *call)
{
    const struct server_control *control = call->service->control;
    struct review_out *out = call->out;
    struct review_point points[REVIEW_POINTS_MAX];
    struct review_facts facts = {
        .address = control->options.address.p ? control->options.address : STR("127.0.0.1"),
        .behind_proxy = control->options.behind_proxy,
    };
    facts.loopback = is_loopback(call->arena, facts.address);
    TRY(review_gather(call->arena, control->home, &facts));
    int count = review_judge(call->arena, &facts, call->lang, points);
    struct point_out *items = ARENA_ARRAY(call->arena, (size_t)count + 1, struct point_out);
    for (int i = 0; i < count; i++) {
        const struct review_point *p = &points[i];
        items[i] = (struct point_out){str_c(p->check), p->title,      p->finding,
                                      p->why,          p->what_to_do, (int)p->state};
        out->attend_count += p->state == REVIEW_ATTEND;
        out->act_count += p->state == REVIEW_ACT;
    }
    out->items = (struct shape_list){items, (size_t)count};
    out->looked_at_us = facts.now_us;
    return NULL;
}

static const struct endpoint endpoints[] = {
    {.name = "getSecurityReview",
     .method = METHOD_GET,
     .path = "/api/v1/security-review",
     .scope = SCOPE_SYSTEM_READ,
     .reach = OWNER_AND_ENGINEER,
     .out = &review_shape,
     .handler = get_review,
     .title = TEXT("The review of security", "安全检查"),
     .doc = TEXT("Looks at the live configuration: files, network, people, keys, backups. Each "
                 "point with its state, why it "
                 "matters and what to do.",
                 "检查当前配置：文件、网络、人员、密钥、备份。每项含状态、原因与处理办法。")},
};
const struct endpoint_table review_endpoints = {
    .tag = "security", .title = TEXT("Security", "安全"), ENDPOINTS(endpoints)};
