/* link: room_order test_support */
/* Random batches and files of orders and refunds — new, restated, older, moving to other buyers,
 * buyers that become known, refunds before and after their order, retries, batches that fail and
 * are rolled back — against a naive oracle: plain arrays by number. After each step the engine's
 * facts of every person, the counts, and verify must agree. Seed in HUITOU_TEST_SEED. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../unit/order_support.h"

#define NUMBERS 40
#define REFUNDS 30
#define BESIDE 10 /* of the refunds: told on the rows of the order of the same number */
#define CARDS 6
#define LINES_MAX 3
#define BATCH_MAX 12
#define EIGHT_HOURS_US                                                                             \
    (INT64_C(8) * 3600 * US_PER_SECOND) /* Asia/Shanghai has no summer time in these years */

/* Kinds of files by what they tell; see tells(). */
enum kind { KIND_ALL, KIND_LIST, KIND_SHORT, KIND_ITEMS, KIND_MAX };
enum aspect { STATE, PAID, AMOUNT, LINES, CHANNEL, BUYER, TIME, ASPECTS };

struct told_order {
    int kind, state, card, channel, line_count;
    int64_t occurred_at_us, paid_at_us, amount;
    int product[LINES_MAX];
    int64_t line_amount[LINES_MAX];
};
struct told_refund {
    int order, card, channel; /* order -1: names none */
    bool measured, timed, whole;
    int64_t refunded_at_us, amount;
};
struct age {
    int64_t at_us;
    bool unsure;
};
struct oracle {
    struct {
        bool known;
        struct told_order told; /* put together */
        bool tells[ASPECTS], well[ASPECTS];
        struct age ages[ASPECTS];
        int owner; /* card; below 0: the placeholder born with this order or refund */
    } orders[NUMBERS];
    struct {
        bool known;
        struct told_refund told; /* put together */
        struct age age, time_age;
        int owner;
    } refunds[REFUNDS];
};
struct counts {
    int64_t order_new, order_changed, order_same, order_older, order_kept, refund_new,
        refund_changed, refund_same, refund_kept, paid_before, paid_after, back_before, back_after;
};
struct step {
    int order[BATCH_MAX], refund[BATCH_MAX];
    struct told_order orders[BATCH_MAX];
    struct told_refund refunds[BATCH_MAX];
    int order_count, refund_count;
    enum kind kind;
    struct age age;
};

/* --- Oracle --- */

static bool linked(const struct oracle *o, int refund)
{
    int order = o->refunds[refund].told.order;
    return order >= 0 && o->orders[order].known;
}

static int refund_owner(const struct oracle *o, int refund)
{
    return linked(o, refund) ? o->orders[o->refunds[refund].told.order].owner
                             : o->refunds[refund].owner;
}

static int order_placeholder(int n)
{
    return -1 - n;
}

static int refund_placeholder(int n)
{
    return -1 - NUMBERS - n;
}

/* The order's buyer is told. Its own placeholder becomes that person, with all that still hangs on
 * it. */
static void oracle_owner(struct oracle *o, int n, int card)
{
    bool own = o->orders[n].owner == order_placeholder(n);
    for (int i = 0; own && i < REFUNDS; i++) {
        if (o->refunds[i].owner == order_placeholder(n))
            o->refunds[i].owner = card;
    }
    o->orders[n].owner = card;
}

/* What a kind of file tells, and whether well: a list has the whole amount and lines without
 * amounts, a short one neither states nor what was paid from a balance, goods only lines. */
static bool tells(const struct told_order *t, enum aspect a, bool *well)
{
    bool all = t->kind == KIND_ALL, items = t->kind == KIND_ITEMS;
    *well = true;
    switch (a) {
    case STATE:
        return t->kind != KIND_SHORT;
    case AMOUNT:
        *well = t->kind != KIND_SHORT;
        return !items;
    case LINES:
        *well = all || items;
        return true;
    case CHANNEL:
        return all || t->channel != 0;
    case BUYER:
        return t->card != 0;
    default:
        return true; /* times: a short file of orders under way tells when they were paid */
    }
}

static bool beats(struct age known, struct age told, int progress, bool weaker)
{
    if (told.at_us == known.at_us)
        return !weaker;
    if (told.at_us > known.at_us && !told.unsure)
        return true;
    if (told.at_us < known.at_us && !known.unsure)
        return false;
    return progress != 0 ? progress > 0 : told.at_us > known.at_us;
}

static int order_progress(const struct told_order *known, const struct told_order *told)
{
    bool was = known->paid_at_us != INT64_MIN, is = told->paid_at_us != INT64_MIN;
    if (told->state < known->state || (was && !is))
        return -1;
    return told->state > known->state || (!was && is);
}

static bool same_lines(const struct told_order *a, const struct told_order *b)
{
    return a->line_count == b->line_count &&
           memcmp(a->product, b->product, sizeof(a->product)) == 0 &&
           memcmp(a->line_amount, b->line_amount, sizeof(a->line_amount)) == 0;
}

static bool same_value(const struct told_order *a, const struct told_order *b, enum aspect aspect)
{
    switch (aspect) {
    case STATE:
        return a->state == b->state;
    case PAID:
        return a->paid_at_us == b->paid_at_us;
    case AMOUNT:
        return a->amount == b->amount;
    case LINES:
        return same_lines(a, b);
    case CHANNEL:
        return a->channel == b->channel;
    case BUYER:
        return a->card == b->card;
    default:
        return a->occurred_at_us == b->occurred_at_us;
    }
}

