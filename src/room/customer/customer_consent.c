/* What a person allowed or took back. Rows are only added; what happened last decides. */
#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "room/customer/customer_part.h"
#include "sql_customer.h"

static const struct {
    const char *name;
    bool has_channels;
} purposes[CONSENT_PURPOSE_MAX] = {
#define PURPOSE(code, name, number, channels) [CONSENT_##code] = {name, channels},
    CONSENT_PURPOSE_TABLE(PURPOSE)
#undef PURPOSE
};
/* The tables' numbers follow each other from 1 (channels: 0), in the order of the names. */
const char *const consent_purpose_names[] = {
#define PURPOSE(code, name, number, channels) name,
    CONSENT_PURPOSE_TABLE(PURPOSE)
#undef PURPOSE
        NULL};
const char *const consent_channel_names[] = {
#define CHANNEL(code, name, number) name,
    CONSENT_CHANNEL_TABLE(CHANNEL)
#undef CHANNEL
        NULL};
const char *const consent_how_names[] = {
#define HOW(code, name, number) name,
    CONSENT_HOW_TABLE(HOW)
#undef HOW
        NULL};

const char *consent_purpose_name(enum consent_purpose purpose)
{
    CHECK(purpose > CONSENT_PURPOSE_NONE && purpose < CONSENT_PURPOSE_MAX);
    return purposes[purpose].name;
}

const char *consent_channel_name(enum consent_channel channel)
{
    CHECK(channel < CONSENT_CHANNEL_MAX);
    return consent_channel_names[channel];
}

const char *consent_how_name(enum consent_how how)
{
    CHECK(how > CONSENT_HOW_NONE && how < CONSENT_HOW_MAX);
    return consent_how_names[how - 1];
}

bool consent_has_channels(enum consent_purpose purpose)
{
    return purposes[purpose].has_channels;
}

/* --- Writing --- */

static const struct err *check(struct tx *tx, const struct consent *told)
{
    struct arena *arena = tx_arena(tx);
    struct err_list errors = {.arena = arena};
    if (told->channel != CONSENT_BY_ANY && !consent_has_channels(told->purpose))
        err_list_add(&errors, ERR_NEW(arena, ERR_CONSENT_CHANNEL, STR("channel"),
                                      str_c(consent_purpose_name(told->purpose))));
    bool shown = str_is(told->evidence) && str_is(str_trim(told->evidence));
    bool fits = told->evidence.n <= CONSENT_EVIDENCE_BYTES_MAX &&
                (!told->evidence.p || str_is_utf8(told->evidence));
    if ((told->given && !shown) || !fits)
        err_list_add(&errors, ERR_NEW(arena, ERR_CONSENT_EVIDENCE, STR("evidence"),
                                      str_fmt(arena, "%d", CONSENT_EVIDENCE_BYTES_MAX)));
    if (told->occurred_at_us > tx_now_us(tx))
        err_list_add(&errors, ERR_NEW(arena, ERR_CONSENT_FUTURE, STR("occurred_at"),
                                      time_text(arena, told->occurred_at_us)));
    return errors.first;
}

static const struct err *write_row(struct tx *tx, int64_t customer_id, int64_t consent_id,
                                   const struct consent *told, struct str by)
{
    struct sql_customer_consent_insert_in row = {
        .customer_id = customer_id,
        .consent_id = consent_id,
        .purpose = told->purpose,
        .channel = told->channel,
        .given = told->given,
        .how = told->how,
        .recorded_by = customer_text_or_empty(by),
        .occurred_at = told->occurred_at_us == INT64_MIN ? tx_now_us(tx) : told->occurred_at_us,
        .recorded_at = tx_now_us(tx)};
    uint8_t key[SECRET_KEY_BYTES];
    TRY(customer_data_key(tx, customer_id, key));
    if (str_is(told->evidence))
        row.evidence_sealed =
            secret_seal(tx_arena(tx), key, CUSTOMER_EVIDENCE_CONTEXT, str_trim(told->evidence));
    return sql_customer_consent_insert_run(tx, &row);
}

