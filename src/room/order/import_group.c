/* Rows → orders. Rows come sorted by (what they belong to, line), so that one order's lines stand
 * together wherever they stood in the file. One wrong line rejects its whole order. */
#include <stdlib.h>

#include "room/order/import_pack.h"
#include "room/order/import_run.h"
#include "room/order/order_rule.h"

#define RECORD_BYTES_MAX SORTER_RECORD_BYTES_MAX
#define KEY_BYTES_MAX 512

/* What the rows of a group are; the first byte of their key. */
enum group_kind {
    GROUP_ORDER = 'n',
    GROUP_ORDER_ROW = 'r',
    GROUP_REFUND = 'f',
    GROUP_REFUND_ROW = 'g'
};

struct group {
    struct import_run *run;
    struct arena *arena; /* of this group */
    enum group_kind kind;
    struct str key; /* without the line */
    struct str number;
    struct import_row *rows;
    int count;
    bool too_long;
    const struct err *wrong; /* of a row of it; NULL: none */
    int64_t wrong_line;
    int64_t occurrence; /* of rows without a number: among identical ones */
    struct customer_buyer buyer;
};

static ERR_RESULT close_group(struct group *group);
static ERR_RESULT add_to_group(struct group *group, struct str value);
static ERR_RESULT reject_group(struct group *group, const struct err *why);
static ERR_RESULT order_of_group(struct group *group);
static ERR_RESULT refund_of_group(struct group *group);

/* --- Into the sorter --- */

static void pack_row(struct buf *buf, const struct import_row *row)
{
    pack_i64(buf, row->line_number);
    pack_str(buf, row->number);
    pack_i64(buf, row->time_us);
    pack_i64(buf, row->paid_us);
    pack_i64(buf, row->refund_us);
    pack_i64(buf, row->day);
    pack_i64(buf, row->state);
    pack_i64(buf, row->state_named | row->has_order_amount << 1 | row->has_line_amount << 2 |
                      row->has_refund_amount << 3 | row->has_line << 4 | (int64_t)row->refund << 5);
    pack_i64(buf, row->order_amount_minor);
    pack_i64(buf, row->line_amount_minor);
    pack_i64(buf, row->refund_amount_minor);
    pack_i64(buf, row->quantity_milli);
    pack_str(buf, row->product_code);
    pack_str(buf, row->product_name);
    pack_str(buf, row->category);
    pack_str(buf, row->channel);
    pack_str(buf, row->refund_of);
    pack_str(buf, row->sub_number);
    import_pack_buyer(buf, row->identities, row->identity_count, row->buyer_name);
}

static void unpack_row(struct unpack *u, struct import_row *row)
{
    struct customer_buyer buyer;
    *row = (struct import_row){.line_number = unpack_i64(u)};
    row->number = unpack_str(u);
    row->time_us = unpack_i64(u);
    row->paid_us = unpack_i64(u);
    row->refund_us = unpack_i64(u);
    row->day = (int32_t)unpack_i64(u);
    row->state = (int)unpack_i64(u);
    int64_t flags = unpack_i64(u);
    row->state_named = flags & 1;
    row->has_order_amount = flags & 2;
    row->has_line_amount = flags & 4;
    row->has_refund_amount = flags & 8;
    row->has_line = flags & 16;
    row->refund = (enum import_refund)(flags >> 5);
    row->order_amount_minor = unpack_i64(u);
    row->line_amount_minor = unpack_i64(u);
    row->refund_amount_minor = unpack_i64(u);
    row->quantity_milli = unpack_i64(u);
    row->product_code = unpack_str(u);
    row->product_name = unpack_str(u);
    row->category = unpack_str(u);
    row->channel = unpack_str(u);
    row->refund_of = unpack_str(u);
    row->sub_number = unpack_str(u);
    import_unpack_buyer(u, &buyer);
    for (int i = 0; i < buyer.identity_count; i++)
        row->identities[i] = buyer.identities[i];
    row->identity_count = buyer.identity_count;
    row->buyer_name = buyer.name;
}

