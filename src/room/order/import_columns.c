/* The columns of a file as they stand, with some of their cells, for a person who says what each
 * means. */
#include <string.h>

#include "base/arena.h"
#include "room/order/import_peek.h"
#include "room/order/import_wish.h"

#define SAMPLE_ROWS_MAX 200
#define SAMPLE_COLUMNS_MAX 40   /* of a cell, as it is shown */
#define REFERENCE_BYTES_MAX 200 /* a longer name is called by its number */

/* Parts of names of columns that hold something of people: of those that no map reads it is not
 * known. */
static const struct str personal_words[] = {
    STR_INIT("姓名"),    STR_INIT("名字"),    STR_INIT("收货"),    STR_INIT("收件"),
    STR_INIT("提货"),    STR_INIT("地址"),    STR_INIT("电话"),    STR_INIT("手机"),
    STR_INIT("联系"),    STR_INIT("买家"),    STR_INIT("客户"),    STR_INIT("顾客"),
    STR_INIT("会员"),    STR_INIT("账号"),    STR_INIT("帐号"),    STR_INIT("昵称"),
    STR_INIT("用户"),    STR_INIT("邮箱"),    STR_INIT("身份证"),  STR_INIT("备注"),
    STR_INIT("留言"),    STR_INIT("微信"),    STR_INIT("支付宝"),  STR_INIT("发票"),
    STR_INIT("name"),    STR_INIT("phone"),   STR_INIT("mobile"),  STR_INIT("tel"),
    STR_INIT("mail"),    STR_INIT("address"), STR_INIT("buyer"),   STR_INIT("customer"),
    STR_INIT("user"),    STR_INIT("member"),  STR_INIT("note"),    STR_INIT("remark"),
    STR_INIT("contact"), STR_INIT("openid"),  STR_INIT("unionid"),
};

static bool may_be_personal(struct arena *arena, struct str name)
{
    struct str key = import_name_key(arena, name);
    for (size_t i = 0; i < sizeof(personal_words) / sizeof(personal_words[0]); i++) {
        struct str word = personal_words[i];
        if (key.p && key.n >= word.n && memmem(key.p, key.n, word.p, word.n))
            return true;
    }
    return false;
}

/* --- Where the header is --- */

static int filled_cells(const struct import_peek *peek, int row)
{
    int filled = 0;
    for (int i = 0; i < peek->cell_count[row]; i++)
        filled += str_is(str_trim(peek->rows[row][i]));
    return filled;
}

/* The first of the rows with most cells that hold something. */
static ERR_RESULT guess(struct arena *arena, struct str path, struct import_map *map)
{
    static const char delimiters[] = {',', '\t', ';', '|'};
    struct import_peeks peeks;
    int most = 0;
    *map = (struct import_map){
        .name = STR("own"), .header = true, .header_row = 1, .delimiter = STR(",")};
    TRY(import_peeks_read(arena, path, STR("auto"), delimiters, (int)sizeof(delimiters), &peeks));
    map->encoding = peeks.encoding;
    for (int p = 0; p < peeks.count; p++) {
        const struct import_peek *peek = &peeks.items[p];
        for (int row = 0; row < peek->row_count; row++) {
            int filled = filled_cells(peek, row);
            if (filled <= most)
                continue;
            most = filled;
            map->header_row = row + 1;
            if (peek->delimiter)
                map->delimiter = str_fmt(arena, "%c", peek->delimiter);
        }
    }
    return NULL;
}

/* --- The columns --- */

static bool comes_twice(const struct str *header, int count, int column)
{
    for (int i = 0; i < count; i++) {
        if (i != column && str_eq(str_trim(header[i]), str_trim(header[column])))
            return true;
    }
    return false;
}

static struct str reference_of(struct arena *arena, const struct str *header, int count, int column)
{
    struct str name = str_trim(header[column]);
    bool plain = str_is(name) && name.n <= REFERENCE_BYTES_MAX && name.p[0] != '#' &&
                 str_is_utf8(name) && !memchr(name.p, '|', name.n) &&
                 !comes_twice(header, count, column);
    return plain ? str_copy(arena, name) : str_fmt(arena, "#%d", column + 1);
}

