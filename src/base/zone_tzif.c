#include "base/zone_tzif.h"

#include <string.h>

#include "base/calendar.h"

#define HEADER_BYTES 44
#define COUNTS_AT 20 /* behind magic, version and 15 unused bytes */
#define TYPE_BYTES 6
#define TABLE_FROM_S INT64_C(-62135596800) /* year 1; some files begin with the Big Bang */

/* How many of each a block has, in the file's order. 64 bits: their products cannot overflow. */
struct header {
    char version;
    uint64_t ut_flags, standard_flags, leaps, changes, types, name_bytes;
};

static uint32_t big_endian_32(const char *p)
{
    const unsigned char *byte = (const unsigned char *)p;
    return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

static int64_t big_endian_64(const char *p)
{
    return (int64_t)((uint64_t)big_endian_32(p) << 32 | big_endian_32(p + 4));
}

static bool skip(struct str *rest, uint64_t bytes)
{
    if (bytes > rest->n)
        return false;
    *rest = (struct str){rest->p + bytes, rest->n - (size_t)bytes};
    return true;
}

static bool read_header(struct str *rest, struct header *header)
{
    const char *p = rest->p;
    if (!skip(rest, HEADER_BYTES) || memcmp(p, "TZif", 4) != 0)
        return false;
    const char *counts = p + COUNTS_AT;
    *header = (struct header){.version = p[4],
                              .ut_flags = big_endian_32(counts),
                              .standard_flags = big_endian_32(counts + 4),
                              .leaps = big_endian_32(counts + 8),
                              .changes = big_endian_32(counts + 12),
                              .types = big_endian_32(counts + 16),
                              .name_bytes = big_endian_32(counts + 20)};
    return true;
}

static uint64_t block_bytes(const struct header *header, uint64_t time_bytes)
{
    return header->changes * (time_bytes + 1) + header->types * TYPE_BYTES + header->name_bytes +
           header->leaps * (time_bytes + 4) + header->standard_flags + header->ut_flags;
}

/* block: block_bytes() of it are there. *last_s: the last change, INT64_MIN where there is none. */
static bool read_block(const struct header *header, const char *block, struct zone_table *table,
                       int64_t *last_s)
{
    const char *types_of = block + header->changes * 8;
    const char *types = types_of + header->changes;
    *last_s = INT64_MIN;
    if (header->types == 0 || header->leaps > 0)
        return false;
    if (!zone_table_add(table, INT64_MIN, (int32_t)big_endian_32(types)))
        return false;
    for (uint64_t i = 0; i < header->changes; i++) {
        int64_t time_s = big_endian_64(block + i * 8);
        uint64_t type = (unsigned char)types_of[i];
        if ((i > 0 && time_s <= *last_s) || type >= header->types)
            return false;
        int32_t offset_s = (int32_t)big_endian_32(types + type * TYPE_BYTES);
        if (!zone_table_add(table, time_s, offset_s))
            return false;
        *last_s = time_s;
    }
    return true;
}

/* The footer is a line between two line breaks; empty where no rule is known. */
static bool read_footer(struct str footer, int64_t last_s, struct zone_table *table)
{
    if (footer.n == 0 || footer.p[0] != '\n')
        return false;
    const char *end = memchr(footer.p + 1, '\n', footer.n - 1);
    if (end == NULL)
        return false;
    struct str text = {footer.p + 1, (size_t)(end - footer.p) - 1};
    return text.n == 0 || zone_footer_read(text, last_s, table);
}

bool zone_tzif_read(struct str file, struct zone_table *table)
{
    struct header header;
    int64_t last_s;
    table->count = 0;
    /* The first block, of 32-bit times, is for readers of version 1. */
    if (!read_header(&file, &header) || header.version < '2')
        return false;
    if (!skip(&file, block_bytes(&header, 4)) || !read_header(&file, &header))
        return false;
    const char *block = file.p;
    return skip(&file, block_bytes(&header, 8)) && read_block(&header, block, table, &last_s) &&
           read_footer(file, last_s, table);
}

bool zone_table_add(struct zone_table *table, int64_t start_s, int32_t offset_s)
{
    if (offset_s < ZONE_OFFSET_MIN_S || offset_s > ZONE_OFFSET_MAX_S)
        return false;
    if (start_s >= ZONE_TO_S)
        return true;
    int64_t start_us = start_s < TABLE_FROM_S ? INT64_MIN : start_s * US_PER_SECOND;
    struct zone_stretch *stretches = table->stretches;
    if (table->count > 0 && stretches[table->count - 1].start_us == start_us)
        table->count--;
    /* Some changes are of the name only, or move time between standard and daylight saving. */
    if (table->count > 0 && stretches[table->count - 1].offset_s == offset_s)
        return true;
    if (table->count == ZONE_STRETCHES_MAX)
        return false;
    stretches[table->count++] = (struct zone_stretch){start_us, offset_s};
    return true;
}
