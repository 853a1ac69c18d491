/* One person as the commands about customers show them. */
#ifndef HUITOU_CLI_CLI_CUSTOMER_H
#define HUITOU_CLI_CLI_CUSTOMER_H

#include "cli/cli.h"
#include "job/home.h"
#include "room/order/person.h"

struct person_show {
    const struct brand *brand;
    bool reveal;       /* names and identities in the clear */
    size_t orders_max; /* orders listed */
};
void person_draw(struct page *page, const struct person_show *show, const struct person *person);
void person_put(struct json_writer *w, struct arena *arena, const struct person_show *show,
                const struct person *person);
/* Several people, a row each. */
void person_list_draw(struct page *page, const struct person_show *show, const struct person *people,
                      size_t count);
struct str person_id_text(struct arena *arena, int64_t id);
struct str person_name(struct arena *arena, const struct person_show *show, const struct person *person);

#endif
