/* Selections: one walk over all customers; the page's rows are kept in a heap, the last of them on
 * top. See engine_select.h. */
#include "engine/engine_select.h"

#include <stdlib.h>
#include <string.h>

#include "engine/metric.h"

/* What was found out of everybody before anybody is judged. */
struct select {
    const struct engine_selection *selection;
    const struct select_page *page;
    /* Most selections ask for little: what is not asked is not looked at. */
    bool asks_bought, asks_began, asks_who, asks_rfm, asks_overdue, asks_special;
    uint32_t channel, product; /* index; ID_LIST_NONE: there is none of that name */
    struct rfm_scores scores;
    int64_t top_amount, top_id; /* the last one of the top */
    bool has_top;
    uint8_t *is_wanted; /* by index: one of the ids asked for; NULL: not asked */
};
/* What one thread has met. */
struct select_share {
    const struct select *select;
    struct overdue_judge judge;
    struct engine_selected sums;
    int64_t behind;               /* of the selection, behind page->after */
    struct engine_customer *heap; /* of them the first page->limit; the last one on top */
    size_t heap_count;
};
/* A customer as the selection looks at it. */
struct looked {
    int64_t paid, refunded;
    uint32_t paid_orders, orders, days, refunds;
    uint16_t last_day;
    bool exists;
};

struct engine_selection engine_selection_all(const struct report_scope *scope)
{
    return (struct engine_selection){
        .scope = *scope,
        .days = SELECT_ANY,
        .orders = SELECT_ANY,
        .amount = SELECT_ANY,
        .refunds = SELECT_ANY,
        .movements = SELECT_ANY,
        .first_day = SELECT_ANY,
        .last_day = SELECT_ANY,
        .days_since = SELECT_ANY,
        .back_after = SELECT_ANY,
        .not_back_within = -1,
        .known_for = -1,
    };
}

static bool is_asked(struct select_range range)
{
    return range.min != INT64_MIN || range.max != INT64_MAX;
}

static bool lies_in(int64_t value, struct select_range range)
{
    return value >= range.min && value <= range.max;
}

/* Of a day: one that is not there lies in no range that is asked. */
static bool day_lies_in(uint16_t day, struct select_range range)
{
    return !is_asked(range) || (day != ENGINE_DAY_NONE && lies_in(engine_day(day), range));
}

/* --- The page --- */

static int64_t place_of(const struct select_page *page, const struct engine_customer *customer)
{
    int64_t value = 0;
    switch (page->sort) {
    case SELECT_BY_LAST:
    case SELECT_BY_FIRST:
        value = page->sort == SELECT_BY_LAST ? customer->last_day : customer->first_day;
        if (value == DAY_NONE)
            return INT64_MAX;
        break;
    case SELECT_BY_AMOUNT:
        value = customer->place; /* set by the caller: net or gross */
        break;
    case SELECT_BY_ORDERS:
        value = customer->orders;
        break;
    case SELECT_BY_DAYS:
        value = customer->purchase_days;
        break;
    }
    return page->descending ? -value : value;
}

static int compare_places(int64_t place, int64_t id, const struct engine_customer *other)
{
    if (place != other->place)
        return place < other->place ? -1 : 1;
    return (id > other->customer_id) - (id < other->customer_id);
}

static bool is_behind(const struct engine_customer *a, const struct engine_customer *b)
{
    return compare_places(a->place, a->customer_id, b) > 0;
}

static void sift_down(struct engine_customer *heap, size_t count)
{
    struct engine_customer moved = heap[0];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count)
            break;
        if (child + 1 < count && is_behind(&heap[child + 1], &heap[child]))
            child++;
        if (!is_behind(&heap[child], &moved))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

