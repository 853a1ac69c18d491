/* What the files of the queue of imports share. Inside the room. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_UPLOAD_H
#define HUITOU_ROOM_ORDER_IMPORT_UPLOAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "room/order/import_queue.h"
#include "room/order/import_view.h"
#include "room/order/import_wish.h"

#define IMPORT_DOCUMENT_BYTES_MAX (32u << 20) /* of what a check or an import says, as JSON */

/* One of the two threads: it takes what waits longest, and does it. */
struct imports_lane {
    struct imports *imports;
    pthread_t thread;
    bool is_import; /* else it checks */
    bool wanted;    /* there may be something to do */
    int64_t upload_id; /* at work; 0: none */
    _Atomic bool stopped; /* what is at work is to end */
    char phase[16];
    int64_t done, total, told_us;
};
struct imports {
    struct imports_options options;
    struct deps deps;
    struct arena *arena;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    _Atomic bool closing;
    struct imports_lane check, import;
};

/* --- For the handlers --- */

/* There is something new to do. */
void imports_wake(struct imports *imports);
/* What is at work on an upload is to end at its next slice: its check, its import. */
void imports_stop(struct imports *imports, int64_t upload_id);
void imports_tell(struct imports *imports, int64_t upload_id, enum upload_state state);
/* DIRECTORY/ID, and the file of that name in it. */
struct str imports_folder(struct arena *arena, const struct imports *imports, int64_t upload_id);
struct str imports_file(struct arena *arena, const struct imports *imports, int64_t upload_id, struct str name);
/* Whether an upload may be called so: one part of a path, which nothing on the way to a file could take for another. */
bool import_is_file_name(struct str name);
/* The folder with all that is in it. */
void imports_remove(struct imports *imports, int64_t upload_id);

/* --- The work itself (import_task.c), on a lane's thread --- */

/* A dry run of an upload, and a note of what it found. Errors: of the store only; what is wrong with the file is noted. */
ERR_RESULT import_task_check(struct imports_lane *lane, struct arena *arena, int64_t upload_id);
/* The import of an upload that waits, and a note of how it ended. Errors: of the store only. */
ERR_RESULT import_task_run(struct imports_lane *lane, struct arena *arena, int64_t upload_id);
/* *found: there is one; its texts are copied. */
struct sql_order_upload_one_out;
ERR_RESULT import_upload_read(struct store *store, struct arena *arena, int64_t upload_id,
                              struct sql_order_upload_one_out *row, bool *found);
/* For import_options: where an import has come to, and whether it is to stop. arg: the lane. */
void imports_lane_progress(void *lane, const char *phase, int64_t done, int64_t total);
bool imports_lane_stopped(void *lane);
/* Where an import is at work: waits until it is not, or the lane is to stop. False: none was. */
bool imports_wait_for_import(struct imports_lane *lane);

#endif
