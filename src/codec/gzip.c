#include "codec/gzip.h"

#define ZLIB_CONST
#include <zlib.h>

#include "base/arena.h"

#define WINDOW_GZIP (15 + 16) /* zlib: 16 more asks for gzip's frame */

bool gzip_pack(struct arena *arena, struct str plain, struct str *packed)
{
    z_stream stream = {0};
    if (plain.n > UINT32_MAX ||
        deflateInit2(&stream, 5, Z_DEFLATED, WINDOW_GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    uLong bound = deflateBound(&stream, (uLong)plain.n);
    char *out = arena_try_alloc(arena, bound);
    stream.next_in = (const Bytef *)plain.p;
    stream.avail_in = (uInt)plain.n;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)bound;
    bool done = out && deflate(&stream, Z_FINISH) == Z_STREAM_END;
    *packed = (struct str){out, (size_t)stream.total_out};
    deflateEnd(&stream);
    return done;
}

/* How much it holds: the last four bytes, least first (RFC 1952, ISIZE). */
static size_t size_told(struct str packed)
{
    size_t size = 0;
    for (size_t i = 1; i <= 4 && i <= packed.n; i++)
        size = size << 8 | (unsigned char)packed.p[packed.n - i];
    return size;
}

bool gzip_unpack(struct arena *arena, struct str packed, size_t bytes_max, struct str *plain)
{
    z_stream stream = {.next_in = (const Bytef *)packed.p, .avail_in = (uInt)packed.n};
    size_t size = size_told(packed);
    char *out = packed.n <= UINT32_MAX && size <= bytes_max ? arena_try_alloc(arena, size) : NULL;
    if (!out || inflateInit2(&stream, WINDOW_GZIP) != Z_OK)
        return false;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)size;
    bool done = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.total_out == size;
    inflateEnd(&stream);
    if (done)
        *plain = (struct str){out, size};
    return done;
}
