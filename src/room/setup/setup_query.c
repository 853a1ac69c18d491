/* Reads the brand. */
#include "base/arena.h"
#include "room/setup/setup.h"

#include "sql_setup.h"

struct brand_reading {
    struct arena *arena; /* the caller's: the brand outlives the transaction */
    struct brand *brand;
};

static const struct err *read_brand(struct tx *tx, void *arg)
{
    struct brand_reading *reading = arg;
    struct sql_setup_brand_out row;
    bool found;
    TRY(sql_setup_brand_one(tx, &row, &found));
    if (!found)
        return ERR_NEW(tx_arena(tx), ERR_SETUP_MISSING, STR_NONE);
    struct brand *brand = ARENA_NEW(reading->arena, struct brand);
    *brand = (struct brand){
        .name = str_copy(reading->arena, row.name),
        .currency = str_copy(reading->arena, row.currency),
        .currency_digits = (int)row.currency_digits,
        .time_zone = str_copy(reading->arena, row.time_zone),
        .created_at_us = row.created_at,
    };
    reading->brand = brand;
    return NULL;
}

const struct err *setup_load(struct store *store, struct arena *arena, struct brand **out)
{
    struct brand_reading reading = {.arena = arena};
    TRY(store_read(store, arena,
                   &(struct store_job){.name = "setup.load", .fn = read_brand, .arg = &reading}));
    struct brand *brand = reading.brand;
    TRY(zone_open(arena, brand->time_zone, STR("time_zone"), &brand->zone));
    *out = brand;
    return NULL;
}
