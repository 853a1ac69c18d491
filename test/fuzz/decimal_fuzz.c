/* link: base */
#include "base/arena.h"
#include "base/check.h"
#include "base/decimal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(struct str text, struct decimal expected)
{
    struct decimal again;
    CHECK(decimal_parse(text, &again));
    CHECK(again.mantissa == expected.mantissa && again.scale == expected.scale);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct decimal value;
    if (!decimal_parse((struct str){(const char *)data, size}, &value))
        return 0;
    CHECK(value.scale >= 0 && value.scale <= DECIMAL_SCALE_MAX);
    struct arena *arena = arena_new("fuzz", 4096);
    check_same(minor_plain(arena, value.mantissa, value.scale), value);
    check_same(minor_grouped(arena, value.mantissa, value.scale), value);
    int64_t minor;
    if (decimal_to_minor(value, value.scale, &minor))
        CHECK(minor == value.mantissa);
    struct decimal product;
    if (decimal_mul(value, value, &product))
        CHECK(product.mantissa >= 0 && product.scale <= DECIMAL_SCALE_MAX);
    arena_free(arena);
    return 0;
}
