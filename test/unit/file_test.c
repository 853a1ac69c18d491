/* link: codec */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/arena.h"
#include "codec/file.h"

static struct {
    int count;
    char paths[8][256];
} synced;

/* Stands in for the C library's: notes what is synced, by the name that it has at the time. */
int fsync(int fd)
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    assert_in_range(synced.count, 0, 7);
    char *path = synced.paths[synced.count++];
    ssize_t n = readlink(link, path, sizeof(synced.paths[0]) - 1);
    assert_true(n > 0);
    path[n] = '\0';
    return (int)syscall(SYS_fsync, fd);
}

/* A name lasts once the directory that holds it is synced (fsync(2)): of a new file the file itself
 * under its temporary name, then its directory; of new directories each one's parent. */
static void test_synced(void **state)
{
    (void)state;
    struct arena *arena = arena_new("test", 1 << 20);
    char folder[] = "/tmp/file_test.XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct str deep = str_fmt(arena, "%s/a/b", folder), key = str_fmt(arena, "%s/a/b/key", folder);
    synced.count = 0;
    assert_null(file_make_directory(arena, deep, 0700));
    assert_int_equal(synced.count, 2);
    assert_string_equal(synced.paths[0], folder);
    assert_string_equal(synced.paths[1], str_z(arena, str_fmt(arena, "%s/a", folder)));
    synced.count = 0;
    assert_null(file_make_directory(arena, deep, 0700));
    assert_int_equal(synced.count, 0);
    assert_null(file_write(arena, key, STR("k"), 0600));
    assert_int_equal(synced.count, 2);
    assert_memory_equal(synced.paths[0], key.p, key.n);
    assert_string_equal(synced.paths[1], str_z(arena, deep));
    assert_int_equal(unlink(str_z(arena, key)), 0);
    assert_int_equal(rmdir(str_z(arena, deep)), 0);
    assert_int_equal(rmdir(str_z(arena, str_fmt(arena, "%s/a", folder))), 0);
    assert_int_equal(rmdir(folder), 0);
    arena_free(arena);
}

static void test_files(void **state)
{
    (void)state;
    struct arena *arena = arena_new("test", 1 << 20);
    char folder[] = "/tmp/file_test.XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct str deep = str_fmt(arena, "%s/a/b", folder);
    assert_null(file_make_directory(arena, deep, 0700));
    assert_null(file_make_directory(arena, deep, 0700));
    struct str path = str_fmt(arena, "%s/a/b/key", folder);
    assert_false(file_exists(arena, path));
    assert_null(file_write(arena, path, STR("first"), 0644));
    assert_null(file_write(arena, path, (struct str){"a\0b", 3}, 0600));
    assert_true(file_exists(arena, path));
    struct stat info;
    synced.count = 0;
    assert_int_equal(stat(str_z(arena, path), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);

    struct str content;
    assert_null(file_read(arena, path, 3, &content));
    assert_int_equal(content.n, 3);
    assert_memory_equal(content.p, "a\0b", 3);
    assert_int_equal(file_read(arena, path, 2, &content)->code, ERR_FILE_TOO_LARGE);
    assert_int_equal(file_read(arena, deep, 2, &content)->code, ERR_FILE_OPEN);
    assert_int_equal(file_read(arena, STR("/nonexistent/x"), 2, &content)->code, ERR_FILE_OPEN);
    assert_int_equal(file_write(arena, STR("/nonexistent/x"), STR("x"), 0600)->code,
                     ERR_FILE_WRITE);
    assert_int_equal(file_make_directory(arena, path, 0700)->code, ERR_FILE_WRITE);
    /* A name that is a directory cannot be replaced; nothing temporary is left. */
    assert_int_equal(file_write(arena, deep, STR("x"), 0600)->code, ERR_FILE_WRITE);
    assert_int_equal(unlink(str_z(arena, path)), 0);
    assert_int_equal(rmdir(str_z(arena, deep)), 0);
    assert_int_equal(rmdir(str_z(arena, str_fmt(arena, "%s/a", folder))), 0);
    assert_int_equal(rmdir(folder), 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_files), cmocka_unit_test(test_synced)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
