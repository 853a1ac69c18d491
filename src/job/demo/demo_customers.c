/* Room customer in the demo: who has two accounts, who shares a phone with somebody, tags from what
 * was bought, and who looks after whom. Shared phones make the import propose merges; those of
 * second accounts are carried out, the rest is left waiting for somebody to look at. */
#include "base/arena.h"
#include "base/check.h"
#include "job/demo/demo_life.h"
#include "room/customer/customer.h"

#define SECOND_ACCOUNTS 12 /* put together: whoever counts customers must not count them twice */
#define SHARED_PHONES                                                                              \
    9 /* pairs of customers with one phone: a merge is proposed, nobody has decided */
#define CUSTOMERS_PER_TRANSACTION 40
#define GROUP_MAX 200 /* customers with one tag */
#define TRIES 100000

/* --- Choosing, before any order is written ----------------------------------------------- */

/* Whether their first orders may have come through another account: some months and orders, all
 * before the last week. */
static bool may_have_second(const struct demo_customer *customer, int32_t last_day)
{
    return customer->order_count >= 4 && customer->last_day - customer->first_day > 90 &&
           customer->last_day < last_day - 10;
}

static void choose_second(struct demo *demo)
{
    const struct demo_data *data = demo->data;
    uint32_t found = 0;
    for (uint32_t i = 0; i < TRIES && found < SECOND_ACCOUNTS; i++) {
        uint32_t at = demo_draw(demo->options->seed, DEMO_DRAW_SECOND, i, data->customer_count);
        const struct demo_customer *customer = &data->customers[at];
        if (demo->second_until[at] != DAY_NONE || !may_have_second(customer, data->last_day))
            continue;
        demo->second_until[at] = (customer->first_day + customer->last_day) / 2;
        found++;
    }
}

/* One of a pair takes the other's phone: two people of one house. */
static void choose_shared(struct demo *demo)
{
    const struct demo_data *data = demo->data;
    bool *taken = ARENA_ARRAY(demo->arena, (size_t)data->customer_count + 1, bool);
    uint32_t found = 0;
    for (uint32_t i = 0; i < TRIES && found < SHARED_PHONES; i++) {
        uint32_t a = demo_draw(demo->options->seed, DEMO_DRAW_SHARED, 2 * i, data->customer_count);
        uint32_t b =
            demo_draw(demo->options->seed, DEMO_DRAW_SHARED, 2 * i + 1, data->customer_count);
        bool fits = a != b && !taken[a] && !taken[b] && data->customers[a].order_count > 1 &&
                    data->customers[b].order_count > 1 && demo->second_until[a] == DAY_NONE &&
                    demo->second_until[b] == DAY_NONE;
        if (!fits)
            continue;
        demo->people[b].phone = demo->people[a].phone;
        taken[a] = taken[b] = true;
        found++;
    }
}

void demo_customers_choose(struct demo *demo)
{
    choose_second(demo);
    choose_shared(demo);
}

struct str demo_second_number(struct demo *demo, uint32_t customer)
{
    return str_fmt(demo->arena, "guest-%.*s", STR_ARG(demo->data->customers[customer].number));
}

/* --- Finding ----------------------------------------------------------------------------- */

struct finding {
    const struct str *numbers;
    size_t count;
    int64_t *root_ids;
};

static const struct err *find_tx(struct tx *tx, void *arg)
{
    struct finding *finding = arg;
    for (size_t i = 0; i < finding->count; i++) {
        int64_t *roots;
        size_t count;
        TRY(customer_find(tx, finding->numbers[i], 1, &roots, &count));
        finding->root_ids[i] = count ? roots[0] : 0;
    }
    return NULL;
}

const struct err *demo_find(struct demo *demo, const struct str *numbers, size_t count,
                            int64_t *root_ids)
{
    struct arena *arena = arena_new("demo find", (size_t)1 << 28);
    struct finding finding = {numbers, count, root_ids};
    struct store_job job = {.name = "demo find", .fn = find_tx, .arg = &finding};
    const struct err *err = store_read(demo->home->store, arena, &job);
    err = err ? err_copy(demo->arena, err) : NULL;
    arena_free(arena);
    return err;
}

/* --- Tags and keepers -------------------------------------------------------------------- */

/* Those of whom something holds, the largest amounts first. */
struct group {
    uint32_t customers[GROUP_MAX];
    size_t count;
};

static void add_by_amount(const struct demo_data *data, struct group *group, uint32_t customer,
                          size_t most)
{
    size_t at = group->count;
    while (at > 0 &&
           data->customers[group->customers[at - 1]].amount < data->customers[customer].amount)
        at--;
    if (at == most)
        return;
    if (group->count < most)
        group->count++;
    for (size_t i = group->count - 1; i > at; i--)
        group->customers[i] = group->customers[i - 1];
    group->customers[at] = customer;
}

typedef bool fits_fn(const struct demo_data *data, const struct demo_customer *customer);

static bool buys_much(const struct demo_data *data, const struct demo_customer *customer)
{
    (void)data;
    return customer->order_count >= 5;
}

static bool lives_abroad(const struct demo_data *data, const struct demo_customer *customer)
{
    return customer->order_count > 0 &&
           !str_eq(data->countries[customer->country], STR("United Kingdom"));
}

/* Came often, and has not come for a hundred days: who could be won back. */
static bool stays_away(const struct demo_data *data, const struct demo_customer *customer)
{
    return customer->order_count >= 4 && customer->last_day < data->last_day - 100;
}

static bool is_new(const struct demo_data *data, const struct demo_customer *customer)
{
    return customer->order_count > 0 && customer->first_day > data->last_day - 40 &&
           customer->first_day <= data->last_day - 7;
}

