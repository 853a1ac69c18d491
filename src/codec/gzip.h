/* Gzip of bytes in memory (RFC 1952), by zlib. Reading files that are gzip is text_input's work. */
#ifndef HUITOU_CODEC_GZIP_H
#define HUITOU_CODEC_GZIP_H

#include "base/str.h"

/* False where zlib has no memory. */
bool gzip_pack(struct arena *arena, struct str plain, struct str *packed);
/* The bytes of one gzip member. False, and *plain as it was, where it is damaged or holds more than bytes_max. */
bool gzip_unpack(struct arena *arena, struct str packed, size_t bytes_max, struct str *plain);

#endif
