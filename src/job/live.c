#include "job/live.h"

#include <pthread.h>
#include <time.h>

#include "base/arena.h"
#include "base/check.h"

#define LIVE_BYTES_MAX ((size_t)1 << 36)
#define STEP_BYTES_MAX ((size_t)1 << 30)
#define ERROR_BYTES_MAX ((size_t)1 << 20)
#define PAUSE_MS 200
/* Of events without end: then those who watch are told, and reports are made anew. */
#define STEP_US 250000
#define RETRY_MS 5000 /* after an error of the store */

struct live {
    struct live_options options;
    struct arena *arena; /* of the columns */
    struct columns columns;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wanted, stepped;
    bool stopping, ready, caught_up; /* caught_up: by the last step */
    int64_t steps_begun, steps_done; /* of the pump */
    int64_t stand_count;             /* steps after which a report may have another answer */
    int64_t build_us, applied_count, done_at_us, built_at_us;
    char error[512];
};

static void add_ms(struct timespec *time, int64_t ms)
{
    time->tv_sec += ms / 1000;
    time->tv_nsec += ms % 1000 * 1000000;
    if (time->tv_nsec >= 1000000000) {
        time->tv_sec++;
        time->tv_nsec -= 1000000000;
    }
}

static void note_error(struct live *live, const struct err *err)
{
    struct arena *arena = arena_new("live error", ERROR_BYTES_MAX);
    struct str text = err ? err_text(arena, err, LANG_EN) : STR("");
    pthread_mutex_lock(&live->lock);
    size_t n = text.n < sizeof(live->error) ? text.n : sizeof(live->error) - 1;
    for (size_t i = 0; i < n; i++)
        live->error[i] = text.p[i];
    live->error[n] = '\0';
    pthread_mutex_unlock(&live->lock);
    arena_free(arena);
}

/* Until somebody wants a step, or so long; false: it is to stop. */
static bool pause_ms(struct live *live, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    add_ms(&until, ms);
    pthread_mutex_lock(&live->lock);
    if (!live->stopping)
        pthread_cond_timedwait(&live->wanted, &live->lock, &until);
    bool go_on = !live->stopping;
    pthread_mutex_unlock(&live->lock);
    return go_on;
}

static int64_t now_us(struct live *live)
{
    return clock_now_us(&store_deps(live->options.store)->clock);
}

static bool build(struct live *live)
{
    int64_t began_us = now_us(live);
    const struct err *err = columns_build(live->options.store, live->arena, &live->columns);
    if (!err) {
        err = columns_read_people(live->options.store, live->arena, &live->columns);
        if (err)
            engine_free(live->columns.engine);
    }
    note_error(live, err);
    if (err) {
        live->columns = (struct columns){0}; /* what there was is freed already */
        return false;
    }
    pthread_mutex_lock(&live->lock);
    live->ready = true;
    live->build_us = now_us(live) - began_us;
    live->done_at_us = now_us(live);
    live->built_at_us = live->done_at_us;
    pthread_mutex_unlock(&live->lock);
    if (live->options.changed)
        live->options.changed(live->options.arg, 0);
    return true;
}

/* Those who wait for a step (live_wait) wait until one has caught up that began after they came:
 * what goes on where the last one stopped for time is no new one. */
static bool step(struct live *live)
{
    bool caught_up = false;
    pthread_mutex_lock(&live->lock);
    live->steps_begun += live->caught_up;
    int64_t begun = live->steps_begun;
    pthread_mutex_unlock(&live->lock);
    struct arena *arena = arena_new("live step", STEP_BYTES_MAX);
    int64_t applied = 0;
    int64_t began_us = now_us(live);
    const struct err *err = columns_pump(live->options.store, arena, &live->columns, STEP_US,
                                         &applied, &caught_up);
    note_error(live, err);
    arena_free(arena);
    pthread_mutex_lock(&live->lock);
    /* A step that only catches up may have read the names of what those before it brought. */
    live->stand_count += applied > 0 || (caught_up && !live->caught_up);
    live->caught_up = caught_up;
    live->applied_count += applied; /* of an error, too: what came before it is in the columns */
    if (caught_up) {
        live->steps_done = begun;
        live->done_at_us = began_us;
    }
    pthread_cond_broadcast(&live->stepped);
    pthread_mutex_unlock(&live->lock);
    if (applied > 0 && live->options.changed)
        live->options.changed(live->options.arg, applied);
    return !err;
}

static void *run(void *arg)
{
    struct live *live = arg;
    bool good = build(live);
    while (!good && pause_ms(live, RETRY_MS))
        good = build(live);
    live->caught_up = true;
    while (pause_ms(live, !good ? RETRY_MS : live->caught_up ? PAUSE_MS : 0))
        good = step(live);
    return NULL;
}

struct live *live_start(struct arena *arena, const struct live_options *options)
{
    struct live *live = ARENA_NEW(arena, struct live);
    live->options = *options;
    live->arena = arena_new("live columns", LIVE_BYTES_MAX);
    pthread_mutex_init(&live->lock, NULL);
    pthread_cond_init(&live->wanted, NULL);
    pthread_cond_init(&live->stepped, NULL);
    CHECK(pthread_create(&live->thread, NULL, run, live) == 0);
    return live;
}

void live_stop(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    live->stopping = true;
    pthread_cond_broadcast(&live->wanted);
    pthread_cond_broadcast(&live->stepped);
    pthread_mutex_unlock(&live->lock);
    pthread_join(live->thread, NULL);
    if (live->columns.engine)
        engine_free(live->columns.engine);
    arena_free(live->arena);
    pthread_mutex_destroy(&live->lock);
    pthread_cond_destroy(&live->wanted);
    pthread_cond_destroy(&live->stepped);
}

struct engine *live_engine(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    struct engine *engine = live->ready ? live->columns.engine : NULL;
    pthread_mutex_unlock(&live->lock);
    return engine;
}

struct live_state live_state(struct live *live, struct arena *arena)
{
    int64_t now = now_us(live);
    pthread_mutex_lock(&live->lock);
    struct live_state state = {
        .ready = live->ready,
        .error = live->error[0] ? str_copy(arena, str_c(live->error)) : STR_NONE,
        .build_us = live->build_us,
        .applied_count = live->applied_count,
        .behind_us = live->done_at_us ? now - live->done_at_us : 0,
    };
    pthread_mutex_unlock(&live->lock);
    return state;
}

/* Of steps, not of each change: beside an import every one of thousands would make all reports
 * anew. What was made in the middle of a step is told apart from what comes after it. */
struct str live_stand(struct live *live, struct arena *arena)
{
    pthread_mutex_lock(&live->lock);
    bool ready = live->ready;
    long long built = live->built_at_us, stand = live->stand_count;
    pthread_mutex_unlock(&live->lock);
    if (!ready)
        return STR_NONE;
    return str_fmt(arena, "%lld %lld", built, stand);
}

bool live_wait(struct live *live, int64_t timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    add_ms(&until, timeout_ms);
    pthread_mutex_lock(&live->lock);
    /* A step that has begun already may have read before our commit: the next one has not. */
    int64_t enough = live->steps_begun + 1;
    pthread_cond_signal(&live->wanted);
    while (live->ready && live->steps_done < enough && !live->stopping) {
        if (pthread_cond_timedwait(&live->stepped, &live->lock, &until) != 0)
            break;
        pthread_cond_signal(&live->wanted);
    }
    bool done = live->ready && live->steps_done >= enough;
    pthread_mutex_unlock(&live->lock);
    return done;
}