ERR_RESULT import_group_add(struct import_run *run, const struct import_row *row,
                            const struct import_fault *fault)
{
    bool refund = row->verdict == IMPORT_ROW_REFUND;
    struct buf key = buf_new(run->scratch, KEY_BYTES_MAX);
    struct buf value = buf_new(run->scratch, RECORD_BYTES_MAX);
    if (str_is(row->number)) {
        buf_char(&key, refund ? GROUP_REFUND : GROUP_ORDER);
        buf_str(&key, row->number);
    } else {
        buf_char(&key, refund ? GROUP_REFUND_ROW : GROUP_ORDER_ROW);
        buf_add(&key, row->cells_hash, sizeof(row->cells_hash));
    }
    pack_sorted(&key, row->line_number);
    pack_i64(&value, fault != NULL);
    if (fault) {
        pack_i64(&value, row->line_number);
        import_pack_fault(&value, fault);
    } else {
        pack_row(&value, row);
    }
    return sorter_add(run->rows, buf_view(&key), buf_view(&value));
}

/* --- Groups --- */

static bool is_row_kind(enum group_kind kind)
{
    return kind == GROUP_ORDER_ROW || kind == GROUP_REFUND_ROW;
}

static void open_group(struct group *group, struct str key)
{
    struct import_run *run = group->run;
    int64_t occurrence = group->occurrence;
    arena_reset(group->arena);
    *group = (struct group){.run = run, .arena = group->arena, .occurrence = occurrence};
    group->kind = (enum group_kind)key.p[0];
    group->key = str_copy(group->arena, key);
    group->number = str_slice(group->key, 1, group->key.n);
    group->rows = ARENA_ARRAY(group->arena, 1, struct import_row);
}

/* "row:" + a keyed hash of its cells + its occurrence among identical rows: the same again in the
 * same file at another time. Keyed, because the cells may hold a phone that could be tried out. */
static struct str row_number(struct group *group)
{
    struct buf buf = buf_new(group->arena, KEY_BYTES_MAX);
    uint8_t hash[SECRET_HASH_BYTES];
    secret_lookup_hash(store_deps(group->run->store)->keys, STR("order.row"),
                       str_slice(group->key, 1, group->key.n), hash);
    buf_str(&buf, IMPORT_ROW_PREFIX);
    for (size_t i = 0; i < sizeof(hash); i++)
        buf_fmt(&buf, "%02x", (unsigned)hash[i]);
    buf_fmt(&buf, ":%lld", (long long)group->occurrence);
    return buf_view(&buf);
}

ERR_RESULT import_group_all(struct import_run *run)
{
    struct group group = {.run = run, .arena = arena_new("import group", (size_t)1 << 30)};
    int64_t total = sorter_count(run->rows), done = 0;
    struct str key, value;
    bool has, open = false;
    arena_defer(run->arena, import_free_arena, group.arena);
    for (;;) {
        TRY(sorter_next(run->rows, &key, &value, &has));
        if (!has)
            break;
        struct str belongs = str_slice(key, 0, key.n - 8);
        bool same = open && str_eq(group.key, belongs);
        bool alone = is_row_kind((enum group_kind)key.p[0]);
        if (open && (!same || alone))
            TRY(close_group(&group));
        group.occurrence = same ? group.occurrence + 1 : 1;
        if (!open || !same || alone)
            open_group(&group, belongs);
        open = true;
        TRY(add_to_group(&group, value));
        if (++done % 4096 != 0)
            continue;
        import_progress(run, "group", done, total);
        TRY(import_go_on(run));
    }
    if (open)
        TRY(close_group(&group));
    import_progress(run, "group", total, total);
    return NULL;
}

