#include <string.h>
#include <unicode/ucal.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"

#define TABLE_FROM_MS 0.0           /* 1970-01-01T00:00:00Z */
#define TABLE_TO_MS 4102444800000.0 /* 2100-01-01T00:00:00Z */
#define CHANGES_MAX 1024            /* of one zone; ICU's most restless has about 400 */
#define NAME_BYTES_MAX 64
#define OFFSET_US_MAX (26 * INT64_C(3600) * US_PER_SECOND) /* no zone was ever farther from UTC */

/* A stretch of time in which the offset stays the same. It ends where the next one begins. */
struct stretch {
    int64_t start_us; /* INT64_MIN for the first */
    int32_t offset_s;
};

struct zone {
    struct str name;
    size_t count;
    struct stretch *stretches;
};

/* ICU also knows ids that are no IANA names ("CST" is Chicago to it, and China to others), and
 * custom ones ("GMT+8"): a name has a region, or is UTC. */
static bool is_known(struct str name, UChar *id, int32_t *id_length)
{
    if (name.n == 0 || name.n > NAME_BYTES_MAX || str_eq(name, STR("Etc/Unknown")))
        return false;
    if (!str_eq(name, STR("UTC")) && memchr(name.p, '/', name.n) == NULL)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] <= ' ' || name.p[i] > '~')
            return false;
        id[i] = (UChar)name.p[i];
    }
    *id_length = (int32_t)name.n;
    UChar canonical[NAME_BYTES_MAX * 2];
    UBool is_system = 0;
    UErrorCode status = U_ZERO_ERROR;
    ucal_getCanonicalTimeZoneID(id, *id_length, canonical, NAME_BYTES_MAX * 2, &is_system, &status);
    return U_SUCCESS(status) && is_system;
}

static int32_t icu_offset_s(UCalendar *calendar, UErrorCode *status)
{
    int32_t offset_ms = ucal_get(calendar, UCAL_ZONE_OFFSET, status);
    offset_ms += ucal_get(calendar, UCAL_DST_OFFSET, status);
    return offset_ms / 1000;
}

/* Walks the changes of the offset from 1970 to 2100; returns how many stretches there are. */
static size_t read_stretches(UCalendar *calendar, struct stretch *stretches, UErrorCode *status)
{
    ucal_setMillis(calendar, TABLE_FROM_MS, status);
    stretches[0] = (struct stretch){INT64_MIN, icu_offset_s(calendar, status)};
    size_t count = 1;
    for (;;) {
        UDate change_ms;
        bool found =
            ucal_getTimeZoneTransitionDate(calendar, UCAL_TZ_TRANSITION_NEXT, &change_ms, status);
        if (U_FAILURE(*status) || !found || change_ms >= TABLE_TO_MS)
            return count;
        ucal_setMillis(calendar, change_ms, status);
        int32_t offset_s = icu_offset_s(calendar, status);
        /* Some changes are of the name only, or move time between standard and daylight saving. */
        if (offset_s == stretches[count - 1].offset_s)
            continue;
        CHECK(count < CHANGES_MAX);
        stretches[count++] = (struct stretch){(int64_t)change_ms * 1000, offset_s};
    }
}

const struct err *zone_open(struct arena *arena, struct str name, struct str field,
                            const struct zone **out)
{
    UChar id[NAME_BYTES_MAX];
    int32_t id_length;
    if (!is_known(name, id, &id_length))
        return ERR_NEW(arena, ERR_ZONE_UNKNOWN, field, name);
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *calendar = ucal_open(id, id_length, "en_US_POSIX", UCAL_GREGORIAN, &status);
    if (U_FAILURE(status))
        return ERR_NEW(arena, ERR_INTERNAL, STR_NONE, str_c(u_errorName(status)));
    struct stretch stretches[CHANGES_MAX];
    size_t count = read_stretches(calendar, stretches, &status);
    ucal_close(calendar);
    if (U_FAILURE(status))
        return ERR_NEW(arena, ERR_INTERNAL, STR_NONE, str_c(u_errorName(status)));
    struct zone *zone = ARENA_NEW(arena, struct zone);
    zone->name = str_copy(arena, name);
    zone->count = count;
    zone->stretches = ARENA_ARRAY(arena, count, struct stretch);
    memcpy(zone->stretches, stretches, count * sizeof stretches[0]);
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
    size_t i = stretch_at(zone, local_us - OFFSET_US_MAX);
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
