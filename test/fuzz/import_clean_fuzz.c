/* link: room_order */
/* A cell from anywhere, as each kind of column, as a name, and as a time. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"
#include "room/order/import_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void clean_all(struct arena *arena, struct str cell)
{
    for (int kind = 0; kind < IMPORT_KIND_MAX; kind++) {
        bool masked, again;
        struct str clean = import_clean(arena, (enum import_kind)kind, cell, &masked);
        CHECK(!masked || (!clean.p && import_kind_info((enum import_kind)kind)->personal));
        CHECK(clean.p == NULL || clean.n > 0);
        if (clean.p)
            (void)import_clean(arena, (enum import_kind)kind, clean, &again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new("fuzz", (size_t)1 << 28);
    struct str cell = {(const char *)data, size};
    struct civil civil;
    int32_t offset_s;
    clean_all(arena, cell);
    (void)import_digits_lost(cell);
    (void)import_is_total_word(cell);
    /* A name compared with itself as it is compared changes no more, but for another unit at its
     * end. */
    struct str key = import_name_key(arena, cell);
    if (str_is_utf8(cell))
        CHECK(str_is_utf8(key));
    /* What was read exists, and is read again from how we write it. */
    if (import_time_auto(cell, &civil, &offset_s) == IMPORT_TIME_READ) {
        CHECK(civil_is_valid(&civil));
        CHECK(offset_s == INT32_MIN || abs(offset_s) < 15 * 3600);
        struct civil again;
        struct str text =
            str_fmt(arena, "%04d-%02d-%02d %02d:%02d:%02d.%06d", civil.year, civil.month, civil.day,
                    civil.hour, civil.minute, civil.second, civil.microsecond);
        CHECK(import_time_auto(text, &again, &offset_s) == IMPORT_TIME_READ);
        CHECK(memcmp(&again, &civil, sizeof(civil)) == 0);
    }
    arena_free(arena);
    return 0;
}
