/* link: codec */
/* tools/mktext: what it makes, compiled by a C compiler, gives the files' bytes back; what it
 * cannot do it refuses. Runs the program itself, which the build puts beside the folder of the
 * tests. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/arena.h"
#include "codec/file.h"

static char folder[] = "/tmp/mktext_test.XXXXXX";
static const char *const names[] = {"nasty.v2.json", "empty.txt", "out.h", "show.c", "show"};

static int setup(void **state)
{
    *state = arena_new("test", 1 << 20);
    return mkdtemp(folder) ? 0 : -1;
}

static struct str path_of(struct arena *arena, const char *name)
{
    return str_fmt(arena, "%s/%s", folder, name);
}

static int teardown(void **state)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(str_z(*state, path_of(*state, names[i])));
    arena_free(*state);
    return rmdir(folder);
}

/* Runs a command in the folder; its output goes to said. Returns its exit code. */
static int run(struct arena *arena, struct str command, struct str *said)
{
    char *bytes = arena_alloc(arena, 65536);
    FILE *pipe =
        popen(str_z(arena, str_fmt(arena, "cd %s && %.*s 2>&1", folder, STR_ARG(command))), "r");
    assert_non_null(pipe);
    *said = (struct str){bytes, fread(bytes, 1, 65536, pipe)};
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int mktext(struct arena *arena, const char *args, struct str *said)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    assert_true(n > 0);
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    return run(arena, str_fmt(arena, "%s/../mktext %s", self, args), said);
}

/* Every byte, trigraphs, octal digits behind an escape, quotes, backslashes at a piece's end. */
static struct str nasty(struct arena *arena)
{
    struct buf buf = buf_new(arena, 1 << 16);
    for (int i = 0; i < 256; i++) {
        buf_char(&buf, (char)i);
        buf_char(&buf, '7');
    }
    buf_str(&buf, STR("?\?=?\?/\n\"\\\"/* 订单 */ %s \\n\r\n"));
    for (int i = 0; i < 500; i++)
        buf_char(&buf, "\\\"?x"[i % 4]);
    return buf_view(&buf);
}

static void test_bytes(void **state)
{
    struct arena *arena = *state;
    struct str said;
    assert_null(file_write(arena, path_of(arena, names[0]), nasty(arena), 0600));
    assert_null(file_write(arena, path_of(arena, names[1]), STR(""), 0600));
    assert_int_equal(mktext(arena, "out.h texts nasty.v2.json empty.txt", &said), 0);
    assert_int_equal(said.n, 0);
    struct str program = STR("#include <stdio.h>\n#include \"out.h\"\nint main(void) {\n"
                             "for (int i = 0; i < texts_count; i++) {\n"
                             "printf(\"%s %zu\\n\", texts[i].name, texts[i].size);\n"
                             "fwrite(texts[i].text, 1, texts[i].size, stdout); }\n}\n");
    assert_null(file_write(arena, path_of(arena, "show.c"), program, 0600));
    int built = run(arena, STR("cc -std=c11 -Wall -Wextra -Werror show.c -o show"), &said);
    if (built != 0)
        fail_msg("%.*s", STR_ARG(said));
    assert_int_equal(run(arena, STR("./show"), &said), 0);
    struct str text = nasty(arena);
    struct str parts[] = {str_fmt(arena, "nasty.v2 %zu\n", text.n), text, STR("empty 0\n")};
    struct str expected = str_join(arena, parts, 3, STR(""));
    assert_int_equal(said.n, expected.n);
    assert_memory_equal(said.p, expected.p, expected.n);
}

static void test_no_files(void **state)
{
    struct str said;
    struct str content;
    assert_int_equal(mktext(*state, "out.h texts", &said), 0);
    assert_null(file_read(*state, path_of(*state, "out.h"), 65536, &content));
    assert_true(
        str_ends(content, STR("{NULL, NULL, 0},\n};\nstatic const int texts_count = 0;\n")));
}

static void test_refused(void **state)
{
    struct arena *arena = *state;
    struct str said;
    assert_int_equal(mktext(arena, "out.h texts no_such_file", &said), 1);
    assert_true(str_starts(said, STR("mktext: no_such_file: ")));
    assert_false(file_exists(arena, path_of(arena, "out.h")));
    assert_int_equal(mktext(arena, "out.h 1x", &said), 1);
    assert_int_equal(mktext(arena, "out.h", &said), 1);
    assert_int_equal(mktext(arena, "/nonexistent/out.h texts", &said), 1);
    /* A directory opens but cannot be read. */
    assert_int_equal(mktext(arena, "out.h texts /tmp", &said), 1);
    assert_false(file_exists(arena, path_of(arena, "out.h")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_no_files),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
