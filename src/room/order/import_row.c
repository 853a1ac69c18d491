#include "room/order/import_row.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"

#define CELLS_HASH_BYTES_MAX (16u << 20)
#define QUANTITY_DIGITS 3
#define NUMBER_DIGITS_MAX 15 /* that a spreadsheet's number keeps (IEEE 754 double) */
#define WORDS_SHOWN_MAX 6
#define WORDS_BYTES_MAX 1000

/* --- Cells --- */

/* Digits of a cell that is a number to the spreadsheet; 0 where it is text. */
static int number_digits(const struct table_row *cells, int column)
{
    int digits = 0;
    if (!cells->kinds || cells->kinds[column] != TABLE_CELL_NUMBER)
        return 0;
    for (size_t i = 0; i < cells->cells[column].n; i++)
        digits += cells->cells[column].p[i] >= '0' && cells->cells[column].p[i] <= '9';
    return digits;
}

static struct str behind_slash(struct str cell)
{
    const char *slash = cell.n > 0 ? memrchr(cell.p, '/', cell.n) : NULL;
    return slash ? str_slice(cell, (size_t)(slash - cell.p) + 1, cell.n) : cell;
}

struct str import_row_cell(struct arena *arena, const struct import_columns *columns,
                           const struct table_row *cells, enum import_kind kind, bool *masked)
{
    int column = columns->of_kind[kind];
    *masked = false;
    if (column == COLUMN_NONE)
        return columns->constant[kind];
    if (column >= cells->cell_count)
        return STR_NONE;
    struct str cell = cells->cells[column];
    if (!columns->map->clean)
        return str_trim(cell);
    if (columns->after_slash[kind])
        cell = behind_slash(cell);
    cell = import_clean(arena, kind, cell, masked);
    if (!import_kind_info(kind)->personal || number_digits(cells, column) <= NUMBER_DIGITS_MAX)
        return cell;
    *masked = true;
    return STR_NONE;
}

struct reading {
    struct arena *arena;
    const struct import_reader *reader;
    const struct table_row *cells;
    struct import_row *row;
};

static struct str cell_of(const struct reading *r, enum import_kind kind)
{
    bool masked;
    return import_row_cell(r->arena, &r->reader->columns, r->cells, kind, &masked);
}

static bool is_bound(const struct import_columns *columns, enum import_kind kind)
{
    return columns->of_kind[kind] != COLUMN_NONE || columns->constant[kind].p;
}

static struct str place_of(const struct reading *r, enum import_kind kind)
{
    return import_row_place(r->arena, r->reader, r->cells, kind);
}

/* What an error quotes of a cell. */
static struct str shown(const struct reading *r, enum import_kind kind, struct str cell)
{
    return import_cell_shown(r->arena, kind, cell);
}

struct str import_sheet_of(const struct import_reader *reader, int64_t line)
{
    return reader->sheet_count > 1 ? reader->sheets[import_line_sheet(line)].name : STR_NONE;
}

struct str import_place(struct arena *arena, const struct import_reader *reader, int64_t line)
{
    return table_place(arena, reader->path, import_sheet_of(reader, line),
                       import_line_number(line));
}

struct str import_line_text(struct arena *arena, const struct import_reader *reader, int64_t line)
{
    struct str sheet = import_sheet_of(reader, line);
    long long number = (long long)import_line_number(line);
    return sheet.p ? str_fmt(arena, "%.*s:%lld", STR_ARG(sheet), number)
                   : str_fmt(arena, "%lld", number);
}

