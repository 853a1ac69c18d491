#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/zone_tzif.h"

#define DIRECTORY "/usr/share/zoneinfo"
#define FILE_BYTES_MAX (1 << 20) /* tzdata's largest has about 4,000 */
#define NAME_BYTES_MAX 64

struct zone {
    struct str name;
    size_t count;
    struct zone_stretch *stretches;
};

/* A name has a region, or is UTC: those without one may mean several places ("CST"). All parts of
 * IANA's names begin with a capital letter and none has a dot, so that no name leads out of the
 * directory, or to its copies "posix/…" and "right/…". */
static bool is_name(struct str name)
{
    if (name.n == 0 || name.n > NAME_BYTES_MAX)
        return false;
    if (!str_eq(name, STR("UTC")) && memchr(name.p, '/', name.n) == NULL)
        return false;
    char before = '/';
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_capital = c >= 'A' && c <= 'Z';
        bool is_other = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                        (c != '\0' && strchr("/_+-", c) != NULL);
        if (before == '/' ? !is_capital : !is_capital && !is_other)
            return false;
        before = c;
    }
    return before != '/';
}

static const struct err *open_file(struct arena *arena, struct str name, struct str field, int *fd)
{
    const char *set = secure_getenv("TZDIR");
    const char *directory = set != NULL && set[0] != '\0' ? set : DIRECTORY;
    /* Opened by itself: where there is no tzdata, it is not the name that is wrong. */
    int directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory_fd < 0)
        return ERR_NEW(arena, ERR_FILE_OPEN, str_copy(arena, str_c(directory)),
                       str_c(strerrordesc_np(errno)));
    /* Not blocking, for it might be a pipe. */
    *fd = openat(directory_fd, str_z(arena, name), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int error = errno;
    close(directory_fd);
    if (*fd >= 0)
        return NULL;
    if (error == ENOENT || error == ENOTDIR)
        return ERR_NEW(arena, ERR_ZONE_UNKNOWN, field, name);
    return ERR_NEW(arena, ERR_FILE_OPEN, str_fmt(arena, "%s/%.*s", directory, STR_ARG(name)),
                   str_c(strerrordesc_np(error)));
}

/* Absent where it is no regular file, or larger than a zone's can be. */
static const struct err *read_all(struct arena *arena, int fd, struct str name, struct str *out)
{
    struct stat status;
    *out = STR_NONE;
    if (fstat(fd, &status) != 0)
        return ERR_NEW(arena, ERR_FILE_READ, name, str_c(strerrordesc_np(errno)));
    if (!S_ISREG(status.st_mode) || status.st_size > FILE_BYTES_MAX)
        return NULL;
    size_t size = (size_t)status.st_size, n = 0;
    char *bytes = arena_alloc(arena, size);
    while (n < size) {
        ssize_t got = read(fd, bytes + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_NEW(arena, ERR_FILE_READ, name, str_c(strerrordesc_np(errno)));
        if (got == 0)
            break;
        n += (size_t)got;
    }
    *out = (struct str){bytes, n};
    return NULL;
}

static const struct err *read_table(struct arena *arena, struct str name, struct str field,
                                    struct zone_table *table)
{
    int fd = -1;
    TRY(open_file(arena, name, field, &fd));
    struct str file;
    const struct err *err = read_all(arena, fd, name, &file);
    close(fd);
    TRY(err);
    if (!zone_tzif_read(file, table))
        return ERR_NEW(arena, ERR_ZONE_UNKNOWN, field, name);
    return NULL;
}

const struct err *zone_open(struct arena *arena, struct str name, struct str field,
                            const struct zone **out)
{
    if (!is_name(name))
        return ERR_NEW(arena, ERR_ZONE_UNKNOWN, field, name);
    struct arena_mark mark = arena_mark(arena);
    struct zone_table table;
    TRY(read_table(arena, name, field, &table));
    arena_rewind(arena, mark);
    struct zone *zone = ARENA_NEW(arena, struct zone);
    zone->name = str_copy(arena, name);
    zone->count = table.count;
    zone->stretches = ARENA_ARRAY(arena, table.count, struct zone_stretch);
    memcpy(zone->stretches, table.stretches, table.count * sizeof table.stretches[0]);
    *out = zone;
    return NULL;
}

struct str zone_name(const struct zone *zone)
{
    return zone->name;
}

/* The last stretch that begins at time_us or before. */
static size_t stretch_at(const struct zone *zone, int64_t time_us)
{
    size_t low = 0, high = zone->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->stretches[middle].start_us <= time_us)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int32_t zone_offset_s(const struct zone *zone, int64_t time_us)
{
    return zone->stretches[stretch_at(zone, time_us)].offset_s;
}

struct str zone_time_text(struct arena *arena, const struct zone *zone, int64_t time_us)
{
    int64_t local_us = time_us + zone_offset_s(zone, time_us) * US_PER_SECOND;
    struct str text = time_text(arena, local_us); /* 2011-12-09T10:26:00Z */
    return str_fmt(arena, "%.*s %.*s", 10, text.p, 8, text.p + 11);
}

int32_t zone_day(const struct zone *zone, int64_t time_us)
{
    int64_t local_us = time_us + zone_offset_s(zone, time_us) * US_PER_SECOND;
    return (int32_t)(local_us / US_PER_DAY - (local_us % US_PER_DAY < 0));
}

static int64_t offset_us(const struct zone *zone, size_t i)
{
    return zone->stretches[i].offset_s * US_PER_SECOND;
}

/* The first stretch that does not end before its clock shows local_us (microseconds, as if that
 * clock were UTC's). */
static size_t stretch_of_local(const struct zone *zone, int64_t local_us)
{
    size_t i = stretch_at(zone, local_us - ZONE_OFFSET_MAX_S * US_PER_SECOND);
    while (i + 1 < zone->count && local_us - offset_us(zone, i) >= zone->stretches[i + 1].start_us)
        i++;
    return i;
}

int64_t zone_time_us(const struct zone *zone, const struct civil *local)
{
    int64_t local_us = day_of_civil(local->year, local->month, local->day) * US_PER_DAY;
    local_us += ((local->hour * INT64_C(60) + local->minute) * 60 + local->second) * US_PER_SECOND;
    local_us += local->microsecond;
    size_t i = stretch_of_local(zone, local_us);
    bool skipped = local_us - offset_us(zone, i) < zone->stretches[i].start_us;
    return local_us - offset_us(zone, skipped ? i - 1 : i);
}

int64_t zone_day_start_us(const struct zone *zone, int32_t day)
{
    int64_t midnight_us = day * US_PER_DAY;
    size_t i = stretch_of_local(zone, midnight_us);
    int64_t time_us = midnight_us - offset_us(zone, i);
    /* Where the clock skips midnight, the day begins with the change. */
    return time_us < zone->stretches[i].start_us ? zone->stretches[i].start_us : time_us;
}
