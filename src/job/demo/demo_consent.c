/* Consent in the demo: some customers allowed news by mail on an order form, and some took it back.
 */
#include "base/arena.h"
#include "job/demo/demo_life.h"
#include "room/customer/customer.h"

#define ASKED_MAX 120
#define WITHDRAWN_ONE_IN 6
#define CUSTOMERS_PER_TRANSACTION 40
#define US_PER_HOUR (3600 * US_PER_SECOND)

struct asking {
    struct demo *demo;
    uint32_t customers[ASKED_MAX];
    int64_t roots[ASKED_MAX];
    size_t count, at;
};

static const struct err *ask_one(struct tx *tx, const struct asking *asking, size_t i,
                                 struct str by)
{
    const struct demo *demo = asking->demo;
    int32_t day = demo->data->customers[asking->customers[i]].first_day + demo->shift_days;
    struct consent given = {
        .purpose = CONSENT_MARKETING,
        .channel = CONSENT_BY_EMAIL,
        .given = true,
        .how = CONSENT_HOW_FORM,
        .evidence = demo_word(demo, "Order form: \"send me news by mail\" was ticked",
                              "订单表单：勾选了“通过邮件接收资讯”"),
        .occurred_at_us = zone_day_start_us(demo->home->brand->zone, day) + 12 * US_PER_HOUR};
    TRY(customer_consent_set(tx, asking->roots[i], &given, by));
    if (i % WITHDRAWN_ONE_IN != 0)
        return NULL;
    struct consent withdrawn = given;
    withdrawn.given = false;
    withdrawn.how = CONSENT_HOW_MESSAGE;
    withdrawn.evidence = demo_word(demo, "Answered a mail: no more, please", "回信：请不要再发");
    withdrawn.occurred_at_us = tx_now_us(tx) - US_PER_HOUR;
    return customer_consent_set(tx, asking->roots[i], &withdrawn, by);
}

static const struct err *ask_tx(struct tx *tx, void *arg)
{
    const struct asking *asking = arg;
    struct str by =
        str_fmt(tx_arena(tx), "staff:%lld", (long long)asking->demo->staff_ids[DEMO_OPERATOR]);
    size_t end = asking->at + CUSTOMERS_PER_TRANSACTION;
    for (size_t i = asking->at; i < asking->count && i < end; i++)
        if (asking->roots[i])
            TRY(ask_one(tx, asking, i, by));
    return NULL;
}

/* Those with a mail address who bought before the last week, spread over all. */
static void choose(struct demo *demo, struct asking *asking)
{
    const struct demo_data *data = demo->data;
    uint32_t apart = data->customer_count / (3 * ASKED_MAX) + 1;
    for (uint32_t i = 0; i < data->customer_count && asking->count < ASKED_MAX; i += apart) {
        const struct demo_customer *customer = &data->customers[i];
        bool known = customer->order_count > 0 && customer->first_day < data->last_day - 7;
        if (known && demo->people[i].email.p)
            asking->customers[asking->count++] = i;
    }
}

const struct err *demo_consent(struct demo *demo)
{
    struct asking asking = {.demo = demo};
    struct str numbers[ASKED_MAX];
    choose(demo, &asking);
    for (size_t i = 0; i < asking.count; i++)
        numbers[i] = demo->data->customers[asking.customers[i]].number;
    TRY(demo_find(demo, numbers, asking.count, asking.roots));
    for (; asking.at < asking.count; asking.at += CUSTOMERS_PER_TRANSACTION) {
        struct store_job job = {.name = "demo consent", .fn = ask_tx, .arg = &asking};
        TRY(store_write(demo->home->store, demo->arena, &job));
        demo_tell(demo, (double)asking.at / (double)asking.count);
    }
    demo->result->consents = (int64_t)asking.count;
    return NULL;
}
