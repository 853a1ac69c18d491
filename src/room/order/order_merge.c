/* What several files tell of one order or refund, put together. Pure. An order's row keeps of each
 * aspect only what holds, and how old and how sure that is; so the outcome is the same whichever
 * file came first, but where ages are not sure and only the progress of the order decides. */
#include <string.h>

#include "base/check.h"
#include "room/order/order_rule.h"

#define TOLD_ASPECTS ((1 << ORDER_ASPECT_MAX) - 1)

/* How well an aspect is told; 0: there is only one way. */
static int64_t quality_of(int64_t aspect)
{
    switch (aspect) {
    case ORDER_TOLD_AMOUNT:
        return ORDER_TOLD_AMOUNT_WHOLE;
    case ORDER_TOLD_LINES:
        return ORDER_TOLD_LINES_MEASURED;
    case ORDER_TOLD_BUYER:
        return ORDER_TOLD_BUYER_SURE;
    default:
        return 0;
    }
}

static bool names_buyer(const struct order_fact *fact)
{
    return fact->buyer && fact->buyer->identity_count > 0;
}

int64_t order_rule_told(const struct order_fact *fact)
{
    if (fact->told != 0)
        return fact->told | ORDER_TOLD_TIME;
    return names_buyer(fact) ? ORDER_TOLD_ALL
                             : ORDER_TOLD_ALL & ~(ORDER_TOLD_BUYER | ORDER_TOLD_BUYER_SURE);
}

bool order_rule_beats(struct order_age known, struct order_age told, int progress, bool weaker)
{
    if (told.at_us == known.at_us)
        return !weaker;
    bool later = told.at_us > known.at_us, certain = later ? !told.unsure : !known.unsure;
    if (certain || progress == 0)
        return later;
    return progress > 0;
}

/* --- Ages --- */

static int64_t age_at(const uint8_t *bytes, int index)
{
    uint64_t age = 0;
    for (int i = 7; i >= 0; i--)
        age = age << 8 | bytes[8 * index + i];
    return (int64_t)age;
}

static void put_age(uint8_t *bytes, int index, int64_t age_us)
{
    uint64_t rest = (uint64_t)age_us;
    for (int i = 0; i < 8; i++, rest >>= 8)
        bytes[8 * index + i] = (uint8_t)rest;
}

static struct order_age age_of(const struct order_row *row, int index)
{
    bool apart = row->told_at.n == ORDER_AGES_BYTES && index < ORDER_ASPECT_MAX - 1;
    return (struct order_age){
        .at_us = apart ? age_at((const uint8_t *)row->told_at.p, index) : row->exported_at_us,
        .unsure = row->told >> (ORDER_UNSURE_SHIFT + index) & 1,
    };
}

/* The ages of all aspects into the row: as one where they are equal. */
static void set_ages(struct order_row *row, const struct order_age ages[ORDER_ASPECT_MAX],
                     uint8_t bytes[ORDER_AGES_BYTES])
{
    bool apart = false;
    row->exported_at_us = ages[ORDER_ASPECT_MAX - 1].at_us;
    row->told &= ((int64_t)1 << ORDER_UNSURE_SHIFT) - 1;
    memset(bytes, 0, ORDER_AGES_BYTES);
    for (int i = 0; i < ORDER_ASPECT_MAX; i++) {
        if (!(row->told >> i & 1))
            continue;
        row->told |= (int64_t)ages[i].unsure << (ORDER_UNSURE_SHIFT + i);
        apart = apart || ages[i].at_us != row->exported_at_us;
        if (i < ORDER_ASPECT_MAX - 1)
            put_age(bytes, i, ages[i].at_us);
    }
    row->told_at = apart ? (struct str){(const char *)bytes, ORDER_AGES_BYTES} : STR_NONE;
}

bool order_rule_told_is_sound(const struct order_row *row)
{
    int64_t aspects = row->told & TOLD_ASPECTS, unsure = row->told >> ORDER_UNSURE_SHIFT;
    int64_t known = ORDER_TOLD_ALL | (int64_t)TOLD_ASPECTS << ORDER_UNSURE_SHIFT;
    bool whole = row->told_at.n == 0 || row->told_at.n == ORDER_AGES_BYTES;
    if (!whole || (row->told & ~known) != 0 || (unsure & ~aspects) != 0 ||
        !(aspects & ORDER_TOLD_TIME))
        return false;
    for (int i = 0; row->told_at.n > 0 && i < ORDER_ASPECT_MAX - 1; i++) {
        if (!(aspects >> i & 1) && age_at((const uint8_t *)row->told_at.p, i) != 0)
            return false;
    }
    return true;
}