static void grow_rows(struct group *group)
{
    bool full = group->count > 0 && (group->count & (group->count - 1)) == 0;
    if (!full)
        return;
    struct import_row *old = group->rows;
    group->rows = ARENA_ARRAY(group->arena, (size_t)group->count * 2, struct import_row);
    memcpy(group->rows, old, (size_t)group->count * sizeof(*old));
}

/* Of two rows of one order: the same sub-order, told the same. Not its words: a hand that put two
 * exports together may have left "12元" in the one and "12.00" in the other. */
static bool is_same_line(const struct import_row *a, const struct import_row *b)
{
    return str_eq(a->sub_number, b->sub_number) && str_eq(a->product_code, b->product_code) &&
           a->quantity_milli == b->quantity_milli && a->has_line_amount == b->has_line_amount &&
           a->line_amount_minor == b->line_amount_minor && a->state == b->state &&
           a->refund == b->refund && a->refund_amount_minor == b->refund_amount_minor;
}

static bool is_repeated(const struct group *group, const struct import_row *row)
{
    for (int i = 0; str_is(row->sub_number) && i < group->count; i++) {
        if (is_same_line(&group->rows[i], row))
            return true;
    }
    return false;
}

static struct str line_place(struct group *group, int64_t line_number)
{
    return import_place(group->arena, &group->run->reader, line_number);
}

static struct str line_text(struct group *group, int64_t line_number)
{
    return import_line_text(group->arena, &group->run->reader, line_number);
}

static const struct err *too_many_lines(struct group *group, struct str place)
{
    struct str limit = str_fmt(group->arena, "%d", LIMIT_ORDER_LINES_MAX);
    return ERR_NEW(group->arena, ERR_IMPORT_TOO_MANY_LINES, place, group->number, limit);
}

static ERR_RESULT add_to_group(struct group *group, struct str value)
{
    struct unpack u = {.p = value.p, .end = value.p + value.n, .arena = group->arena};
    struct import_row row = {0};
    bool wrong = unpack_i64(&u) != 0;
    struct import_fault fault = {0};
    if (wrong) {
        row.line_number = unpack_i64(&u);
        fault = import_unpack_fault(&u);
    } else {
        unpack_row(&u, &row);
    }
    if (!fault.why && group->too_long)
        fault = import_fault_of_rows(group->run,
                                     too_many_lines(group, line_place(group, row.line_number)));
    if (fault.why && !group->wrong && !group->too_long) {
        group->wrong = fault.why;
        group->wrong_line = row.line_number;
    }
    if (fault.why)
        return import_reject(group->run, row.line_number, &fault);
    if (is_repeated(group, &row)) {
        group->run->result->rows_repeated++;
        import_preview_settle(group->run, row.line_number, IMPORT_ROW_REPEATED, NULL);
        return NULL;
    }
    grow_rows(group);
    group->rows[group->count++] = row;
    group->too_long = group->count > LIMIT_ORDER_LINES_MAX;
    return NULL;
}

static ERR_RESULT reject_group(struct group *group, const struct err *why)
{
    for (int i = 0; i < group->count; i++) {
        int64_t line = group->rows[i].line_number;
        struct err here = *why;
        struct import_fault fault = import_fault_of_rows(group->run, &here);
        here.field = import_line_place(group->arena, &group->run->reader, line, fault.column);
        TRY(import_reject(group->run, line, &fault));
    }
    return NULL;
}

/* Orders that name no buyer, where the map leaves them out. */
static void skip_group(struct group *group)
{
    group->run->result->rows_skipped += group->count;
    for (int i = 0; i < group->count; i++)
        import_preview_settle(group->run, group->rows[i].line_number, IMPORT_ROW_SKIP, NULL);
}

static ERR_RESULT close_group(struct group *group)
{
    struct import_result *result = group->run->result;
    bool refund = group->kind == GROUP_REFUND || group->kind == GROUP_REFUND_ROW;
    if (is_row_kind(group->kind))
        group->number = row_number(group);
    if (group->wrong) {
        result->orders_rejected += !refund;
        return reject_group(group, ERR_NEW(group->arena, ERR_IMPORT_OTHER_LINE, STR_NONE,
                                           group->number, line_text(group, group->wrong_line)));
    }
    return refund ? refund_of_group(group) : order_of_group(group);
}

