/* link: room_order */
/* What a person says of how to read an uploaded file (JSON, up to a byte 0), the name they give it (up to a byte 0), and the
 * file: checked, made into a map and its columns, and that map as it is kept. A name that is taken is one part of a path; a
 * map that comes out is read again as it was written, and the file's columns have names that a map can use. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/order/import_upload.h"

#define TEXTS_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str memory_file(struct arena *arena, struct str content, int *fd)
{
    *fd = memfd_create("fuzz", MFD_CLOEXEC);
    CHECK(*fd >= 0 && write(*fd, content.p, content.n) == (ssize_t)content.n);
    return str_fmt(arena, "/proc/self/fd/%d", *fd);
}

static void check_errors(struct arena *arena, const struct err *err)
{
    for (int count = 0; err && count < TEXTS_MAX; err = err->next, count++) {
        CHECK(str_is_utf8(err_text(arena, err, LANG_EN)) && err_text(arena, err, LANG_EN).n > 0);
        CHECK(str_is_utf8(err_text(arena, err, LANG_ZH)) && err_text(arena, err, LANG_ZH).n > 0);
    }
}

static void check_name(struct str name)
{
    if (!import_is_file_name(name))
        return;
    CHECK(name.n > 0 && !memchr(name.p, '/', name.n) && !memchr(name.p, '\0', name.n) && !memchr(name.p, '\n', name.n));
    CHECK(!str_eq(name, STR(".")) && !str_eq(name, STR("..")));
}

static void check_map(struct arena *arena, const struct import_map *map)
{
    struct import_map *again;
    struct str json = import_map_json(arena, map);
    CHECK(import_map_of_text(arena, STR("again"), json, &again) == NULL);
    CHECK(str_eq(import_map_json(arena, again), json));
}

static void read_file(struct arena *arena, struct str path, const struct import_wish *wish, const struct import_own_maps *own)
{
    struct import_map *map = NULL;
    struct import_recognition why;
    struct import_file_column *columns;
    bool recognised;
    int count;
    const struct err *err = import_wish_map(arena, path, wish, own, &map, &recognised, &why);
    check_errors(arena, err);
    if (!err)
        check_map(arena, map);
    err = import_file_columns(arena, path, err ? NULL : map, &columns, &count);
    check_errors(arena, err);
    for (int i = 0; !err && i < count; i++) {
        CHECK(columns[i].column.n > 0 && str_is_utf8(columns[i].column) && columns[i].letter.n > 0);
        CHECK(columns[i].sample_count >= 0 && columns[i].sample_count <= IMPORT_SAMPLES_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new("fuzz", (size_t)1 << 29);
    struct str file = STR_NONE, name, json = str_cut((struct str){(const char *)data, size}, '\0', &name);
    const struct json_value *value;
    struct import_wish wish;
    struct import_own_maps own = {0};
    int fd;
    secret_init();
    name = name.p ? str_cut(name, '\0', &file) : STR("");
    if (!file.p)
        file = STR("");
    check_name(str_copy(arena, name));
    struct str path = memory_file(arena, file, &fd);
    shape_clear(&import_wish_shape, &wish);
    const struct err *err = json_read(arena, STR("wish"), str_copy(arena, json), &value);
    if (!err)
        err = shape_read_json(arena, &import_wish_shape, value, &wish);
    check_errors(arena, err);
    if (!err)
        err = import_wish_check(arena, &wish, &own, INT64_MAX / 2);
    check_errors(arena, err);
    if (!err)
        read_file(arena, path, &wish, &own);
    arena_free(arena);
    close(fd);
    return 0;
}
