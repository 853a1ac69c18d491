/* Who looks after whom, and so who may see whom. */
#include "base/arena.h"
#include "room/customer/customer_part.h"
#include "sql_customer.h"

ERR_RESULT customer_keeper(struct tx *tx, int64_t root_id, int64_t *staff_id)
{
    struct sql_customer_keeper_of_out row;
    bool found;
    TRY(sql_customer_keeper_of_one(tx, &(struct sql_customer_keeper_of_in){root_id}, &row, &found));
    *staff_id = found ? row.staff_id : 0;
    return NULL;
}

ERR_RESULT customer_keeper_set(struct tx *tx, int64_t customer_id, int64_t staff_id, struct str by)
{
    int64_t root_id, before;
    TRY(customer_lock_root(tx, STR("customer"), customer_id, &root_id));
    TRY(customer_keeper(tx, root_id, &before));
    if (before == staff_id)
        return NULL;
    struct sql_customer_keeper_set_in row = {root_id, staff_id, tx_now_us(tx), by};
    if (staff_id == 0)
        TRY(sql_customer_keeper_clear_run(tx, &(struct sql_customer_keeper_clear_in){root_id}));
    else
        TRY(sql_customer_keeper_set_run(tx, &row));
    struct str staff = staff_id ? customer_id_text(tx, staff_id) : STR_NONE;
    struct customer_note notes[] = {{"field", STR("keeper")}, {"staff", staff}, {"by", by}};
    customer_note_event(tx, root_id, EVENT_CUSTOMER_CHANGED, notes, 3);
    return NULL;
}

static const struct err *is_kept_by(struct tx *tx, const struct call *call, int64_t staff_id,
                                    bool *kept)
{
    *kept = staff_id != 0 && staff_id == call->principal.id;
    if (*kept || staff_id == 0 || call->reach != REACH_BELOW)
        return NULL;
    int64_t *below;
    size_t count;
    TRY(staff_below(tx, call->principal.id, &below, &count));
    for (size_t i = 0; i < count; i++)
        *kept = *kept || below[i] == staff_id;
    return NULL;
}

ERR_RESULT customer_reach(struct tx *tx, const struct call *call, int64_t customer_id,
                          int64_t *root_id)
{
    TRY(customer_root_of(tx, STR("/customer_id"), customer_id, root_id));
    if (call->reach == REACH_ALL)
        return NULL;
    int64_t staff_id;
    bool kept;
    TRY(customer_keeper(tx, *root_id, &staff_id));
    TRY(is_kept_by(tx, call, staff_id, &kept));
    if (kept)
        return NULL;
    return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_UNKNOWN, STR("/customer_id"),
                   customer_id_text(tx, customer_id));
}