/* --- One person, one state, one day
 * -------------------------------------------------------------------------------- */

static const struct err *contradiction(struct group *group, enum err_code code,
                                       const struct import_row *a, const struct import_row *b)
{
    return ERR_NEW(group->arena, code, STR_NONE, group->number, line_text(group, a->line_number),
                   line_text(group, b->line_number));
}

static bool same_identity(const struct identity_value *a, const struct identity_value *b)
{
    return a->kind == b->kind && str_eq(a->issuer, b->issuer) && str_eq(a->value, b->value);
}

/* False where there is no room for one more. */
static bool add_identity(struct customer_buyer *buyer, const struct identity_value *identity)
{
    for (int i = 0; i < buyer->identity_count; i++) {
        if (!same_identity(&buyer->identities[i], identity))
            continue;
        buyer->identities[i].weak = buyer->identities[i].weak && identity->weak;
        return true;
    }
    if (buyer->identity_count == LIMIT_IDENTITIES_PER_ORDER_MAX)
        return false;
    buyer->identities[buyer->identity_count++] = *identity;
    return true;
}

/* Rows that name nobody contradict none; two rows do where their surest identities are of one kind
 * and differ. */
static const struct err *unite_buyers(struct group *group)
{
    const struct import_row *named = NULL;
    for (int i = 0; i < group->count; i++) {
        const struct import_row *row = &group->rows[i];
        if (!str_is(group->buyer.name))
            group->buyer.name = row->buyer_name;
        if (row->identity_count == 0)
            continue;
        const struct identity_value *surest = &row->identities[0],
                                    *first = named ? &named->identities[0] : NULL;
        bool comparable = first && !first->weak && !surest->weak && first->kind == surest->kind;
        if (comparable && !same_identity(first, surest))
            return contradiction(group, ERR_IMPORT_CONTRADICTS_BUYER, named, row);
        bool surer = !first || (first->weak && !surest->weak) ||
                     (first->weak == surest->weak && surest->kind < first->kind);
        if (surer)
            named = row;
        for (int j = 0; j < row->identity_count; j++) {
            if (!add_identity(&group->buyer, &row->identities[j]))
                return ERR_NEW(group->arena, ERR_IMPORT_IDENTITIES, STR_NONE, group->number,
                               str_fmt(group->arena, "%d", LIMIT_IDENTITIES_PER_ORDER_MAX));
        }
    }
    import_identities_sort(group->buyer.identities, group->buyer.identity_count);
    return NULL;
}

static const struct err *find_contradiction(struct group *group)
{
    const struct import_row *first = &group->rows[0], *state = NULL;
    for (int i = 0; i < group->count; i++) {
        const struct import_row *row = &group->rows[i];
        if (row->day != first->day)
            return contradiction(group, ERR_IMPORT_CONTRADICTS_DAY, first, row);
        if (!row->state_named || group->run->map->mixed_states)
            continue;
        if (state && state->state != row->state)
            return contradiction(group, ERR_IMPORT_CONTRADICTS_STATE, state, row);
        state = row;
    }
    return unite_buyers(group);
}

static int64_t earliest(const struct group *group, size_t offset)
{
    int64_t time_us = INT64_MIN;
    for (int i = 0; i < group->count; i++) {
        int64_t row_us = *(const int64_t *)(const void *)((const char *)&group->rows[i] + offset);
        if (row_us != INT64_MIN && (time_us == INT64_MIN || row_us < time_us))
            time_us = row_us;
    }
    return time_us;
}

static struct str first_channel(const struct group *group)
{
    for (int i = 0; i < group->count; i++) {
        if (str_is(group->rows[i].channel))
            return group->rows[i].channel;
    }
    return STR_NONE;
}

/* --- Orders --- */

