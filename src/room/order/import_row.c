#include "room/order/import_row.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"

#define CELLS_HASH_BYTES_MAX (16u << 20)
#define QUANTITY_DIGITS 3

/* --- The map and the header
 * ---------------------------------------------------------------------------------------- */

static int column_of_one(const struct str *header, int count, struct str name)
{
    int64_t number;
    if (import_column_number(name, &number))
        return count > 0 && number > count ? COLUMN_NONE : (int)number - 1;
    for (int i = 0; i < count; i++) {
        if (str_eq(str_trim(header[i]), name))
            return i;
    }
    return COLUMN_NONE;
}

/* "a|b": the first alias that is there. */
static int column_of(const struct str *header, int count, struct str names)
{
    struct str rest = names;
    while (rest.p) {
        struct str name = str_trim(str_cut(rest, '|', &rest));
        int column = column_of_one(header, count, name);
        if (column != COLUMN_NONE)
            return column;
    }
    return COLUMN_NONE;
}

struct bind {
    struct err_list list;
    struct str path;
    const struct str *header;
    int count;
};

/* The map names this column, and the header another one of the same name: which is meant? A column
 * chosen by its number is not asked. */
static bool is_ambiguous(const struct bind *bind, struct str names, int column)
{
    if (column >= bind->count)
        return false;
    struct str name = str_trim(bind->header[column]), rest = names;
    bool by_name = false;
    while (rest.p)
        by_name |= str_eq(str_trim(str_cut(rest, '|', &rest)), name);
    for (int i = column + 1; by_name && i < bind->count; i++) {
        if (str_eq(str_trim(bind->header[i]), name))
            return true;
    }
    return false;
}

static int bind_column(struct bind *bind, struct str names)
{
    int column = column_of(bind->header, bind->count, names);
    if (column == COLUMN_NONE) {
        struct str found = str_join(bind->list.arena, bind->header, (size_t)bind->count, STR(", "));
        err_list_add(&bind->list,
                     ERR_NEW(bind->list.arena, ERR_MAP_COLUMN_MISSING, bind->path, names, found));
    } else if (is_ambiguous(bind, names, column)) {
        err_list_add(&bind->list, ERR_NEW(bind->list.arena, ERR_MAP_COLUMN_AMBIGUOUS, bind->path,
                                          names, str_fmt(bind->list.arena, "%d", column + 1)));
    }
    return column;
}

static int *bind_conditions(struct bind *bind, const struct shape_list *conditions)
{
    const struct import_condition *items = conditions->items;
    int *columns = ARENA_ARRAY(bind->list.arena, conditions->count, int);
    for (size_t i = 0; i < conditions->count; i++)
        columns[i] = bind_column(bind, items[i].column);
    return columns;
}

ERR_RESULT import_columns_bind(struct arena *arena, struct str path, const struct import_map *map,
                               const struct str *header, int header_count,
                               struct import_columns *out)
{
    struct bind bind = {
        .list = {.arena = arena}, .path = path, .header = header, .count = header_count};
    *out = (struct import_columns){.map = map, .names = header, .name_count = header_count};
    for (int kind = 0; kind < IMPORT_KIND_MAX; kind++)
        out->of_kind[kind] = COLUMN_NONE;
    for (size_t i = 0; i < map->columns.count; i++) {
        const struct shape_pair *pair = &map->columns.pairs[i];
        out->of_kind[import_kind_by_name(pair->key)] = bind_column(&bind, pair->value);
    }
    for (size_t i = 0; i < map->constants.count; i++) {
        const struct shape_pair *pair = &map->constants.pairs[i];
        out->constant[import_kind_by_name(pair->key)] = str_trim(pair->value);
    }
    out->refund_when = bind_conditions(&bind, &map->refund_when);
    out->skip_when = bind_conditions(&bind, &map->skip_when);
    out->unread = ARENA_ARRAY(arena, (size_t)header_count, bool);
    for (int i = 0; i < header_count; i++)
        out->unread[i] = str_starts(str_trim(header[i]), STR("huitou_"));
    return bind.list.first;
}

/* --- Cells --- */

struct str import_row_cell(const struct import_columns *columns, const struct table_row *cells,
                           enum import_kind kind)
{
    int column = columns->of_kind[kind];
    if (column == COLUMN_NONE)
        return columns->constant[kind];
    return column < cells->cell_count ? str_trim(cells->cells[column]) : STR_NONE;
}

