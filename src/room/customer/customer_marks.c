/* Keeper and tags: of one person, and of everybody in one go. */
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "room/customer/customer_part.h"
#include "sql_customer.h"

static void add_tag(struct arena *arena, struct customer_marks *marks, size_t *capacity,
                    int64_t tag_id, struct opt_i64 until_day)
{
    if (marks->tag_count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 16;
        struct customer_tag_mark *copy = ARENA_ARRAY(arena, *capacity, struct customer_tag_mark);
        if (marks->tag_count > 0)
            memcpy(copy, marks->tags, marks->tag_count * sizeof(*copy));
        marks->tags = copy;
    }
    marks->tags[marks->tag_count++] =
        (struct customer_tag_mark){tag_id, until_day.set ? (int32_t)until_day.v : DAY_NONE};
}

ERR_RESULT customer_marks(struct tx *tx, int64_t root_id, struct customer_marks *marks)
{
    struct stmt_cursor cursor;
    struct sql_customer_tag_rows_out row;
    size_t capacity = 0;
    bool has;
    *marks = (struct customer_marks){.customer_id = root_id};
    TRY(customer_keeper(tx, root_id, &marks->keeper_id));
    TRY(sql_customer_tag_rows_open(tx, &(struct sql_customer_tag_rows_in){root_id}, &cursor));
    for (;;) {
        TRY(sql_customer_tag_rows_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        add_tag(tx_arena(tx), marks, &capacity, row.tag_id, row.until_day);
    }
}

/* --- Of everybody: three lists in the order of ids, read side by side --- */

struct all {
    struct stmt_cursor keepers, tags;
    struct sql_customer_mark_keepers_out keeper;
    struct sql_customer_mark_tags_out tag;
    bool has_keeper, has_tag;
};

static const struct err *marks_of_next(struct tx *tx, struct all *all, struct customer_marks *marks)
{
    size_t capacity = 0;
    while (all->has_keeper && all->keeper.customer_id < marks->customer_id)
        TRY(sql_customer_mark_keepers_next(&all->keepers, &all->keeper, &all->has_keeper));
    if (all->has_keeper && all->keeper.customer_id == marks->customer_id)
        marks->keeper_id = all->keeper.staff_id;
    while (all->has_tag && all->tag.root_id <= marks->customer_id) {
        if (all->tag.root_id == marks->customer_id)
            add_tag(tx_arena(tx), marks, &capacity, all->tag.tag_id, all->tag.until_day);
        TRY(sql_customer_mark_tags_next(&all->tags, &all->tag, &all->has_tag));
    }
    return NULL;
}

static const struct err *each_person(struct tx *tx, struct all *all, struct customer_scan *scan,
                                     customer_marks_fn *fn, void *arg)
{
    TRY(sql_customer_mark_keepers_next(&all->keepers, &all->keeper, &all->has_keeper));
    TRY(sql_customer_mark_tags_next(&all->tags, &all->tag, &all->has_tag));
    for (;;) {
        struct customer_scan_row row;
        bool has;
        TRY(customer_scan_next(scan, &row, &has));
        if (!has)
            return NULL;
        if (row.root_id != row.customer_id || row.placeholder)
            continue;
        struct arena_mark mark = arena_mark(tx_arena(tx));
        struct customer_marks marks = {.customer_id = row.customer_id};
        TRY(marks_of_next(tx, all, &marks));
        TRY(fn(tx, arg, &marks));
        arena_rewind(tx_arena(tx), mark);
    }
}

ERR_RESULT customer_marks_all(struct tx *tx, customer_marks_fn *fn, void *arg)
{
    struct all all = {0};
    struct customer_scan scan;
    TRY(sql_customer_mark_keepers_open(tx, &all.keepers));
    TRY(sql_customer_mark_tags_open(tx, &all.tags));
    TRY(customer_scan_open(tx, &scan));
    const struct err *err = each_person(tx, &all, &scan, fn, arg);
    customer_scan_close(&scan);
    stmt_close(&all.tags);
    stmt_close(&all.keepers);
    return err;
}

/* --- Names of tags --- */

ERR_RESULT customer_tag_id(struct tx *tx, struct str name, int64_t *tag_id)
{
    struct sql_customer_tag_by_name_out row;
    bool found;
    TRY(sql_customer_tag_by_name_one(tx, &(struct sql_customer_tag_by_name_in){name}, &row,
                                     &found));
    *tag_id = found ? row.tag_id : 0;
    return NULL;
}

ERR_RESULT customer_tag_names(struct tx *tx, struct arena *arena, size_t max, struct str **names,
                              size_t *count)
{
    struct stmt_cursor cursor;
    struct sql_customer_tag_names_out row;
    bool has;
    *names = ARENA_ARRAY(arena, max, struct str);
    *count = 0;
    struct sql_customer_tag_names_in in = {(int64_t)max};
    TRY(sql_customer_tag_names_open(tx, &in, &cursor));
    for (;;) {
        TRY(sql_customer_tag_names_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        (*names)[(*count)++] = str_copy(arena, row.name);
    }
}
