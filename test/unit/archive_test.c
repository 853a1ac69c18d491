/* link: codec */
/* The archive of backups: what tar and sha256sum say of it, every byte of it changed, and files that are none of ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "codec/archive.h"
#include "codec/file.h"

struct place {
    char base[64];
    struct arena *arena;
    struct str path;
};

static int place_open(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    snprintf(place->base, sizeof place->base, "/tmp/huitou-archive-XXXXXX");
    assert_non_null(mkdtemp(place->base));
    place->arena = arena_new("test", (size_t)256 << 20);
    place->path = str_fmt(place->arena, "%s/a", place->base);
    *state = place;
    secret_init();
    return 0;
}

static int place_close(void **state)
{
    struct place *place = *state;
    unlink(str_z(place->arena, place->path));
    assert_int_equal(rmdir(place->base), 0); /* nothing else was left */
    arena_free(place->arena);
    free(place);
    return 0;
}

static void must(struct place *place, const struct err *err)
{
    if (err)
        fail_msg("%s", str_z(place->arena, err_text(place->arena, err, LANG_EN)));
}

/* Some text, and some that does not pack. */
static struct str noise(struct place *place, size_t n)
{
    char *bytes = arena_alloc(place->arena, n);
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u; /* Numerical Recipes, ranqd1 */
        bytes[i] = (char)(x >> 24);
    }
    return (struct str){bytes, n};
}

static void write_archive(struct place *place, size_t n, uint8_t sha256[SECRET_SHA256_BYTES])
{
    struct archive_writer *w;
    struct str bytes = noise(place, n);
    int64_t size;
    must(place, archive_create(place->arena, place->path, 1700000000, &w));
    must(place, archive_part(w, STR("manifest.json"), false));
    must(place, archive_add(w, "{\"a\":1}\n", 8));
    must(place, archive_part(w, STR("empty.gz"), true));
    must(place, archive_part(w, STR("plain"), false));
    must(place, archive_part(w, STR("noise.gz"), true));
    for (size_t at = 0; at < n; at += 1000)
        must(place, archive_add(w, bytes.p + at, n - at < 1000 ? n - at : 1000));
    must(place, archive_finish(w, &size, sha256));
    struct stat info;
    assert_int_equal(stat(str_z(place->arena, place->path), &info), 0);
    assert_int_equal(info.st_size, size);
    assert_int_equal(info.st_mode & 0777, 0600);
    archive_abandon(w); /* what is finished stays */
    assert_true(file_exists(place->arena, place->path));
}

static void read_part(struct place *place, struct archive_reader *r, const char *name, struct str expected)
{
    struct str found, content;
    bool has;
    must(place, archive_next(r, &found, &has));
    assert_true(has);
    assert_true(str_eq(found, str_c(name)));
    must(place, archive_read_all(r, (size_t)64 << 20, &content));
    assert_int_equal(content.n, expected.n);
    assert_memory_equal(content.p, expected.p, expected.n);
}

static void test_there_and_back(void **state)
{
    struct place *place = *state;
    uint8_t sha256[SECRET_SHA256_BYTES];
    struct archive_reader *r;
    struct str name;
    bool has;
    write_archive(place, 1000003, sha256);
    must(place, archive_open(place->arena, place->path, &r));
    assert_memory_equal(archive_sha256(r), sha256, sizeof(sha256));
    read_part(place, r, "manifest.json", STR("{\"a\":1}\n"));
    read_part(place, r, "empty.gz", STR(""));
    read_part(place, r, "plain", STR(""));
    read_part(place, r, "noise.gz", noise(place, 1000003));
    must(place, archive_next(r, &name, &has));
    assert_false(has);
    archive_close(r);
    /* A part that nobody reads to its end is passed over. */
    char some[10];
    size_t n;
    must(place, archive_open(place->arena, place->path, &r));
    for (int i = 0; i < 4; i++) {
        must(place, archive_next(r, &name, &has));
        must(place, archive_read(r, some, sizeof some, &n));
    }
    must(place, archive_next(r, &name, &has));
    assert_false(has);
    archive_close(r);
}