/* --- Orders --- */

struct merging {
    const struct order_row *known;
    const struct order_fact *fact;
    int64_t told;     /* by the fact */
    int64_t taken;    /* aspects that are the fact's from now on */
    int64_t by_age;   /* aspects that are not, because the known one is later */
    bool kept;        /* of those, some because the fact takes something back */
};

static bool is_paid(int64_t paid_at_us)
{
    return paid_at_us != INT64_MIN;
}

/* Below 0: the fact takes back what is known; above 0: it goes further. */
static int progress_of(const struct merging *m)
{
    if (!(m->told & m->known->told & ORDER_TOLD_STATE))
        return 0;
    bool was = is_paid(m->known->paid_at_us), is = is_paid(m->fact->paid_at_us);
    if (m->fact->state < m->known->state || (was && !is))
        return -1;
    return m->fact->state > m->known->state || (!was && is);
}

static bool takes(struct merging *m, int index, int progress)
{
    int64_t bit = (int64_t)1 << index, quality = quality_of(bit);
    if (!(m->told & bit))
        return false;
    if (!(m->known->told & bit))
        return true;
    if ((m->told & quality) != (m->known->told & quality))
        return m->told & quality;
    struct order_age known = age_of(m->known, index);
    struct order_age told = {m->fact->exported_at_us, m->fact->exported_unsure};
    bool weaker = m->known->told & ~m->told & ORDER_TOLD_AMOUNT;
    if (order_rule_beats(known, told, progress, weaker))
        return true;
    m->by_age |= bit;
    m->kept = m->kept || (told.at_us > known.at_us && progress < 0);
    return false;
}

/* The time of payment that is told, else the one that stands in. An order whose time of payment is
 * known was paid, whatever a file says that does not tell of it. */
static void merge_payment(const struct merging *m, struct order_row *after)
{
    bool fact_tells = m->taken & ORDER_TOLD_PAID_TIME, fact_state = m->taken & ORDER_TOLD_STATE;
    int64_t told_us = INT64_MIN;
    if (fact_tells)
        told_us = m->fact->paid_at_us;
    else if (m->known->told & ORDER_TOLD_PAID_TIME)
        told_us = m->known->paid_at_us;
    bool was_paid = is_paid(fact_state ? m->fact->paid_at_us : m->known->paid_at_us);
    if (after->state == ORDER_CREATED && is_paid(told_us))
        after->state = ORDER_PAID;
    if (after->state == ORDER_CLOSED && !is_paid(told_us) && was_paid &&
        (fact_state || !fact_tells))
        told_us = after->occurred_at_us;
    after->paid_at_us =
        order_rule_paid_at((enum order_state)after->state, after->occurred_at_us, told_us);
}

static int64_t sum_of_lines(const struct order_fact *fact)
{
    int64_t sum = 0;
    for (int i = 0; i < fact->line_count; i++) {
        if (!add_i64(sum, fact->lines[i].amount_minor, &sum))
            return INT64_MAX;
    }
    return sum;
}

/* An amount that is told for the order beats the sum of its lines, in which freight is not. */
static void merge_amount(const struct merging *m, struct order_row *after,
                         struct order_merge *merge)
{
    bool known_tells = m->known->told & ORDER_TOLD_AMOUNT;
    bool known_measured = m->known->told & ORDER_TOLD_LINES_MEASURED;
    if (m->taken & ORDER_TOLD_AMOUNT || (!known_tells && merge->lines))
        after->amount_minor = m->fact->amount_minor;
    if (!(after->told & ORDER_TOLD_AMOUNT) || !is_paid(after->paid_at_us))
        return;
    if (merge->lines)
        merge->lines_exceed = (m->told & ORDER_TOLD_LINES_MEASURED) &&
                              sum_of_lines(m->fact) > after->amount_minor;
    else if (known_measured && !known_tells) /* until now the amount was their sum */
        merge->lines_exceed = m->known->amount_minor > after->amount_minor;
}