static void sift_up(struct engine_customer *heap, size_t at)
{
    struct engine_customer moved = heap[at];
    while (at > 0 && is_behind(&moved, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = moved;
}

static void page_add(struct select_share *share, const struct engine_customer *customer)
{
    const struct select_page *page = share->select->page;
    struct engine_customer after = {.place = page->after_place, .customer_id = page->after_id};
    if (page->has_after && !is_behind(customer, &after))
        return;
    share->behind++;
    if (share->heap_count < page->limit) {
        share->heap[share->heap_count++] = *customer;
        sift_up(share->heap, share->heap_count - 1);
    } else if (page->limit > 0 && is_behind(&share->heap[0], customer)) {
        share->heap[0] = *customer;
        sift_down(share->heap, share->heap_count);
    }
}

static int compare_customers(const void *left, const void *right)
{
    const struct engine_customer *a = left;
    return compare_places(a->place, a->customer_id, right);
}

/* --- One block --- */

static void look_at(const struct seen *seen, const struct select *select,
                    struct looked looked[ENGINE_BLOCK])
{
    const struct block *block = seen->block;
    bool by_channel = select->selection->by_channel;
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++)
        looked[slot] = (struct looked){
            .last_day = ENGINE_DAY_NONE,
            .exists = block->is_person[slot] || block->begin[slot] < block->begin[slot + 1],
        };
    for (const uint32_t *at = seen->from, *end = seen->end; at < end; at++) {
        uint32_t row = entry_row(*at), is_counted = seen->is_counted[row];
        struct looked *customer = &looked[entry_slot(*at)];
        if (by_channel && block_channel(block, row) != select->channel)
            continue;
        uint16_t day = is_counted ? block->day[row] : customer->last_day;
        sum_add(&customer->paid, block_amount(block, row));
        customer->paid_orders++;
        customer->orders += is_counted;
        customer->days += day != customer->last_day;
        customer->last_day = day;
    }
    for (size_t i = 0; i < block->refund_count; i++) {
        const struct refund *refund = &block->refunds[i];
        struct looked *customer = &looked[refund->slot];
        customer->exists = true;
        if (!seen_looked_at(seen, refund->day) ||
            (by_channel && refund->channel != select->channel))
            continue;
        sum_add(&customer->refunded, refund->amount);
        customer->refunds++;
    }
}

/* Purchase days before those looked at, by slot. */
static void days_before(const struct seen *seen, uint32_t days[ENGINE_BLOCK])
{
    uint16_t last[ENGINE_BLOCK];
    memset(last, 0xff, sizeof(last));
    memset(days, 0, ENGINE_BLOCK * sizeof(*days));
    for (const uint32_t *at = seen->by_day; at < seen->from; at++) {
        uint32_t row = entry_row(*at), slot = entry_slot(*at);
        uint16_t day = seen->block->day[row];
        if (!seen->is_counted[row] || day == last[slot])
            continue;
        days[slot]++;
        last[slot] = day;
    }
}

/* Whether a gap looked at comes after this purchase number; a customer's gaps looked at are those
 * after the numbers before + 1 … before + days - 1. */
static bool has_gap_after(int number, uint32_t before, uint32_t days)
{
    int64_t first = (int64_t)before + 1, last = (int64_t)before + days - 1;
    if (number == PURCHASE_NUMBER_MAX)
        return last >= first && last >= number;
    return number >= first && number <= last;
}

static bool has_tag(const struct block *block, uint32_t slot, int64_t tag_id, int32_t today)
{
    size_t from, to;
    block_tags_of(block, slot, &from, &to);
    for (size_t i = from; i < to; i++) {
        const struct block_tag *tag = &block->tags[i];
        if (tag->tag_id == tag_id && (tag->until_day == DAY_NONE || tag->until_day >= today))
            return true;
    }
    return false;
}

static bool is_one_of(int64_t id, const int64_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static int64_t keeper_of(const struct block *block, uint32_t slot)
{
    return block->keepers ? block->keepers[slot] : 0;
}

/* By who they are: seldom asked, and quick to say no. */
static bool is_asked_for(const struct seen *seen, const struct select *select, uint32_t slot)
{
    const struct engine_selection *s = select->selection;
    int64_t keeper_id = keeper_of(seen->block, slot);
    if (select->is_wanted && !select->is_wanted[seen->index + slot])
        return false;
    if (s->by_keeper && !is_one_of(keeper_id, s->keeper_ids, s->keeper_count))
        return false;
    if (s->by_reach && !is_one_of(keeper_id, s->reach_ids, s->reach_count))
        return false;
    for (size_t i = 0; i < s->tag_count; i++)
        if (!has_tag(seen->block, slot, s->tag_ids[i], s->today))
            return false;
    return true;
}

static int64_t amount_of(const struct engine_selection *selection, const struct looked *customer)
{
    return selection->scope.net ? customer->paid - customer->refunded : customer->paid;
}

/* By what is looked at. */
static bool bought_so(const struct engine_selection *s, const struct looked *customer)
{
    int64_t since = 0;
    bool has_last = customer->last_day != ENGINE_DAY_NONE;
    if (has_last)
        since = (int64_t)s->scope.as_of_day - engine_day(customer->last_day);
    return lies_in(customer->days, s->days) && lies_in(customer->orders, s->orders) &&
           lies_in(amount_of(s, customer), s->amount) && lies_in(customer->refunds, s->refunds) &&
           lies_in((int64_t)customer->paid_orders + customer->refunds, s->movements) &&
           day_lies_in(customer->last_day, s->last_day) &&
           (!is_asked(s->days_since) || (has_last && lies_in(since, s->days_since)));
}

/* By the first two purchase days ever. */
static bool began_so(const struct seen *seen, const struct engine_selection *s, uint32_t slot)
{
    uint16_t first = seen->first_day[slot], second = seen->second_day[slot];
    bool is_back = second < seen->run->to_end; /* ENGINE_DAY_NONE never is */
    if (!day_lies_in(first, s->first_day))
        return false;
    if (s->is_new && (first == ENGINE_DAY_NONE || !seen_looked_at(seen, first)))
        return false;
    if (is_asked(s->back_after) && (!is_back || !lies_in(second - first, s->back_after)))
        return false;
    if (s->not_back_within >= 0 && is_back && second - first <= s->not_back_within)
        return false;
    return s->known_for < 0 ||
           (first != ENGINE_DAY_NONE && engine_day(first) + s->known_for <= s->scope.to_day);
}

/* Columns that only some selections ask for; by slot. */
struct special {
    uint32_t days_before[ENGINE_BLOCK];
    struct seen_customer customers[ENGINE_BLOCK];
    struct overdue_verdict verdicts[ENGINE_BLOCK];
};

static void find_special(struct seen *seen, const struct select_share *share,
                         struct special *special)
{
    const struct select *select = share->select;
    if (select->asks_overdue)
        overdue_judge_block(seen, &share->judge, special->verdicts);
    if (select->selection->gap_after > 0)
        days_before(seen, special->days_before);
    if (select->asks_rfm || select->has_top)
        seen_customers(seen, special->customers);
}

/* Of a block without orders. */
static void nothing_special(struct special *special)
{
    memset(special, 0, sizeof(*special));
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++)
        special->verdicts[slot].last_day = ENGINE_DAY_NONE;
}

static bool fits_scores(const struct select *select, const struct seen_customer *customer)
{
    const struct engine_selection *s = select->selection;
    const struct rfm_scores *scores = &select->scores;
    if (!select->asks_rfm)
        return true;
    return customer->orders > 0 && (s->r == 0 || scores->by_day[customer->last_day] == s->r) &&
           (s->f == 0 || scores->by_orders[customer->orders] == s->f) &&
           (s->m == 0 || rfm_amount_score(scores, customer->amount) == s->m);
}

static bool fits_overdue(const struct select *select, const struct overdue_verdict *verdict)
{
    const struct engine_selection *s = select->selection;
    static const enum select_basis basis_of[] = {[OVERDUE_BY_OWN] = BASIS_OWN,
                                                 [OVERDUE_BY_BRAND] = BASIS_BRAND,
                                                 [OVERDUE_BY_NONE] = BASIS_NONE};
    if (!select->asks_overdue)
        return true;
    return verdict->last_day != ENGINE_DAY_NONE &&
           (s->overdue == OVERDUE_NOT_ASKED ||
            verdict->is_overdue == (s->overdue == OVERDUE_YES)) &&
           (s->basis == BASIS_NOT_ASKED || basis_of[verdict->basis] == s->basis);
}

static bool fits_special(const struct seen *seen, const struct select *select,
                         const struct special *special, const struct looked *customer,
                         uint32_t slot)
{
    const struct engine_selection *s = select->selection;
    const struct seen_customer *all = &special->customers[slot];
    if (!fits_scores(select, all) || !fits_overdue(select, &special->verdicts[slot]))
        return false;
    if (s->gap_after > 0 &&
        !has_gap_after(s->gap_after, special->days_before[slot], customer->days))
        return false;
    if (select->has_top &&
        (all->orders == 0 || all->amount < select->top_amount ||
         (all->amount == select->top_amount && seen_customer_id(seen, slot) > select->top_id)))
        return false;
    return !s->by_first_product || (seen->first_day[slot] != ENGINE_DAY_NONE &&
                                    metric_first_product(seen, slot) == select->product);
}

static void take(struct select_share *share, const struct seen *seen, const struct looked *looked,
                 uint32_t slot)
{
    const struct engine_selection *s = share->select->selection;
    struct engine_selected *sums = &share->sums;
    struct engine_customer customer = {
        .customer_id = seen_customer_id(seen, slot),
        .keeper_id = keeper_of(seen->block, slot),
        .paid_minor = looked->paid,
        .refunded_minor = looked->refunded,
        .place = amount_of(s, looked),
        .orders = looked->orders,
        .purchase_days = looked->days,
        .refunds = looked->refunds,
        .first_day = engine_day(seen->first_day[slot]),
        .last_day = engine_day(looked->last_day),
    };
    customer.place = place_of(share->select->page, &customer);
    sums->customers++;
    sums->orders += customer.orders;
    sums->purchase_days += customer.purchase_days;
    sums->refunds += customer.refunds;
    sum_add(&sums->paid_minor, customer.paid_minor);
    sum_add(&sums->refunded_minor, customer.refunded_minor);
    page_add(share, &customer);
}

static bool holds_wanted(const struct seen *seen, const struct select *select)
{
    return !select->is_wanted || memchr(select->is_wanted + seen->index, 1, ENGINE_BLOCK) != NULL;
}

static void select_add(struct seen *seen, void *arg)
{
    struct select_share *share = arg;
    const struct select *select = share->select;
    struct looked looked[ENGINE_BLOCK];
    struct special special;
    if (!holds_wanted(seen, select))
        return;
    seen->from = seen->end = seen->by_day = NULL;
    if (seen->row_count > 0)
        seen_orders(seen);
    seen_first_two_days(seen);
    look_at(seen, select, looked);
    if (select->asks_special && seen->row_count > 0)
        find_special(seen, share, &special);
    else if (select->asks_special)
        nothing_special(&special);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        const struct looked *customer = &looked[slot];
        if (customer->exists &&
            (!select->asks_bought || bought_so(select->selection, customer)) &&
            (!select->asks_began || began_so(seen, select->selection, slot)) &&
            (!select->asks_who || is_asked_for(seen, select, slot)) &&
            (!select->asks_special || fits_special(seen, select, &special, customer, slot)))
            take(share, seen, customer, slot);
    }
}

