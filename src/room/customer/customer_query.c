/* Reads: one person, the search for persons, all births. */
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/limits.h"
#include "room/customer/customer_map.h"
#include "room/customer/customer_part.h"
#include "sql_customer.h"

/* --- One person --- */

struct birth {
    int64_t customer_id;
    uint8_t key[SECRET_KEY_BYTES];
    bool has_key; /* false after erasure */
};
struct person {
    struct tx *tx;
    struct arena *arena;
    struct customer_view *view;
    struct birth *births; /* ascending by id */
    size_t birth_count;
};

static const struct err *open_birth(struct person *person,
                                    const struct sql_customer_members_out *row, struct birth *birth,
                                    struct str *name)
{
    *birth = (struct birth){.customer_id = row->customer_id, .has_key = row->data_key.p != NULL};
    *name = STR_NONE;
    if (!birth->has_key)
        return NULL;
    const struct keyring *keys = tx_deps(person->tx)->keys;
    TRY(secret_data_key_open(person->arena, keys, row->customer_id, row->data_key, birth->key));
    if (!row->name_sealed.p)
        return NULL;
    return secret_open(person->arena, birth->key, CUSTOMER_NAME_CONTEXT, row->name_sealed, name);
}

/* All births; the name is the root's, else that of the first birth that has one. */
static const struct err *load_births(struct person *person)
{
    struct customer_view *view = person->view;
    struct stmt_cursor cursor;
    struct sql_customer_members_out row;
    bool has;
    person->births = ARENA_ARRAY(person->arena, LIMIT_MERGE_MEMBERS_MAX, struct birth);
    TRY(sql_customer_members_open(person->tx, &(struct sql_customer_members_in){view->customer_id},
                                  &cursor));
    for (;;) {
        TRY(sql_customer_members_next(&cursor, &row, &has));
        if (!has || person->birth_count == LIMIT_MERGE_MEMBERS_MAX)
            break;
        bool root = row.customer_id == view->customer_id;
        struct str name;
        TRY(open_birth(person, &row, &person->births[person->birth_count++], &name));
        if (name.p && (root || !view->name.p))
            view->name = name;
        if (root) {
            view->placeholder = row.placeholder != 0;
            view->erased = row.data_key.p == NULL;
        }
        if (person->birth_count == 1 || row.created_at < view->created_at_us)
            view->created_at_us = row.created_at;
    }
    stmt_close(&cursor);
    view->members = ARENA_ARRAY(person->arena, person->birth_count, int64_t);
    view->members[view->member_count++] = view->customer_id;
    for (size_t i = 0; i < person->birth_count; i++) {
        if (person->births[i].customer_id != view->customer_id)
            view->members[view->member_count++] = person->births[i].customer_id;
    }
    return NULL;
}

static const struct birth *birth_of(const struct person *person, int64_t customer_id)
{
    for (size_t i = 0; i < person->birth_count; i++) {
        if (person->births[i].customer_id == customer_id)
            return &person->births[i];
    }
    return NULL;
}

static const struct err *
add_identity(struct person *person, const struct sql_customer_identities_out *row, size_t *capacity)
{
    struct customer_view *view = person->view;
    if (view->identity_count == *capacity) {
        size_t wider = *capacity ? *capacity * 2 : 16;
        struct customer_identity *copy =
            ARENA_ARRAY(person->arena, wider, struct customer_identity);
        if (view->identity_count > 0)
            memcpy(copy, view->identities, view->identity_count * sizeof(*copy));
        view->identities = copy;
        *capacity = wider;
    }
    struct customer_identity *identity = &view->identities[view->identity_count++];
    *identity = (struct customer_identity){.customer_id = row->customer_id,
                                           .identity_id = row->identity_id,
                                           .kind = (enum identity_kind)row->kind,
                                           .issuer = str_copy(person->arena, row->issuer),
                                           .claimed = row->claimed != 0,
                                           .weak = row->weak != 0};
    const struct birth *birth = birth_of(person, row->customer_id);
    if (!birth || !birth->has_key)
        return NULL;
    return secret_open(person->arena, birth->key, CUSTOMER_IDENTITY_CONTEXT, row->value_sealed,
                       &identity->value);
}

/* Claimed rows come before kept ones: what was kept on one birth and is claimed by another is
 * listed once. */
