/* The record of backups that were made. */
#include "base/arena.h"
#include "room/setup/setup.h"

#include "sql_setup.h"

_Static_assert(sizeof(struct sql_setup_backup_one_out) ==
                   sizeof(struct sql_setup_backup_newest_out),
               "rows of backups");

static struct backup_note note_of(struct arena *arena,
                                  const struct sql_setup_backup_newest_out *row)
{
    return (struct backup_note){
        .backup_id = row->backup_id,
        .made_at_us = row->made_at,
        .made_by = str_copy(arena, row->made_by),
        .path = str_copy(arena, row->path),
        .bytes = row->bytes,
        .sha256 = str_copy(arena, row->sha256),
        .with_key = row->with_key != 0,
        .restored_at_us = row->restored_at,
    };
}

const struct err *setup_backup_add(struct tx *tx, const struct backup_note *note)
{
    struct sql_setup_backup_add_in row = {
        .backup_id = note->backup_id ? note->backup_id : id_next(tx_deps(tx)->ids),
        .made_at = note->made_at_us,
        .made_by = note->made_by,
        .path = note->path,
        .bytes = note->bytes,
        .sha256 = note->sha256,
        .with_key = note->with_key,
        .restored_at = note->restored_at_us,
    };
    return sql_setup_backup_add_run(tx, &row);
}

const struct err *setup_backup_restored(struct tx *tx, struct str sha256)
{
    struct sql_setup_backup_restored_in in = {sha256, tx_now_us(tx)};
    return sql_setup_backup_restored_run(tx, &in);
}

const struct err *setup_backup_newest(struct tx *tx, size_t most, struct backup_note **notes,
                                      size_t *count)
{
    struct stmt_cursor cursor;
    struct sql_setup_backup_newest_in in = {(int64_t)most};
    struct sql_setup_backup_newest_out row;
    bool has;
    *notes = ARENA_ARRAY(tx_arena(tx), most + 1, struct backup_note);
    *count = 0;
    TRY(sql_setup_backup_newest_open(tx, &in, &cursor));
    for (;;) {
        TRY(sql_setup_backup_newest_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        (*notes)[(*count)++] = note_of(tx_arena(tx), &row);
    }
}

const struct err *setup_backup_one(struct tx *tx, int64_t backup_id, struct backup_note *note,
                                   bool *found)
{
    struct sql_setup_backup_one_in in = {backup_id};
    struct sql_setup_backup_newest_out row;
    TRY(stmt_one(tx, &sql_setup_backup_one, &in, &row, found));
    if (*found)
        *note = note_of(tx_arena(tx), &row);
    return NULL;
}