/* The known order with what is taken of the told one. */
static struct told_order put_together(const struct told_order *known, const struct told_order *told,
                                      const bool takes[ASPECTS], bool paid_told, bool amount_told)
{
    struct told_order all = *known;
    int64_t paid_at_us = takes[PAID] ? told->paid_at_us : paid_told ? known->paid_at_us : INT64_MIN;
    int64_t stated_us = takes[STATE] ? told->paid_at_us : known->paid_at_us;
    all.state = takes[STATE] ? told->state : known->state;
    all.occurred_at_us = takes[TIME] ? told->occurred_at_us : known->occurred_at_us;
    all.card = takes[BUYER] ? told->card : known->card;
    all.channel = takes[CHANNEL] ? told->channel : known->channel;
    if (takes[AMOUNT] || (takes[LINES] && !amount_told))
        all.amount = told->amount;
    if (takes[LINES]) {
        all.line_count = told->line_count;
        memcpy(all.product, told->product, sizeof(all.product));
        memcpy(all.line_amount, told->line_amount, sizeof(all.line_amount));
    }
    if (all.state == ORDER_CREATED && paid_at_us != INT64_MIN)
        all.state = ORDER_PAID; /* who tells when it was paid knows that it was */
    bool closed = all.state == ORDER_CLOSED;
    if (closed && paid_at_us == INT64_MIN && stated_us != INT64_MIN && (takes[STATE] || !takes[PAID]))
        paid_at_us = all.occurred_at_us;
    if (!closed && paid_at_us == INT64_MIN)
        paid_at_us = all.occurred_at_us;
    all.paid_at_us = all.state == ORDER_CREATED ? INT64_MIN : paid_at_us;
    return all;
}

static void oracle_known(struct oracle *o, int n, const struct told_order *told, struct age age,
                         struct counts *counts)
{
    bool takes[ASPECTS] = {false}, contradicts = false, kept = false, more = false, differs = false;
    const struct told_order known = o->orders[n].told;
    bool state_told = told->kind != KIND_SHORT && o->orders[n].tells[STATE], well;
    int progress = state_told ? order_progress(&known, told) : 0;
    bool weaker = o->orders[n].tells[AMOUNT] && !tells(told, AMOUNT, &well);
    for (int a = 0; a < ASPECTS; a++) {
        struct age then = o->orders[n].ages[a];
        if (!tells(told, (enum aspect)a, &well))
            continue;
        if (!o->orders[n].tells[a] || well != o->orders[n].well[a]) {
            takes[a] = !o->orders[n].tells[a] || well;
            more = more || takes[a];
            continue;
        }
        takes[a] = beats(then, age, progress, weaker);
        if (takes[a])
            continue;
        contradicts = contradicts || !same_value(&known, told, (enum aspect)a);
        kept = kept || (age.at_us > then.at_us && progress < 0);
    }
    struct told_order all = put_together(&known, told, takes, o->orders[n].tells[PAID],
                                         o->orders[n].tells[AMOUNT]);
    for (int a = 0; a < ASPECTS; a++)
        differs = differs || !same_value(&known, &all, (enum aspect)a);
    if (differs) {
        counts->order_changed++;
        counts->paid_before += known.paid_at_us != INT64_MIN ? known.amount : 0;
        counts->paid_after += all.paid_at_us != INT64_MIN ? all.amount : 0;
        if (takes[BUYER])
            oracle_owner(o, n, told->card);
    } else if (contradicts) {
        counts->order_kept += kept;
        counts->order_older += !kept;
    } else {
        counts->order_same++;
    }
    if (!differs && !more && age.unsure)
        return;
    o->orders[n].told = all;
    for (int a = 0; a < ASPECTS; a++) {
        if (!takes[a])
            continue;
        o->orders[n].tells[a] = true;
        (void)tells(told, (enum aspect)a, &o->orders[n].well[a]);
        o->orders[n].ages[a] = age;
    }
}

static void oracle_order(struct oracle *o, int n, const struct told_order *told, struct age age,
                         struct counts *counts)
{
    if (o->orders[n].known) {
        oracle_known(o, n, told, age, counts);
        return;
    }
    counts->order_new++;
    o->orders[n].known = true;
    o->orders[n].owner = told->card ? told->card : order_placeholder(n);
    o->orders[n].told = *told;
    for (int a = 0; a < ASPECTS; a++) {
        o->orders[n].tells[a] = tells(told, (enum aspect)a, &o->orders[n].well[a]);
        o->orders[n].ages[a] = age;
    }
}

/* --- Refunds: those below BESIDE are told on the rows of the order of their number --- */

static int64_t refund_worth(const struct oracle *o, const struct told_refund *t)
{
    bool more = t->whole && t->order >= 0 && o->orders[t->order].known &&
                o->orders[t->order].told.amount > t->amount;
    return more ? o->orders[t->order].told.amount : t->amount;
}

static bool same_refund(const struct told_refund *a, const struct told_refund *b)
{
    return a->order == b->order && a->card == b->card && a->channel == b->channel &&
           a->refunded_at_us == b->refunded_at_us && a->amount == b->amount;
}

