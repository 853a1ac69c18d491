/* Words for states: what they are called, and those that a person adds to a map on the way. */
#include "base/arena.h"
#include "room/order/import_row.h"

static const struct {
    struct str normal;
    struct text title;
} words[] = {
    {STR_INIT("created"), TEXT("not paid", "待付款")},
    {STR_INIT("paid"), TEXT("paid", "已付款")},
    {STR_INIT("shipped"), TEXT("shipped", "已发货")},
    {STR_INIT("received"), TEXT("received", "已收货")},
    {STR_INIT("closed"), TEXT("closed", "已关闭")},
    {STR_INIT("created refunded"), TEXT("not paid, refunded", "待付款且已退款")},
    {STR_INIT("paid refunded"), TEXT("paid, refunded", "已付款且已退款")},
    {STR_INIT("shipped refunded"), TEXT("shipped, refunded", "已发货且已退款")},
    {STR_INIT("received refunded"), TEXT("received, refunded", "已收货且已退款")},
    {STR_INIT("closed refunded"), TEXT("closed, refunded", "已关闭且已退款")},
    {STR_INIT("none"), TEXT("no refund", "无退款")},
    {STR_INIT("pending"), TEXT("refund asked for", "退款中")},
    {STR_INIT("partial"), TEXT("partly refunded", "部分退款")},
    {STR_INIT("refunded"), TEXT("refunded", "已退款")},
};

bool import_word_title(struct str normal, struct text *title)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!str_eq(words[i].normal, normal))
            continue;
        *title = words[i].title;
        return true;
    }
    return false;
}

/* The right side of "WORD=…", as a map has it or as it is called; itself where it is neither. */
static struct str normal_of(struct str said)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        for (int lang = 0; lang < LANG_MAX; lang++) {
            if (str_eq_nocase(str_c(words[i].title.in[lang]), said))
                return words[i].normal;
        }
    }
    return said;
}

/* The word may hold a '=' of its own; no state does. */
static bool part_pair(struct str item, struct shape_pair *pair)
{
    size_t at = item.n;
    while (at > 0 && item.p[at - 1] != '=')
        at--;
    if (at == 0)
        return false;
    pair->key = str_trim(str_slice(item, 0, at - 1));
    pair->value = normal_of(str_trim(str_slice(item, at, item.n)));
    return str_is(pair->key) && str_is(pair->value);
}

struct word_list {
    struct err_list errors;
    struct str field;
    bool of_refunds;
};

static bool is_known(const struct word_list *list, struct str normal)
{
    bool refunded;
    return list->of_refunds ? import_refund_by_name(normal) != IMPORT_REFUND_UNTOLD
                            : import_state_of_words(normal, &refunded) != ORDER_STATE_MAX;
}

/* The new pairs first: the first word that fits is taken. */
static void add_words(struct word_list *list, const struct shape_list *items, struct shape_map *map)
{
    struct arena *arena = list->errors.arena;
    const struct str *texts = items->items;
    struct shape_map all = {.pairs =
                                ARENA_ARRAY(arena, items->count + map->count, struct shape_pair)};
    for (size_t i = 0; i < items->count; i++) {
        struct shape_pair pair;
        enum err_code wrong = list->of_refunds ? ERR_MAP_REFUND_STATE : ERR_MAP_STATE;
        if (!part_pair(texts[i], &pair))
            err_list_add(&list->errors, ERR_NEW(arena, ERR_MAP_WORD, list->field, texts[i]));
        else if (!is_known(list, pair.value))
            err_list_add(&list->errors, ERR_NEW(arena, wrong, list->field, pair.value));
        else
            all.pairs[all.count++] = pair;
    }
    for (size_t i = 0; i < map->count; i++)
        all.pairs[all.count++] = map->pairs[i];
    *map = all;
}

ERR_RESULT import_map_with_words(struct arena *arena, const struct import_map *map,
                                 const struct shape_list *states,
                                 const struct shape_list *refund_states, struct import_map **out)
{
    struct word_list of_orders = {{.arena = arena}, STR("state"), false},
                     of_refunds = {{.arena = arena}, STR("refund_state"), true};
    *out = ARENA_NEW(arena, struct import_map);
    **out = *map;
    add_words(&of_orders, states, &(*out)->states);
    add_words(&of_refunds, refund_states, &(*out)->refund_states);
    err_list_add(&of_orders.errors, of_refunds.errors.first);
    return of_orders.errors.first;
}