static struct str shown(struct arena *arena, enum import_kind kind, bool personal, struct str cell)
{
    if (kind == IMPORT_KIND_MAX && personal)
        return import_cell_shown(arena, IMPORT_BUYER_NAME, cell);
    return import_cell_shown(arena, kind, cell);
}

static void add_sample(struct arena *arena, struct import_file_column *column,
                       enum import_kind kind, bool personal, struct str cell)
{
    bool masked = false;
    struct str cleaned =
        import_clean(arena, kind == IMPORT_KIND_MAX ? IMPORT_PRODUCT_NAME : kind, cell, &masked);
    cell = str_fit(str_trim(masked ? cell : cleaned), SAMPLE_COLUMNS_MAX);
    if (!str_is(cell) || column->sample_count == IMPORT_SAMPLES_MAX)
        return;
    struct str sample = shown(arena, kind, personal, cell);
    for (int i = 0; i < column->sample_count; i++) {
        if (str_eq(column->samples[i], sample))
            return;
    }
    column->samples[column->sample_count++] = sample;
}

static ERR_RESULT check_header(struct arena *arena, struct str path,
                               const struct import_table *table)
{
    size_t bytes = 0;
    for (int i = 0; i < table->header_count; i++)
        bytes += table->header[i].n;
    if (bytes <= IMPORT_HEADER_BYTES_MAX)
        return NULL;
    return ERR_NEW(arena, ERR_IMPORT_HEADER_WIDE, path,
                   str_fmt(arena, "%u", IMPORT_HEADER_BYTES_MAX));
}

/* What the map reads each column as; of a column that it does not read, IMPORT_KIND_MAX. */
static enum import_kind *kinds_of(struct arena *arena, const struct import_map *map,
                                  const struct import_table *table)
{
    enum import_kind *kinds = ARENA_ARRAY(arena, (size_t)table->header_count + 1, enum import_kind);
    for (int i = 0; i < table->header_count; i++)
        kinds[i] = IMPORT_KIND_MAX;
    for (size_t i = 0; i < map->columns.count; i++) {
        const struct shape_pair *pair = &map->columns.pairs[i];
        int column = import_column_of(arena, table->header, table->header_count, pair->value);
        enum import_kind kind = import_kind_by_name(pair->key);
        /* Of several kinds the one that says most about people. */
        bool better = column != COLUMN_NONE &&
                      (kinds[column] == IMPORT_KIND_MAX || import_kind_info(kind)->personal);
        if (better)
            kinds[column] = kind;
    }
    return kinds;
}

static ERR_RESULT read_samples(struct arena *arena, struct import_table *table,
                               const enum import_kind *kinds, struct import_file_column *columns)
{
    struct table_row row;
    const struct err *bad;
    bool *personal = ARENA_ARRAY(arena, (size_t)table->header_count + 1, bool);
    for (int i = 0; i < table->header_count; i++)
        personal[i] = may_be_personal(arena, table->header[i]);
    for (int n = 0; n < SAMPLE_ROWS_MAX; n++) {
        TRY(import_table_next(table, &row, &bad));
        if (row.end)
            return NULL;
        for (int i = 0; i < row.cell_count && i < table->header_count; i++)
            add_sample(arena, &columns[i], kinds[i], personal[i], row.cells[i]);
    }
    return NULL;
}

ERR_RESULT import_file_columns(struct arena *arena, struct str path, const struct import_map *map,
                               struct import_file_column **out, int *count)
{
    struct import_map settled;
    struct import_table table;
    *count = 0;
    if (map)
        TRY(import_map_settle(arena, path, map, &settled));
    else
        TRY(guess(arena, path, &settled));
    TRY(import_table_open(arena, &settled, path, &table));
    const struct err *err = check_header(arena, path, &table);
    if (!err) {
        *out = ARENA_ARRAY(arena, (size_t)table.header_count + 1, struct import_file_column);
        *count = table.header_count;
        for (int i = 0; i < *count; i++) {
            (*out)[i].column = reference_of(arena, table.header, *count, i);
            (*out)[i].letter = import_column_letters(arena, i);
        }
        err = read_samples(arena, &table, kinds_of(arena, &settled, &table), *out);
    }
    table_input_close(table.input);
    return err;
}
