/* link: job_demo */
#include "base/arena.h"
#include "base/check.h"
#include "job/demo/demo_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input: packed orders before gzip. Whatever is read stays within what was read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new("fuzz", (size_t)1 << 30);
    struct demo_data *out;
    if (size > 1 << 20 || demo_data_read(arena, (struct str){(const char *)data, size}, &out)) {
        arena_free(arena);
        return 0;
    }
    uint32_t rows = 0;
    for (uint32_t i = 0; i < out->run_count; i++) {
        const struct demo_run *run = &out->runs[i];
        CHECK(run->first_row == rows);
        CHECK(run->customer == DEMO_NONE || run->customer < out->customer_count);
        CHECK(run->country < out->country_count);
        CHECK(demo_run_number(arena, run).n > 0);
        rows += run->row_count;
    }
    CHECK(rows == out->row_count);
    for (uint32_t i = 0; i < rows; i++)
        CHECK(out->rows[i].product < out->product_count && out->rows[i].price < out->price_count);
    arena_free(arena);
    return 0;
}