/* --- What depends on everybody --- */

struct ranked {
    int64_t amount, customer_id;
};
struct top_share {
    struct ranked *ranked; /* all buyers, in whatever order the threads met them */
    atomic_size_t *count;
};

static void top_add(struct seen *seen, void *arg)
{
    const struct top_share *share = arg;
    struct seen_customer customers[ENGINE_BLOCK];
    if (seen->row_count == 0)
        return;
    seen_orders(seen);
    seen_customers(seen, customers);
    for (uint32_t slot = 0; slot < ENGINE_BLOCK; slot++) {
        if (customers[slot].orders == 0)
            continue;
        size_t at = atomic_fetch_add(share->count, 1);
        share->ranked[at] = (struct ranked){customers[slot].amount, seen_customer_id(seen, slot)};
    }
}

static bool ranks_before(const struct ranked *a, const struct ranked *b)
{
    return a->amount != b->amount ? a->amount > b->amount : a->customer_id < b->customer_id;
}

/* Puts the one of a rank (from 0) in its place: Hoare's selection. */
static void find_rank(struct ranked *items, size_t count, size_t rank)
{
    size_t low = 0, high = count - 1;
    while (low < high) {
        struct ranked pivot = items[low + (high - low) / 2];
        size_t left = low, right = high;
        for (;;) {
            while (ranks_before(&items[left], &pivot))
                left++;
            while (ranks_before(&pivot, &items[right]))
                right--;
            if (left >= right)
                break;
            struct ranked swap = items[left];
            items[left++] = items[right];
            items[right--] = swap;
        }
        if (rank <= right)
            high = right;
        else
            low = right + 1;
    }
}

