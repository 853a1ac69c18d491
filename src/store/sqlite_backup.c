/* A copy of the SQLite file by SQLite's online backup API, and a file made of such a copy. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "store/sqlite_internal.h"

#define PAGES_AT_ONCE 256
#define CHUNK_BYTES (256 << 10)
#define PART "huitou.db"

/* --- Copying out --- */

static const struct err *copy_error(struct arena *arena, sqlite3 *db, int code)
{
    struct str message = store_message(arena, sqlite3_errmsg(db));
    if ((code & 0xff) == SQLITE_FULL)
        return ERR_NEW(arena, ERR_STORE_FULL, STR_NONE);
    return ERR_NEW(arena, ERR_STATEMENT_FAILED, STR_NONE, STR("backup"), message);
}

/* The source is inside a read transaction all the while: whoever writes does not make the copy
 * begin again, as it would otherwise (sqlite3_backup_step), and all pages are of one moment. */
static const struct err *copy_pages(struct arena *arena, sqlite3 *to, sqlite3 *from,
                                    const struct store_sink *sink)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (!backup)
        return copy_error(arena, to, sqlite3_errcode(to));
    int code = SQLITE_OK;
    while (code == SQLITE_OK) {
        code = sqlite3_backup_step(backup, PAGES_AT_ONCE);
        int total = sqlite3_backup_pagecount(backup), left = sqlite3_backup_remaining(backup);
        if (sink->progress)
            sink->progress(sink->progress_arg, total - left, total);
    }
    int finished = sqlite3_backup_finish(backup);
    if (code != SQLITE_DONE || finished != SQLITE_OK)
        return copy_error(arena, to, code != SQLITE_DONE ? code : finished);
    return NULL;
}

static const struct err *copy_from(struct arena *arena, struct sqlite_connection *from,
                                   const char *path, const struct store_sink *sink)
{
    sqlite3 *to = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE;
    int code = sqlite3_open_v2(path, &to, flags | SQLITE_OPEN_NOMUTEX, NULL);
    const struct err *err = NULL;
    if (code == SQLITE_OK) /* a copy that is not finished is thrown away: it needs no journal */
        code = sqlite3_exec(to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL,
                            NULL);
    if (code != SQLITE_OK)
        err = copy_error(arena, to, code);
    if (!err)
        err = copy_pages(arena, to, from->db, sink);
    CHECK(sqlite3_close(to) == SQLITE_OK);
    return err;
}

static const struct err *copy_file(struct arena *arena, const struct store_options *options,
                                   const char *path, const struct store_sink *sink)
{
    struct sqlite_connection from = {0};
    TRY(sqlite_connect(arena, options->url, SQLITE_ROLE_READER, &from));
    const struct err *err = sqlite_exec(arena, &from, "BEGIN; SELECT COUNT(*) FROM sqlite_schema");
    if (!err)
        err = copy_from(arena, &from, path, sink);
    sqlite_disconnect(&from);
    return err;
}

static const struct err *send_file(struct arena *arena, struct str path, int fd,
                                   const struct store_sink *sink)
{
    char *chunk = arena_alloc(arena, CHUNK_BYTES);
    TRY(sink->part(sink->arg, STR(PART)));
    for (;;) {
        ssize_t n = read(fd, chunk, CHUNK_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_NEW(arena, ERR_FILE_READ, path, str_c(strerrordesc_np(errno)));
        if (n == 0)
            return NULL;
        TRY(sink->bytes(sink->arg, chunk, (size_t)n));
    }
}

const struct err *sqlite_backup(struct arena *arena, const struct store_options *options,
                                struct str temporary_path, const struct store_sink *sink)
{
    const char *path = str_z(arena, temporary_path);
    const struct err *err = copy_file(arena, options, path, sink);
    int fd = err ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (!err && fd < 0)
        err = ERR_NEW(arena, ERR_FILE_OPEN, temporary_path, str_c(strerrordesc_np(errno)));
    unlink(path); /* gone with the process from here on */
    if (!err)
        err = send_file(arena, temporary_path, fd, sink);
    if (fd >= 0)
        close(fd);
    return err;
}

/* --- Back again --- */

struct restore {
    struct arena *arena;
    struct str path;
    int fd; /* -1: finished, or undone */
};

static const struct err *cannot_write(struct restore *r)
{
    return ERR_NEW(r->arena, ERR_FILE_WRITE, r->path, str_c(strerrordesc_np(errno)));
}

const struct err *sqlite_restore_open(struct arena *arena, const struct store_options *options,
                                      int schema_number, void **out)
{
    struct restore *r = ARENA_NEW(arena, struct restore);
    (void)schema_number; /* the file brings its own */
    *r = (struct restore){.arena = arena, .path = str_copy(arena, sqlite_path(options->url))};
    r->fd = open(str_z(arena, r->path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (r->fd < 0 && errno == EEXIST)
        return ERR_NEW(arena, ERR_STORE_NOT_EMPTY, r->path);
    if (r->fd < 0)
        return cannot_write(r);
    *out = r;
    return NULL;
}

const struct err *sqlite_restore_part(void *restore, struct str name)
{
    struct restore *r = restore;
    if (str_eq(name, STR(PART)))
        return NULL;
    return ERR_NEW(r->arena, ERR_STORE_OPEN, STR("store"),
                   str_fmt(r->arena, "the backup holds %.*s", STR_ARG(name)));
}

const struct err *sqlite_restore_bytes(void *restore, const void *bytes, size_t n)
{
    struct restore *r = restore;
    const char *p = bytes;
    while (n > 0) {
        ssize_t put = write(r->fd, p, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return cannot_write(r);
        p += put;
        n -= (size_t)put;
    }
    return NULL;
}

const struct err *sqlite_restore_finish(void *restore)
{
    struct restore *r = restore;
    const struct err *err = fsync(r->fd) == 0 ? NULL : cannot_write(r);
    close(r->fd);
    r->fd = -1;
    return err;
}

void sqlite_restore_close(void *restore)
{
    struct restore *r = restore;
    if (r->fd < 0)
        return;
    close(r->fd);
    unlink(str_z(r->arena, r->path));
    r->fd = -1;
}

const struct err *sqlite_facts(struct store *store, struct arena *arena, struct store_facts *facts)
{
    (void)store;
    facts->version = str_copy(arena, str_c(sqlite3_libversion()));
    return NULL;
}