/* What the group's rows tell of their order; the columns are not all that counts. */
static int64_t told_of_group(const struct group *group, const struct order_fact *fact)
{
    const struct import_run *run = group->run;
    bool paid_time = false, state = false, amount = false, measured = true;
    for (int i = 0; i < group->count; i++) {
        const struct import_row *row = &group->rows[i];
        paid_time = paid_time || row->paid_us != INT64_MIN;
        state = state || row->state_named;
        amount = amount || row->has_order_amount;
        measured = measured && (row->has_line_amount || !row->has_line);
    }
    bool paid = fact->paid_at_us != INT64_MIN;
    int64_t told = ORDER_TOLD_TIME;
    told |= state ? ORDER_TOLD_STATE : 0;
    /* An empty cell says that an order that is not under way was never paid. */
    told |= paid_time || (!paid && run->tells_paid_time) ? ORDER_TOLD_PAID_TIME : 0;
    /* Nothing, for what is not paid, is no amount. */
    if (amount && (paid || fact->amount_minor > 0))
        told |= ORDER_TOLD_AMOUNT | (run->lacks_balance ? 0 : ORDER_TOLD_AMOUNT_WHOLE);
    if (fact->line_count > 0)
        told |= ORDER_TOLD_LINES | (measured ? ORDER_TOLD_LINES_MEASURED : 0);
    told |= str_is(fact->channel) ? ORDER_TOLD_CHANNEL : 0;
    if (group->buyer.identity_count > 0)
        told |= ORDER_TOLD_BUYER | (group->buyer.identities[0].weak ? 0 : ORDER_TOLD_BUYER_SURE);
    return told;
}

/* Of lines in different states (mixed_states) the furthest that is not closed; else the first that
 * is named. */
static enum order_state group_state(const struct group *group)
{
    bool named = false;
    enum order_state state = (enum order_state)group->rows[0].state;
    for (int i = 0; i < group->count; i++) {
        const struct import_row *row = &group->rows[i];
        if (!row->state_named)
            continue;
        enum order_state own = (enum order_state)row->state;
        bool further = state == ORDER_CLOSED || (own != ORDER_CLOSED && own > state);
        if (!named || further)
            state = own;
        named = true;
    }
    return state;
}

/* Names that any table may have do not say whether an amount is the order's or the row's. */
static const struct err *check_amount_rows(struct group *group)
{
    int count = 0;
    for (int i = 0; i < group->count; i++)
        count += group->rows[i].has_order_amount;
    if (!group->run->map->common || count < 2)
        return NULL;
    return ERR_NEW(group->arena, ERR_IMPORT_AMOUNT_ROWS, STR_NONE, group->number,
                   str_fmt(group->arena, "%d", count));
}

static const struct err *order_amount(struct group *group, int64_t *amount_minor)
{
    TRY(check_amount_rows(group));
    int64_t sum = 0;
    bool all_lines = true;
    for (int i = 0; i < group->count; i++) {
        const struct import_row *row = &group->rows[i];
        if (row->has_order_amount) {
            *amount_minor = row->order_amount_minor;
            return NULL;
        }
        all_lines = all_lines && row->has_line_amount;
        if (!add_i64(sum, row->line_amount_minor, &sum) || llabs(sum) > IMPORT_AMOUNT_MINOR_MAX)
            return ERR_NEW(group->arena, ERR_IMPORT_SUM_RANGE, STR_NONE, group->number);
    }
    enum order_state state = group_state(group);
    bool unpaid = state == ORDER_CREATED || state == ORDER_CLOSED;
    if (!all_lines && !(unpaid && group->run->map->clean))
        return ERR_NEW(group->arena, ERR_IMPORT_NO_AMOUNT, STR_NONE, group->number);
    *amount_minor = sum;
    return NULL;
}