static void oracle_known_refund(struct oracle *o, int n, const struct told_refund *told,
                                struct age age, struct counts *counts)
{
    const struct told_refund known = o->refunds[n].told;
    struct age then = o->refunds[n].age;
    int64_t before = refund_worth(o, &known), now = refund_worth(o, told);
    int progress = (now > before) - (now < before);
    bool beside = n < BESIDE, apart = told->measured != known.measured;
    bool weaker = beside && known.timed && !told->timed;
    bool takes = apart ? progress > 0 || (progress == 0 && told->measured)
                       : beats(then, age, progress, weaker);
    bool timed = told->timed && (beside ? !known.timed || beats(o->refunds[n].time_age, age, 0,
                                                                false)
                                        : takes);
    bool same = beside ? progress == 0 : same_refund(&known, told);
    struct told_refund all = takes ? *told : known;
    all.amount = takes ? now : before;
    all.timed = known.timed || told->timed;
    all.refunded_at_us = known.refunded_at_us;
    if (timed || (!known.timed && !told->timed && takes))
        all.refunded_at_us = told->refunded_at_us;
    bool differs = beside ? all.amount != known.amount || all.refunded_at_us != known.refunded_at_us
                          : takes && !same;
    if (differs) {
        counts->refund_changed++;
        counts->back_before += known.amount;
        counts->back_after += all.amount;
        o->refunds[n].owner = told->card ? told->card : refund_owner(o, n);
    } else if (!takes && !same && !apart && progress < 0 && age.at_us > then.at_us) {
        counts->refund_kept++;
    } else {
        counts->refund_same += told->amount > 0;
    }
    bool more = all.timed != known.timed || all.whole != known.whole || apart;
    if (!differs && (!more || !takes) && age.unsure && !(all.timed && !known.timed))
        return;
    if (takes)
        o->refunds[n].age = age;
    if (timed)
        o->refunds[n].time_age = age;
    o->refunds[n].told = all;
}

static void oracle_refund(struct oracle *o, int n, const struct told_refund *told, struct age age,
                          struct counts *counts)
{
    if (o->refunds[n].known) {
        oracle_known_refund(o, n, told, age, counts);
        return;
    }
    if (told->amount == 0)
        return;
    o->refunds[n].known = true;
    o->refunds[n].owner = told->card ? told->card : refund_placeholder(n);
    o->refunds[n].told = *told;
    o->refunds[n].told.amount = refund_worth(o, told);
    o->refunds[n].age = o->refunds[n].time_age = age;
    counts->refund_new++;
}

static void oracle_step(struct oracle *o, const struct step *step, struct counts *counts)
{
    *counts = (struct counts){0};
    for (int i = 0; i < step->order_count; i++)
        oracle_order(o, step->order[i], &step->orders[i], step->age, counts);
    for (int i = 0; i < step->refund_count; i++)
        oracle_refund(o, step->refund[i], &step->refunds[i], step->age, counts);
}

static int32_t day_of(int64_t time_us)
{
    return (int32_t)((time_us + EIGHT_HOURS_US) / US_PER_DAY);
}

/* All refunds of an order by day; the day on which they reach its amount. */
static int32_t oracle_whole_day(const struct oracle *o, int order, int64_t *sum)
{
    int32_t whole = DAY_NONE;
    *sum = 0;
    for (int i = 0; i < REFUNDS; i++) {
        const struct told_refund *t = &o->refunds[i].told;
        if (!o->refunds[i].known || t->order != order || t->amount == 0)
            continue;
        *sum += o->refunds[i].told.amount;
        int64_t until = 0;
        int32_t day = day_of(o->refunds[i].told.refunded_at_us);
        for (int j = 0; j < REFUNDS; j++) {
            bool counts = o->refunds[j].known && o->refunds[j].told.order == order &&
                          day_of(o->refunds[j].told.refunded_at_us) <= day;
            until += counts ? o->refunds[j].told.amount : 0;
        }
        if (until >= o->orders[order].told.amount && (whole == DAY_NONE || day < whole))
            whole = day;
    }
    return whole;
}

/* --- Random steps --- */

static struct told_order random_order(struct test_random *random, enum kind kind)
{
    struct told_order told;
    memset(&told, 0, sizeof(told)); /* compared bytewise */
    told.kind = (int)kind;
    told.state = (int)test_random_below(random, ORDER_STATE_MAX);
    if (kind == KIND_SHORT)
        told.state = ORDER_RECEIVED; /* by default */
    told.card = kind == KIND_ITEMS && test_random_below(random, 2) == 0
                    ? 0
                    : (int)test_random_below(random, CARDS);
    told.channel = (int)test_random_below(random, 3);
    told.occurred_at_us =
        INT64_C(1700000000000000) + test_random_below(random, 40) * INT64_C(21600000000);
    bool paid_told = test_random_below(random, 3) == 0;
    int64_t paid_at_us = paid_told ? told.occurred_at_us + 3600 * US_PER_SECOND : INT64_MIN;
    if (told.state == ORDER_CREATED)
        told.paid_at_us = INT64_MIN;
    else if (told.state == ORDER_CLOSED)
        told.paid_at_us = paid_at_us;
    else
        told.paid_at_us = paid_told ? paid_at_us : told.occurred_at_us;
    told.line_count = 1 + (int)test_random_below(random, LINES_MAX);
    for (int i = 0; i < told.line_count; i++) {
        told.product[i] = (int)test_random_below(random, 4);
        told.line_amount[i] = test_random_below(random, 5) * 100;
        told.amount += told.line_amount[i];
    }
    if (kind == KIND_LIST || kind == KIND_SHORT)
        told.amount = 100 * (1 + test_random_below(random, 15));
    return told;
}