static ERR_RESULT find_top(struct metric_run *run, struct select *select)
{
    size_t customers = (size_t)run->engine->customer_count;
    size_t top = (size_t)select->selection->top;
    struct ranked *ranked = metric_scratch(run, customers, sizeof(*ranked));
    if (!ranked)
        return metric_no_memory(run);
    atomic_size_t count = 0;
    struct top_share share = {ranked, &count};
    void *shares[ENGINE_THREADS_MAX];
    for (int i = 0; i < run->threads; i++)
        shares[i] = &share;
    metric_walk(run, WALK_AMOUNTS, top_add, shares);
    select->has_top = true;
    select->top_amount = INT64_MIN;
    select->top_id = INT64_MAX;
    if (count <= top)
        return NULL;
    find_rank(ranked, count, top - 1);
    select->top_amount = ranked[top - 1].amount;
    select->top_id = ranked[top - 1].customer_id;
    return NULL;
}

static ERR_RESULT find_wanted(struct metric_run *run, struct select *select)
{
    const struct engine *engine = run->engine;
    const struct engine_selection *s = select->selection;
    select->is_wanted = metric_scratch(run, engine->block_count, ENGINE_BLOCK);
    if (!select->is_wanted)
        return metric_no_memory(run);
    for (size_t i = 0; i < s->customer_count; i++) {
        uint32_t index = id_list_find(&engine->customer_ids, s->customer_ids[i]);
        if (index != ID_LIST_NONE)
            select->is_wanted[index] = 1;
    }
    return NULL;
}