static struct group group_of(const struct demo_data *data, fits_fn *fits, size_t most)
{
    struct group group = {.count = 0};
    CHECK(most <= GROUP_MAX);
    for (uint32_t i = 0; i < data->customer_count; i++)
        if (fits(data, &data->customers[i]))
            add_by_amount(data, &group, i, most);
    return group;
}

/* What is written about a group: a tag, and whose customers they become. */
struct life {
    struct demo *demo;
    struct str tag;
    int32_t until_day;
    enum demo_member
        first_keeper; /* keepers in turn from this one to the last; DEMO_STAFF_MAX: nobody */
    enum demo_member last_keeper;
    int64_t roots[GROUP_MAX];
    size_t count, at;
};

static const struct err *live_tx(struct tx *tx, void *arg)
{
    const struct life *life = arg;
    const struct demo *demo = life->demo;
    struct str by = str_fmt(tx_arena(tx), "staff:%lld", (long long)demo->staff_ids[DEMO_OPERATOR]);
    for (size_t i = life->at; i < life->count && i < life->at + CUSTOMERS_PER_TRANSACTION; i++) {
        if (life->roots[i] == 0)
            continue;
        TRY(customer_tag_set(tx, life->roots[i], life->tag, life->until_day, by));
        if (life->first_keeper == DEMO_STAFF_MAX)
            continue;
        size_t keepers = (size_t)(life->last_keeper - life->first_keeper) + 1;
        int64_t keeper = demo->staff_ids[life->first_keeper + i % keepers];
        TRY(customer_keeper_set(tx, life->roots[i], keeper, by));
    }
    return NULL;
}

static const struct err *live(struct demo *demo, const struct group *group, struct life *life)
{
    struct str numbers[GROUP_MAX];
    for (size_t i = 0; i < group->count; i++)
        numbers[i] = demo->data->customers[group->customers[i]].number;
    life->demo = demo;
    life->count = group->count;
    TRY(demo_find(demo, numbers, group->count, life->roots));
    for (life->at = 0; life->at < life->count; life->at += CUSTOMERS_PER_TRANSACTION) {
        struct store_job job = {.name = "demo customers", .fn = live_tx, .arg = life};
        TRY(store_write(demo->home->store, demo->arena, &job));
    }
    demo->result->tagged += (int64_t)group->count;
    return NULL;
}

const struct err *demo_customers(struct demo *demo)
{
    const struct {
        fits_fn *fits;
        size_t most;
        struct str tag;
        int until_days; /* from the last order; 0: for good */
        enum demo_member first_keeper, last_keeper;
    } groups[] = {
        {buys_much, 90, demo_word(demo, "wholesale", "批发客户"), 0, DEMO_CLIENT_MANAGER,
         DEMO_CLIENT_MANAGER},
        {lives_abroad, 120, demo_word(demo, "overseas", "海外"), 0, DEMO_STAFF_MAX, DEMO_STAFF_MAX},
        {stays_away, 60, demo_word(demo, "win back", "待唤回"), 60, DEMO_AGENT, DEMO_AGENT_3},
        {is_new, 120, demo_word(demo, "new this season", "本季新客"), 30, DEMO_AGENT, DEMO_AGENT_3},
    };
    size_t count = sizeof(groups) / sizeof(groups[0]);
    for (size_t i = 0; i < count; i++) {
        struct group group = group_of(demo->data, groups[i].fits, groups[i].most);
        struct life life = {
            .tag = groups[i].tag,
            .until_day = groups[i].until_days ? demo->yesterday + groups[i].until_days : DAY_NONE,
            .first_keeper = groups[i].first_keeper,
            .last_keeper = groups[i].last_keeper};
        TRY(live(demo, &group, &life));
        demo_tell(demo, (double)(i + 1) / (double)count);
    }
    return NULL;
}

/* --- Merges ------------------------------------------------------------------------------ */

struct merge {
    const struct demo *demo;
    int64_t from_id, into_id;
};

static const struct err *merge_tx(struct tx *tx, void *arg)
{
    const struct merge *merge = arg;
    struct str by =
        str_fmt(tx_arena(tx), "staff:%lld", (long long)merge->demo->staff_ids[DEMO_OPERATOR]);
    return customer_merge(tx, merge->from_id, merge->into_id, by);
}

static const struct err *merge_second(struct demo *demo, uint32_t customer)
{
    const struct str numbers[] = {demo_second_number(demo, customer),
                                  demo->data->customers[customer].number};
    int64_t ids[2];
    TRY(demo_find(demo, numbers, 2, ids));
    CHECK(ids[0] && ids[1] && ids[0] != ids[1]);
    struct merge merge = {demo, ids[0], ids[1]};
    struct store_job job = {.name = "demo merge", .fn = merge_tx, .arg = &merge};
    demo->result->merged++;
    return store_write(demo->home->store, demo->arena, &job);
}

static const struct err *count_proposals_tx(struct tx *tx, void *arg)
{
    struct demo *demo = arg;
    struct merge_proposal *proposals;
    size_t count;
    TRY(customer_proposals(tx, GROUP_MAX, &proposals, &count));
    demo->result->proposals = (int64_t)count;
    return NULL;
}

const struct err *demo_merges(struct demo *demo)
{
    for (uint32_t i = 0; i < demo->data->customer_count; i++)
        if (demo->second_until[i] != DAY_NONE)
            TRY(merge_second(demo, i));
    struct store_job job = {.name = "demo proposals", .fn = count_proposals_tx, .arg = demo};
    return store_read(demo->home->store, demo->arena, &job);
}
