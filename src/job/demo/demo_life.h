/* What the files of the demo brand share: the brand while it is made, and the steps that give it life. */
#ifndef HUITOU_JOB_DEMO_DEMO_LIFE_H
#define HUITOU_JOB_DEMO_DEMO_LIFE_H

#include "job/demo/demo.h"
#include "job/demo/demo_data.h"
#include "room/access/access.h"

/* --- People, by seed (demo_people.c) --- */

struct demo_person {
    struct str name, phone;
    struct str email; /* absent: none is known */
};
/* The made-up person behind a customer of the data set. Of two different customers nothing but the name may be equal. */
struct demo_person demo_person(struct arena *arena, int64_t seed, uint32_t customer);
/* A number from 0 to below limit that depends on the seed, on `what` it is for, and on `index`. */
uint32_t demo_draw(int64_t seed, uint32_t what, uint32_t index, uint32_t limit);
enum demo_draw_what { DEMO_DRAW_NAME, DEMO_DRAW_EMAIL, DEMO_DRAW_SECOND, DEMO_DRAW_SHARED, DEMO_DRAW_KEEPER };

/* --- The brand while it is made --- */

enum demo_member {
    DEMO_OWNER,
    DEMO_OPERATOR,
    DEMO_SERVICE_MANAGER,
    DEMO_CLIENT_MANAGER,
    DEMO_AGENT, /* and those behind */
    DEMO_AGENT_2,
    DEMO_AGENT_3,
    DEMO_STAFF_MAX
};
struct demo_clock; /* demo.c */
struct demo {
    struct arena *arena;
    const struct demo_options *options;
    struct home *home;
    struct demo_data *data;
    struct demo_person *people; /* by customer of the data */
    struct demo_clock *clock;
    int32_t shift_days; /* from the data set's days to the brand's */
    int32_t yesterday;
    /* A customer's first orders came through another account, up to and with this day of the data set; DAY_NONE: none. */
    int32_t *second_until;
    int64_t staff_ids[DEMO_STAFF_MAX];
    struct demo_result *result;
    int step;         /* the one at work */
    double step_done; /* 0 … 1 */
};
/* What a member of staff is called. */
struct str demo_staff_name(const struct demo *demo, enum demo_member member);
/* How far the step at work has come, 0 to 1. */
void demo_tell(struct demo *demo, double done);
/* In the language of the making. */
struct str demo_word(const struct demo *demo, const char *en, const char *zh);
/* The number of a customer's account before the present one. */
struct str demo_second_number(struct demo *demo, uint32_t customer);
/* Roots of the customers with these numbers, in their order. */
ERR_RESULT demo_find(struct demo *demo, const struct str *numbers, size_t count, int64_t *root_ids);

/* --- The steps, each a room's --- */

typedef const struct err *demo_step_fn(struct demo *demo);
demo_step_fn demo_orders_past; /* room order: all but the last week */
demo_step_fn demo_orders_week; /* the last week, with rows that are rejected */
demo_step_fn demo_staff;       /* room access */
demo_step_fn demo_customers;   /* room customer: tags, and who looks after whom */
demo_step_fn demo_consent;     /* what customers allowed, and took back */
demo_step_fn demo_merges;      /* second accounts are put together; what is only proposed is left waiting */
/* Who has two accounts, and who shares a phone: before any order is written. */
void demo_customers_choose(struct demo *demo);

#endif