/* Of the names; absent: that of id 0. */
static uint32_t index_of(const struct id_list *list, const struct str *names, struct str name)
{
    if (!name.p)
        return id_list_find(list, 0);
    for (uint32_t i = 0; i < list->count; i++)
        if (names[i].p && str_eq(names[i], name))
            return i;
    return ID_LIST_NONE;
}

static void find_asked(struct select *select)
{
    const struct engine_selection *s = select->selection;
    select->asks_bought = is_asked(s->days) || is_asked(s->orders) || is_asked(s->amount) ||
                          is_asked(s->refunds) || is_asked(s->movements) || is_asked(s->last_day) ||
                          is_asked(s->days_since);
    select->asks_began = is_asked(s->first_day) || is_asked(s->back_after) || s->is_new ||
                         s->not_back_within >= 0 || s->known_for >= 0;
    select->asks_who = s->by_id || s->by_keeper || s->by_reach || s->tag_count > 0;
    select->asks_rfm = s->r > 0 || s->f > 0 || s->m > 0;
    select->asks_overdue = s->overdue != OVERDUE_NOT_ASKED || s->basis != BASIS_NOT_ASKED;
    select->asks_special = select->asks_rfm || select->asks_overdue || s->gap_after > 0 ||
                           s->top > 0 || s->by_first_product;
}

