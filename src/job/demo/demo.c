/* Making the demo brand: the table of steps, and the moved clock. */
#include "job/demo/demo.h"

#include <stdatomic.h>

#include "base/arena.h"
#include "job/demo/demo_life.h"

/* --- The clock: the system's, moved to when the step at work happened -------------------- */

struct demo_clock {
    struct clock real;
    _Atomic int64_t offset_us;
};

static int64_t demo_now_us(void *arg)
{
    struct demo_clock *clock = arg;
    return clock_now_us(&clock->real) + atomic_load(&clock->offset_us);
}

static void move_clock(struct demo_clock *clock, const struct zone *zone, int32_t day, int hour)
{
    struct civil civil = {.hour = hour};
    day_to_civil(day, &civil.year, &civil.month, &civil.day);
    atomic_store(&clock->offset_us, zone_time_us(zone, &civil) - clock_now_us(&clock->real));
}

/* --- The steps --------------------------------------------------------------------------- */

/* In the order of when they happened, so that nobody is tagged before being known. A room that
 * comes later adds its line, and its file demo_ROOM.c. weight: how long it takes beside the others.
 */
static const struct demo_step {
    struct text title;
    int days_before,
        hour; /* when it happened: so many days before the last order, by the brand's clock */
    int weight;
    demo_step_fn *run;
} steps[] = {
    {TEXT("Inviting the team", "正在邀请团队"), 7, 7, 1, demo_staff},
    {TEXT("Bringing in a year of orders", "正在导入一年的订单"), 7, 8, 70, demo_orders_past},
    {TEXT("Getting to know the customers", "正在整理客户"), 6, 10, 8, demo_customers},
    {TEXT("Asking what they allow", "正在记录客户的同意"), 6, 14, 3, demo_consent},
    {TEXT("Putting double accounts together", "正在合并重复账号"), 5, 15, 3, demo_merges},
    {TEXT("Adding the last week", "正在补上最近一周"), 0, 22, 18, demo_orders_week},
};
#define STEP_COUNT ((int)(sizeof(steps) / sizeof(steps[0])))
#define DAYS_AT_ONCE 7 /* of the last week */

void demo_tell(struct demo *demo, double done)
{
    const struct demo_options *options = demo->options;
    double before = 0, all = 0;
    if (!options->progress)
        return;
    demo->step_done = done;
    for (int i = 0; i < STEP_COUNT; i++) {
        before += i < demo->step ? steps[i].weight : 0;
        all += steps[i].weight;
    }
    double percent = 100 * (before + done * steps[demo->step].weight) / all;
    options->progress(options->progress_arg, &steps[demo->step].title, (int)percent);
}

struct str demo_word(const struct demo *demo, const char *en, const char *zh)
{
    return str_c(demo->options->lang == LANG_ZH ? zh : en);
}

static const struct err *run_steps(struct demo *demo)
{
    for (demo->step = 0; demo->step < STEP_COUNT; demo->step++) {
        const struct demo_step *step = &steps[demo->step];
        demo_tell(demo, 0);
        move_clock(demo->clock, demo->home->brand->zone, demo->yesterday - step->days_before,
                   step->hour);
        TRY(step->run(demo));
    }
    return setup_demo_set(demo->home->store, demo->arena, BRAND_DEMO);
}

/* --- Making ------------------------------------------------------------------------------ */

static void invent_people(struct demo *demo)
{
    uint32_t count = demo->data->customer_count;
    demo->people = ARENA_ARRAY(demo->arena, (size_t)count + 1, struct demo_person);
    demo->second_until = ARENA_ARRAY(demo->arena, (size_t)count + 1, int32_t);
    for (uint32_t i = 0; i < count; i++) {
        demo->people[i] = demo_person(demo->arena, demo->options->seed, i);
        demo->second_until[i] = DAY_NONE;
    }
    demo_customers_choose(demo);
}

static const struct err *make_open(struct demo *demo, const struct clock *clock)
{
    TRY(home_open_at(demo->arena, demo->options->directory, clock, &demo->home));
    const struct err *err = run_steps(demo);
    home_close(demo->home);
    return err;
}

static const struct err *make(struct demo *demo)
{
    const struct demo_options *options = demo->options;
    struct demo_clock moved = {.real = clock_system()};
    const struct clock clock = {demo_now_us, &moved};
    const struct zone *zone;
    TRY(zone_open(demo->arena, DEMO_TIME_ZONE, STR_NONE, &zone));
    TRY(demo_data_open(demo->arena, &demo->data));
    demo->clock = &moved;
    demo->yesterday = zone_day(zone, clock_now_us(&moved.real)) - 1;
    demo->shift_days = demo->yesterday - demo->data->last_day;
    invent_people(demo);
    move_clock(&moved, zone, demo->yesterday - DAYS_AT_ONCE, 6);
    demo->result->name = demo_word(demo, "Demo gift shop", "演示礼品店");
    demo->result->last_day = demo->yesterday;
    struct home_create create = {.directory = options->directory,
                                 .name = demo->result->name,
                                 .currency = DEMO_CURRENCY,
                                 .time_zone = DEMO_TIME_ZONE,
                                 .store_url = options->store_url,
                                 .is_demo = true,
                                 .clock = &clock};
    TRY(home_create(demo->arena, &create));
    const struct err *err = make_open(demo, &clock);
    if (!err)
        return NULL;
    const struct err *left = home_demo_remove(demo->arena, options->directory);
    (void)left; /* why it could not be made is what matters; the next making removes the rest */
    return err;
}

/* Nothing is there, or what a demo left that was broken off; that is removed. */
static const struct err *make_room(struct arena *arena, struct str directory)
{
    struct home *home;
    enum home_state state = home_state(arena, directory);
    if (state == HOME_HALF_REMOVED)
        return home_demo_remove(arena, directory);
    if (state == HOME_NOTHING)
        return NULL;
    TRY(home_open(arena, directory, HOME_READ, &home));
    enum brand_demo demo = home->brand->demo;
    struct str name = home->brand->name;
    home_close(home);
    if (demo == BRAND_REAL)
        return ERR_NEW(arena, ERR_DEMO_REAL_BRAND, directory, name);
    if (demo == BRAND_DEMO)
        return ERR_NEW(arena, ERR_DEMO_EXISTS, directory);
    return home_demo_remove(arena, directory);
}

const struct err *demo_make(struct arena *arena, const struct demo_options *options,
                            struct demo_result *result)
{
    struct clock clock = clock_system();
    struct demo demo = {.arena = arena, .options = options, .result = result};
    int64_t began_us = clock_now_us(&clock);
    *result = (struct demo_result){0};
    TRY(make_room(arena, options->directory));
    TRY(make(&demo));
    result->took_us = clock_now_us(&clock) - began_us;
    return NULL;
}