static bool same_part(const struct order_row *known, const uint8_t *content, int part)
{
    size_t from = (size_t)part * ORDER_CONTENT_PART_BYTES;
    return known->content_hash.n == ORDER_CONTENT_BYTES &&
           memcmp(known->content_hash.p + from, content + from, ORDER_CONTENT_PART_BYTES) == 0;
}

/* The known content with the parts that are taken. */
static void merge_content(const struct merging *m, struct order_row *after,
                          struct order_merge *merge)
{
    const bool taken[] = {merge->lines, merge->channel, merge->buyer};
    if (!merge->lines && !merge->channel && !merge->buyer)
        return;
    memset(merge->content_hash, 0, sizeof(merge->content_hash));
    if (m->known->content_hash.n == ORDER_CONTENT_BYTES)
        memcpy(merge->content_hash, m->known->content_hash.p, ORDER_CONTENT_BYTES);
    for (size_t part = 0; part < 3; part++) {
        size_t from = part * ORDER_CONTENT_PART_BYTES;
        if (taken[part])
            memcpy(merge->content_hash + from, m->fact->content_hash + from,
                   ORDER_CONTENT_PART_BYTES);
    }
    after->content_hash = (struct str){(const char *)merge->content_hash, ORDER_CONTENT_BYTES};
}

/* The fact says otherwise than is known, in an aspect that it lost by its age. */
static bool contradicts(const struct merging *m)
{
    const struct order_row *known = m->known;
    const struct order_fact *fact = m->fact;
    const uint8_t *content = fact->content_hash;
    return (m->by_age & ORDER_TOLD_STATE && fact->state != known->state) ||
           (m->by_age & ORDER_TOLD_TIME && fact->occurred_at_us != known->occurred_at_us) ||
           (m->by_age & ORDER_TOLD_PAID_TIME && fact->paid_at_us != known->paid_at_us) ||
           (m->by_age & ORDER_TOLD_AMOUNT && fact->amount_minor != known->amount_minor) ||
           (m->by_age & ORDER_TOLD_LINES && !same_part(known, content, 0)) ||
           (m->by_age & ORDER_TOLD_CHANNEL && !same_part(known, content, 1)) ||
           (m->by_age & ORDER_TOLD_BUYER && !same_part(known, content, 2));
}

static bool differs(const struct order_row *known, const struct order_row *after)
{
    return after->state != known->state || after->occurred_at_us != known->occurred_at_us ||
           after->paid_at_us != known->paid_at_us || after->amount_minor != known->amount_minor ||
           !str_eq(after->content_hash, known->content_hash);
}

static enum order_change change_of(const struct merging *m, const struct order_row *after)
{
    if (differs(m->known, after))
        return ORDER_RESTATED;
    if (contradicts(m))
        return m->kept ? ORDER_KEPT : ORDER_OLDER;
    return ORDER_SAME;
}

bool order_rule_ages_move(const struct order_row *before, const struct order_row *after)
{
    return after->exported_at_us != before->exported_at_us || after->told != before->told ||
           !str_eq(after->told_at, before->told_at);
}

static int64_t told_after(const struct merging *m)
{
    int64_t told = (m->known->told | m->told) & TOLD_ASPECTS;
    for (int i = 0; i < ORDER_ASPECT_MAX; i++) {
        int64_t quality = quality_of((int64_t)1 << i);
        bool fact_holds = m->taken >> i & 1;
        told |= (fact_holds ? m->told : m->known->told) & quality;
    }
    return told;
}

