/* Reads the brand. */
#include "base/arena.h"
#include "base/limits.h"
#include "room/setup/setup.h"

#include "sql_setup.h"

void setup_key_check(const struct keyring *keys, uint8_t out[SECRET_HASH_BYTES])
{
    secret_lookup_hash(keys, STR("brand.key_check"), STR("huitou"), out);
}

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
    uint8_t key_check[SECRET_HASH_BYTES];
    setup_key_check(tx_deps(tx)->keys, key_check);
    if (!str_eq(row.key_check, (struct str){(const char *)key_check, sizeof(key_check)}))
        return ERR_NEW(tx_arena(tx), ERR_SETUP_KEY, STR_NONE, row.name);
    struct brand *brand = ARENA_NEW(reading->arena, struct brand);
    *brand = (struct brand){
        .name = str_copy(reading->arena, row.name),
        .currency = str_copy(reading->arena, row.currency),
        .currency_digits = (int)row.currency_digits,
        .time_zone = str_copy(reading->arena, row.time_zone),
        .created_at_us = row.created_at,
        .demo = (enum brand_demo)row.demo,
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

const struct err *setup_verify(struct tx *tx, int64_t *fault_count)
{
    struct stmt_cursor cursor;
    struct sql_setup_calendar_all_out row;
    bool has;
    int64_t day = LIMIT_DAY_MIN;
    *fault_count = 0;
    TRY(sql_setup_calendar_all_open(tx, &cursor));
    for (;; day++) {
        TRY(sql_setup_calendar_all_next(&cursor, &row, &has));
        if (!has)
            break;
        *fault_count += row.day != day || row.month != month_of_day((int32_t)row.day);
    }
    *fault_count += day != LIMIT_DAY_MAX + 1;
    return NULL;
}