static struct str row_place(const struct reading *r)
{
    return import_place(r->arena, r->reader, r->cells->line_number);
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
        if (columns[i] == COLUMN_NONE)
            continue;
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

static ERR_RESULT civil_of_cell(struct reading *r, enum import_kind kind, struct str cell,
                                struct civil *civil, int32_t *offset_s)
{
    struct str format = r->reader->columns.map->time_format;
    *offset_s = INT32_MIN;
    if (!str_eq(format, STR("auto"))) {
        if (civil_parse(format, cell, civil))
            return NULL;
        return ERR_NEW(r->arena, ERR_IMPORT_TIME, place_of(r, kind), shown(r, kind, cell), format);
    }
    static const enum err_code codes[] = {
        [IMPORT_TIME_UNKNOWN] = ERR_IMPORT_TIME_UNKNOWN,
        [IMPORT_TIME_AMBIGUOUS] = ERR_IMPORT_TIME_AMBIGUOUS,
        [IMPORT_TIME_IMPOSSIBLE] = ERR_IMPORT_TIME_IMPOSSIBLE,
    };
    enum import_time found = import_time_auto(cell, civil, offset_s);
    if (found == IMPORT_TIME_READ)
        return NULL;
    return ERR_NEW(r->arena, codes[found], place_of(r, kind), shown(r, kind, cell));
}

/* The beginning of a text that a pattern of fixed width reads: two digits each, %Y four. */
static struct str prefix_of(struct str pattern, struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < pattern.n; i++, n++) {
        if (pattern.p[i] != '%' || i + 1 == pattern.n)
            continue;
        i++;
        n += pattern.p[i] == 'Y' ? 3 : pattern.p[i] == '%' ? 0 : 1;
    }
    return text.n < n ? STR_NONE : str_slice(text, 0, n);
}

/* Where the time is empty, the order's number may begin with it. */
static bool civil_of_number(const struct reading *r, struct civil *civil)
{
    struct str pattern = r->reader->columns.map->number_time;
    if (!str_is(pattern) || !str_is(r->row->number))
        return false;
    struct str prefix = prefix_of(pattern, r->row->number);
    return prefix.p && civil_parse(pattern, prefix, civil);
}

static ERR_RESULT read_time(struct reading *r, enum import_kind kind, int64_t *out)
{
    struct str cell = cell_of(r, kind);
    struct civil civil;
    int32_t offset_s = INT32_MIN;
    *out = INT64_MIN;
    if (str_is(cell))
        TRY(civil_of_cell(r, kind, cell, &civil, &offset_s));
    else if (kind != IMPORT_ORDER_TIME || !civil_of_number(r, &civil))
        return NULL;
    if (!str_is(cell))
        cell = r->row->number;
    int32_t local_day = day_of_civil(civil.year, civil.month, civil.day);
    if (local_day < LIMIT_DAY_MIN || local_day > LIMIT_DAY_MAX)
        return ERR_NEW(r->arena, ERR_IMPORT_DAY, place_of(r, kind), shown(r, kind, cell));
    *out = zone_time_us(r->reader->zone, &civil);
    if (offset_s != INT32_MIN)
        *out = local_day * US_PER_DAY +
               ((civil.hour * 60 + civil.minute) * 60 + civil.second - offset_s) * US_PER_SECOND +
               civil.microsecond;
    int32_t day = zone_day(r->reader->brand->zone, *out);
    if (day < LIMIT_DAY_MIN || day > LIMIT_DAY_MAX)
        return ERR_NEW(r->arena, ERR_IMPORT_DAY, place_of(r, kind), shown(r, kind, cell));
    if (*out > r->reader->now_us + US_PER_DAY)
        return ERR_NEW(r->arena, ERR_IMPORT_FUTURE, place_of(r, kind), shown(r, kind, cell));
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
    return ERR_NEW(r->arena, code, place_of(r, kind), shown(r, kind, cell));
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
                       shown(r, kind, cell_of(r, kind)));
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
                       shown(r, IMPORT_QUANTITY, cell_of(r, IMPORT_QUANTITY)));
    TRY(read_amount(r, IMPORT_LINE_AMOUNT, &row->line_amount_minor, &row->has_line_amount));
    row->has_line = row->has_line || has_quantity || row->has_line_amount || has_price;
    if (row->has_line_amount || !has_quantity || !has_price)
        return NULL;
    row->has_line_amount = true;
    int digits = r->reader->brand->currency_digits;
    if (!decimal_mul(quantity, price, &product) || !fits(product, digits, &row->line_amount_minor))
        return ERR_NEW(r->arena, ERR_IMPORT_NUMBER_RANGE, place_of(r, IMPORT_UNIT_PRICE),
                       shown(r, IMPORT_UNIT_PRICE, cell_of(r, IMPORT_UNIT_PRICE)));
    return NULL;
}

/* Which of the cells a row without any amount should have had. */
static enum import_kind missing_amount(const struct reading *r)
{
    const struct import_columns *columns = &r->reader->columns;
    if (is_bound(columns, IMPORT_ORDER_AMOUNT))
        return IMPORT_ORDER_AMOUNT;
    if (is_bound(columns, IMPORT_LINE_AMOUNT))
        return IMPORT_LINE_AMOUNT;
    return str_is(cell_of(r, IMPORT_QUANTITY)) ? IMPORT_UNIT_PRICE : IMPORT_QUANTITY;
}

