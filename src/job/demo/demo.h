/* The demo brand: a year of a real shop's orders (Online Retail, CC BY 4.0: share/demo/NOTICE.md), replayed through the
 * real commands into an empty data directory, with the days moved so that the last order was yesterday, and with people
 * made up by a seed. Every room gives it the life that the room knows: a file demo_ROOM.c here, and a step in the table
 * of demo.c.
 *
 * The brand says of itself that it is a demo (brand.demo), and only such a brand can be removed (home_demo_remove). Nobody
 * can log in: the people who work here have no password until an owner gives them one. */
#ifndef HUITOU_JOB_DEMO_DEMO_H
#define HUITOU_JOB_DEMO_DEMO_H

#include "job/home.h"

#define DEMO_SEED_DEFAULT 1
/* The shop's own: amounts and times of day are as they were. */
#define DEMO_CURRENCY STR("GBP")
#define DEMO_TIME_ZONE STR("Europe/London")
/* What the step at work is about, and how much of everything is done, 0 to 100. Called from the thread that makes it. */
typedef void demo_progress_fn(void *arg, const struct text *step, int percent);

struct demo_options {
    struct str directory;
    struct str store_url; /* absent: SQLite in the directory */
    enum lang lang;       /* of the brand's name, of tags and of staff */
    int64_t seed;         /* of all that is made up: the same seed, the same people */
    demo_progress_fn *progress; /* NULL: nobody listens */
    void *progress_arg;
};
struct demo_result {
    struct str name; /* of the brand */
    int64_t orders, refunds, rows_rejected, staff, tagged, consents, merged, proposals, took_us;
    int32_t last_day; /* of an order, in the brand's zone: yesterday */
};
/* Makes the demo brand; a demo that was broken off there is removed first. Leaves nothing behind on error.
 * Errors: DEMO_REAL_BRAND (a brand of one's own is there), DEMO_EXISTS, those of home_create and of imports. */
ERR_RESULT demo_make(struct arena *arena, const struct demo_options *options, struct demo_result *result);
#endif