/* The only line of an order that has no amount of its own takes the order's. */
static void order_lines(struct group *group, struct order_fact *fact)
{
    fact->lines = ARENA_ARRAY(group->arena, (size_t)group->count, struct order_line_fact);
    for (int i = 0; i < group->count; i++) {
        const struct import_row *row = &group->rows[i];
        if (!row->has_line)
            continue;
        fact->lines[fact->line_count++] = (struct order_line_fact){
            .product_code = row->product_code,
            .product_name = row->product_name,
            .category = row->category,
            .quantity_milli = row->quantity_milli,
            .amount_minor = row->has_line_amount ? row->line_amount_minor : 0,
        };
    }
    if (group->count == 1 && fact->line_count == 1 && !group->rows[0].has_line_amount)
        fact->lines[0].amount_minor = fact->amount_minor;
}

/* Sorted by buyer, so that one customer's orders come together. */
static struct str sort_key(struct group *group, int64_t time_us, struct str number)
{
    struct buf key = buf_new(group->arena, KEY_BYTES_MAX);
    uint8_t hash[SECRET_HASH_BYTES];
    memset(hash, 0xff, sizeof(hash));
    if (group->buyer.identity_count > 0)
        identity_hash(group->run->deps.keys, &group->buyer.identities[0], hash);
    buf_add(&key, hash, sizeof(hash));
    pack_sorted(&key, time_us);
    buf_str(&key, number);
    return buf_view(&key);
}

/* A total that does not fit stays at the largest there is: it is only shown. */
static int64_t sum_or_most(int64_t a, int64_t b)
{
    int64_t sum;
    return add_i64(a, b, &sum) ? sum : INT64_MAX;
}

static void count_order(struct group *group, const struct order_fact *fact)
{
    struct import_result *result = group->run->result;
    int32_t day = group->rows[0].day;
    result->orders++;
    result->order_lines += fact->line_count;
    const struct customer_buyer *buyer = fact->buyer;
    bool paid = fact->paid_at_us != INT64_MIN;
    result->orders_without_buyer += buyer->identity_count == 0;
    result->orders_by_receiver += buyer->identity_count > 0 && buyer->identities[0].weak;
    result->zero_amount_orders += paid && fact->amount_minor == 0;
    result->orders_unpaid += !paid;
    if (paid)
        result->amount_minor = sum_or_most(result->amount_minor, fact->amount_minor);
    if (result->first_day == DAY_NONE || day < result->first_day)
        result->first_day = day;
    if (result->last_day == DAY_NONE || day > result->last_day)
        result->last_day = day;
}

static ERR_RESULT emit_refund(struct group *group, const struct refund_fact *fact)
{
    struct import_run *run = group->run;
    struct buf value = buf_new(group->arena, RECORD_BYTES_MAX);
    struct str key = sort_key(group, fact->refunded_at_us, fact->number);
    bool refund_row = group->kind == GROUP_REFUND || group->kind == GROUP_REFUND_ROW;
    run->result->refunds += fact->amount_minor > 0;
    run->result->refund_minor = sum_or_most(run->result->refund_minor, fact->amount_minor);
    import_pack_refund(&value, fact);
    if (run->options->dry_run && refund_row && str_is(fact->order_number))
        return import_match_refund(run, group->arena, fact->order_number, key, buf_view(&value));
    return sorter_add(run->refunds, key, buf_view(&value));
}

/* What the order's own rows say was given back. */
struct told_refund {
    int64_t amount_minor;
    bool by_state; /* a state says so, and no column how much */
};

/* A closed row of an order that was paid, where the map says that this means it was given back. */
static bool is_closed_after_payment(const struct group *group, const struct import_row *row)
{
    bool closed = group->run->map->closed_is_refunded && row->state == ORDER_CLOSED;
    if (!closed || row->refund == IMPORT_REFUND_NONE || row->refund == IMPORT_REFUND_PENDING)
        return false;
    for (int i = 0; i < group->count; i++) {
        const struct import_row *other = &group->rows[i];
        if (other->paid_us != INT64_MIN ||
            (other->state_named && other->state > ORDER_CREATED && other->state < ORDER_CLOSED))
            return true;
    }
    return false;
}