/* The order's amount, with what was paid of it from a balance. */
static ERR_RESULT read_order_amount(struct reading *r)
{
    struct import_row *row = r->row;
    int64_t balance_minor = 0;
    bool has_balance;
    TRY(read_amount(r, IMPORT_ORDER_AMOUNT, &row->order_amount_minor, &row->has_order_amount));
    TRY(read_amount(r, IMPORT_BALANCE_AMOUNT, &balance_minor, &has_balance));
    if (row->has_order_amount && has_balance)
        row->order_amount_minor += balance_minor; /* each is far from the end of 64 bits */
    return NULL;
}

static ERR_RESULT read_amounts(struct reading *r)
{
    struct import_row *row = r->row;
    bool order_mapped = is_bound(&r->reader->columns, IMPORT_ORDER_AMOUNT);
    bool unpaid = row->state == ORDER_CREATED || row->state == ORDER_CLOSED;
    TRY(read_line_amount(r));
    TRY(read_order_amount(r));
    TRY(read_amount(r, IMPORT_REFUND_AMOUNT, &row->refund_amount_minor, &row->has_refund_amount));
    bool needs = row->verdict == IMPORT_ROW_ORDER
                     ? !order_mapped
                     : !row->has_refund_amount && !row->has_order_amount;
    /* What was never paid may have no amount. */
    if (r->reader->columns.map->clean && unpaid && needs && !row->has_line_amount)
        row->has_line_amount = true;
    bool unmeasured = row->refund == IMPORT_REFUND_PARTIAL && row->refund_amount_minor == 0;
    if (unmeasured)
        return ERR_NEW(r->arena, ERR_IMPORT_REFUND_PARTIAL, place_of(r, IMPORT_REFUND_STATE),
                       shown(r, IMPORT_REFUND_STATE, row->refund_cell));
    if (needs && !row->has_line_amount)
        return ERR_NEW(r->arena, ERR_IMPORT_EMPTY, place_of(r, missing_amount(r)));
    return NULL;
}

static bool is_word(const struct import_word *word, struct str key)
{
    if (word->any_before && word->any_after)
        return word->key.n == 0 || (key.n > 0 && memmem(key.p, key.n, word->key.p, word->key.n));
    return word->any_before ? str_ends(key, word->key) : str_starts(key, word->key);
}

/* Of a cell that names a part or a sum ("部分已退款", "已退款50元") no pattern says that all was
 * given back. */
static bool says_too_much(const struct import_word *word, struct str key)
{
    static const struct str part = STR_INIT("部分");
    if (!word->refunded && word->refund != IMPORT_REFUND_GIVEN)
        return false;
    if (memmem(key.p, key.n, part.p, part.n))
        return true;
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] >= '0' && key.p[i] <= '9')
            return true;
    }
    return false;
}

/* The word as it stands; else as words are compared; else the first that has stars and fits. */
static const struct import_word *find_word(struct arena *arena, const struct import_words *words,
                                           struct str cell)
{
    for (size_t i = 0; i < words->count; i++) {
        if (str_eq(words->items[i].word, cell))
            return &words->items[i];
    }
    struct str key = import_name_key(arena, cell);
    for (size_t i = 0; i < words->count; i++) {
        const struct import_word *word = &words->items[i];
        if (!word->any_before && !word->any_after && str_eq(word->key, key))
            return word;
    }
    for (size_t i = 0; i < words->count; i++) {
        const struct import_word *word = &words->items[i];
        if ((word->any_before || word->any_after) && is_word(word, key) &&
            !says_too_much(word, key))
            return word;
    }
    return NULL;
}

/* A few words that would have been read, so that a person can write one of them. */
static struct str some_words(const struct reading *r, const struct import_words *words,
                             struct str own)
{
    struct buf some = buf_new(r->arena, WORDS_BYTES_MAX);
    int count = 0;
    for (size_t i = 0; i < words->count && count < WORDS_SHOWN_MAX; i++) {
        const struct import_word *word = &words->items[i];
        if (word->any_before || word->any_after || some.n + word->word.n > WORDS_BYTES_MAX / 2)
            continue;
        buf_fmt(&some, "%s%.*s", count++ > 0 ? ", " : "", STR_ARG(word->word));
    }
    return count > 0 ? buf_view(&some) : own;
}