ERR_RESULT customer_consent_set(struct tx *tx, int64_t customer_id, const struct consent *told,
                                struct str by)
{
    int64_t root_id, *births, consent_id = id_next(tx_deps(tx)->ids);
    size_t count;
    TRY(customer_lock_root(tx, STR("customer"), customer_id, &root_id));
    TRY(check(tx, told));
    TRY(customer_lock_births(tx, root_id, &births, &count));
    TRY(write_row(tx, root_id, consent_id, told, by));
    for (size_t i = 0; i < count && !told->given; i++) {
        const struct err *err = NULL;
        if (births[i] != root_id)
            err = write_row(tx, births[i], consent_id, told, by);
        if (err && err->code != ERR_CUSTOMER_ERASED)
            return err;
    }
    struct customer_note notes[] = {
        {told->given ? "given" : "withdrawn", str_c(consent_purpose_name(told->purpose))},
        {"channel", str_c(consent_channel_name(told->channel))},
        {"how", str_c(consent_how_name(told->how))},
        {"by", by}};
    customer_note_event(tx, root_id, EVENT_CUSTOMER_CONSENTED, notes, 4);
    return NULL;
}

/* --- Reading --- */

struct reading {
    struct tx *tx;
    struct consent *items;
    size_t count, capacity;
    int64_t key_of; /* whose data key `key` is; 0: none yet */
    bool has_key;   /* false: it was destroyed */
    uint8_t key[SECRET_KEY_BYTES];
};

static const struct err *open_evidence(struct reading *reading,
                                       const struct sql_customer_consents_out *row,
                                       struct str *evidence)
{
    *evidence = STR_NONE;
    if (!row->evidence_sealed.p)
        return NULL;
    if (reading->key_of != row->customer_id) {
        const struct err *err = customer_data_key(reading->tx, row->customer_id, reading->key);
        if (err && err->code != ERR_CUSTOMER_ERASED)
            return err;
        reading->key_of = row->customer_id;
        reading->has_key = !err;
    }
    if (!reading->has_key)
        return NULL;
    return secret_open(tx_arena(reading->tx), reading->key, CUSTOMER_EVIDENCE_CONTEXT,
                       row->evidence_sealed, evidence);
}

static struct consent *next_place(struct reading *reading)
{
    if (reading->count == reading->capacity) {
        const struct consent *old = reading->items;
        reading->capacity = reading->capacity ? 2 * reading->capacity : 16;
        reading->items = ARENA_ARRAY(tx_arena(reading->tx), reading->capacity, struct consent);
        for (size_t i = 0; i < reading->count; i++)
            reading->items[i] = old[i];
    }
    return &reading->items[reading->count++];
}

/* The rows of one taking back, on several births, come one behind the other: the first stands for
 * all. */
static const struct err *add_row(struct reading *reading,
                                 const struct sql_customer_consents_out *row)
{
    if (reading->count > 0 && reading->items[reading->count - 1].consent_id == row->consent_id)
        return NULL;
    struct str by = str_copy(tx_arena(reading->tx), row->recorded_by), evidence;
    struct consent consent = {.consent_id = row->consent_id,
                              .purpose = (enum consent_purpose)row->purpose,
                              .channel = (enum consent_channel)row->channel,
                              .given = row->given != 0,
                              .how = (enum consent_how)row->how,
                              .recorded_by = by,
                              .occurred_at_us = row->occurred_at,
                              .recorded_at_us = row->recorded_at};
    TRY(open_evidence(reading, row, &evidence));
    consent.evidence = evidence;
    *next_place(reading) = consent;
    return NULL;
}

ERR_RESULT customer_consents(struct tx *tx, int64_t root_id, struct consent **out, size_t *count)
{
    struct reading reading = {.tx = tx};
    struct stmt_cursor cursor;
    struct sql_customer_consents_out row;
    bool has;
    TRY(sql_customer_consents_open(tx, &(struct sql_customer_consents_in){root_id}, &cursor));
    for (;;) {
        TRY(sql_customer_consents_next(&cursor, &row, &has));
        if (!has)
            break;
        TRY(add_row(&reading, &row));
    }
    *out = reading.items;
    *count = reading.count;
    return NULL;
}

const struct consent *consent_newest(const struct consent *consents, size_t count,
                                     enum consent_purpose purpose, enum consent_channel channel)
{
    for (size_t i = 0; i < count; i++) {
        const struct consent *one = &consents[i];
        bool fits = one->channel == channel || one->channel == CONSENT_BY_ANY;
        if (one->purpose == purpose && fits)
            return one;
    }
    return NULL;
}
