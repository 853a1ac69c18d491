/* Records of the import's sorters: numbers and strings one after another. Inside the room; what is read was written by
 * the same run, so that a record that does not fit is a broken invariant. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_PACK_H
#define HUITOU_ROOM_ORDER_IMPORT_PACK_H

#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/str.h"

#define PACK_ABSENT UINT32_MAX

static inline void pack_i64(struct buf *buf, int64_t number)
{
    buf_add(buf, &number, sizeof(number));
}
static inline void pack_str(struct buf *buf, struct str s)
{
    uint32_t size = s.p ? (uint32_t)s.n : PACK_ABSENT;
    buf_add(buf, &size, sizeof(size));
    if (s.p)
        buf_add(buf, s.p, s.n);
}
/* Big endian, so that bytes sort as the numbers do. */
static inline void pack_sorted(struct buf *buf, int64_t number)
{
    uint64_t rest = (uint64_t)number ^ (UINT64_C(1) << 63);
    char bytes[8];
    for (int i = 7; i >= 0; i--, rest >>= 8)
        bytes[i] = (char)(rest & 0xff);
    buf_add(buf, bytes, sizeof(bytes));
}
static inline int64_t unpack_sorted(struct str key)
{
    CHECK(key.n >= 8);
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++)
        number = (number << 8) | (uint8_t)key.p[i];
    return (int64_t)(number ^ (UINT64_C(1) << 63));
}

struct unpack {
    const char *p, *end;
    struct arena *arena; /* strings are copied here */
    bool borrow;         /* but stay where they are in a record that lives long enough */
};
static inline int64_t unpack_i64(struct unpack *u)
{
    int64_t number;
    CHECK((size_t)(u->end - u->p) >= sizeof(number));
    memcpy(&number, u->p, sizeof(number));
    u->p += sizeof(number);
    return number;
}
static inline struct str unpack_str(struct unpack *u)
{
    uint32_t size;
    CHECK((size_t)(u->end - u->p) >= sizeof(size));
    memcpy(&size, u->p, sizeof(size));
    u->p += sizeof(size);
    if (size == PACK_ABSENT)
        return STR_NONE;
    CHECK((size_t)(u->end - u->p) >= size);
    struct str s = {u->p, size};
    if (!u->borrow)
        s = str_copy(u->arena, s);
    u->p += size;
    return s;
}

#endif
