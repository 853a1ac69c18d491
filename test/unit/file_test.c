/* link: codec */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/arena.h"
#include "codec/file.h"

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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
