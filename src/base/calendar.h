/* Days and times. A day is the number of days since 1970-01-01 in the proleptic Gregorian calendar; a month is
 * year * 12 + (month - 1); a time is microseconds since 1970-01-01T00:00:00Z. Pure; no locale, no system zone.
 * Day arithmetic: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
#ifndef HUITOU_BASE_CALENDAR_H
#define HUITOU_BASE_CALENDAR_H

#include "base/err.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY (86400 * US_PER_SECOND)
#define DAY_NONE INT32_MIN

struct civil {
    int year, month, day; /* month 1–12 */
    int hour, minute, second, microsecond;
};

int32_t day_of_civil(int year, int month, int day);
void day_to_civil(int32_t day, int *year, int *month, int *day_of_month);
int32_t month_of_day(int32_t day);
int32_t month_first_day(int32_t month);
bool civil_is_valid(const struct civil *civil); /* a date that exists, a time of day that exists */
struct str day_text(struct arena *arena, int32_t day);     /* 2011-12-09 */
struct str month_text(struct arena *arena, int32_t month); /* 2011-12 */
bool day_parse(struct str text, int32_t *day);             /* YYYY-MM-DD only */
struct str time_text(struct arena *arena, int64_t time_us); /* RFC 3339 in UTC, to the second */
/* Reads text by a pattern of %Y %m %d %H %M %S %f (fraction of a second, 1–6 digits) %y, %e and %k (one or two digits
 * for day and hour), %% and literal characters; the whole text must be read. %m, %d, %H accept one digit where
 * no conversion stands directly before or after them. A time of day that is missing is midnight; a day that is
 * missing, or does not exist, is false. %y: 69–99 are 1969–1999, 00–68 are 2000–2068. */
bool civil_parse(struct str pattern, struct str text, struct civil *out);

/* A time zone: offsets read once from the system's tzdata (/usr/share/zoneinfo, or the directory in the environment
 * variable TZDIR), then pure C. Immutable after opening: any thread. Rules of today are followed to the end of 2100;
 * beyond, the offset stays. */
struct zone;
/* name: IANA with its region, e.g. "Europe/London", or "UTC". Errors: ZONE_UNKNOWN (also where its file is no zone's);
 * FILE_OPEN, FILE_READ where tzdata is missing or cannot be read. */
ERR_RESULT zone_open(struct arena *arena, struct str name, struct str field, const struct zone **out);
struct str zone_name(const struct zone *zone);
/* The offset from UTC in force at an instant, in seconds. */
int32_t zone_offset_s(const struct zone *zone, int64_t time_us);
/* The instant as clocks in the zone show it, to the second: 2011-12-09 10:26:00. */
struct str zone_time_text(struct arena *arena, const struct zone *zone, int64_t time_us);
/* The calendar day in the zone that contains the instant. */
int32_t zone_day(const struct zone *zone, int64_t time_us);
/* The instant of a local time. A local time that happens twice is the earlier; one skipped by a change of
 * clock is read with the offset before the change (RFC 5545, 3.3.5). */
int64_t zone_time_us(const struct zone *zone, const struct civil *local);
/* The instant at which a day begins in the zone: the first one, where a clock set back shows midnight twice. */
int64_t zone_day_start_us(const struct zone *zone, int32_t day);

#endif