static ERR_RESULT read_state(struct reading *r)
{
    struct import_row *row = r->row;
    struct str cell = cell_of(r, IMPORT_STATE);
    row->state = r->reader->state_default;
    if (!str_is(cell))
        return NULL;
    row->state_named = true;
    row->state_cell = cell;
    row->state_word = find_word(r->arena, &r->reader->columns.states, cell);
    if (row->state_word) {
        row->state = row->state_word->state;
        row->refund = row->state_word->refunded ? IMPORT_REFUND_GIVEN : IMPORT_REFUND_UNTOLD;
        return NULL;
    }
    enum order_state state = import_state_by_name(cell);
    if (state == ORDER_STATE_MAX)
        return ERR_NEW(r->arena, ERR_IMPORT_STATE, place_of(r, IMPORT_STATE),
                       shown(r, IMPORT_STATE, cell),
                       some_words(r, &r->reader->columns.states, STR("received")));
    row->state = state;
    return NULL;
}

/* A state that says by itself that all was given back is not taken back by this one. */
static ERR_RESULT read_refund_state(struct reading *r)
{
    struct import_row *row = r->row;
    struct str cell = cell_of(r, IMPORT_REFUND_STATE);
    if (!str_is(cell))
        return NULL;
    row->refund_cell = cell;
    row->refund_word = find_word(r->arena, &r->reader->columns.refund_states, cell);
    enum import_refund refund =
        row->refund_word ? row->refund_word->refund : import_refund_by_name(cell);
    if (refund == IMPORT_REFUND_UNTOLD)
        return ERR_NEW(r->arena, ERR_IMPORT_REFUND_STATE, place_of(r, IMPORT_REFUND_STATE),
                       shown(r, IMPORT_REFUND_STATE, cell),
                       some_words(r, &r->reader->columns.refund_states, STR("refunded")));
    if (row->refund != IMPORT_REFUND_GIVEN)
        row->refund = refund;
    return NULL;
}

