/* What changes the brand: it is created once, and gives out node numbers. */
#include "base/arena.h"
#include "base/decimal.h"
#include "base/limits.h"
#include "room/setup/setup.h"

#include "sql_setup.h"

struct brand_making {
    struct str name, currency, time_zone;
    int digits;
    bool exists; /* out */
    struct arena *arena;
    struct str existing_name; /* out */
};

static bool is_brand_name(struct str name)
{
    if (!str_is(name) || name.n > LIMIT_NAME_BYTES_MAX || !str_is_utf8(name))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char byte = (unsigned char)name.p[i];
        if (byte < 0x20 || byte == 0x7f)
            return false;
    }
    return true;
}

static const struct err *look_for_brand(struct tx *tx, void *arg)
{
    struct brand_making *making = arg;
    struct sql_setup_brand_out row;
    TRY(sql_setup_brand_one(tx, &row, &making->exists));
    if (making->exists)
        making->existing_name = str_copy(making->arena, row.name);
    return NULL;
}

static const struct err *write_calendar(struct tx *tx)
{
    size_t count = LIMIT_DAY_MAX - LIMIT_DAY_MIN + 1;
    struct sql_setup_calendar_add_in *days =
        ARENA_ARRAY(tx_arena(tx), count, struct sql_setup_calendar_add_in);
    for (size_t i = 0; i < count; i++) {
        int32_t day = LIMIT_DAY_MIN + (int32_t)i;
        days[i] = (struct sql_setup_calendar_add_in){.day = day, .month = month_of_day(day)};
    }
    return sql_setup_calendar_add_bulk(tx, days, count);
}

const struct err *setup_rebuild(struct tx *tx)
{
    TRY(sql_setup_calendar_clear_run(tx));
    return write_calendar(tx);
}

static const struct err *write_brand(struct tx *tx, void *arg)
{
    const struct brand_making *making = arg;
    uint8_t key_check[SECRET_HASH_BYTES];
    setup_key_check(tx_deps(tx)->keys, key_check);
    struct sql_setup_brand_add_in brand = {
        .name = making->name,
        .currency = making->currency,
        .currency_digits = making->digits,
        .time_zone = making->time_zone,
        .key_check = {(const char *)key_check, sizeof(key_check)},
        .created_at = tx_now_us(tx),
    };
    int64_t changed;
    TRY(sql_setup_brand_add_run_count(tx, &brand, &changed));
    if (changed == 0) /* somebody else was quicker */
        return ERR_NEW(tx_arena(tx), ERR_SETUP_EXISTS, STR_NONE, making->name);
    return write_calendar(tx);
}

const struct err *setup_check(struct arena *arena, struct str name, struct str currency,
                              struct str time_zone)
{
    struct err_list wrong = {.arena = arena};
    const struct zone *zone;
    if (!is_brand_name(name))
        err_list_add(&wrong, ERR_NEW(arena, ERR_SETUP_NAME, STR("--name"), name,
                                     str_fmt(arena, "%d", LIMIT_NAME_BYTES_MAX)));
    if (currency_digits(currency) < 0)
        err_list_add(&wrong, ERR_NEW(arena, ERR_SETUP_CURRENCY, STR("--currency"), currency));
    err_list_add(&wrong, zone_open(arena, time_zone, STR("--timezone"), &zone));
    return wrong.first;
}

const struct err *setup_create(struct store *store, struct arena *arena, struct str name,
                               struct str currency, struct str time_zone)
{
    struct brand_making making = {.name = name,
                                  .currency = currency,
                                  .digits = currency_digits(currency),
                                  .time_zone = time_zone,
                                  .arena = arena};
    struct err_list wrong = {.arena = arena};
    err_list_add(&wrong, setup_check(arena, name, currency, time_zone));
    TRY(store_read(
        store, arena,
        &(struct store_job){.name = "setup.look", .fn = look_for_brand, .arg = &making}));
    if (making.exists)
        err_list_add(&wrong, ERR_NEW(arena, ERR_SETUP_EXISTS, STR_NONE, making.existing_name));
    if (wrong.first)
        return wrong.first;
    return store_write(
        store, arena,
        &(struct store_job){.name = "setup.create", .fn = write_brand, .arg = &making});
}

static const struct err *set_demo(struct tx *tx, void *arg)
{
    const enum brand_demo *demo = arg;
    return sql_setup_demo_set_run(tx, &(struct sql_setup_demo_set_in){*demo});
}

const struct err *setup_demo_set(struct store *store, struct arena *arena, enum brand_demo demo)
{
    struct store_job job = {
        .name = "setup.demo", .fn = set_demo, .arg = &demo, .again_if_ambiguous = true};
    return store_write(store, arena, &job);
}

static const struct err *take_node(struct tx *tx, void *arg)
{
    int *node = arg;
    struct sql_setup_node_take_in in = {.node_max = ID_NODE_MAX};
    struct sql_setup_node_take_out out;
    bool found;
    TRY(sql_setup_node_take_one(tx, &in, &out, &found));
    if (found) {
        *node = (int)out.last_node;
        return NULL;
    }
    struct sql_setup_brand_out brand;
    TRY(sql_setup_brand_one(tx, &brand, &found));
    if (!found)
        return ERR_NEW(tx_arena(tx), ERR_SETUP_MISSING, STR_NONE);
    return ERR_NEW(tx_arena(tx), ERR_SETUP_NODES, STR_NONE,
                   str_fmt(tx_arena(tx), "%d", ID_NODE_MAX + 1));
}

const struct err *setup_take_node(struct store *store, struct arena *arena, int *node)
{
    /* Where the outcome is unknown another number is taken: one lost does no harm, one given twice
     * would. */
    struct store_job job = {
        .name = "setup.node", .fn = take_node, .arg = node, .again_if_ambiguous = true};
    return store_write(store, arena, &job);
}
