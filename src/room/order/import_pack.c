#include "room/order/import_pack.h"

#include "room/order/import_run.h"

void import_pack_err(struct buf *buf, const struct err *err)
{
    pack_i64(buf, err->code);
    pack_str(buf, err->field);
    for (int i = 0; i < ERR_ARG_MAX; i++)
        pack_str(buf, err->arg[i]);
}

const struct err *import_unpack_err(struct unpack *u)
{
    struct str args[ERR_ARG_MAX];
    enum err_code code = (enum err_code)unpack_i64(u);
    struct str field = unpack_str(u);
    for (int i = 0; i < ERR_ARG_MAX; i++)
        args[i] = unpack_str(u);
    return err_make(u->arena, code, field, __FILE__, __LINE__, args, ERR_ARG_MAX);
}

void import_pack_buyer(struct buf *buf, const struct identity_value *identities, int count,
                       struct str name)
{
    pack_i64(buf, count);
    for (int i = 0; i < count; i++) {
        pack_i64(buf, identities[i].kind);
        pack_str(buf, identities[i].issuer);
        pack_str(buf, identities[i].value);
        pack_i64(buf, identities[i].weak);
    }
    pack_str(buf, name);
}

void import_unpack_buyer(struct unpack *u, struct customer_buyer *buyer)
{
    *buyer = (struct customer_buyer){.identity_count = (int)unpack_i64(u)};
    CHECK(buyer->identity_count <= LIMIT_IDENTITIES_PER_ORDER_MAX);
    for (int i = 0; i < buyer->identity_count; i++) {
        struct identity_value *identity = &buyer->identities[i];
        identity->kind = (enum identity_kind)unpack_i64(u);
        identity->issuer = unpack_str(u);
        identity->value = unpack_str(u);
        identity->weak = unpack_i64(u) != 0;
    }
    buyer->name = unpack_str(u);
}

void import_pack_order(struct buf *buf, const struct order_fact *fact)
{
    import_pack_buyer(buf, fact->buyer->identities, fact->buyer->identity_count, fact->buyer->name);
    pack_str(buf, fact->number);
    pack_i64(buf, fact->told);
    pack_i64(buf, fact->state);
    pack_i64(buf, fact->occurred_at_us);
    pack_i64(buf, fact->paid_at_us);
    pack_i64(buf, fact->amount_minor);
    pack_str(buf, fact->channel);
    pack_i64(buf, fact->line_count);
    for (int i = 0; i < fact->line_count; i++) {
        const struct order_line_fact *line = &fact->lines[i];
        pack_str(buf, line->product_code);
        pack_str(buf, line->product_name);
        pack_str(buf, line->category);
        pack_i64(buf, line->quantity_milli);
        pack_i64(buf, line->amount_minor);
    }
}

void import_unpack_order(struct unpack *u, struct order_fact *fact)
{
    fact->number = unpack_str(u);
    fact->told = unpack_i64(u);
    fact->state = (enum order_state)unpack_i64(u);
    fact->occurred_at_us = unpack_i64(u);
    fact->paid_at_us = unpack_i64(u);
    fact->amount_minor = unpack_i64(u);
    fact->channel = unpack_str(u);
    fact->line_count = (int)unpack_i64(u);
    fact->lines = ARENA_ARRAY(u->arena, (size_t)fact->line_count, struct order_line_fact);
    for (int i = 0; i < fact->line_count; i++) {
        struct order_line_fact *line = &fact->lines[i];
        line->product_code = unpack_str(u);
        line->product_name = unpack_str(u);
        line->category = unpack_str(u);
        line->quantity_milli = unpack_i64(u);
        line->amount_minor = unpack_i64(u);
    }
}

void import_pack_refund(struct buf *buf, const struct refund_fact *fact)
{
    import_pack_buyer(buf, fact->buyer->identities, fact->buyer->identity_count, fact->buyer->name);
    pack_str(buf, fact->number);
    pack_str(buf, fact->order_number);
    pack_i64(buf, fact->told);
    pack_i64(buf, fact->refunded_at_us);
    pack_i64(buf, fact->amount_minor);
    pack_str(buf, fact->channel);
    pack_i64(buf, fact->order_in_file); /* the last: import_match.c sets it */
}

void import_unpack_refund(struct unpack *u, struct refund_fact *fact)
{
    fact->number = unpack_str(u);
    fact->order_number = unpack_str(u);
    fact->told = unpack_i64(u);
    fact->refunded_at_us = unpack_i64(u);
    fact->amount_minor = unpack_i64(u);
    fact->channel = unpack_str(u);
    fact->order_in_file = unpack_i64(u) != 0;
}