/* zeros: it may take back what was told before. */
static struct told_refund random_refund(struct test_random *random, int n, bool zeros)
{
    struct told_refund told;
    memset(&told, 0, sizeof(told));
    told.measured = told.timed = true;
    told.order = test_random_below(random, 5) == 0 ? -1 : (int)test_random_below(random, NUMBERS);
    told.card = test_random_below(random, 3) == 0 ? (int)test_random_below(random, CARDS) : 0;
    told.channel = (int)test_random_below(random, 3);
    told.refunded_at_us =
        INT64_C(1701000000000000) + test_random_below(random, 20) * INT64_C(43200000000);
    told.amount = 100 * (test_random_below(random, 6) + !zeros);
    if (n >= BESIDE)
        return told;
    told.order = n;
    told.timed = test_random_below(random, 2) == 0;
    told.measured = test_random_below(random, 3) > 0;
    told.whole = !told.measured && test_random_below(random, 2) == 0;
    return told;
}

static bool taken(const int *numbers, int count, int number)
{
    for (int i = 0; i < count; i++) {
        if (numbers[i] == number)
            return true;
    }
    return false;
}

/* What is known, told again by this kind of file: as far as such a file can tell it. */
static void fit_again(struct test_random *random, struct told_order *told)
{
    if (told->kind == KIND_SHORT)
        told->state = ORDER_RECEIVED;
    if (told->state != ORDER_CREATED && told->state != ORDER_CLOSED &&
        told->paid_at_us == INT64_MIN)
        told->paid_at_us = told->occurred_at_us;
    if (told->kind == KIND_ITEMS) {
        told->amount = 0;
        for (int i = 0; i < told->line_count; i++)
            told->amount += told->line_amount[i];
    }
    if (test_random_below(random, 4) == 0)
        told->card = 0;
}

static void random_step(struct test_random *random, const struct oracle *o, struct step *step)
{
    *step = (struct step){0};
    step->age.at_us = INT64_C(1710000000000000) + test_random_below(random, 50) * US_PER_DAY;
    step->age.unsure = test_random_below(random, 3) == 0;
    step->kind = (enum kind)test_random_below(random, KIND_MAX);
    int orders = (int)test_random_below(random, BATCH_MAX),
        refunds = (int)test_random_below(random, BATCH_MAX / 2);
    bool zeros = step->age.at_us / US_PER_DAY % 3 == 0;
    for (int i = 0; i < orders; i++) {
        int n = (int)test_random_below(random, NUMBERS);
        if (taken(step->order, step->order_count, n))
            continue;
        bool again = o->orders[n].known && test_random_below(random, 4) == 0;
        step->order[step->order_count] = n;
        step->orders[step->order_count] = again ? o->orders[n].told : random_order(random, step->kind);
        step->orders[step->order_count].kind = (int)step->kind;
        if (again)
            fit_again(random, &step->orders[step->order_count]);
        step->order_count++;
    }
    for (int i = 0; i < refunds; i++) {
        int n = (int)test_random_below(random, REFUNDS);
        bool beside = n < BESIDE && !o->orders[n].known &&
                      !taken(step->order, step->order_count, n); /* comes with its order */
        if (taken(step->refund, step->refund_count, n) || beside)
            continue;
        bool again = o->refunds[n].known && test_random_below(random, 4) == 0;
        step->refund[step->refund_count] = n;
        step->refunds[step->refund_count++] =
            again ? o->refunds[n].told : random_refund(random, n, zeros);
    }
}

/* The file below tells of lines and of refunds with rows of their own, and says when it was exported. A row of it that gives
 * nothing back is refused. */
static bool is_for_file(const struct step *step)
{
    for (int i = 0; i < step->refund_count; i++) {
        if (step->refunds[i].amount == 0 || step->refund[i] < BESIDE)
            return false;
    }
    return step->kind == KIND_ITEMS && !step->age.unsure;
}

/* --- The room --- */

static struct customer_buyer *buyer_of(struct arena *arena, int card)
{
    struct customer_buyer *buyer = ARENA_NEW(arena, struct customer_buyer);
    if (card == 0)
        return buyer;
    buyer->identity_count = 1;
    buyer->identities[0] = (struct identity_value){
        .kind = IDENTITY_MEMBER_CARD, .issuer = STR(""), .value = str_fmt(arena, "card%d", card)};
    return buyer;
}

static struct str channel_of(struct arena *arena, int channel)
{
    return channel ? str_fmt(arena, "channel%d", channel) : STR_NONE;
}

struct room_call {
    struct shop *shop;
    struct order_batch batch;
    bool fail;
};

static const struct err *room_apply(struct tx *tx, void *arg)
{
    struct room_call *call = arg;
    TRY(order_batch_apply(tx, &call->batch));
    return call->fail ? ERR_NEW(tx_arena(tx), ERR_INTERNAL, STR_NONE, STR("on purpose")) : NULL;
}

