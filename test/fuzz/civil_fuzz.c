/* link: base */
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input: a pattern, a line break, a text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text;
    struct str pattern = str_cut((struct str){(const char *)data, size}, '\n', &text);
    struct civil civil;
    if (!civil_parse(pattern, text, &civil))
        return 0;
    /* What was read exists, and is read again from how we write it. */
    CHECK(civil_is_valid(&civil));
    int32_t day = day_of_civil(civil.year, civil.month, civil.day);
    int year, month, day_of_month;
    day_to_civil(day, &year, &month, &day_of_month);
    CHECK(year == civil.year && month == civil.month && day_of_month == civil.day);
    struct arena *arena = arena_new("fuzz", 4096);
    int32_t again = DAY_NONE;
    CHECK(day_parse(day_text(arena, day), &again));
    CHECK(again == day);
    arena_free(arena);
    return 0;
}
