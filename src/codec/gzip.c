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

bool gzip_unpack(struct arena *arena, struct str packed, size_t bytes_max, struct str *plain)
{
    z_stream stream = {0};
    if (packed.n > UINT32_MAX || bytes_max > UINT32_MAX ||
        inflateInit2(&stream, WINDOW_GZIP) != Z_OK)
        return false;
    char *out = arena_try_alloc(arena, bytes_max);
    stream.next_in = (const Bytef *)packed.p;
    stream.avail_in = (uInt)packed.n;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)bytes_max;
    bool done = out && inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0;
    *plain = (struct str){out, (size_t)stream.total_out};
    inflateEnd(&stream);
    return done;
}
