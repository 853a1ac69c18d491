#include "codec/file.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES 65536

static const struct err *read_all(struct arena *arena, struct str path, int fd, size_t bytes_max,
                                  struct str *out)
{
    struct buf buf = buf_new(arena, bytes_max);
    char chunk[READ_BYTES];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_NEW(arena, ERR_FILE_READ, path, str_c(strerrordesc_np(errno)));
        if (n == 0)
            break;
        if ((size_t)n > bytes_max - buf.n)
            return ERR_NEW(arena, ERR_FILE_TOO_LARGE, path, str_fmt(arena, "%zu", bytes_max));
        buf_add(&buf, chunk, (size_t)n);
    }
    *out = buf.n ? buf_view(&buf) : STR("");
    return NULL;
}

const struct err *file_read(struct arena *arena, struct str path, size_t bytes_max, struct str *out)
{
    int fd = open(str_z(arena, path), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_NEW(arena, ERR_FILE_OPEN, path, str_c(strerrordesc_np(errno)));
    struct stat info;
    const struct err *err = NULL;
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode))
        err = ERR_NEW(arena, ERR_FILE_OPEN, path, str_c(strerrordesc_np(EISDIR)));
    else
        err = read_all(arena, path, fd, bytes_max, out);
    close(fd);
    return err;
}

static bool write_all(int fd, struct str content)
{
    while (content.n > 0) {
        ssize_t n = write(fd, content.p, content.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        content.p += n;
        content.n -= (size_t)n;
    }
    return true;
}

/* The folder that a path lies in. */
static struct str folder_of(struct str path)
{
    size_t n = path.n;
    while (n > 0 && path.p[n - 1] != '/')
        n--;
    if (n == 0)
        return STR(".");
    return str_slice(path, 0, n == 1 ? 1 : n - 1);
}

static bool sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool synced = fsync(fd) == 0;
    int saved = errno;
    close(fd);
    errno = saved;
    return synced;
}

/* A temporary file beside `path`, open for writing; -1 with errno where there is none. */
static int temporary_open(struct arena *arena, struct str path, const char **temporary)
{
    char *name = arena_alloc(arena, path.n + sizeof(".XXXXXX"));
    memcpy(name, path.p, path.n);
    memcpy(name + path.n, ".XXXXXX", sizeof(".XXXXXX"));
    *temporary = name;
    return mkostemp(name, O_CLOEXEC);
}

/* Leaves errno as the first failure set it. */
static bool write_and_close(int fd, struct str content)
{
    bool written = write_all(fd, content);
    int saved = errno;
    bool closed = close(fd) == 0;
    if (!written)
        errno = saved;
    return written && closed;
}

const struct err *file_write(struct arena *arena, struct str path, struct str content, int mode)
{
    const char *temporary;
    int fd = temporary_open(arena, path, &temporary);
    if (fd < 0)
        return ERR_NEW(arena, ERR_FILE_WRITE, path, str_c(strerrordesc_np(errno)));
    if (!write_and_close(fd, content)) {
        const char *why = strerrordesc_np(errno);
        unlink(temporary);
        return ERR_NEW(arena, ERR_FILE_WRITE, path, str_c(why));
    }
    return file_put_in_place(arena, temporary, path, mode);
}

const struct err *file_temporary(struct arena *arena, struct str path, const char **temporary)
{
    struct str folder = folder_of(path);
    if (!file_exists(arena, folder))
        return ERR_NEW(arena, ERR_FILE_FOLDER, path, folder);
    int fd = temporary_open(arena, path, temporary);
    if (fd < 0)
        return ERR_NEW(arena, ERR_FILE_WRITE, path, str_c(strerrordesc_np(errno)));
    close(fd);
    return NULL;
}

static bool sync_and_rename(const char *temporary, const char *path, int mode)
{
    int fd = open(temporary, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool synced = fchmod(fd, (mode_t)mode) == 0 && fsync(fd) == 0;
    int saved = errno;
    close(fd);
    errno = saved;
    return synced && rename(temporary, path) == 0;
}

const struct err *file_put_in_place(struct arena *arena, const char *temporary, struct str path,
                                    int mode)
{
    if (!sync_and_rename(temporary, str_z(arena, path), mode)) {
        const char *why = strerrordesc_np(errno);
        unlink(temporary);
        return ERR_NEW(arena, ERR_FILE_WRITE, path, str_c(why));
    }
    if (!sync_folder(str_z(arena, folder_of(path))))
        return ERR_NEW(arena, ERR_FILE_WRITE, path, str_c(strerrordesc_np(errno)));
    return NULL;
}

/* What is kept below a new directory lasts no longer than the directory's own name. */
static bool make_one(struct arena *arena, struct str part, int mode)
{
    if (mkdir(str_z(arena, part), (mode_t)mode) != 0)
        return errno == EEXIST;
    return sync_folder(str_z(arena, folder_of(part)));
}

const struct err *file_make_directory(struct arena *arena, struct str path, int mode)
{
    for (size_t i = 1; i <= path.n; i++) {
        if (i < path.n && path.p[i] != '/')
            continue;
        if (!make_one(arena, str_slice(path, 0, i), mode))
            return ERR_NEW(arena, ERR_FILE_WRITE, path, str_c(strerrordesc_np(errno)));
    }
    struct stat info;
    if (stat(str_z(arena, path), &info) != 0)
        return ERR_NEW(arena, ERR_FILE_WRITE, path, str_c(strerrordesc_np(errno)));
    if (!S_ISDIR(info.st_mode))
        return ERR_NEW(arena, ERR_FILE_WRITE, path, str_c(strerrordesc_np(ENOTDIR)));
    return NULL;
}

bool file_exists(struct arena *arena, struct str path)
{
    return access(str_z(arena, path), F_OK) == 0;
}