/* What tar and sha256sum, who know nothing of us, say of the file. */
static void test_other_tools(void **state)
{
    struct place *place = *state;
    uint8_t sha256[SECRET_SHA256_BYTES];
    write_archive(place, 5000, sha256);
    const char *path = str_z(place->arena, place->path);
    char command[400], told[65] = {0}, line[200];
    snprintf(command, sizeof command, "tar -tf %s | tr '\\n' ' '; tar -xOf %s noise.gz | gzip -dc | wc -c", path, path);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    assert_non_null(fgets(line, sizeof line, out));
    assert_string_equal(line, "manifest.json empty.gz plain noise.gz sha256 5000\n");
    assert_int_equal(pclose(out), 0);
    snprintf(command, sizeof command, "head -c -%d %s | sha256sum; tar -xOf %s sha256", ARCHIVE_TRAILER_BYTES, path, path);
    out = popen(command, "r");
    assert_non_null(out);
    assert_non_null(fgets(line, sizeof line, out));
    memcpy(told, line, 64);
    for (int i = 0; i < SECRET_SHA256_BYTES; i++) {
        char hex[3];
        snprintf(hex, sizeof hex, "%02x", sha256[i]);
        assert_memory_equal(told + 2 * i, hex, 2);
    }
    assert_non_null(fgets(line, sizeof line, out)); /* the archive's own word */
    assert_memory_equal(line, told, 64);
    assert_int_equal(pclose(out), 0);
}

static enum err_code opened(struct place *place, struct str content)
{
    struct archive_reader *r;
    struct arena *arena = arena_new("opened", (size_t)16 << 20);
    must(place, file_write(place->arena, place->path, content, 0600));
    const struct err *err = archive_open(arena, place->path, &r);
    enum err_code code = err ? err->code : ERR_NONE;
    if (!err)
        archive_close(r);
    arena_free(arena);
    return code;
}

static void test_every_byte(void **state)
{
    struct place *place = *state;
    uint8_t sha256[SECRET_SHA256_BYTES];
    struct str content;
    write_archive(place, 300, sha256);
    must(place, file_read(place->arena, place->path, 1 << 20, &content));
    char *bytes = arena_alloc(place->arena, content.n + 512);
    memcpy(bytes, content.p, content.n);
    for (size_t i = 0; i < content.n; i++) {
        struct arena_mark mark = arena_mark(place->arena);
        bytes[i] ^= (char)(1 << i % 8);
        assert_int_equal(opened(place, (struct str){bytes, content.n}), ERR_ARCHIVE_BAD);
        bytes[i] ^= (char)(1 << i % 8);
        arena_rewind(place->arena, mark);
    }
    for (size_t n = 0; n < content.n; n += 256) {
        enum err_code code = opened(place, (struct str){bytes, n});
        assert_true(code == ERR_ARCHIVE_BAD || code == ERR_ARCHIVE_OTHER);
    }
    assert_int_equal(opened(place, (struct str){bytes, content.n + 512}), ERR_ARCHIVE_BAD);
    assert_int_equal(opened(place, content), ERR_NONE);
    assert_int_equal(opened(place, STR("order,time\n")), ERR_ARCHIVE_OTHER);
    char zeros[8192] = {0};
    assert_int_equal(opened(place, (struct str){zeros, sizeof zeros}), ERR_ARCHIVE_OTHER);
}

static void test_given_up(void **state)
{
    struct place *place = *state;
    struct archive_writer *w;
    must(place, archive_create(place->arena, place->path, 0, &w));
    must(place, archive_part(w, STR("a.gz"), true));
    must(place, archive_add(w, "x", 1));
    archive_abandon(w);
    archive_abandon(w);
    assert_false(file_exists(place->arena, place->path));
    struct str nowhere = str_fmt(place->arena, "%s/none/a", place->base);
    const struct err *err = archive_create(place->arena, nowhere, 0, &w);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_FILE_FOLDER);
}

#define PLACE_TEST(name) cmocka_unit_test_setup_teardown(name, place_open, place_close)
int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_there_and_back),
        PLACE_TEST(test_other_tools),
        PLACE_TEST(test_every_byte),
        PLACE_TEST(test_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
