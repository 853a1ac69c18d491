/* Imports of files that were uploaded. A file is checked (a dry run) as soon as it is there and whenever somebody corrects
 * how it is read; when they say so, it is imported. One import runs at a time and others wait; checks go beside it.
 *
 * The queue is the table import_upload, so that it is there again after a restart: what was to be checked or waits goes on,
 * what ran is seen as interrupted. An import is idempotent: an interrupted or stopped one is simply begun again.
 * Files lie in DIRECTORY/ID/NAME, readable by the owner only; that of an import that is done is removed at once, its file of
 * rejected rows after IMPORT_REJECTS_US.
 * Threads: two of its own. All calls from any thread. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_QUEUE_H
#define HUITOU_ROOM_ORDER_IMPORT_QUEUE_H

#include "room/access/access.h"
#include "room/order/import.h"

#define IMPORT_REJECTS_US (30ll * 24 * 3600 * 1000000) /* how long a file of rejected rows is kept */

/* STATE(CODE, "name", "title en", "title zh"); the numbers are in the database. */
#define UPLOAD_STATE_TABLE(STATE)                             \
    STATE(CHECKING, "checking", "being checked", "检查中")    \
    STATE(READY, "ready", "ready to be imported", "可以导入") \
    STATE(REFUSED, "refused", "cannot be read yet", "无法读取") \
    STATE(WAITING, "waiting", "waiting", "排队中")            \
    STATE(RUNNING, "running", "being imported", "导入中")     \
    STATE(STOPPED, "stopped", "stopped", "已停止")            \
    STATE(INTERRUPTED, "interrupted", "interrupted", "已中断") \
    STATE(FAILED, "failed", "failed", "失败")                 \
    STATE(DONE, "done", "done", "已完成")                     \
    STATE(DISCARDED, "discarded", "discarded", "已丢弃")
enum upload_state {
#define STATE(code, name, en, zh) UPLOAD_##code,
    UPLOAD_STATE_TABLE(STATE)
#undef STATE
    UPLOAD_STATE_MAX
};
struct upload_state_info {
    const char *name;
    struct text title;
};
const struct upload_state_info *upload_state_info(enum upload_state state);

/* A past or present import, as lists show it; of an upload, or of the command line. */
struct import_brief {
    int64_t import_id;
    bool is_upload;
    struct str name, by, map_name; /* by: as people are called, "cli:lin" of the command line; '': not known */
    enum upload_state state;
    int64_t bytes, created_at_us;
    int64_t started_at_us, finished_at_us; /* INT64_MIN: not yet */
    int64_t rows, orders_new, orders_changed, orders_same, refunds, rows_rejected;
};
/* Newest first, those before before_id (INT64_MAX: all), at most `most`; discarded ones are left out only where nothing of
 * them was imported. */
ERR_RESULT import_list(struct tx *tx, int64_t before_id, int64_t most, struct import_brief **out, size_t *count);

/* A file that lies in the data directory for an import: who was erased may stand in it. */
struct import_holding {
    int64_t import_id;
    struct str name;  /* of the file that was given */
    bool is_rejects;  /* the file of its rejected rows; else the file itself */
    int64_t until_us; /* when it is removed; INT64_MIN: when somebody imports or discards it */
};
/* The oldest first. In the transaction's arena. */
ERR_RESULT import_holdings(struct tx *tx, struct import_holding **out, size_t *count);

struct imports;
struct imports_options {
    struct store *store;
    const struct brand *brand;
    struct str directory;           /* of the uploads; made where it is missing */
    struct str temporary_directory; /* what an upload left there that was cut off is removed */
    size_t sort_memory_bytes;       /* of each of the two threads; 0: 256 MiB */
    /* Tells that something changed about an import: topic "import", {"import_id":…,"state":…}, of one at work also
     * "phase", "done", "total". NULL: nobody listens. */
    void (*publish)(void *arg, struct str topic, struct str data);
    void *publish_arg;
};
/* Errors: those of the directory and of the store. */
ERR_RESULT imports_open(struct arena *arena, const struct imports_options *options, struct imports **out);
/* What runs is stopped at its next slice and will be found interrupted. */
void imports_close(struct imports *imports);
/* Removes the files of rejected rows that were kept for IMPORT_REJECTS_US; to be called now and then. */
ERR_RESULT imports_tidy(struct imports *imports, struct arena *arena);

/* How far the check or import of an upload has come; phase absent where it is not at work. */
struct import_progress {
    struct str phase; /* "read", "group", "write", "claim", "reject" */
    int64_t done, total; /* bytes or orders, as the phase has it */
};
struct import_progress imports_progress(struct imports *imports, struct arena *arena, int64_t upload_id);

extern const struct endpoint_table import_endpoints;

#endif
