#include "room/order/person_text.h"

#include "base/arena.h"
#include "base/check.h"
#include "codec/json.h"

static const struct text identity_titles[IDENTITY_KIND_MAX] = {
    [IDENTITY_UNIONID] = TEXT("Union id", "UnionID"),
    [IDENTITY_OPENID] = TEXT("Open id", "OpenID"),
    [IDENTITY_MEMBER_CARD] = TEXT("Member card", "会员卡"),
    [IDENTITY_BUYER_ID] = TEXT("Buyer account", "买家账号"),
    [IDENTITY_PHONE] = TEXT("Phone", "手机号"),
    [IDENTITY_EMAIL] = TEXT("Mail address", "邮箱"),
    [IDENTITY_ANONYMOUS_ID] = TEXT("Device", "匿名设备"),
};
static const struct text state_titles[ORDER_STATE_MAX] = {
    [ORDER_CREATED] = TEXT("Not paid", "未付款"),   [ORDER_PAID] = TEXT("Paid", "已付款"),
    [ORDER_SHIPPED] = TEXT("Shipped", "已发货"),    [ORDER_RECEIVED] = TEXT("Received", "已收货"),
    [ORDER_CLOSED] = TEXT("Closed", "已关闭"),
};
static const struct text purpose_titles[CONSENT_PURPOSE_MAX] = {
    [CONSENT_MARKETING] = TEXT("Marketing messages", "营销消息"),
    [CONSENT_SERVICE] = TEXT("Service messages", "服务通知"),
    [CONSENT_PROFILING] = TEXT("Profiling", "画像分析"),
    [CONSENT_SHARING] = TEXT("Sharing with partners", "与合作方共享"),
};
static const struct text channel_titles[CONSENT_CHANNEL_MAX] = {
    [CONSENT_BY_ANY] = TEXT("every channel", "全部渠道"), [CONSENT_BY_PHONE] = TEXT("phone", "电话"),
    [CONSENT_BY_SMS] = TEXT("text message", "短信"),      [CONSENT_BY_EMAIL] = TEXT("mail", "邮件"),
    [CONSENT_BY_CHAT] = TEXT("chat", "聊天"),             [CONSENT_BY_POST] = TEXT("post", "信函"),
};
static const struct text how_titles[CONSENT_HOW_MAX] = {
    [CONSENT_HOW_FORM] = TEXT("form", "表单"),         [CONSENT_HOW_SPOKEN] = TEXT("spoken", "口头"),
    [CONSENT_HOW_MESSAGE] = TEXT("message", "消息"),
    [CONSENT_HOW_CONTRACT] = TEXT("contract", "合同"),
    [CONSENT_HOW_IMPORT] = TEXT("imported", "导入"),   [CONSENT_HOW_OTHER] = TEXT("other", "其他"),
};

struct str identity_kind_title(enum identity_kind kind, enum lang lang)
{
    CHECK(kind > IDENTITY_NONE && kind < IDENTITY_KIND_MAX);
    return str_c(identity_titles[kind].in[lang]);
}

struct str order_state_title(enum order_state state, enum lang lang)
{
    CHECK(state < ORDER_STATE_MAX);
    return str_c(state_titles[state].in[lang]);
}

struct str consent_purpose_title(enum consent_purpose purpose, enum lang lang)
{
    CHECK(purpose > CONSENT_PURPOSE_NONE && purpose < CONSENT_PURPOSE_MAX);
    return str_c(purpose_titles[purpose].in[lang]);
}

struct str consent_channel_title(enum consent_channel channel, enum lang lang)
{
    CHECK(channel < CONSENT_CHANNEL_MAX);
    return str_c(channel_titles[channel].in[lang]);
}

struct str consent_how_title(enum consent_how how, enum lang lang)
{
    CHECK(how > CONSENT_HOW_NONE && how < CONSENT_HOW_MAX);
    return str_c(how_titles[how].in[lang]);
}

/* --- Events --- */