struct reading {
    struct arena *arena;
    const struct import_reader *reader;
    const struct table_row *cells;
    struct import_row *row;
};

static struct str cell_of(const struct reading *r, enum import_kind kind)
{
    return import_row_cell(&r->reader->columns, r->cells, kind);
}

/* FILE:LINE, column NAME: where an error of a cell is. */
static struct str place_of(const struct reading *r, enum import_kind kind)
{
    const struct import_columns *columns = &r->reader->columns;
    int column = columns->of_kind[kind];
    struct str path = r->reader->path;
    long long line = (long long)r->cells->line_number;
    const char *kind_name = import_kind_info(kind)->name;
    if (column == COLUMN_NONE)
        return str_fmt(r->arena, "%.*s:%lld, %s", STR_ARG(path), line, kind_name);
    if (column >= columns->name_count)
        return str_fmt(r->arena, "%.*s:%lld, #%d (%s)", STR_ARG(path), line, column + 1, kind_name);
    return str_fmt(r->arena, "%.*s:%lld, %.*s (%s)", STR_ARG(path), line,
                   STR_ARG(columns->names[column]), kind_name);
}

static bool part_holds(struct str cell, const struct import_condition *c)
{
    struct decimal number, asked;
    bool is_number = decimal_parse(cell, &number);
    if (c->starts_with.p && !str_starts(cell, c->starts_with))
        return false;
    if (c->equals.p && !str_eq(cell, c->equals))
        return false;
    if (c->contains.p && c->contains.n > 0 && !memmem(cell.p, cell.n, c->contains.p, c->contains.n))
        return false;
    if (c->empty && cell.n > 0)
        return false;
    if (c->negative && !(is_number && number.mantissa < 0))
        return false;
    if (!c->number_equals.p)
        return true;
    int64_t a, b;
    return is_number && decimal_parse(c->number_equals, &asked) &&
           decimal_to_minor(number, DECIMAL_SCALE_MAX, &a) &&
           decimal_to_minor(asked, DECIMAL_SCALE_MAX, &b) && a == b;
}

static bool any_holds(const struct table_row *cells, const struct shape_list *conditions,
                      const int *columns)
{
    const struct import_condition *items = conditions->items;
    for (size_t i = 0; i < conditions->count; i++) {
        struct str cell =
            columns[i] < cells->cell_count ? str_trim(cells->cells[columns[i]]) : STR("");
        if (part_holds(cell.p ? cell : STR(""), &items[i]))
            return true;
    }
    return false;
}

static void hash_cells(const struct reading *r)
{
    const struct import_columns *columns = &r->reader->columns;
    struct buf buf = buf_new(r->arena, CELLS_HASH_BYTES_MAX);
    for (int i = 0; i < r->cells->cell_count; i++) {
        if (i < columns->name_count && columns->unread[i])
            continue;
        buf_str(&buf, str_trim(r->cells->cells[i]));
        buf_char(&buf, 0x1f);
    }
    secret_content_hash(buf_view(&buf), r->row->cells_hash);
}

/* A text of bounded length, copied: the row's cells are gone after the next one is read. */
static ERR_RESULT read_text(struct reading *r, enum import_kind kind, size_t bytes_max,
                            struct str *out)
{
    struct str cell = cell_of(r, kind);
    *out = STR_NONE;
    if (!str_is(cell))
        return NULL;
    if (cell.n > bytes_max)
        return ERR_NEW(r->arena, ERR_IMPORT_TOO_LONG, place_of(r, kind),
                       str_fmt(r->arena, "%zu", bytes_max));
    *out = str_copy(r->arena, cell);
    return NULL;
}