static int64_t mask_of(const struct told_order *t)
{
    int64_t buyer = t->card ? ORDER_TOLD_BUYER | ORDER_TOLD_BUYER_SURE : 0;
    int64_t channel = t->channel ? ORDER_TOLD_CHANNEL : 0;
    int64_t always = ORDER_TOLD_PAID_TIME | ORDER_TOLD_LINES | buyer | channel;
    switch ((enum kind)t->kind) {
    case KIND_LIST:
        return always | ORDER_TOLD_STATE | ORDER_TOLD_AMOUNT | ORDER_TOLD_AMOUNT_WHOLE;
    case KIND_SHORT:
        return always | ORDER_TOLD_AMOUNT;
    case KIND_ITEMS:
        return always | ORDER_TOLD_STATE | ORDER_TOLD_LINES_MEASURED;
    default:
        return 0; /* all */
    }
}

static int64_t refund_mask_of(const struct told_refund *t)
{
    if (!t->measured)
        return REFUND_TOLD_BY_STATE | (t->whole ? REFUND_TOLD_WHOLE : 0) |
               (t->timed ? REFUND_TOLD_TIME : 0);
    return REFUND_TOLD_MEASURED | (t->timed ? REFUND_TOLD_TIME : 0);
}

static void room_batch(struct shop *shop, const struct step *step, struct order_batch *batch)
{
    struct arena *arena = shop->arena;
    *batch = (struct order_batch){.brand = shop->brand};
    batch->orders = ARENA_ARRAY(arena, BATCH_MAX, struct order_fact);
    batch->refunds = ARENA_ARRAY(arena, BATCH_MAX, struct refund_fact);
    for (int i = 0; i < step->order_count; i++) {
        const struct told_order *told = &step->orders[i];
        struct order_fact *fact = &batch->orders[batch->order_count++];
        *fact = (struct order_fact){
            .source = STR("shop"),
            .number = str_fmt(arena, "A%d", step->order[i]),
            .told = mask_of(told),
            .state = (enum order_state)told->state,
            .occurred_at_us = told->occurred_at_us,
            .paid_at_us = told->paid_at_us,
            .amount_minor = told->amount,
            .channel = channel_of(arena, told->channel),
            .line_count = told->line_count,
            .exported_at_us = step->age.at_us,
            .exported_unsure = step->age.unsure,
            .buyer = buyer_of(arena, told->card),
        };
        fact->lines = ARENA_ARRAY(arena, LINES_MAX, struct order_line_fact);
        for (int j = 0; j < told->line_count; j++)
            fact->lines[j] = (struct order_line_fact){
                .product_code =
                    told->product[j] ? str_fmt(arena, "P%d", told->product[j]) : STR_NONE,
                .quantity_milli = 1000,
                .amount_minor = told->line_amount[j],
            };
    }
    for (int i = 0; i < step->refund_count; i++) {
        const struct told_refund *told = &step->refunds[i];
        batch->refunds[batch->refund_count++] = (struct refund_fact){
            .source = STR("shop"),
            .told = refund_mask_of(told),
            .number = step->refund[i] < BESIDE ? str_fmt(arena, "A%d:r", step->refund[i])
                                               : str_fmt(arena, "R%d", step->refund[i]),
            .order_number = told->order >= 0 ? str_fmt(arena, "A%d", told->order) : STR_NONE,
            .refunded_at_us = told->refunded_at_us,
            .amount_minor = told->amount,
            .channel = channel_of(arena, told->channel),
            .exported_at_us = step->age.at_us,
            .exported_unsure = step->age.unsure,
            .buyer = told->card ? buyer_of(arena, told->card) : NULL,
        };
    }
}

static void check_counts(const struct order_batch *batch, const struct counts *counts)
{
    assert_int_equal(batch->order_new_count, counts->order_new);
    assert_int_equal(batch->order_changed_count, counts->order_changed);
    assert_int_equal(batch->order_same_count, counts->order_same);
    assert_int_equal(batch->order_older_count, counts->order_older);
    assert_int_equal(batch->order_kept_count, counts->order_kept);
    assert_int_equal(batch->refund_kept_count, counts->refund_kept);
    assert_int_equal(batch->changed.amount_before_minor, counts->paid_before);
    assert_int_equal(batch->changed.amount_after_minor, counts->paid_after);
    assert_int_equal(batch->changed.refund_before_minor, counts->back_before);
    assert_int_equal(batch->changed.refund_after_minor, counts->back_after);
    assert_int_equal(batch->refund_new_count, counts->refund_new);
    assert_int_equal(batch->refund_changed_count, counts->refund_changed);
    assert_int_equal(batch->refund_same_count, counts->refund_same);
}

static void room_step(struct shop *shop, const struct step *step, const struct counts *counts)
{
    struct room_call call = {.shop = shop};
    room_batch(shop, step, &call.batch);
    test_write(shop->test, room_apply, &call);
    check_counts(&call.batch, counts);
}