static ERR_RESULT select_prepare(struct metric_run *run, struct select *select,
                                 struct select_share *own)
{
    const struct engine *engine = run->engine;
    const struct engine_selection *s = select->selection;
    struct overdue_judge judges[ENGINE_THREADS_MAX] = {{0}};
    size_t room = engine->block_count * ENGINE_BLOCK;
    room = select->page->limit < room ? select->page->limit : room;
    find_asked(select);
    select->channel = index_of(&engine->channels, engine->channel_names, s->channel);
    select->product = index_of(&engine->products, engine->product_codes, s->first_product);
    if (select->asks_rfm)
        TRY(metric_rfm_scores(run, &select->scores));
    if (select->asks_overdue)
        TRY(overdue_judges(run, judges));
    if (s->top > 0)
        TRY(find_top(run, select));
    if (s->by_id)
        TRY(find_wanted(run, select));
    for (int i = 0; i < run->threads; i++) {
        own[i] = (struct select_share){.select = select, .judge = judges[i]};
        own[i].heap = metric_scratch(run, room, sizeof(*own[i].heap));
        if (!own[i].heap)
            return metric_no_memory(run);
    }
    return NULL;
}

/* --- The answer --- */

static void unite(const struct metric_run *run, const struct select_share *own, size_t limit,
                  struct engine_selected *out)
{
    size_t rows = 0;
    int64_t behind = 0;
    for (int i = 0; i < run->threads; i++)
        rows += own[i].heap_count;
    *out =
        (struct engine_selected){.rows = ARENA_ARRAY(run->arena, rows + 1, struct engine_customer)};
    for (int i = 0; i < run->threads; i++) {
        const struct engine_selected *sums = &own[i].sums;
        out->customers += sums->customers;
        out->orders += sums->orders;
        out->purchase_days += sums->purchase_days;
        out->refunds += sums->refunds;
        sum_add(&out->paid_minor, sums->paid_minor);
        sum_add(&out->refunded_minor, sums->refunded_minor);
        behind += own[i].behind;
        for (size_t k = 0; k < own[i].heap_count; k++)
            out->rows[out->row_count++] = own[i].heap[k];
    }
    qsort(out->rows, out->row_count, sizeof(*out->rows), compare_customers);
    out->row_count = out->row_count < limit ? out->row_count : limit;
    out->more = behind > (int64_t)out->row_count;
}

static ERR_RESULT select_locked(struct metric_run *run, struct select *select,
                                struct engine_selected *out)
{
    struct select_share own[ENGINE_THREADS_MAX];
    void *shares[ENGINE_THREADS_MAX];
    TRY(metric_prepare(run));
    TRY(select_prepare(run, select, own));
    for (int i = 0; i < run->threads; i++)
        shares[i] = &own[i];
    unsigned about = WALK_EVERYBODY | WALK_FIRST_DAYS | WALK_AMOUNTS | WALK_IDS;
    metric_walk(run, about, select_add, shares);
    unite(run, own, select->page->limit, out);
    return NULL;
}

const struct err *engine_select(struct arena *arena, const struct engine *engine,
                                const struct engine_selection *selection,
                                const struct select_page *page, struct engine_selected *out)
{
    CHECK(selection->scope.to_day < selection->scope.as_of_day);
    struct metric_run run = {.arena = arena, .engine = engine, .scope = &selection->scope};
    struct select select = {.selection = selection, .page = page};
    CHECK(pthread_rwlock_rdlock(engine->lock) == 0);
    const struct err *err = select_locked(&run, &select, out);
    CHECK(pthread_rwlock_unlock(engine->lock) == 0);
    metric_end(&run);
    return err;
}