static ERR_RESULT read_time(struct reading *r, enum import_kind kind, int64_t *out)
{
    struct str cell = cell_of(r, kind);
    struct civil civil;
    *out = INT64_MIN;
    if (!str_is(cell))
        return NULL;
    if (!civil_parse(r->reader->columns.map->time_format, cell, &civil))
        return ERR_NEW(r->arena, ERR_IMPORT_TIME, place_of(r, kind), str_copy(r->arena, cell),
                       r->reader->columns.map->time_format);
    int32_t local_day = day_of_civil(civil.year, civil.month, civil.day);
    if (local_day < LIMIT_DAY_MIN || local_day > LIMIT_DAY_MAX)
        return ERR_NEW(r->arena, ERR_IMPORT_DAY, place_of(r, kind), str_copy(r->arena, cell));
    *out = zone_time_us(r->reader->zone, &civil);
    int32_t day = zone_day(r->reader->brand->zone, *out);
    if (day < LIMIT_DAY_MIN || day > LIMIT_DAY_MAX)
        return ERR_NEW(r->arena, ERR_IMPORT_DAY, place_of(r, kind), str_copy(r->arena, cell));
    if (*out > r->reader->now_us + US_PER_DAY)
        return ERR_NEW(r->arena, ERR_IMPORT_FUTURE, place_of(r, kind), str_copy(r->arena, cell));
    return NULL;
}

static ERR_RESULT read_decimal(struct reading *r, enum import_kind kind, struct decimal *out,
                               bool *has)
{
    struct str cell = cell_of(r, kind);
    *has = str_is(cell);
    if (!*has || decimal_parse(cell, out))
        return NULL;
    enum err_code code = decimal_is_written(cell) ? ERR_IMPORT_NUMBER_RANGE : ERR_IMPORT_NUMBER;
    return ERR_NEW(r->arena, code, place_of(r, kind), str_copy(r->arena, cell));
}

static bool fits(struct decimal value, int digits, int64_t *out)
{
    return decimal_to_minor(value, digits, out) && *out >= -IMPORT_AMOUNT_MINOR_MAX &&
           *out <= IMPORT_AMOUNT_MINOR_MAX;
}

static ERR_RESULT read_amount(struct reading *r, enum import_kind kind, int64_t *minor, bool *has)
{
    struct decimal value;
    TRY(read_decimal(r, kind, &value, has));
    if (*has && !fits(value, r->reader->brand->currency_digits, minor))
        return ERR_NEW(r->arena, ERR_IMPORT_NUMBER_RANGE, place_of(r, kind),
                       str_copy(r->arena, cell_of(r, kind)));
    return NULL;
}

/* The line's amount: told, or quantity × price, as exact decimals and rounded once. */
static ERR_RESULT read_line_amount(struct reading *r)
{
    struct import_row *row = r->row;
    struct decimal quantity = {1, 0}, price, product;
    bool has_quantity, has_price;
    TRY(read_decimal(r, IMPORT_QUANTITY, &quantity, &has_quantity));
    TRY(read_decimal(r, IMPORT_UNIT_PRICE, &price, &has_price));
    if (!fits(quantity, QUANTITY_DIGITS, &row->quantity_milli))
        return ERR_NEW(r->arena, ERR_IMPORT_NUMBER_RANGE, place_of(r, IMPORT_QUANTITY),
                       str_copy(r->arena, cell_of(r, IMPORT_QUANTITY)));
    TRY(read_amount(r, IMPORT_LINE_AMOUNT, &row->line_amount_minor, &row->has_line_amount));
    row->has_line = row->has_line || has_quantity || row->has_line_amount || has_price;
    if (row->has_line_amount || !has_quantity || !has_price)
        return NULL;
    row->has_line_amount = true;
    int digits = r->reader->brand->currency_digits;
    if (!decimal_mul(quantity, price, &product) || !fits(product, digits, &row->line_amount_minor))
        return ERR_NEW(r->arena, ERR_IMPORT_NUMBER_RANGE, place_of(r, IMPORT_UNIT_PRICE),
                       str_copy(r->arena, cell_of(r, IMPORT_UNIT_PRICE)));
    return NULL;
}

/* Which of the cells a row without any amount should have had. */
static enum import_kind missing_amount(const struct reading *r)
{
    const struct import_columns *columns = &r->reader->columns;
    if (import_map_has(columns->map, IMPORT_ORDER_AMOUNT))
        return IMPORT_ORDER_AMOUNT;
    if (import_map_has(columns->map, IMPORT_LINE_AMOUNT))
        return IMPORT_LINE_AMOUNT;
    return str_is(cell_of(r, IMPORT_QUANTITY)) ? IMPORT_UNIT_PRICE : IMPORT_QUANTITY;
}