/* A batch that fails after all its writes leaves nothing behind. */
static void room_failed_step(struct shop *shop, const struct step *step)
{
    struct room_call call = {.shop = shop, .fail = true};
    struct store_job job = {.name = "test.fail", .fn = room_apply, .arg = &call};
    const char *before = shop_dump(shop);
    room_batch(shop, step, &call.batch);
    const struct err *err = store_write(shop->test->store, shop->arena, &job);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_INTERNAL);
    assert_string_equal(before, shop_dump(shop));
}

/* --- The same as a file
 * ---------------------------------------------------------------------------------------------- */

static const char file_map[] = "{\"name\": \"model\", \"source\": \"shop\", \"time_format\": "
                               "\"%Y-%m-%d %H:%M:%S\", \"time_zone\": \"UTC\","
                               " \"columns\": {\"order_number\": \"no\", \"order_time\": \"time\", "
                               "\"paid_time\": \"paid\", \"state\": \"state\","
                               " \"member_card\": \"card\", \"channel\": \"channel\", "
                               "\"product_code\": \"product\", \"quantity\": \"qty\","
                               " \"line_amount\": \"amount\", \"refund_of\": \"of\"},"
                               " \"refund_when\": [{\"column\": \"no\", \"starts_with\": \"R\"}]}";

static struct str civil_text(struct arena *arena, int64_t time_us)
{
    if (time_us == INT64_MIN)
        return STR("");
    struct str text = time_text(arena, time_us); /* 2023-11-14T22:13:20Z */
    return str_fmt(arena, "%.10s %.8s", text.p, text.p + 11);
}

static struct str card_text(struct arena *arena, int card)
{
    return card ? str_fmt(arena, "card%d", card) : STR("");
}

static void file_step(struct shop *shop, struct test_random *random, const struct step *step,
                      const struct counts *counts)
{
    struct arena *arena = shop->arena;
    struct buf lines[BATCH_MAX * LINES_MAX];
    int count = 0;
    struct buf text = buf_new(arena, 1 << 20);
    buf_str(&text, STR("no,time,paid,state,card,channel,product,qty,amount,of\n"));
    for (int i = 0; i < step->refund_count; i++) {
        const struct told_refund *t = &step->refunds[i];
        struct str channel = channel_of(arena, t->channel);
        buf_fmt(&text, "R%d,%.*s,,,%.*s,%.*s,,1,-%d.%02d,", step->refund[i],
                STR_ARG(civil_text(arena, t->refunded_at_us)), STR_ARG(card_text(arena, t->card)),
                (int)channel.n, channel.p ? channel.p : "", (int)(t->amount / 100),
                (int)(t->amount % 100));
        if (t->order >= 0)
            buf_fmt(&text, "A%d", t->order);
        buf_char(&text, '\n');
    }
    for (int line = 0; line < LINES_MAX; line++) {
        for (int i = 0; i < step->order_count; i++) {
            const struct told_order *t = &step->orders[i];
            if (line >= t->line_count)
                continue;
            struct str channel = channel_of(arena, t->channel);
            int64_t paid = t->state == ORDER_CREATED ? INT64_MIN : t->paid_at_us;
            lines[count] = buf_new(arena, 4096);
            buf_fmt(&lines[count], "A%d,%.*s,%.*s,%s,%.*s,%.*s,", step->order[i],
                    STR_ARG(civil_text(arena, t->occurred_at_us)), STR_ARG(civil_text(arena, paid)),
                    order_state_name((enum order_state)t->state),
                    STR_ARG(card_text(arena, t->card)), (int)channel.n, channel.p ? channel.p : "");
            if (t->product[line])
                buf_fmt(&lines[count], "P%d", t->product[line]);
            buf_fmt(&lines[count], ",1,%d.%02d,\n", (int)(t->line_amount[line] / 100),
                    (int)(t->line_amount[line] % 100));
            count++;
        }
    }
    for (int i = 0; i < count; i++)
        buf_str(&text, buf_view(&lines[i]));
    struct str path = shop_file(shop, "model.csv", str_z(arena, buf_view(&text)));
    struct import_result r;
    shop->batch_orders = 1 + test_random_below(random, 4);
    shop_must(arena, shop_try(shop, path, false, step->age.at_us, &r));
    assert_int_equal(r.rows_rejected, 0);
    assert_int_equal(r.orders_new, counts->order_new);
    assert_int_equal(r.orders_changed, counts->order_changed);
    assert_int_equal(r.orders_same, counts->order_same);
    assert_int_equal(r.orders_older, counts->order_older);
    assert_int_equal(r.orders_kept, counts->order_kept);
    assert_int_equal(r.refunds_kept, counts->refund_kept);
    assert_int_equal(r.changed.amount_before_minor, counts->paid_before);
    assert_int_equal(r.changed.amount_after_minor, counts->paid_after);
    assert_int_equal(r.refunds_new, counts->refund_new);
    assert_int_equal(r.refunds_changed, counts->refund_changed);
    assert_int_equal(r.refunds_same, counts->refund_same);
}

/* --- Comparing --- */