/* A member of the payload; absent where it is not there, or was erased. */
static struct str part(struct arena *arena, const struct event *event, const char *key)
{
    const struct json_value *value, *member;
    if (!str_is(event->payload) || json_read(arena, STR("payload"), event->payload, &value) ||
        json_kind(value) != JSON_KIND_OBJECT)
        return STR_NONE;
    member = json_get(value, str_c(key));
    return member && json_kind(member) == JSON_KIND_STRING ? json_str(member) : STR_NONE;
}

struct str event_by(struct arena *arena, const struct event *event)
{
    return part(arena, event, "by");
}

const char *event_group(const struct event *event)
{
    switch (event->type) {
    case EVENT_ORDER_IMPORTED:
        return "import";
    case EVENT_CUSTOMER_MERGED:
    case EVENT_CUSTOMER_SPLIT:
    case EVENT_MERGE_PROPOSED:
        return "merge";
    case EVENT_CUSTOMER_TAGGED:
        return "tag";
    case EVENT_CUSTOMER_CONSENTED:
        return "consent";
    case EVENT_CUSTOMER_REVEALED:
    case EVENT_CUSTOMER_EXPORTED:
    case EVENT_CUSTOMER_ERASED:
        return "access";
    case EVENT_CUSTOMER_CHANGED:
        return "change";
    default:
        return "created";
    }
}

/* The sentence with {0} … filled in. */
static struct str filled(struct arena *arena, struct text text, enum lang lang, struct str a,
                         struct str b, struct str c)
{
    const struct str args[] = {a, b, c};
    struct str format = str_c(text.in[lang]);
    struct buf out = buf_new(arena, 1u << 16);
    for (size_t i = 0; i < format.n; i++) {
        bool fill = format.p[i] == '{' && i + 2 < format.n && format.p[i + 2] == '}';
        if (!fill) {
            buf_char(&out, format.p[i]);
            continue;
        }
        struct str arg = args[format.p[i + 1] - '0'];
        buf_str(&out, arg.p ? arg : STR("?"));
        i += 2;
    }
    return buf_view(&out);
}

static struct str tag_sentence(struct arena *arena, const struct event *event, enum lang lang)
{
    struct str set = part(arena, event, "set"), removed = part(arena, event, "removed");
    struct str until = part(arena, event, "until");
    if (removed.p)
        return filled(arena, (struct text)TEXT("Tag removed: {0}", "移除标签：{0}"), lang, removed,
                      STR_NONE, STR_NONE);
    if (set.p && until.p)
        return filled(arena, (struct text)TEXT("Tag set: {0}, until {1}", "打标签：{0}，至 {1}"),
                      lang, set, until, STR_NONE);
    if (set.p)
        return filled(arena, (struct text)TEXT("Tag set: {0}", "打标签：{0}"), lang, set, STR_NONE,
                      STR_NONE);
    return STR_NONE;
}

static struct str change_sentence(struct tx *tx, const struct event *event, enum lang lang)
{
    struct arena *arena = tx_arena(tx);
    struct str field = part(arena, event, "field"), staff = part(arena, event, "staff"), name;
    struct str change = part(arena, event, "change"), kind = part(arena, event, "kind");
    if (str_eq(field, STR("name")))
        return lang == LANG_ZH ? STR("更正姓名") : STR("Name corrected");
    if (str_eq(field, STR("keeper"))) {
        if (!staff.p)
            return lang == LANG_ZH ? STR("不再由专人负责") : STR("Nobody in particular any more");
        struct str by = str_fmt(arena, "staff:%.*s", STR_ARG(staff));
        if (access_name_of(tx, by, &name))
            name = staff;
        return filled(arena, (struct text)TEXT("Looked after by {0}", "由 {0} 负责"), lang, name,
                      STR_NONE, STR_NONE);
    }
    enum identity_kind identity = kind.p ? identity_kind_by_name(kind) : IDENTITY_NONE;
    if (identity == IDENTITY_NONE)
        return STR_NONE;
    struct text text = TEXT("{0} corrected", "更正{0}");
    if (str_eq(change, STR("added")))
        text = (struct text)TEXT("{0} added", "新增{0}");
    if (str_eq(change, STR("removed")))
        text = (struct text)TEXT("{0} removed", "移除{0}");
    return filled(arena, text, lang, identity_kind_title(identity, lang), STR_NONE, STR_NONE);
}

