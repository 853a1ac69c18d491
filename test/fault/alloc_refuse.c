/* See alloc_refuse.h. Beneath are glibc's own functions, or AddressSanitizer's where it is linked.
 */
#include "fault/alloc_refuse.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define REAL(name) __interceptor_##name
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define REAL(name) __interceptor_##name
#endif
#endif
#ifndef REAL
#define REAL(name) __libc_##name
#endif

void *REAL(malloc)(size_t bytes);
void *REAL(calloc)(size_t count, size_t size);
void *REAL(realloc)(void *old, size_t bytes);
void *malloc(size_t bytes);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t bytes);

static atomic_long calls, refused; /* refused 0: none */
static atomic_bool every_one;

void alloc_refuse(long n, bool every)
{
    atomic_store(&calls, 0);
    atomic_store(&every_one, every);
    atomic_store(&refused, n);
}

long alloc_refuse_end(void)
{
    atomic_store(&refused, 0);
    return atomic_load(&calls);
}

static bool is_refused(void)
{
    long wanted = atomic_load(&refused);
    if (wanted == 0)
        return false;
    long call = atomic_fetch_add(&calls, 1) + 1;
    if (call != wanted && !(call > wanted && atomic_load(&every_one)))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t bytes)
{
    return is_refused() ? NULL : REAL(malloc)(bytes);
}

void *calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : REAL(calloc)(count, size);
}

void *realloc(void *old, size_t bytes)
{
    return is_refused() ? NULL : REAL(realloc)(old, bytes);
}