#define FACTS_MAX (NUMBERS + REFUNDS)
struct facts {
    char text[FACTS_MAX][120];
    int count;
};
static int compare_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void oracle_facts(const struct oracle *o, int card, struct facts *facts)
{
    facts->count = 0;
    for (int i = 0; i < NUMBERS; i++) {
        const struct told_order *t = &o->orders[i].told;
        bool owns = card ? o->orders[i].owner == card : o->orders[i].owner < 0;
        if (!o->orders[i].known || !owns || t->paid_at_us == INT64_MIN)
            continue;
        int64_t sum, top = t->line_amount[0];
        for (int j = 1; j < t->line_count; j++)
            top = t->line_amount[j] > top ? t->line_amount[j] : top;
        int top_product = 0;
        for (int j = t->line_count - 1; j >= 0; j--)
            top_product = t->line_amount[j] == top ? t->product[j] : top_product;
        int32_t whole = oracle_whole_day(o, i, &sum);
        snprintf(facts->text[facts->count++], sizeof(facts->text[0]),
                 "order %lld day %d whole %d top %lld of %s %s", (long long)t->amount,
                 day_of(t->paid_at_us), whole, (long long)top, top_product ? "some" : "none",
                 t->channel ? "channel" : "-");
    }
    for (int i = 0; i < REFUNDS; i++) {
        const struct told_refund *t = &o->refunds[i].told;
        bool owns = card ? refund_owner(o, i) == card : refund_owner(o, i) < 0;
        if (!o->refunds[i].known || !owns || t->amount == 0)
            continue;
        int channel = linked(o, i) ? o->orders[t->order].told.channel : t->channel;
        snprintf(facts->text[facts->count++], sizeof(facts->text[0]), "refund %lld day %d %s",
                 (long long)t->amount, day_of(t->refunded_at_us), channel ? "channel" : "-");
    }
    qsort(facts->text, (size_t)facts->count, sizeof(facts->text[0]), compare_text);
}

struct room_read {
    int card;
    struct facts facts;
    int64_t scan_orders, scan_refunds;
    bool scan;
};

static void add_facts(struct facts *facts, const struct engine_order *orders, size_t order_count,
                      const struct engine_refund *refunds, size_t refund_count)
{
    for (size_t i = 0; i < order_count; i++)
        snprintf(facts->text[facts->count++], sizeof(facts->text[0]),
                 "order %lld day %d whole %d top %lld of %s %s", (long long)orders[i].amount_minor,
                 orders[i].paid_day, orders[i].refunded_whole_day,
                 (long long)orders[i].top_line_minor, orders[i].top_product_id ? "some" : "none",
                 orders[i].channel_id ? "channel" : "-");
    for (size_t i = 0; i < refund_count; i++)
        snprintf(facts->text[facts->count++], sizeof(facts->text[0]), "refund %lld day %d %s",
                 (long long)refunds[i].amount_minor, refunds[i].refunded_day,
                 refunds[i].channel_id ? "channel" : "-");
}

static const struct err *read_person(struct tx *tx, void *arg)
{
    struct room_read *read = arg;
    int64_t *roots;
    size_t root_count, order_count, refund_count;
    struct engine_order *orders;
    struct engine_refund *refunds;
    struct customer_view *view;
    read->facts.count = 0;
    struct str card = str_fmt(tx_arena(tx), "card%d", read->card);
    TRY(customer_find(tx, card, 5, &roots, &root_count));
    if (root_count == 0)
        return NULL;
    assert_int_equal(root_count, 1);
    TRY(customer_view(tx, roots[0], &view));
    TRY(order_engine_facts(tx, view->members, view->member_count, &orders, &order_count, &refunds,
                           &refund_count));
    add_facts(&read->facts, orders, order_count, refunds, refund_count);
    return NULL;
}

/* Everything at once: all persons and placeholders. */
static const struct err *read_scan(struct tx *tx, void *arg)
{
    struct room_read *read = arg;
    struct order_scan scan;
    const struct engine_order *orders;
    const struct engine_refund *refunds;
    size_t order_count, refund_count;
    int64_t customer_id, last_id = 0;
    bool has;
    read->facts.count = 0;
    TRY(order_scan_open(tx, INT64_MIN, INT64_MAX, &scan));
    for (;;) {
        TRY(order_scan_next(&scan, &customer_id, &orders, &order_count, &refunds, &refund_count,
                            &has));
        if (!has)
            break;
        assert_true(customer_id > last_id);
        last_id = customer_id;
        add_facts(&read->facts, orders, order_count, refunds, refund_count);
    }
    order_scan_close(&scan);
    return NULL;
}

static void compare_facts(struct facts *expected, struct facts *got, const char *what, int card)
{
    qsort(got->text, (size_t)got->count, sizeof(got->text[0]), compare_text);
    for (int i = 0; i < expected->count || i < got->count; i++) {
        const char *a = i < expected->count ? expected->text[i] : "nothing";
        const char *b = i < got->count ? got->text[i] : "nothing";
        if (strcmp(a, b) != 0)
            fail_msg("%s %d: the oracle says \"%s\", the room \"%s\"", what, card, a, b);
    }
}

static const struct err *read_left_out(struct tx *tx, void *arg)
{
    return order_left_out(tx, arg);
}

/* Paid orders whose buyer is not known. */
static void compare_left_out(struct shop *shop, const struct oracle *o)
{
    struct left_out left_out;
    int64_t count = 0, amount = 0;
    for (int i = 0; i < NUMBERS; i++) {
        const struct told_order *t = &o->orders[i].told;
        bool out = o->orders[i].known && o->orders[i].owner < 0 && t->paid_at_us != INT64_MIN;
        count += out;
        amount += out ? t->amount : 0;
    }
    test_read(shop->test, read_left_out, &left_out);
    assert_int_equal(left_out.orders, count);
    assert_int_equal(left_out.amount_minor, amount);
}