void order_rule_merge(const struct order_row *known, const struct order_fact *fact,
                      struct order_row *after, struct order_merge *merge)
{
    struct merging m = {.known = known, .fact = fact, .told = order_rule_told(fact)};
    struct order_age ages[ORDER_ASPECT_MAX];
    int progress = progress_of(&m);
    *after = *known;
    *merge = (struct order_merge){0};
    for (int i = 0; i < ORDER_ASPECT_MAX; i++) {
        bool taken = takes(&m, i, progress);
        m.taken |= (int64_t)taken << i;
        ages[i] = taken ? (struct order_age){fact->exported_at_us, fact->exported_unsure}
                        : age_of(known, i);
    }
    merge->lines = m.taken & ORDER_TOLD_LINES;
    merge->channel = m.taken & ORDER_TOLD_CHANNEL;
    merge->buyer = m.taken & ORDER_TOLD_BUYER;
    after->told = told_after(&m);
    if (m.taken & ORDER_TOLD_STATE)
        after->state = fact->state;
    if (m.taken & ORDER_TOLD_TIME)
        after->occurred_at_us = fact->occurred_at_us;
    merge_payment(&m, after);
    merge_amount(&m, after, merge);
    merge_content(&m, after, merge);
    set_ages(after, ages, merge->ages);
    merge->change = change_of(&m, after);
    /* That a file says so as well, and may be as old as ever, makes nothing younger. */
    bool tells_more = (after->told & ORDER_TOLD_ALL) != (known->told & ORDER_TOLD_ALL);
    if (merge->change != ORDER_RESTATED && !tells_more && fact->exported_unsure)
        *after = *known;
}

void order_rule_begin(const struct order_fact *fact, struct order_row *after,
                      struct order_merge *merge)
{
    struct order_age ages[ORDER_ASPECT_MAX];
    int64_t told = order_rule_told(fact), both = ORDER_TOLD_AMOUNT | ORDER_TOLD_LINES_MEASURED;
    *merge = (struct order_merge){
        .change = ORDER_NEW, .lines = true, .channel = true, .buyer = true};
    memcpy(merge->content_hash, fact->content_hash, sizeof(merge->content_hash));
    for (int i = 0; i < ORDER_ASPECT_MAX; i++)
        ages[i] = (struct order_age){fact->exported_at_us, fact->exported_unsure};
    after->state = fact->state;
    after->occurred_at_us = fact->occurred_at_us;
    after->paid_at_us = fact->paid_at_us;
    after->amount_minor = fact->amount_minor;
    after->told = told;
    after->content_hash = (struct str){(const char *)merge->content_hash, ORDER_CONTENT_BYTES};
    set_ages(after, ages, merge->ages);
    merge->lines_exceed = (told & both) == both && is_paid(after->paid_at_us) &&
                          sum_of_lines(fact) > fact->amount_minor;
}

/* --- Refunds --- */

#define REFUND_TOLD_ALL (REFUND_TOLD_MEASURED | REFUND_TOLD_TIME | REFUND_TOLD_WHOLE)
#define AMOUNT_UNSURE ((int64_t)1 << ORDER_UNSURE_SHIFT)
#define TIME_UNSURE ((int64_t)1 << (ORDER_UNSURE_SHIFT + 1))

static int64_t refund_told(const struct refund_fact *fact)
{
    return fact->told != 0 ? fact->told : REFUND_TOLD_MEASURED | REFUND_TOLD_TIME;
}

/* All of the order is what the order turned out to be worth. */
static int64_t whole_or(int64_t told, int64_t amount_minor, const struct order_row *order)
{
    bool more = told & REFUND_TOLD_WHOLE && order && order->amount_minor > amount_minor;
    return more ? order->amount_minor : amount_minor;
}

void order_rule_begin_refund(const struct refund_fact *fact, const struct order_row *order,
                             struct order_refund_row *after)
{
    int64_t told = refund_told(fact);
    after->amount_minor = whole_or(told, fact->amount_minor, order);
    after->refunded_at_us = fact->refunded_at_us;
    after->exported_at_us = fact->exported_at_us;
    after->told = told & REFUND_TOLD_ALL;
    after->time_told_at_us = INT64_MIN;
    if (fact->exported_unsure)
        after->told |= AMOUNT_UNSURE | (told & REFUND_TOLD_TIME ? TIME_UNSURE : 0);
    after->content_hash = (struct str){(const char *)fact->content_hash, SECRET_HASH_BYTES};
}

/* When it was given back: told, else as the order's time, of whichever holds the amount. */
static void merge_refund_time(const struct order_refund_row *known, const struct refund_fact *fact,
                              bool amount_taken, struct order_refund_row *after)
{
    struct order_age told = {fact->exported_at_us, fact->exported_unsure}, before, now;
    bool tells = refund_told(fact) & REFUND_TOLD_TIME, known_tells = known->told & REFUND_TOLD_TIME;
    before = (struct order_age){known->exported_at_us, known->told & TIME_UNSURE};
    if (known->time_told_at_us != INT64_MIN)
        before.at_us = known->time_told_at_us;
    bool taken = tells && (!known_tells || order_rule_beats(before, told, 0, false));
    if (taken || (!known_tells && amount_taken))
        after->refunded_at_us = fact->refunded_at_us;
    if (!tells && !known_tells)
        return;
    now = taken ? told : before;
    after->told |= REFUND_TOLD_TIME | (now.unsure ? TIME_UNSURE : 0);
    after->time_told_at_us = now.at_us == after->exported_at_us ? INT64_MIN : now.at_us;
}