static struct str purpose_by_name(struct str name, enum lang lang)
{
    for (int i = CONSENT_PURPOSE_NONE + 1; i < CONSENT_PURPOSE_MAX; i++)
        if (str_eq(name, str_c(consent_purpose_name((enum consent_purpose)i))))
            return consent_purpose_title((enum consent_purpose)i, lang);
    return name;
}

static struct str channel_by_name(struct str name, enum lang lang)
{
    for (int i = 0; i < CONSENT_CHANNEL_MAX; i++)
        if (str_eq(name, str_c(consent_channel_name((enum consent_channel)i))))
            return consent_channel_title((enum consent_channel)i, lang);
    return name;
}

static struct str consent_sentence(struct arena *arena, const struct event *event, enum lang lang)
{
    struct str given = part(arena, event, "given"), withdrawn = part(arena, event, "withdrawn");
    struct str channel = channel_by_name(part(arena, event, "channel"), lang);
    struct text yes = TEXT("Allowed: {0}, {1}", "同意：{0}（{1}）");
    struct text no = TEXT("Taken back: {0}, {1}", "撤回：{0}（{1}）");
    if (!given.p && !withdrawn.p)
        return STR_NONE;
    return filled(arena, given.p ? yes : no, lang,
                  purpose_by_name(given.p ? given : withdrawn, lang), channel, STR_NONE);
}

static struct str merge_sentence(struct arena *arena, const struct event *event, enum lang lang)
{
    struct str from = part(arena, event, "from"), into = part(arena, event, "into");
    struct str other = part(arena, event, "other"), kind = part(arena, event, "identity_kind");
    struct str split = part(arena, event, "customer");
    if (event->type == EVENT_CUSTOMER_MERGED && from.p)
        return filled(arena, (struct text)TEXT("{0} merged into {1}", "{0} 并入 {1}"), lang, from,
                      into, STR_NONE);
    if (event->type == EVENT_CUSTOMER_SPLIT && split.p)
        return filled(arena, (struct text)TEXT("{0} split off from {1}", "{0} 从 {1} 拆出"), lang,
                      split, from, STR_NONE);
    enum identity_kind identity = kind.p ? identity_kind_by_name(kind) : IDENTITY_NONE;
    if (event->type != EVENT_MERGE_PROPOSED || identity == IDENTITY_NONE)
        return STR_NONE;
    return filled(arena,
                  (struct text)TEXT("May be one person with {0}: the same {1}",
                                    "可能与 {0} 是同一人：{1}相同"),
                  lang, other, identity_kind_title(identity, lang), STR_NONE);
}

struct str event_sentence(struct tx *tx, const struct event *event, enum lang lang)
{
    struct arena *arena = tx_arena(tx);
    struct str sentence = STR_NONE;
    switch (event->type) {
    case EVENT_ORDER_IMPORTED:
        return lang == LANG_ZH ? STR("导入或更正订单") : STR("Orders imported or restated");
    case EVENT_CUSTOMER_TAGGED:
        sentence = tag_sentence(arena, event, lang);
        break;
    case EVENT_CUSTOMER_CHANGED:
        sentence = change_sentence(tx, event, lang);
        break;
    case EVENT_CUSTOMER_CONSENTED:
        sentence = consent_sentence(arena, event, lang);
        break;
    case EVENT_CUSTOMER_MERGED:
    case EVENT_CUSTOMER_SPLIT:
    case EVENT_MERGE_PROPOSED:
        sentence = merge_sentence(arena, event, lang);
        break;
    default:
        break;
    }
    return sentence.p ? sentence : str_c(event_type_info(event->type)->doc.in[lang]);
}