static void compare_all(struct shop *shop, const struct oracle *o)
{
    struct room_read read;
    struct facts expected, all = {.count = 0};
    for (int card = 0; card < CARDS; card++) {
        oracle_facts(o, card, &expected);
        for (int i = 0; i < expected.count; i++)
            memcpy(all.text[all.count++], expected.text[i], sizeof(all.text[0]));
        if (card == 0)
            continue;
        read.card = card;
        test_read(shop->test, read_person, &read);
        compare_facts(&expected, &read.facts, "card", card);
    }
    qsort(all.text, (size_t)all.count, sizeof(all.text[0]), compare_text);
    test_read(shop->test, read_scan, &read);
    compare_facts(&all, &read.facts, "scan", 0);
    compare_left_out(shop, o);
    shop_verify(shop);
}

/* --- What people do by hand: merge, split, erase --- */

struct by_hand {
    int64_t customer_id, other_id;
    int what; /* 0: merge, 1: split, 2: erase */
};

static const struct err *by_hand_tx(struct tx *tx, void *arg)
{
    const struct by_hand *hand = arg;
    struct erased erased;
    struct str typed = str_fmt(tx_arena(tx), "%lld", (long long)hand->customer_id);
    if (hand->what == 0)
        return customer_merge(tx, hand->customer_id, hand->other_id, STR("test"));
    if (hand->what == 1)
        return customer_split(tx, hand->customer_id, STR("test"));
    return customer_erase(tx, hand->customer_id, typed, STR("test"), &erased);
}

/* Order by order, by the definition: left out is what hangs on a placeholder that nobody is. */
static const char naive_left_out[] =
    "SELECT COUNT(*), COALESCE(SUM(amount_minor), 0) FROM orders o WHERE paid_day IS NOT NULL AND "
    "(SELECT r.placeholder FROM customer r, customer b WHERE b.customer_id = o.customer_id AND "
    "r.customer_id = b.root_id) = 1";

static void work_by_hand(struct shop *shop, struct test_random *random, int steps, int done[3])
{
    int64_t ids[1000];
    int count = 0;
    struct str rest = str_c(shop_sql(shop, "SELECT customer_id FROM customer"));
    while (rest.p && count < 1000)
        assert_true(str_to_i64(str_cut(rest, '\n', &rest), &ids[count++]));
    for (int i = 0; i < steps; i++) {
        struct by_hand hand = {ids[test_random_below(random, count)],
                               ids[test_random_below(random, count)],
                               (int)test_random_below(random, 9) / 4};
        struct store_job job = {.name = "by hand", .fn = by_hand_tx, .arg = &hand};
        struct left_out left_out;
        char text[80];
        const struct err *err = store_write(shop->test->store, shop->arena, &job);
        assert_true(!err || err_class(err) == ERR_CLASS_CALLER);
        done[hand.what] += !err;
        test_read(shop->test, read_left_out, &left_out);
        snprintf(text, sizeof(text), "%lld|%lld", (long long)left_out.orders,
                 (long long)left_out.amount_minor);
        assert_string_equal(text, shop_sql(shop, naive_left_out));
    }
    shop_verify(shop);
}

static void run_seed(enum store_kind kind, uint64_t seed, int steps)
{
    struct shop *shop = shop_open(kind, "CNY", "Asia/Shanghai");
    struct test_random random = test_random(seed);
    struct oracle *o = calloc(1, sizeof(*o));
    shop_map(shop, file_map);
    for (int i = 0; i < steps; i++) {
        struct step step;
        struct counts counts;
        random_step(&random, o, &step);
        if (test_random_below(&random, 8) == 0)
            room_failed_step(shop, &step);
        oracle_step(o, &step, &counts);
        if (test_random_below(&random, 2) == 0 || !is_for_file(&step))
            room_step(shop, &step, &counts);
        else
            file_step(shop, &random, &step, &counts);
        if (test_random_below(&random, 4) == 0) {
            const char *before = shop_dump(shop);
            oracle_step(o, &step, &counts);
            room_step(shop, &step, &counts);
            assert_string_equal(before, shop_dump(shop));
        }
        shop->test->now_us += US_PER_DAY;
        compare_all(shop, o);
    }
    int done[3] = {0};
    work_by_hand(shop, &random, steps, done);
    assert_true(done[0] > 0 && done[1] > 0 && done[2] > 0);
    free(o);
    shop_close(shop);
}

static uint64_t first_seed(void)
{
    const char *seed = getenv("HUITOU_TEST_SEED");
    return seed ? strtoull(seed, NULL, 10) : 1;
}

static void test_sqlite(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 12; i++) {
        print_message("seed %llu\n", (unsigned long long)(first_seed() + i));
        run_seed(STORE_SQLITE, first_seed() + i, 60);
    }
}

static void test_postgres(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 2; i++) {
        print_message("seed %llu\n", (unsigned long long)(first_seed() + i));
        run_seed(STORE_POSTGRES, first_seed() + i, 40);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sqlite),
                                       cmocka_unit_test(test_postgres)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