static enum order_change lost(struct order_age before, struct order_age now, int progress)
{
    return progress < 0 && now.at_us > before.at_us ? ORDER_KEPT : ORDER_OLDER;
}

/* A refund with rows of its own: one file tells all of it. */
static enum order_change merge_alone(const struct order_refund_row *known,
                                     const struct refund_fact *fact, struct order_refund_row *after)
{
    struct order_age before = {known->exported_at_us, known->told & AMOUNT_UNSURE};
    struct order_age now = {fact->exported_at_us, fact->exported_unsure};
    int progress = (fact->amount_minor > known->amount_minor) -
                   (fact->amount_minor < known->amount_minor);
    bool taken = order_rule_beats(before, now, progress, false);
    bool same = memcmp(known->content_hash.p, fact->content_hash, SECRET_HASH_BYTES) == 0;
    if (!taken)
        return same ? ORDER_SAME : lost(before, now, progress);
    if (same && now.unsure)
        return ORDER_SAME;
    order_rule_begin_refund(fact, NULL, after);
    return same ? ORDER_SAME : ORDER_RESTATED;
}

/* One on the rows of its order. Of what is measured and what only a state says, the larger: a state
 * may say that all was given back where another file measures what was before, and with freight. */
static enum order_change merge_beside(const struct order_refund_row *known,
                                      const struct refund_fact *fact, const struct order_row *order,
                                      struct order_refund_row *after)
{
    int64_t told = refund_told(fact), amount_minor = whole_or(told, fact->amount_minor, order);
    int64_t known_minor = whole_or(known->told, known->amount_minor, order);
    struct order_age before = {known->exported_at_us, known->told & AMOUNT_UNSURE};
    struct order_age now = {fact->exported_at_us, fact->exported_unsure};
    int progress = (amount_minor > known_minor) - (amount_minor < known_minor);
    bool apart = (told & REFUND_TOLD_MEASURED) != (known->told & REFUND_TOLD_MEASURED);
    bool weaker = known->told & ~told & REFUND_TOLD_TIME;
    bool taken = apart ? progress > 0 || (progress == 0 && (told & REFUND_TOLD_MEASURED))
                       : order_rule_beats(before, now, progress, weaker);
    struct order_age holds = taken ? now : before;
    after->amount_minor = taken ? amount_minor : known_minor;
    after->exported_at_us = holds.at_us;
    after->told = (taken ? told : known->told) & (REFUND_TOLD_MEASURED | REFUND_TOLD_WHOLE);
    after->told |= holds.unsure ? AMOUNT_UNSURE : 0;
    merge_refund_time(known, fact, taken, after);
    if (after->amount_minor != known->amount_minor ||
        after->refunded_at_us != known->refunded_at_us) {
        if (taken)
            after->content_hash =
                (struct str){(const char *)fact->content_hash, SECRET_HASH_BYTES};
        return ORDER_RESTATED;
    }
    bool tells_more = (after->told & REFUND_TOLD_ALL) != (known->told & REFUND_TOLD_ALL);
    if (!tells_more && now.unsure)
        *after = *known;
    return taken || apart || progress == 0 ? ORDER_SAME : lost(before, now, progress);
}

enum order_change order_rule_merge_refund(const struct order_refund_row *known,
                                          const struct refund_fact *fact,
                                          const struct order_row *order, bool beside_order,
                                          struct order_refund_row *after)
{
    *after = *known;
    return beside_order ? merge_beside(known, fact, order, after)
                        : merge_alone(known, fact, after);
}

bool order_rule_refund_ages_move(const struct order_refund_row *before,
                                 const struct order_refund_row *after)
{
    return after->exported_at_us != before->exported_at_us || after->told != before->told ||
           after->time_told_at_us != before->time_told_at_us;
}
