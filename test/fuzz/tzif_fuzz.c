/* link: base */
#include "base/calendar.h"
#include "base/check.h"
#include "base/zone_tzif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken for a zone keeps what zone.c relies on. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zone_table table;
    if (!zone_tzif_read((struct str){(const char *)data, size}, &table))
        return 0;
    const struct zone_stretch *stretches = table.stretches;
    CHECK(table.count >= 1 && table.count <= ZONE_STRETCHES_MAX);
    CHECK(stretches[0].start_us == INT64_MIN);
    for (size_t i = 0; i < table.count; i++) {
        CHECK(stretches[i].start_us < ZONE_TO_S * US_PER_SECOND);
        CHECK(stretches[i].offset_s >= ZONE_OFFSET_MIN_S);
        CHECK(stretches[i].offset_s <= ZONE_OFFSET_MAX_S);
        CHECK(i == 0 || stretches[i].start_us > stretches[i - 1].start_us);
        CHECK(i == 0 || stretches[i].offset_s != stretches[i - 1].offset_s);
    }
    return 0;
}