static ERR_RESULT read_amounts(struct reading *r)
{
    struct import_row *row = r->row;
    bool order_mapped = import_map_has(r->reader->columns.map, IMPORT_ORDER_AMOUNT);
    TRY(read_line_amount(r));
    TRY(read_amount(r, IMPORT_ORDER_AMOUNT, &row->order_amount_minor, &row->has_order_amount));
    TRY(read_amount(r, IMPORT_REFUND_AMOUNT, &row->refund_amount_minor, &row->has_refund_amount));
    bool needs = row->verdict == IMPORT_ROW_ORDER
                     ? !order_mapped
                     : !row->has_refund_amount && !row->has_order_amount;
    if (needs && !row->has_line_amount)
        return ERR_NEW(r->arena, ERR_IMPORT_EMPTY, place_of(r, missing_amount(r)));
    return NULL;
}

static ERR_RESULT read_state(struct reading *r)
{
    struct str cell = cell_of(r, IMPORT_STATE);
    const struct shape_map *states = &r->reader->columns.map->states;
    r->row->state = r->reader->state_default;
    if (!str_is(cell))
        return NULL;
    r->row->state_named = true;
    for (size_t i = 0; i < states->count; i++) {
        if (!str_eq(states->pairs[i].key, cell))
            continue;
        r->row->state = import_state_by_name(states->pairs[i].value);
        return NULL;
    }
    enum order_state state = import_state_by_name(cell);
    if (state == ORDER_STATE_MAX)
        return ERR_NEW(r->arena, ERR_IMPORT_STATE, place_of(r, IMPORT_STATE),
                       str_copy(r->arena, cell));
    r->row->state = state;
    return NULL;
}

static ERR_RESULT read_currency(struct reading *r)
{
    struct str cell = cell_of(r, IMPORT_CURRENCY);
    if (!str_is(cell) || str_eq_nocase(cell, r->reader->brand->currency))
        return NULL;
    return ERR_NEW(r->arena, ERR_IMPORT_CURRENCY, place_of(r, IMPORT_CURRENCY),
                   str_copy(r->arena, cell), r->reader->brand->currency);
}

/* --- Who bought --- */

static const struct {
    enum import_kind kind;
    enum identity_kind identity;
    bool issued; /* means something only together with who issued it */
    bool weak;
} identity_columns[] = {
    {IMPORT_UNIONID, IDENTITY_UNIONID, false, false},
    {IMPORT_OPENID, IDENTITY_OPENID, true, false},
    {IMPORT_MEMBER_CARD, IDENTITY_MEMBER_CARD, false, false},
    {IMPORT_BUYER_ID, IDENTITY_BUYER_ID, true, false},
    {IMPORT_PHONE, IDENTITY_PHONE, false, false},
    {IMPORT_EMAIL, IDENTITY_EMAIL, false, false},
    {IMPORT_ANONYMOUS_ID, IDENTITY_ANONYMOUS_ID, false, false},
    {IMPORT_RECEIVER_PHONE, IDENTITY_PHONE, false, true},
};

static int compare_identities(const void *a, const void *b)
{
    const struct identity_value *x = a, *y = b;
    if (x->weak != y->weak)
        return x->weak ? 1 : -1;
    return (x->kind > y->kind) - (x->kind < y->kind);
}

void import_identities_sort(struct identity_value *identities, int count)
{
    qsort(identities, (size_t)count, sizeof(*identities), compare_identities);
}

/* A value that cannot be what its column says (masked, empty, not a phone) names nobody; only one
 * that is too long is an error, since it shows a wrong column. */
static ERR_RESULT read_identities(struct reading *r)
{
    struct import_row *row = r->row;
    const struct import_map *map = r->reader->columns.map;
    struct str issuer = str_is(map->issuer) ? map->issuer : map->source;
    for (size_t i = 0; i < sizeof(identity_columns) / sizeof(identity_columns[0]); i++) {
        struct identity_value *identity = &row->identities[row->identity_count];
        struct str raw;
        TRY(read_text(r, identity_columns[i].kind, LIMIT_IDENTITY_BYTES_MAX, &raw));
        if (!str_is(raw) ||
            !identity_normalise(r->arena, identity_columns[i].identity, raw, &identity->value))
            continue;
        identity->kind = identity_columns[i].identity;
        identity->issuer = identity_columns[i].issued ? issuer : STR("");
        identity->weak = identity_columns[i].weak;
        row->identity_count++;
    }
    import_identities_sort(row->identities, row->identity_count);
    return read_text(r, IMPORT_BUYER_NAME, LIMIT_NAME_BYTES_MAX, &row->buyer_name);
}
_Static_assert(sizeof(identity_columns) / sizeof(identity_columns[0]) <=
                   LIMIT_IDENTITIES_PER_ORDER_MAX,
               "a row names at most as many identities as an order may");

