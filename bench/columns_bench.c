/* link: job */
/* Builds the columns of a brand and says what it took: columns_bench BRAND [READERS] [REPEATS]
 * Prints a line of JSON per build. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/arena.h"
#include "job/columns.h"
#include "job/home.h"

#define ARENA_BYTES_MAX ((size_t)8 << 30)

static void must(struct arena *arena, const struct err *err)
{
    if (!err)
        return;
    fprintf(stderr, "columns_bench: %s\n", str_z(arena, err_text(arena, err, LANG_EN)));
    exit(1);
}

static double wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void build_once(struct home *home, int reader_count)
{
    struct arena *arena = arena_new("columns_bench build", ARENA_BYTES_MAX);
    struct columns_options options = {.reader_count = reader_count};
    struct columns columns;
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    double started = wall_seconds();
    must(arena, columns_build_with(home->store, arena, &options, &columns));
    double seconds = wall_seconds() - started;
    getrusage(RUSAGE_SELF, &after);
    struct engine_size size = engine_size(columns.engine);
    printf("{\"seconds\": %.3f, \"user_seconds\": %.3f, \"system_seconds\": %.3f, \"customers\": %" PRId64
           ", \"orders\": %" PRId64 ", \"refunds\": %" PRId64 ", \"bytes\": %" PRId64
           ", \"peak_kib\": %ld}\n",
           seconds, seconds_of(after.ru_utime) - seconds_of(before.ru_utime),
           seconds_of(after.ru_stime) - seconds_of(before.ru_stime), size.customers, size.orders,
           size.refunds, size.bytes, after.ru_maxrss);
    fflush(stdout);
    engine_free(columns.engine);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    struct home *home;
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: columns_bench BRAND [READERS] [REPEATS]\n");
        return 2;
    }
    int readers = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
    int repeats = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1;
    secret_init();
    struct arena *arena = arena_new("columns_bench", ARENA_BYTES_MAX);
    must(arena, home_open(arena, str_c(argv[1]), HOME_READ, &home));
    for (int i = 0; i < repeats; i++)
        build_once(home, readers);
    home_close(home);
    arena_free(arena);
    return 0;
}