static const struct err *load_identities(struct person *person)
{
    struct customer_map *listed = customer_map_new(person->arena, 16);
    struct stmt_cursor cursor;
    struct sql_customer_identities_out row;
    size_t capacity = 0;
    bool has;
    struct sql_customer_identities_in in = {person->view->customer_id};
    TRY(sql_customer_identities_open(person->tx, &in, &cursor));
    for (;;) {
        TRY(sql_customer_identities_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        if (customer_map_put(listed, map_key_hash((const uint8_t *)row.hash.p), 0))
            TRY(add_identity(person, &row, &capacity));
    }
}

/* The brand's day of now; UTC's where no brand was made yet. */
static const struct err *today(struct tx *tx, int32_t *day)
{
    struct sql_customer_brand_zone_out row;
    const struct zone *zone;
    bool found;
    TRY(sql_customer_brand_zone_one(tx, &row, &found));
    TRY(zone_open(tx_arena(tx), found ? row.time_zone : STR("UTC"), STR("time_zone"), &zone));
    *day = zone_day(zone, tx_now_us(tx));
    return NULL;
}

/* The tag that holds longest stands for those of the same name on several births. */
static void add_tag(struct customer_view *view, const struct customer_tag *tag)
{
    struct customer_tag *last = view->tag_count > 0 ? &view->tags[view->tag_count - 1] : NULL;
    if (!last || !str_eq(last->name, tag->name)) {
        view->tags[view->tag_count++] = *tag;
        return;
    }
    if (last->until_day != DAY_NONE &&
        (tag->until_day == DAY_NONE || tag->until_day > last->until_day))
        *last = *tag;
}

static const struct err *load_tags(struct person *person)
{
    struct customer_view *view = person->view;
    struct arena *arena = person->arena;
    struct stmt_cursor cursor;
    struct sql_customer_tag_rows_out row;
    size_t capacity = 0;
    int32_t day = DAY_NONE; /* found for the first tag that ends: most end never */
    bool has;
    TRY(sql_customer_tag_rows_open(person->tx,
                                   &(struct sql_customer_tag_rows_in){view->customer_id}, &cursor));
    for (;;) {
        TRY(sql_customer_tag_rows_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        if (row.until_day.set && day == DAY_NONE)
            TRY(today(person->tx, &day));
        if (row.until_day.set && row.until_day.v < day)
            continue;
        if (view->tag_count == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            struct customer_tag *copy = ARENA_ARRAY(arena, capacity, struct customer_tag);
            if (view->tag_count > 0)
                memcpy(copy, view->tags, view->tag_count * sizeof(*copy));
            view->tags = copy;
        }
        struct customer_tag tag = {.name = str_copy(arena, row.name),
                                   .set_by = str_copy(arena, row.set_by),
                                   .set_at_us = row.set_at,
                                   .until_day =
                                       row.until_day.set ? (int32_t)row.until_day.v : DAY_NONE};
        add_tag(view, &tag);
    }
}

static const struct err *load_erasure(struct person *person)
{
    struct sql_customer_erasure_of_out row;
    bool found;
    person->view->erased_at_us = person->view->purged_at_us = INT64_MIN;
    if (!person->view->erased)
        return NULL;
    TRY(sql_customer_erasure_of_one(
        person->tx, &(struct sql_customer_erasure_of_in){person->view->customer_id}, &row, &found));
    if (found)
        person->view->erased_at_us = row.erased_at;
    if (found && row.purged_at.set)
        person->view->purged_at_us = row.purged_at.v;
    return NULL;
}

ERR_RESULT customer_view(struct tx *tx, int64_t customer_id, struct customer_view **out)
{
    struct person person = {.tx = tx, .arena = tx_arena(tx)};
    person.view = ARENA_NEW(person.arena, struct customer_view);
    TRY(customer_root_of(tx, STR("customer"), customer_id, &person.view->customer_id));
    TRY(load_births(&person));
    TRY(load_erasure(&person));
    TRY(load_identities(&person));
    TRY(load_tags(&person));
    *out = person.view;
    return NULL;
}

ERR_RESULT customer_members(struct tx *tx, int64_t root_id, int64_t **members, size_t *member_count,
                            bool *placeholder)
{
    struct arena *arena = tx_arena(tx);
    struct sql_customer_members_in in = {root_id};
    struct sql_customer_members_out row;
    struct stmt_cursor cursor;
    bool has;
    *members = ARENA_ARRAY(arena, LIMIT_MERGE_MEMBERS_MAX + 1, int64_t);
    *member_count = 0;
    *placeholder = false;
    TRY(sql_customer_members_open(tx, &in, &cursor));
    for (;;) {
        TRY(sql_customer_members_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        CHECK(*member_count <= LIMIT_MERGE_MEMBERS_MAX);
        (*members)[(*member_count)++] = row.customer_id;
        if (row.customer_id != root_id)
            continue;
        *placeholder = row.placeholder != 0;
        (*members)[*member_count - 1] = (*members)[0];
        (*members)[0] = root_id;
    }
}

ERR_RESULT customer_roots(struct tx *tx, const int64_t *customer_ids, size_t count,
                          int64_t *root_ids)
{
    struct arena *arena = tx_arena(tx);
    struct sql_customer_root_in *ins = ARENA_ARRAY(arena, count, struct sql_customer_root_in);
    struct sql_customer_root_out *outs = ARENA_ARRAY(arena, count, struct sql_customer_root_out);
    bool *found = ARENA_ARRAY(arena, count, bool);
    for (size_t i = 0; i < count; i++)
        ins[i].customer_id = customer_ids[i];
    TRY(sql_customer_root_many(tx, ins, count, outs, found));
    for (size_t i = 0; i < count; i++)
        root_ids[i] = found[i] ? outs[i].root_id : 0;
    return NULL;
}

/* --- Search --- */

struct finding {
    struct tx *tx;
    struct arena *arena;
    int64_t *roots;
    size_t count, max;
};

static void add_root(struct finding *finding, int64_t root_id)
{
    for (size_t i = 0; i < finding->count; i++) {
        if (finding->roots[i] == root_id)
            return;
    }
    if (finding->count < finding->max)
        finding->roots[finding->count++] = root_id;
}

/* The typed value as every kind of identity that it can be, by every issuer that was ever met. */
static const struct err *find_identity(struct finding *finding, struct str query)
{
    struct stmt_cursor cursor;
    struct sql_customer_issuers_out row;
    bool has;
    TRY(sql_customer_issuers_open(finding->tx, &cursor));
    for (;;) {
        TRY(sql_customer_issuers_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        struct identity_value identity = {.kind = (enum identity_kind)row.kind,
                                          .issuer = row.issuer};
        if (!identity_normalise(finding->arena, identity.kind, query, &identity.value))
            continue;
        uint8_t hash[SECRET_HASH_BYTES];
        identity_hash(tx_deps(finding->tx)->keys, &identity, hash);
        struct sql_customer_lookup_in in = {row.kind, {(const char *)hash, sizeof(hash)}};
        struct sql_customer_lookup_out owner;
        bool found;
        TRY(sql_customer_lookup_one(finding->tx, &in, &owner, &found));
        if (found)
            add_root(finding, owner.root_id);
    }
}

static const struct err *find_name(struct finding *finding, int kind, struct str query)
{
    uint8_t hash[SECRET_HASH_BYTES];
    customer_name_hash(finding->arena, tx_deps(finding->tx)->keys, kind, query, hash);
    struct sql_customer_by_name_hash_in in = {kind, {(const char *)hash, sizeof(hash)}};
    struct stmt_cursor cursor;
    struct sql_customer_by_name_hash_out row;
    bool has;
    TRY(sql_customer_by_name_hash_open(finding->tx, &in, &cursor));
    while (finding->count < finding->max) {
        TRY(sql_customer_by_name_hash_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        add_root(finding, row.root_id);
    }
    stmt_close(&cursor);
    return NULL;
}

ERR_RESULT customer_find(struct tx *tx, struct str query, size_t max, int64_t **root_ids,
                         size_t *count)
{
    struct finding finding = {.tx = tx, .arena = tx_arena(tx), .max = max};
    finding.roots = ARENA_ARRAY(finding.arena, max, int64_t);
    *root_ids = finding.roots;
    *count = 0;
    struct str name = customer_name_tidy(query);
    if (!str_is(name))
        return NULL;
    TRY(find_identity(&finding, query));
    TRY(find_name(&finding, 0, name));
    size_t characters = customer_name_characters(name);
    if (characters <= CUSTOMER_NAME_PREFIX_MAX)
        TRY(find_name(&finding, (int)characters, name));
    *count = finding.count;
    return NULL;
}

ERR_RESULT customer_proposals(struct tx *tx, size_t max, struct merge_proposal **out, size_t *count)
{
    struct stmt_cursor cursor;
    struct sql_customer_proposal_list_out row;
    bool has;
    *out = ARENA_ARRAY(tx_arena(tx), max, struct merge_proposal);
    *count = 0;
    TRY(sql_customer_proposal_list_open(tx, &(struct sql_customer_proposal_list_in){(int64_t)max},
                                        &cursor));
    for (;;) {
        TRY(sql_customer_proposal_list_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        (*out)[(*count)++] =
            (struct merge_proposal){.customer_id = row.customer_id,
                                    .other_id = row.other_id,
                                    .identity_kind = (enum identity_kind)row.identity_kind,
                                    .recorded_at_us = row.recorded_at};
    }
}

/* --- All births --- */

ERR_RESULT customer_scan_open(struct tx *tx, struct customer_scan *scan)
{
    return sql_customer_all_open(tx, &scan->cursor);
}

ERR_RESULT customer_scan_next(struct customer_scan *scan, struct customer_scan_row *row, bool *has)
{
    struct sql_customer_all_out out;
    TRY(sql_customer_all_next(&scan->cursor, &out, has));
    if (*has)
        *row = (struct customer_scan_row){out.customer_id, out.root_id, out.placeholder != 0};
    return NULL;
}

void customer_scan_close(struct customer_scan *scan)
{
    stmt_close(&scan->cursor);
}
