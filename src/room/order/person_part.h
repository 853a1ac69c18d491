/* What the endpoints about one customer share; inside the room. */
#ifndef HUITOU_ROOM_ORDER_PERSON_PART_H
#define HUITOU_ROOM_ORDER_PERSON_PART_H

#include "room/order/person.h"

#define PERSON_ORDERS_SHOWN_MAX 200

struct customer_path {
    int64_t customer_id, identity_id;
    struct str tag;
};
extern const struct shape customer_path_shape, customer_shape;
/* The customer as customer_shape tells it, into call->out. */
ERR_RESULT customer_show(struct tx *tx, struct call *call, int64_t root_id, bool reveal);
/* For the audit trail: "customer:ID". */
void customer_audit(struct call *call, int64_t root_id);

/* --- All that is kept of one person (person_export.c) --- */

struct person_order {
    const struct order_view *order;
    struct order_line_view *lines;
    size_t line_count;
};
struct person_file {
    const struct brand *brand;
    enum lang lang;
    int64_t now_us;
    struct person person;
    struct person_order *orders;
    struct order_refund_view *refunds;
    size_t refund_count;
    struct consent *consents;
    size_t consent_count;
    struct str keeper; /* by name; absent: nobody in particular */
    struct person_event {
        struct event event;
        struct str sentence, by;
    } *events; /* newest first */
    size_t event_count;
    struct audit_row *audits;
    size_t audit_count;
    struct order_import_view *imports;
    size_t import_count;
};
/* Errors: CUSTOMER_UNKNOWN, CUSTOMER_ERASED. */
ERR_RESULT person_file_read(struct tx *tx, const struct brand *brand, int64_t root_id, enum lang lang,
                            struct person_file *file);

#endif