/* LIMIT_ORDER_LINES_MAX amounts cannot overflow. A row that says "given back" without how much
 * means its own amount, or (where only the order has one) the whole order's, once. */
static struct told_refund told_refunds(const struct group *group, int64_t order_amount_minor)
{
    struct told_refund told = {0};
    bool whole_order = false, has_order_amount = false;
    int whole_rows = 0;
    for (int i = 0; i < group->count; i++) {
        const struct import_row *row = &group->rows[i];
        has_order_amount = has_order_amount || row->has_order_amount;
        bool none = row->refund == IMPORT_REFUND_NONE || row->refund == IMPORT_REFUND_PENDING;
        int64_t amount = row->has_refund_amount ? llabs(row->refund_amount_minor) : 0;
        if (none)
            continue;
        told.amount_minor += amount;
        if (amount > 0)
            continue;
        if (row->refund != IMPORT_REFUND_GIVEN && !is_closed_after_payment(group, row))
            continue;
        told.by_state = true;
        whole_rows++;
        if (row->has_line_amount)
            told.amount_minor += llabs(row->line_amount_minor);
        else
            whole_order = true;
    }
    /* The order's amount may hold freight, which is in no line. */
    whole_order = whole_order || (whole_rows == group->count && has_order_amount);
    if (whole_order && told.amount_minor < order_amount_minor)
        told.amount_minor = order_amount_minor;
    told.by_state = told.by_state && told.amount_minor > 0;
    return told;
}

/* What was given back according to the columns of the order's own rows. Nothing is told as well: an
 * earlier file may have told of something. */
static ERR_RESULT refund_of_order(struct group *group, const struct order_fact *order)
{
    struct told_refund told = told_refunds(group, order->amount_minor);
    struct refund_fact fact = {
        .number = str_fmt(group->arena, "%.*s%.*s", STR_ARG(order->number),
                          STR_ARG(IMPORT_REFUND_SUFFIX)),
        .order_number = order->number,
        .refunded_at_us = earliest(group, offsetof(struct import_row, refund_us)),
        .amount_minor = told.amount_minor,
        .channel = order->channel,
        .buyer = &group->buyer,
    };
    if (fact.amount_minor == 0 && !group->run->tells_refunds)
        return NULL;
    fact.told = told.by_state ? REFUND_TOLD_BY_STATE : REFUND_TOLD_MEASURED;
    if (told.by_state && told.amount_minor >= order->amount_minor)
        fact.told |= REFUND_TOLD_WHOLE;
    if (fact.refunded_at_us == INT64_MIN)
        fact.refunded_at_us = order->occurred_at_us;
    else
        fact.told |= REFUND_TOLD_TIME;
    group->run->result->refunds_by_state += told.by_state;
    return emit_refund(group, &fact);
}

static const struct err *check_group(struct group *group, int64_t *amount_minor)
{
    if (group->too_long)
        return too_many_lines(group, STR_NONE);
    const struct err *err = find_contradiction(group);
    if (!err)
        err = order_amount(group, amount_minor);
    if (!err && told_refunds(group, *amount_minor).amount_minor > IMPORT_AMOUNT_MINOR_MAX)
        return ERR_NEW(group->arena, ERR_IMPORT_SUM_RANGE, STR_NONE, group->number);
    if (err || *amount_minor >= 0)
        return err;
    struct str amount =
        minor_plain(group->arena, *amount_minor, group->run->brand->currency_digits);
    return ERR_NEW(group->arena, ERR_IMPORT_NEGATIVE, STR_NONE, group->number, amount);
}