static ERR_RESULT read_currency(struct reading *r)
{
    struct str cell = cell_of(r, IMPORT_CURRENCY);
    if (!str_is(cell) || str_eq_nocase(cell, r->reader->brand->currency))
        return NULL;
    return ERR_NEW(r->arena, ERR_IMPORT_CURRENCY, place_of(r, IMPORT_CURRENCY),
                   shown(r, IMPORT_CURRENCY, cell), r->reader->brand->currency);
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

/* A cell for a person that names nobody: what was masked can be had nowhere, digits that a
 * spreadsheet lost come back with another export. */
static void count_hidden(struct reading *r, enum import_kind kind)
{
    int column = r->reader->columns.of_kind[kind];
    bool masked;
    (void)import_row_cell(r->arena, &r->reader->columns, r->cells, kind, &masked);
    if (!masked)
        return;
    bool lost = import_digits_lost(str_trim(r->cells->cells[column])) ||
                number_digits(r->cells, column) > NUMBER_DIGITS_MAX;
    r->row->lost_values += lost;
    r->row->masked_values += !lost;
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
        count_hidden(r, identity_columns[i].kind);
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
    count_hidden(r, IMPORT_BUYER_NAME);
    return read_text(r, IMPORT_BUYER_NAME, LIMIT_NAME_BYTES_MAX, &row->buyer_name);
}
_Static_assert(sizeof(identity_columns) / sizeof(identity_columns[0]) <=
                   LIMIT_IDENTITIES_PER_ORDER_MAX,
               "a row names at most as many identities as an order may");

/* --- The whole row --- */

/* A text file's row that is too long lost a quote, or its cells hold the delimiter. */
static ERR_RESULT check_excess(struct reading *r)
{
    const struct import_columns *columns = &r->reader->columns;
    const struct table_row *cells = r->cells;
    if (!columns->map->clean || columns->name_count == 0)
        return NULL;
    for (int i = columns->name_count; i < cells->cell_count; i++) {
        if (str_is(str_trim(cells->cells[i])))
            return ERR_NEW(r->arena, ERR_IMPORT_CELLS_MANY, row_place(r),
                           str_fmt(r->arena, "%d", cells->cell_count),
                           str_fmt(r->arena, "%d", columns->name_count));
    }
    /* Empty cells at the end of every row are the program's that wrote the file; at the end of this
     * one they are the last cells of a row that was shifted. */
    int usual = r->reader->usual_cells;
    if (usual > 0 && cells->cell_count > usual && cells->cell_count > columns->name_count)
        return ERR_NEW(r->arena, ERR_IMPORT_CELLS_SHIFTED, row_place(r),
                       str_fmt(r->arena, "%d", cells->cell_count), str_fmt(r->arena, "%d", usual));
    return NULL;
}

/* Every column that the map reads must be there; the leftmost that is not is named. A workbook
 * leaves out the empty cells at a row's end. */
static ERR_RESULT check_width(struct reading *r)
{
    int first = INT32_MAX;
    enum import_kind first_kind = IMPORT_KIND_MAX;
    if (r->cells->kinds)
        return NULL;
    for (int kind = 0; kind < IMPORT_KIND_MAX; kind++) {
        int column = r->reader->columns.of_kind[kind];
        if (column == COLUMN_NONE || column < r->cells->cell_count || column >= first)
            continue;
        first = column;
        first_kind = (enum import_kind)kind;
    }
    if (first_kind == IMPORT_KIND_MAX)
        return check_excess(r);
    return ERR_NEW(r->arena, ERR_IMPORT_CELLS, place_of(r, first_kind),
                   str_fmt(r->arena, "%d", r->cells->cell_count),
                   str_fmt(r->arena, "%d", first + 1));
}

/* A number is text, whatever it looks like: a spreadsheet that took it for a number lost digits. */
static ERR_RESULT read_number(struct reading *r, enum import_kind kind, struct str *out)
{
    int column = r->reader->columns.of_kind[kind];
    TRY(read_text(r, kind, LIMIT_ORDER_NUMBER_BYTES_MAX, out));
    if (column == COLUMN_NONE || column >= r->cells->cell_count || !str_is(*out))
        return NULL;
    if (!import_digits_lost(*out) && number_digits(r->cells, column) <= NUMBER_DIGITS_MAX)
        return NULL;
    struct str shown = *out;
    *out = STR_NONE;
    return ERR_NEW(r->arena, ERR_IMPORT_DIGITS_LOST, place_of(r, kind), shown);
}

static ERR_RESULT read_texts(struct reading *r)
{
    struct import_row *row = r->row;
    TRY(read_text(r, IMPORT_PRODUCT_CODE, LIMIT_NAME_BYTES_MAX, &row->product_code));
    TRY(read_text(r, IMPORT_PRODUCT_NAME, LIMIT_NAME_BYTES_MAX, &row->product_name));
    TRY(read_text(r, IMPORT_CATEGORY, LIMIT_NAME_BYTES_MAX, &row->category));
    TRY(read_text(r, IMPORT_CHANNEL, LIMIT_NAME_BYTES_MAX, &row->channel));
    row->has_line = str_is(row->product_code) || str_is(row->product_name);
    TRY(read_text(r, IMPORT_LINE_NUMBER, LIMIT_NAME_BYTES_MAX, &row->sub_number));
    return read_number(r, IMPORT_REFUND_OF, &row->refund_of);
}

/* --- Rows that are no orders --- */

static bool is_blank_row(const struct table_row *cells)
{
    for (int i = 0; i < cells->cell_count; i++) {
        if (str_is(str_trim(cells->cells[i])))
            return false;
    }
    return true;
}

static bool any_total_word(const struct table_row *cells)
{
    for (int i = 0; i < cells->cell_count; i++) {
        if (import_is_total_word(cells->cells[i]))
            return true;
    }
    return false;
}

/* A row of totals, the header once more (exports put together by hand), a row of empty cells. */
static bool is_total_row(const struct reading *r)
{
    const struct import_columns *columns = &r->reader->columns;
    int column = columns->of_kind[IMPORT_ORDER_NUMBER];
    if (!columns->map->clean)
        return false;
    struct str number = cell_of(r, IMPORT_ORDER_NUMBER);
    if (column != COLUMN_NONE && column < columns->name_count && str_is(number) &&
        str_eq(number, str_trim(columns->names[column])))
        return true;
    if (str_is(number) && import_is_total_word(number))
        return true;
    bool undated = !str_is(number) || !str_is(cell_of(r, IMPORT_ORDER_TIME));
    return undated && (is_blank_row(r->cells) || any_total_word(r->cells));
}

/* --- The row --- */

/* A row that has neither number nor time nor amount of an order continues the one above it. A row
 * that ends before its number does not: it was cut off. */
static void continue_above(struct reading *r)
{
    const struct import_above *above = r->reader->above;
    struct import_row *row = r->row;
    if (!r->reader->columns.map->fill_down || !above || above->number_bytes == 0)
        return;
    if (r->reader->columns.of_kind[IMPORT_ORDER_NUMBER] >= r->cells->cell_count)
        return;
    struct str number = {above->number, above->number_bytes};
    bool untold =
        !str_is(cell_of(r, IMPORT_ORDER_TIME)) && !str_is(cell_of(r, IMPORT_ORDER_AMOUNT));
    if (!str_is(row->number) && untold)
        row->number = str_copy(r->arena, number);
    if (str_eq(row->number, number) && row->time_us == INT64_MIN)
        row->time_us = above->time_us;
}

static void note_above(const struct reading *r)
{
    struct import_above *above = r->reader->above;
    struct str number = r->row->number;
    if (!above || !r->reader->columns.map->fill_down)
        return;
    CHECK(number.n <= sizeof(above->number));
    if (number.n > 0)
        memcpy(above->number, number.p, number.n);
    above->number_bytes = number.n;
    above->time_us = r->row->time_us;
}

static ERR_RESULT read_order_number(struct reading *r)
{
    struct import_row *row = r->row;
    TRY(read_number(r, IMPORT_ORDER_NUMBER, &row->number));
    bool reserved =
        str_starts(row->number, IMPORT_ROW_PREFIX) ||
        (row->verdict == IMPORT_ROW_REFUND && str_ends(row->number, IMPORT_REFUND_SUFFIX));
    if (reserved)
        return ERR_NEW(r->arena, ERR_IMPORT_NUMBER_RESERVED, place_of(r, IMPORT_ORDER_NUMBER),
                       row->number);
    continue_above(r);
    if (!str_is(row->number) && r->reader->columns.number_needed)
        return ERR_NEW(r->arena, ERR_IMPORT_EMPTY, place_of(r, IMPORT_ORDER_NUMBER));
    return NULL;
}

static ERR_RESULT read_times(struct reading *r)
{
    struct import_row *row = r->row;
    TRY(read_time(r, IMPORT_ORDER_TIME, &row->time_us));
    TRY(read_time(r, IMPORT_PAID_TIME, &row->paid_us));
    TRY(read_time(r, IMPORT_REFUND_TIME, &row->refund_us));
    bool paid_only = row->time_us == INT64_MIN && row->verdict == IMPORT_ROW_ORDER;
    if (paid_only && r->reader->columns.map->clean)
        row->time_us = row->paid_us;
    continue_above(r);
    note_above(r);
    bool timed_by_refund = row->verdict == IMPORT_ROW_REFUND && row->refund_us != INT64_MIN;
    if (row->time_us == INT64_MIN && !timed_by_refund)
        return ERR_NEW(r->arena, ERR_IMPORT_EMPTY, place_of(r, IMPORT_ORDER_TIME));
    row->day =
        row->time_us == INT64_MIN ? DAY_NONE : zone_day(r->reader->brand->zone, row->time_us);
    return NULL;
}

ERR_RESULT import_row_read(struct arena *arena, const struct import_reader *reader,
                           const struct table_row *cells, struct import_row *row)
{
    struct reading r = {.arena = arena, .reader = reader, .cells = cells, .row = row};
    const struct import_map *map = reader->columns.map;
    *row = (struct import_row){
        .line_number = cells->line_number, .verdict = IMPORT_ROW_ORDER, .time_us = INT64_MIN};
    hash_cells(&r);
    row->is_total = is_total_row(&r);
    if (row->is_total || any_holds(cells, &map->skip_when, reader->columns.skip_when)) {
        row->verdict = IMPORT_ROW_SKIP;
        return NULL;
    }
    if (any_holds(cells, &map->refund_when, reader->columns.refund_when))
        row->verdict = IMPORT_ROW_REFUND;
    TRY(read_order_number(&r));
    TRY(check_width(&r));
    TRY(read_texts(&r));
    TRY(read_times(&r));
    TRY(read_state(&r));
    TRY(read_refund_state(&r));
    TRY(read_amounts(&r));
    TRY(read_currency(&r));
    return read_identities(&r);
}
