/* link: base */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/sorter.h"
#include "support/splitmix.h"

#define MEMORY_BYTES ((size_t)1 << 20)

/* Stands before the C library's open: file systems without O_TMPFILE are rare, and here we want
 * one. */
static bool refuse_tmpfile;
int open_for_test(const char *path, int flags, ...) __asm__("open");
int open_for_test(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, int) : 0;
    va_end(args);
    if (refuse_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static char directory[] = "/tmp/huitou-sorter-test-XXXXXX";
static struct arena *arena;

static int setup_group(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN); /* writing past RLIMIT_FSIZE then fails with EFBIG */
    return mkdtemp(directory) == NULL;
}

static int teardown_group(void **state)
{
    (void)state;
    return rmdir(directory); /* fails if anything is left */
}

static int setup(void **state)
{
    (void)state;
    arena = arena_new("test", (size_t)1 << 30);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void assert_ok(const struct err *err)
{
    if (err != NULL)
        fail_msg("%s", str_z(arena, err_text(arena, err, LANG_EN)));
}

static struct sorter *open_sorter(void)
{
    struct sorter_options options = {str_c(directory), MEMORY_BYTES};
    struct sorter *sorter = NULL;
    assert_ok(sorter_open(arena, &options, &sorter));
    return sorter;
}

struct record {
    struct str key;
    uint64_t value_seed;
    size_t value_bytes;
    int added;
};

/* Short keys over few bytes, 0 and 255 among them: many are equal, or begin like others. */
static struct record random_record(uint64_t *seed, int added, size_t value_bytes_max)
{
    static const char alphabet[] = {0, 1, 'a', 'b', (char)0x7F, (char)0x80, (char)0xFF};
    size_t n = random_next(seed) % 4 == 0 ? random_next(seed) % 20 : random_next(seed) % 5;
    char *key = arena_alloc(arena, n);
    for (size_t i = 0; i < n; i++)
        key[i] = alphabet[random_next(seed) % sizeof alphabet];
    return (struct record){
        .key = {key, n},
        .value_seed = random_next(seed),
        .value_bytes = random_next(seed) % (value_bytes_max + 1),
        .added = added,
    };
}

static struct str value_of(const struct record *record, char *buffer)
{
    uint64_t seed = record->value_seed;
    for (size_t i = 0; i < record->value_bytes; i += 8) {
        uint64_t bytes = random_next(&seed);
        size_t n = record->value_bytes - i < 8 ? record->value_bytes - i : 8;
        memcpy(buffer + i, &bytes, n);
    }
    return (struct str){buffer, record->value_bytes};
}

/* The oracle: C's qsort, with the order of adding written into the comparison. */
static int compare_records(const void *a_void, const void *b_void)
{
    const struct record *a = a_void, *b = b_void;
    size_t n = a->key.n < b->key.n ? a->key.n : b->key.n;
    int order = memcmp(a->key.p, b->key.p, n);
    if (order != 0)
        return order;
    if (a->key.n != b->key.n)
        return a->key.n < b->key.n ? -1 : 1;
    return a->added - b->added;
}

static void read_and_compare(struct sorter *sorter, const struct record *records, int count,
                             char *buffer)
{
    struct str key, value;
    bool has;
    for (int i = 0; i < count; i++) {
        assert_ok(sorter_next(sorter, &key, &value, &has));
        assert_true(has);
        if (!str_eq(key, records[i].key) || !str_eq(value, value_of(&records[i], buffer)))
            fail_msg("record %d of %d is another", i, count);
    }
    assert_ok(sorter_next(sorter, &key, &value, &has));
    assert_false(has);
    assert_ok(sorter_next(sorter, &key, &value, &has));
    assert_false(has);
}

static int files_in_directory(void)
{
    int count = 0;
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void sort_and_compare(uint64_t seed, int count, size_t value_bytes_max)
{
    struct record *records = ARENA_ARRAY(arena, (size_t)count + 1, struct record);
    char *buffer = arena_alloc(arena, value_bytes_max + 8);
    struct sorter *sorter = open_sorter();
    for (int i = 0; i < count; i++) {
        records[i] = random_record(&seed, i, value_bytes_max);
        assert_ok(sorter_add(sorter, records[i].key, value_of(&records[i], buffer)));
    }
    assert_int_equal(sorter_count(sorter), count);
    assert_ok(sorter_finish(sorter));
    assert_int_equal(files_in_directory(), 0);
    qsort(records, (size_t)count, sizeof records[0], compare_records);
    read_and_compare(sorter, records, count, buffer);
    assert_ok(sorter_rewind(sorter));
    read_and_compare(sorter, records, count, buffer);
    /* Also from the middle. */
    assert_ok(sorter_rewind(sorter));
    struct str key, value;
    bool has;
    for (int i = 0; i < count / 2; i++)
        assert_ok(sorter_next(sorter, &key, &value, &has));
    assert_ok(sorter_rewind(sorter));
    read_and_compare(sorter, records, count, buffer);
    assert_int_equal(sorter_count(sorter), count);
    sorter_close(sorter);
}

static void test_nothing_and_one(void **state)
{
    (void)state;
    sort_and_compare(1, 0, 0);
    sort_and_compare(2, 1, 10);
}

static void test_in_memory(void **state)
{
    (void)state;
    sort_and_compare(3, 2000, 100);
    sort_and_compare(4, 10, 100000);
}

static void test_few_runs(void **state)
{
    (void)state;
    sort_and_compare(5, 100000, 0); /* the entries fill the memory */
    sort_and_compare(6, 3000, 5000);
}

/* About 100 MB through 1 MiB: more than 64 runs, merged in two levels. */
static void test_many_runs(void **state)
{
    (void)state;
    sort_and_compare(7, 25000, 8000);
}

static void test_records_larger_than_memory(void **state)
{
    (void)state;
    sort_and_compare(8, 40, 3 << 20);
}

static void test_largest_record(void **state)
{
    (void)state;
    struct sorter *sorter = open_sorter();
    char *bytes = arena_alloc(arena, SORTER_RECORD_BYTES_MAX);
    memset(bytes, 'k', SORTER_RECORD_BYTES_MAX);
    assert_ok(sorter_add(sorter, STR("kk"), STR("small")));
    assert_ok(sorter_add(sorter, (struct str){bytes, SORTER_RECORD_BYTES_MAX}, STR_NONE));
    assert_ok(sorter_add(sorter, STR("k"), (struct str){bytes, SORTER_RECORD_BYTES_MAX - 1}));
    assert_ok(sorter_finish(sorter));
    struct str key, value;
    bool has;
    assert_ok(sorter_next(sorter, &key, &value, &has));
    assert_int_equal(key.n, 1);
    assert_int_equal(value.n, SORTER_RECORD_BYTES_MAX - 1);
    assert_ok(sorter_next(sorter, &key, &value, &has));
    assert_true(str_eq(value, STR("small")));
    assert_ok(sorter_next(sorter, &key, &value, &has));
    assert_true(str_eq(key, (struct str){bytes, SORTER_RECORD_BYTES_MAX}));
    sorter_close(sorter);
}

static void test_without_tmpfile(void **state)
{
    (void)state;
    refuse_tmpfile = true;
    sort_and_compare(9, 3000, 5000);
    refuse_tmpfile = false;
}

/* Adds records until there is an error, or `count` of them. */
static const struct err *add_many(struct sorter *sorter, int count)
{
    static char bytes[4000];
    const struct err *err = NULL;
    for (int i = 0; i < count && err == NULL; i++)
        err = sorter_add(sorter, STR("key"), (struct str){bytes, sizeof bytes});
    return err;
}

static void test_full_disk(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {3 << 20, before.rlim_max};
    /* While records are added. */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const struct err *err = add_many(open_sorter(), 5000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_FILE_WRITE);
    assert_string_equal(err->field.p, directory);
    assert_string_equal(err->arg[0].p, strerror(EFBIG));
    /* While the last run is written. */
    small.rlim_cur = 100000;
    struct sorter *sorter = open_sorter();
    assert_null(add_many(sorter, 300));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    err = sorter_finish(sorter);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_FILE_WRITE);
    sorter_close(sorter);
    sorter_close(sorter);
}

static void test_no_directory(void **state)
{
    (void)state;
    struct sorter_options options = {STR("/nonexistent/place"), MEMORY_BYTES};
    struct sorter *sorter = NULL;
    assert_ok(sorter_open(arena, &options, &sorter));
    const struct err *err = add_many(sorter, 1000);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_FILE_WRITE);
}

static void test_shortened_run_is_noticed(void **state)
{
    (void)state;
    int fd = dup(0); /* the number that the file of the runs will have */
    assert_true(fd >= 0);
    close(fd);
    struct sorter *sorter = open_sorter();
    assert_null(add_many(sorter, 1000));
    assert_ok(sorter_finish(sorter));
    assert_int_equal(ftruncate(fd, 1000000), 0);
    const struct err *err = NULL;
    bool has = true;
    for (int i = 0; err == NULL && has; i++) {
        struct str key, value;
        err = sorter_next(sorter, &key, &value, &has);
    }
    assert_non_null(err);
    assert_int_equal(err->code, ERR_FILE_READ);
}

/* The arena closes what its owner did not. */
static void test_arena_closes(void **state)
{
    (void)state;
    int fd = dup(0);
    assert_true(fd >= 0);
    close(fd);
    assert_null(add_many(open_sorter(), 1000));
    assert_true(fcntl(fd, F_GETFD) >= 0);
    arena_reset(arena);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_and_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_few_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_records_larger_than_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_largest_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_tmpfile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shortened_run_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_arena_closes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