/* --- The row --- */

/* Every column that the map reads must be there; the leftmost that is not is named. */
static ERR_RESULT check_width(struct reading *r)
{
    int first = INT32_MAX;
    enum import_kind first_kind = IMPORT_KIND_MAX;
    for (int kind = 0; kind < IMPORT_KIND_MAX; kind++) {
        int column = r->reader->columns.of_kind[kind];
        if (column == COLUMN_NONE || column < r->cells->cell_count || column >= first)
            continue;
        first = column;
        first_kind = (enum import_kind)kind;
    }
    if (first_kind == IMPORT_KIND_MAX)
        return NULL;
    return ERR_NEW(r->arena, ERR_IMPORT_CELLS, place_of(r, first_kind),
                   str_fmt(r->arena, "%d", r->cells->cell_count),
                   str_fmt(r->arena, "%d", first + 1));
}

static ERR_RESULT read_texts(struct reading *r)
{
    struct import_row *row = r->row;
    TRY(read_text(r, IMPORT_PRODUCT_CODE, LIMIT_NAME_BYTES_MAX, &row->product_code));
    TRY(read_text(r, IMPORT_PRODUCT_NAME, LIMIT_NAME_BYTES_MAX, &row->product_name));
    TRY(read_text(r, IMPORT_CATEGORY, LIMIT_NAME_BYTES_MAX, &row->category));
    TRY(read_text(r, IMPORT_CHANNEL, LIMIT_NAME_BYTES_MAX, &row->channel));
    row->has_line = str_is(row->product_code) || str_is(row->product_name);
    return read_text(r, IMPORT_REFUND_OF, LIMIT_ORDER_NUMBER_BYTES_MAX, &row->refund_of);
}

ERR_RESULT import_row_read(struct arena *arena, const struct import_reader *reader,
                           const struct table_row *cells, struct import_row *row)
{
    struct reading r = {.arena = arena, .reader = reader, .cells = cells, .row = row};
    const struct import_map *map = reader->columns.map;
    *row = (struct import_row){.line_number = cells->line_number, .verdict = IMPORT_ROW_ORDER};
    hash_cells(&r);
    if (any_holds(cells, &map->skip_when, reader->columns.skip_when)) {
        row->verdict = IMPORT_ROW_SKIP;
        return NULL;
    }
    if (any_holds(cells, &map->refund_when, reader->columns.refund_when))
        row->verdict = IMPORT_ROW_REFUND;
    TRY(read_text(&r, IMPORT_ORDER_NUMBER, LIMIT_ORDER_NUMBER_BYTES_MAX, &row->number));
    bool reserved = str_starts(row->number, IMPORT_ROW_PREFIX) ||
                    (row->verdict == IMPORT_ROW_REFUND &&
                     str_ends(row->number, IMPORT_REFUND_SUFFIX));
    if (reserved)
        return ERR_NEW(arena, ERR_IMPORT_NUMBER_RESERVED, place_of(&r, IMPORT_ORDER_NUMBER),
                       row->number);
    TRY(check_width(&r));
    TRY(read_texts(&r));
    TRY(read_time(&r, IMPORT_ORDER_TIME, &row->time_us));
    TRY(read_time(&r, IMPORT_PAID_TIME, &row->paid_us));
    TRY(read_time(&r, IMPORT_REFUND_TIME, &row->refund_us));
    bool timed_by_refund = row->verdict == IMPORT_ROW_REFUND && row->refund_us != INT64_MIN;
    if (row->time_us == INT64_MIN && !timed_by_refund)
        return ERR_NEW(arena, ERR_IMPORT_EMPTY, place_of(&r, IMPORT_ORDER_TIME));
    row->day = row->time_us == INT64_MIN ? DAY_NONE : zone_day(reader->brand->zone, row->time_us);
    TRY(read_amounts(&r));
    TRY(read_state(&r));
    TRY(read_currency(&r));
    return read_identities(&r);
}
