/* link: room_order */
/* A map from anywhere, and then a row of a file read by it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "room/order/import_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct brand *brand_of(struct arena *arena)
{
    struct brand *brand = ARENA_NEW(arena, struct brand);
    *brand = (struct brand){.currency = STR("CNY"), .currency_digits = 2, .time_zone = STR("UTC")};
    if (zone_open(arena, brand->time_zone, STR("zone"), &brand->zone))
        abort();
    return brand;
}

/* The input is the map's JSON, up to a byte 0; behind it the cells of one row, a line each. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new("fuzz", (size_t)1 << 28);
    struct str rest, json = str_cut((struct str){(const char *)data, size}, 0, &rest);
    struct import_map *map;
    struct str cells[20];
    int count = 0;
    secret_init();
    while (rest.p && count < 20)
        cells[count++] = str_cut(rest, '\n', &rest);
    const struct err *err = import_map_of_text(arena, STR("fuzz"), json, &map);
    struct import_above above = {.number_bytes = 0};
    struct import_reader reader = {
        .brand = brand_of(arena), .path = STR("file"), .now_us = INT64_MAX / 2, .above = &above};
    reader.zone = reader.brand->zone;
    if (!err)
        err = import_columns_bind(arena, STR("file"), map, cells, count, &reader.columns);
    if (!err) {
        struct table_row row = {.cells = cells, .cell_count = count, .line_number = 2};
        struct table_row *lines;
        struct import_row out;
        int line_count = 0;
        err = import_row_split(arena, &reader, &row, &lines, &line_count);
        for (int i = 0; i < line_count && !err; i++)
            err = import_row_read(arena, &reader, &lines[i], &out);
    }
    for (; err; err = err->next)
        (void)err_text(arena, err, LANG_ZH);
    arena_free(arena);
    return 0;
}
