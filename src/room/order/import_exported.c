/* How old a file's knowledge is: what the person says, what a reject file carries, a moment in the
 * file's name, the file's own time, now. The last two are upper bounds, and so is a date alone. */
#include <sys/stat.h>

#include "base/arena.h"
#include "room/order/import_run.h"
#include "sql_order.h"

#define YEAR_FIRST 2010 /* no export is older than the platforms' exports */
#define US_PER_MINUTE (60 * US_PER_SECOND)

/* --- The name --- */

/* What was found in a name so far. */
struct name_scan {
    struct str name;
    size_t at;
    const struct zone *zone;
    int moment_count, day_count;
    int64_t moment_us, moment_precision_us, day_us;
    bool period; /* digits that go on behind a date */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits_at(struct str name, size_t at)
{
    size_t n = 0;
    while (at + n < name.n && is_digit(name.p[at + n]))
        n++;
    return n;
}

/* `count` digits as a number. */
static int64_t number_at(struct str name, size_t at, size_t count)
{
    int64_t number = 0;
    for (size_t i = 0; i < count; i++)
        number = number * 10 + (name.p[at + i] - '0');
    return number;
}

/* Goes past the first of these that stands here; false where none does. */
static bool pass(struct str name, size_t *at, const char *const *parts)
{
    for (; *parts; parts++) {
        struct str part = str_c(*parts);
        if (!str_starts(str_slice(name, *at, name.n), part))
            continue;
        *at += part.n;
        return true;
    }
    return false;
}

static void add_moment(struct name_scan *s, int64_t time_us, int64_t precision_us)
{
    if (s->moment_count > 0 && s->moment_us == time_us)
        return;
    s->moment_count++;
    s->moment_us = time_us;
    s->moment_precision_us = precision_us;
}

static bool is_civil(const struct civil *civil)
{
    return civil->year >= YEAR_FIRST && civil_is_valid(civil);
}

static void add_civil(struct name_scan *s, const struct civil *civil, bool seconds)
{
    if (is_civil(civil))
        add_moment(s, zone_time_us(s->zone, civil), seconds ? US_PER_SECOND : US_PER_MINUTE);
}

static struct civil joined_date(struct str name, size_t at)
{
    return (struct civil){.year = (int)number_at(name, at, 4),
                          .month = (int)number_at(name, at + 4, 2),
                          .day = (int)number_at(name, at + 6, 2)};
}

/* 20240601, or 2024-6-1, 2024.06.01, 2024_06_01, 2024年6月1日. */
static bool read_date(struct str name, size_t *at, struct civil *civil)
{
    static const char *const years[] = {"-", ".", "_", "/", "年", NULL};
    static const char *const months[] = {"-", ".", "_", "/", "月", NULL};
    static const char *const days[] = {"日", "号", NULL};
    size_t here = *at, n = digits_at(name, here);
    if (n == 8) {
        *civil = joined_date(name, here);
        *at = here + 8;
        return is_civil(civil);
    }
    *civil = (struct civil){.year = (int)number_at(name, here, n == 4 ? 4 : 0)};
    here += n;
    if (n != 4 || !pass(name, &here, years))
        return false;
    n = digits_at(name, here);
    civil->month = (int)number_at(name, here, n > 2 ? 0 : n);
    here += n;
    if (n > 2 || !pass(name, &here, months))
        return false;
    n = digits_at(name, here);
    civil->day = (int)number_at(name, here, n > 2 ? 0 : n);
    *at = here + n;
    (void)pass(name, at, days);
    return n <= 2 && is_civil(civil);
}

/* 10-11-12, 10_11, 10时11分12秒. */
static bool read_parted_time(struct str name, size_t *at, struct civil *civil, bool *seconds)
{
    static const char *const hours[] = {"-", "_", ".", ":", "：", "时", "点", NULL};
    static const char *const minutes[] = {"-", "_", ".", ":", "：", "分", NULL};
    size_t here = *at;
    civil->hour = (int)number_at(name, here, 2);
    here += 2;
    if (!pass(name, &here, hours) || digits_at(name, here) != 2)
        return false;
    civil->minute = (int)number_at(name, here, 2);
    here += 2;
    *at = here;
    *seconds = pass(name, &here, minutes) && digits_at(name, here) == 2;
    if (!*seconds)
        return true;
    civil->second = (int)number_at(name, here, 2);
    *at = here + 2;
    return true;
}

/* The time of day behind a date. Hour and minute behind a hyphen may as well be the end of a period
 * (20240101-0131, 2024-01-01-01-31), and four digits before a hyphen the year of another date. */
static bool read_time(struct str name, size_t *at, struct civil *civil, bool *seconds)
{
    static const char *const between[] = {" ", "_", "-", "T", NULL};
    static const char *const dates[] = {"-", ".", "_", "/", "年", NULL};
    size_t here = *at;
    (void)pass(name, &here, between);
    bool hyphen = here > *at && name.p[*at] == '-';
    size_t n = digits_at(name, here), behind = here + n;
    if (n == 2) {
        *at = here;
        return read_parted_time(name, at, civil, seconds) && (*seconds || !hyphen);
    }
    bool four = n == 4 && !hyphen && !(pass(name, &behind, dates) && digits_at(name, behind) > 0);
    if (n != 6 && !four)
        return false;
    civil->hour = (int)number_at(name, here, 2);
    civil->minute = (int)number_at(name, here + 2, 2);
    civil->second = n == 6 ? (int)number_at(name, here + 4, 2) : 0;
    *seconds = n == 6;
    *at = here + n;
    return true;
}

static bool goes_on(struct str name, size_t at)
{
    static const char *const between[] = {" ", "_", "-", "~", "至", "到", "—", "–", NULL};
    while (pass(name, &at, between))
        continue;
    return digits_at(name, at) > 0;
}

/* Digits that begin here and are a date, with or without a time of day. */
static bool scan_date(struct name_scan *s)
{
    size_t at = s->at;
    struct civil civil;
    bool seconds = false;
    if (!read_date(s->name, &at, &civil))
        return false;
    s->at = at;
    if (read_time(s->name, &at, &civil, &seconds) && is_civil(&civil)) {
        s->at = at;
        add_civil(s, &civil, seconds);
        return true;
    }
    civil.hour = civil.minute = civil.second = 0;
    s->day_us = zone_time_us(s->zone, &civil);
    s->day_count++;
    s->period = s->period || goes_on(s->name, s->at);
    return true;
}

static void scan_digits(struct name_scan *s)
{
    struct str name = s->name;
    size_t n = digits_at(name, s->at), at = s->at;
    if (scan_date(s))
        return;
    s->at = at + n;
    if (n == 12 || n == 14) {
        struct civil civil = joined_date(name, at);
        civil.hour = (int)number_at(name, at + 8, 2);
        civil.minute = (int)number_at(name, at + 10, 2);
        civil.second = n == 14 ? (int)number_at(name, at + 12, 2) : 0;
        add_civil(s, &civil, n == 14);
    }
    int64_t first_s = (int64_t)day_of_civil(YEAR_FIRST, 1, 1) * (US_PER_DAY / US_PER_SECOND);
    if (n == 10 && number_at(name, at, n) >= first_s)
        add_moment(s, number_at(name, at, n) * US_PER_SECOND, US_PER_SECOND);
    if (n == 13 && number_at(name, at, n) >= first_s * 1000)
        add_moment(s, number_at(name, at, n) * 1000, 1000);
}

bool import_exported_of_name(struct str name, const struct zone *zone, int64_t *time_us,
                             int64_t *precision_us)
{
    struct name_scan s = {.name = name, .zone = zone};
    while (s.at < name.n) {
        if (is_digit(name.p[s.at]))
            scan_digits(&s);
        else
            s.at++;
    }
    *time_us = s.moment_us;
    *precision_us = s.moment_precision_us;
    if (s.moment_count > 0)
        return s.moment_count == 1;
    *time_us = s.day_us;
    *precision_us = US_PER_DAY;
    return s.day_count == 1 && !s.period;
}

/* --- The choice --- */

const struct import_exported_info *import_exported_info(enum import_exported_from from)
{
    static const struct import_exported_info infos[] = {
#define FROM(code, name, en, zh) [IMPORT_EXPORTED_##code] = {name, TEXT(en, zh)},
        IMPORT_EXPORTED_TABLE(FROM)
#undef FROM
    };
    return &infos[from];
}

static void found(struct import_run *run, int64_t time_us, enum import_exported_from from,
                  bool unsure)
{
    run->exported_at_us = time_us;
    run->result->exported_at_us = time_us;
    run->result->exported_at_from = from;
    run->result->exported_at_unsure = unsure;
}

static const struct err *find_file(struct tx *tx, void *arg)
{
    struct import_run *run = arg;
    struct sql_order_import_by_file_in in = {
        .file_hash = {(const char *)run->file_hash, sizeof(run->file_hash)},
        .source = run->map->source,
    };
    struct sql_order_import_by_file_out out;
    TRY(sql_order_import_by_file_one(tx, &in, &out, &run->result->file_known));
    if (run->result->file_known && out.exported_at_from <= IMPORT_EXPORTED_NOW)
        found(run, out.exported_at, (enum import_exported_from)out.exported_at_from,
              out.exported_at_unsure != 0);
    return NULL;
}

/* A reject file is as sure of its age as the run was that wrote it. */
static const struct err *find_run(struct tx *tx, void *arg)
{
    struct import_run *run = arg;
    struct sql_order_import_by_age_in in = {run->map->source, run->exported_at_us};
    struct sql_order_import_by_age_out out;
    bool has;
    TRY(sql_order_import_by_age_one(tx, &in, &out, &has));
    if (has)
        run->result->exported_at_unsure = out.exported_at_unsure != 0;
    return NULL;
}

static ERR_RESULT by_reject_file(struct import_run *run, bool *done)
{
    struct store_job job = {.name = "import.find_run", .fn = find_run, .arg = run};
    int64_t time_us;
    TRY(import_reject_exported_at(run, &time_us));
    *done = time_us != INT64_MIN;
    if (!*done)
        return NULL;
    found(run, time_us, IMPORT_EXPORTED_REJECT_FILE, false);
    return store_read(run->store, run->arena, &job);
}

/* Neither in the future nor before what the file itself tells of. Within its precision the moment
 * gives way to the latest one in the file; a day alone is the end of it, or now. */
static bool by_name(struct import_run *run)
{
    int64_t time_us, precision_us;
    if (!import_exported_of_name(run->result->file_name, run->reader.zone, &time_us, &precision_us))
        return false;
    if (time_us > run->began_us || run->latest_us >= time_us + precision_us)
        return false;
    if (run->latest_us > time_us)
        time_us = run->latest_us;
    bool day = precision_us == US_PER_DAY;
    if (day)
        time_us += precision_us - 1 - (time_us - zone_day_start_us(run->reader.zone,
                                                                   zone_day(run->reader.zone,
                                                                            time_us)));
    found(run, time_us < run->began_us ? time_us : run->began_us, IMPORT_EXPORTED_NAME, day);
    return true;
}

/* A file is saved when it is exported, or later. */
static bool by_file_time(struct import_run *run)
{
    struct stat stat_buf;
    if (stat(str_z(run->arena, run->options->path), &stat_buf) != 0 || !S_ISREG(stat_buf.st_mode))
        return false;
    int64_t time_us = (int64_t)stat_buf.st_mtim.tv_sec * US_PER_SECOND +
                      stat_buf.st_mtim.tv_nsec / 1000;
    if (time_us > run->began_us || time_us < run->latest_us ||
        time_us < day_of_civil(YEAR_FIRST, 1, 1) * US_PER_DAY)
        return false;
    found(run, time_us, IMPORT_EXPORTED_FILE_TIME, true);
    return true;
}

ERR_RESULT import_exported_settle(struct import_run *run)
{
    struct store_job job = {.name = "import.find_file", .fn = find_file, .arg = run};
    bool done;
    TRY(store_read(run->store, run->arena, &job));
    if (run->options->exported_at_us != INT64_MIN) {
        found(run, run->options->exported_at_us, IMPORT_EXPORTED_TOLD, false);
        return NULL;
    }
    if (run->result->file_known)
        return NULL;
    TRY(by_reject_file(run, &done));
    if (!done && !by_name(run) && !by_file_time(run))
        found(run, run->began_us, IMPORT_EXPORTED_NOW, true);
    return NULL;
}
