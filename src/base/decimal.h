/* Decimal numbers as people write them, and money in minor units. No floating point. */
#ifndef HUITOU_BASE_DECIMAL_H
#define HUITOU_BASE_DECIMAL_H

#include "base/str.h"

#define DECIMAL_SCALE_MAX 9

struct decimal {
    int64_t mantissa;
    int scale; /* digits after the point: value = mantissa / 10^scale, 0 ≤ scale ≤ DECIMAL_SCALE_MAX */
};

/* Reads "1234", "-1,234.50", "+0.5", ".5", "12E3" not. Thousands commas only in groups of three. More than
 * DECIMAL_SCALE_MAX decimals, or a value beyond int64, is false. */
bool decimal_parse(struct str text, struct decimal *out);
/* Says whether text is written as a decimal number, be it too large or too fine for decimal_parse. */
bool decimal_is_written(struct str text);
/* Product; false where it does not fit. */
bool decimal_mul(struct decimal a, struct decimal b, struct decimal *out);
/* value × 10^digits, rounded half away from zero; false where it does not fit. */
bool decimal_to_minor(struct decimal value, int digits, int64_t *minor);
/* Minor digits of an ISO 4217 code ("CNY" 2, "JPY" 0, "KWD" 3), in capital letters. -1 where unknown, not money (metals,
 * units of account, tests), or withdrawn before 2021. */
int currency_digits(struct str code);
int64_t pow10_i64(int digits); /* 0 ≤ digits ≤ 18 */
/* "8911407.90": plain digits for programs. */
struct str minor_plain(struct arena *arena, int64_t minor, int digits);
/* "8,911,407.90": with separators for people. */
struct str minor_grouped(struct arena *arena, int64_t minor, int digits);

#endif
