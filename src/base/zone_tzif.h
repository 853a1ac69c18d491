/* Inside of zone.c: the offsets of a TZif file (RFC 8536) as a table. Reads bytes that nobody vouches for. */
#ifndef HUITOU_BASE_ZONE_TZIF_H
#define HUITOU_BASE_ZONE_TZIF_H

#include "base/str.h"

#define ZONE_STRETCHES_MAX 2048             /* of one zone; tzdata's most restless has about 400 until 2100 */
#define ZONE_TO_S INT64_C(4133980800)       /* 2101-01-01: the table's last stretch goes on for ever */
#define ZONE_OFFSET_MIN_S (-25 * 3600 + 1)  /* RFC 8536, 3.2, of utoff */
#define ZONE_OFFSET_MAX_S (26 * 3600 - 1)

/* A stretch of time in which the offset stays the same. It ends where the next one begins. */
struct zone_stretch {
    int64_t start_us; /* INT64_MIN for the first */
    int32_t offset_s;
};

/* Starts ascend; neighbours' offsets differ. */
struct zone_table {
    size_t count;
    struct zone_stretch stretches[ZONE_STRETCHES_MAX];
};

/* Reads a whole file: its 64-bit block, and its footer for what comes after. False where it is no TZif file of
 * version 2 or later, is cut or contradicts itself, or counts leap seconds ("right/…"), which our times do not. */
bool zone_tzif_read(struct str file, struct zone_table *table);

/* Adds the changes of a footer's TZ string, e.g. "EST5EDT,M3.2.0,M11.1.0", that come after an instant
 * (INT64_MIN: the string is all there is). False where it cannot be read. */
bool zone_footer_read(struct str text, int64_t after_s, struct zone_table *table);

/* Adds the offset from start_s on, which is not before the last one added. False where it does not fit. */
bool zone_table_add(struct zone_table *table, int64_t start_s, int32_t offset_s);

#endif
