/* Gathers all that is kept of one person. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "room/order/person_part.h"
#include "room/order/person_text.h"

#define AUDITS_MAX 10000

static const struct err *read_orders(struct tx *tx, struct person_file *file)
{
    const struct person *person = &file->person;
    const struct customer_view *view = person->view;
    file->orders = ARENA_ARRAY(tx_arena(tx), person->order_count + 1, struct person_order);
    for (size_t i = 0; i < person->order_count; i++) {
        struct person_order *order = &file->orders[i];
        order->order = &person->orders[i];
        TRY(order_lines_of(tx, order->order->customer_id, order->order->order_id, &order->lines,
                        &order->line_count));
    }
    return order_refunds(tx, view->members, view->member_count, &file->refunds,
                         &file->refund_count);
}

static int newer_event_first(const void *a, const void *b)
{
    const struct event *x = &((const struct person_event *)a)->event;
    const struct event *y = &((const struct person_event *)b)->event;
    if (x->occurred_at_us != y->occurred_at_us)
        return x->occurred_at_us < y->occurred_at_us ? 1 : -1;
    return (x->version < y->version) - (x->version > y->version);
}

static const struct err *add_event(struct tx *tx, struct person_file *file,
                                   const struct event *event)
{
    struct person_event *one = &file->events[file->event_count++];
    struct str by = event_by(tx_arena(tx), event);
    *one = (struct person_event){*event, event_sentence(tx, event, file->lang), STR_NONE};
    return by.p ? access_name_of(tx, by, &one->by) : NULL;
}

static const struct err *read_events(struct tx *tx, struct person_file *file)
{
    const struct customer_view *view = file->person.view;
    struct event **of_births = ARENA_ARRAY(tx_arena(tx), view->member_count, struct event *);
    size_t *counts = ARENA_ARRAY(tx_arena(tx), view->member_count, size_t), total = 0;
    for (size_t m = 0; m < view->member_count; m++) {
        TRY(event_of_customer(tx, view->members[m], &of_births[m], &counts[m]));
        total += counts[m];
    }
    file->events = ARENA_ARRAY(tx_arena(tx), total + 1, struct person_event);
    for (size_t m = 0; m < view->member_count; m++)
        for (size_t i = 0; i < counts[m]; i++)
            TRY(add_event(tx, file, &of_births[m][i]));
    qsort(file->events, file->event_count, sizeof(*file->events), newer_event_first);
    return NULL;
}

static const struct err *read_audits(struct tx *tx, struct person_file *file)
{
    const struct customer_view *view = file->person.view;
    file->audits = ARENA_ARRAY(tx_arena(tx), AUDITS_MAX, struct audit_row);
    for (size_t m = 0; m < view->member_count; m++) {
        struct str object =
            str_fmt(tx_arena(tx), "customer:%lld", (long long)view->members[m]);
        struct audit_row *rows;
        size_t count;
        TRY(access_audit_of(tx, object, AUDITS_MAX - file->audit_count, &rows, &count));
        if (count > 0)
            memcpy(&file->audits[file->audit_count], rows, count * sizeof(*rows));
        file->audit_count += count;
    }
    return NULL;
}

/* Orders of one import were written within moments: each source and moment is asked once. */
struct provenance {
    struct tx *tx;
    struct person_file *file;
    size_t capacity;
    struct moment {
        struct str source;
        int64_t at_us;
    } *asked;
    size_t asked_count;
};

static void add_import(struct provenance *p, const struct order_import_view *import)
{
    struct person_file *file = p->file;
    for (size_t i = 0; i < file->import_count; i++)
        if (file->imports[i].import_id == import->import_id)
            return;
    if (file->import_count == p->capacity) {
        const struct order_import_view *old = file->imports;
        p->capacity = p->capacity ? 2 * p->capacity : 16;
        file->imports = ARENA_ARRAY(tx_arena(p->tx), p->capacity, struct order_import_view);
        if (file->import_count > 0)
            memcpy(file->imports, old, file->import_count * sizeof(*old));
    }
    file->imports[file->import_count++] = *import;
}

static const struct err *ask_provenance(struct provenance *p, struct str source, int64_t at_us)
{
    for (size_t i = 0; i < p->asked_count; i++)
        if (p->asked[i].at_us == at_us && str_eq(p->asked[i].source, source))
            return NULL;
    p->asked[p->asked_count++] = (struct moment){source, at_us};
    struct order_import_view *imports;
    size_t count;
    TRY(order_imports_at(p->tx, source, at_us, &imports, &count));
    for (size_t i = 0; i < count; i++)
        add_import(p, &imports[i]);
    return NULL;
}

static const struct err *read_imports(struct tx *tx, struct person_file *file)
{
    size_t max = file->person.order_count + file->refund_count + 1;
    struct provenance p = {.tx = tx, .file = file};
    p.asked = ARENA_ARRAY(tx_arena(tx), max, struct moment);
    for (size_t i = 0; i < file->person.order_count; i++)
        TRY(ask_provenance(&p, file->person.orders[i].source,
                           file->person.orders[i].recorded_at_us));
    for (size_t i = 0; i < file->refund_count; i++)
        TRY(ask_provenance(&p, file->refunds[i].source, file->refunds[i].recorded_at_us));
    return NULL;
}

static const struct err *read_keeper(struct tx *tx, struct person_file *file)
{
    int64_t staff_id;
    file->keeper = STR_NONE;
    TRY(customer_keeper(tx, file->person.view->customer_id, &staff_id));
    if (staff_id == 0)
        return NULL;
    return access_name_of(tx, str_fmt(tx_arena(tx), "staff:%lld", (long long)staff_id),
                          &file->keeper);
}

ERR_RESULT person_file_read(struct tx *tx, const struct brand *brand, int64_t root_id,
                            enum lang lang, struct person_file *file)
{
    *file = (struct person_file){.brand = brand, .lang = lang, .now_us = tx_now_us(tx)};
    TRY(person_read(tx, root_id, &file->person));
    const struct customer_view *view = file->person.view;
    if (view->erased)
        return ERR_NEW(tx_arena(tx), ERR_CUSTOMER_ERASED, STR("customer"),
                       str_fmt(tx_arena(tx), "%lld", (long long)view->customer_id));
    TRY(read_orders(tx, file));
    TRY(customer_consents(tx, view->customer_id, &file->consents, &file->consent_count));
    TRY(read_keeper(tx, file));
    TRY(read_events(tx, file));
    TRY(read_audits(tx, file));
    return read_imports(tx, file);
}