static ERR_RESULT order_of_group(struct group *group)
{
    struct import_run *run = group->run;
    struct order_fact fact = {.number = group->number, .buyer = &group->buyer};
    const struct err *wrong = check_group(group, &fact.amount_minor);
    if (wrong) {
        run->result->orders_rejected++;
        return reject_group(group, wrong);
    }
    if (run->map->skip_unknown_buyer && group->buyer.identity_count == 0) {
        skip_group(group);
        return NULL;
    }
    fact.state = group_state(group);
    fact.occurred_at_us = earliest(group, offsetof(struct import_row, time_us));
    int64_t paid_at_us = earliest(group, offsetof(struct import_row, paid_us));
    /* Money that was given back had been paid. */
    bool refunded = told_refunds(group, fact.amount_minor).amount_minor > 0;
    if (fact.state == ORDER_CLOSED && paid_at_us == INT64_MIN && refunded)
        paid_at_us = fact.occurred_at_us;
    fact.paid_at_us = order_rule_paid_at(fact.state, fact.occurred_at_us, paid_at_us);
    fact.channel = first_channel(group);
    order_lines(group, &fact);
    fact.told = told_of_group(group, &fact);
    count_order(group, &fact);
    struct buf value = buf_new(group->arena, RECORD_BYTES_MAX);
    import_pack_order(&value, &fact);
    TRY(sorter_add(run->orders, sort_key(group, fact.occurred_at_us, fact.number),
                   buf_view(&value)));
    if (run->options->dry_run)
        TRY(import_match_order(run, group->arena, fact.number));
    return refund_of_order(group, &fact);
}

/* --- Refunds --- */

/* The sum of what its rows give back; of an amount that stands for the whole, the first counts, as
 * it does for an order. */
static bool refund_amount(const struct group *group, int64_t *amount_minor)
{
    bool whole_counted = false;
    *amount_minor = 0;
    for (int i = 0; i < group->count; i++) {
        const struct import_row *row = &group->rows[i];
        bool whole = !row->has_refund_amount && !row->has_line_amount;
        if (whole && whole_counted)
            continue;
        int64_t amount = row->has_refund_amount ? row->refund_amount_minor
                         : row->has_line_amount ? row->line_amount_minor
                                                : row->order_amount_minor;
        *amount_minor += llabs(amount);
        whole_counted = whole_counted || whole;
    }
    return *amount_minor <= IMPORT_AMOUNT_MINOR_MAX;
}

static const struct err *check_refund(struct group *group, struct refund_fact *fact)
{
    const struct import_row *first = &group->rows[0];
    if (group->too_long)
        return too_many_lines(group, STR_NONE);
    for (int i = 1; i < group->count; i++) {
        if (!str_eq(group->rows[i].refund_of, first->refund_of))
            return contradiction(group, ERR_IMPORT_CONTRADICTS_ORDER, first, &group->rows[i]);
    }
    if (!refund_amount(group, &fact->amount_minor))
        return ERR_NEW(group->arena, ERR_IMPORT_SUM_RANGE, STR_NONE, group->number);
    if (fact->amount_minor == 0)
        return ERR_NEW(group->arena, ERR_IMPORT_REFUND_ZERO, STR_NONE, group->number);
    return unite_buyers(group);
}

static ERR_RESULT refund_of_group(struct group *group)
{
    struct refund_fact fact = {.number = group->number, .buyer = &group->buyer};
    const struct err *wrong = check_refund(group, &fact);
    if (wrong)
        return reject_group(group, wrong);
    bool unknown = group->buyer.identity_count == 0 && !str_is(group->rows[0].refund_of);
    if (group->run->map->skip_unknown_buyer && unknown) {
        skip_group(group);
        return NULL;
    }
    fact.told = REFUND_TOLD_MEASURED | REFUND_TOLD_TIME;
    fact.order_number = group->rows[0].refund_of;
    fact.refunded_at_us = earliest(group, offsetof(struct import_row, refund_us));
    if (fact.refunded_at_us == INT64_MIN)
        fact.refunded_at_us = earliest(group, offsetof(struct import_row, time_us));
    fact.channel = first_channel(group);
    return emit_refund(group, &fact);
}
