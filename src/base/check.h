/* Broken invariants stop the process, in release builds too; recovery is a restart. Not for bad input. */
#ifndef HUITOU_BASE_CHECK_H
#define HUITOU_BASE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

_Noreturn void check_failed(const char *condition, const char *file, int line);
#define CHECK(condition) ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

/* Integer arithmetic that says whether it fitted. */
static inline bool add_i64(int64_t a, int64_t b, int64_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}
static inline bool mul_i64(int64_t a, int64_t b, int64_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

#endif
