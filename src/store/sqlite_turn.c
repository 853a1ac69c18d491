#include "store/sqlite_turn.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"

#define BYTE_QUEUE 0
#define BYTE_TURN 1
#define LOOK_US 500 /* between two looks at a lock that another process has */

static bool lock(const struct sqlite_turn *turn, int byte, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(turn->fd, F_OFD_SETLK, &lock) == 0;
}

/* Gives up after *left_us, which is counted down. */
static void wait_for(const struct sqlite_turn *turn, int byte, int64_t *left_us)
{
    while (!lock(turn, byte, F_WRLCK) && *left_us > 0) {
        nanosleep(&(struct timespec){0, LOOK_US * 1000}, NULL);
        *left_us -= LOOK_US;
    }
}

void sqlite_turn_open(struct sqlite_turn *turn, struct arena *arena, struct str database_path)
{
    struct str path = str_fmt(arena, "%.*s-turn", STR_ARG(database_path));
    turn->fd = open(str_z(arena, path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

void sqlite_turn_close(struct sqlite_turn *turn)
{
    if (turn->fd >= 0)
        close(turn->fd);
    turn->fd = -1;
}

void sqlite_turn_take(struct sqlite_turn *turn, int timeout_ms)
{
    int64_t left_us = (int64_t)timeout_ms * 1000;
    if (turn->fd < 0)
        return;
    wait_for(turn, BYTE_QUEUE, &left_us);
    wait_for(turn, BYTE_TURN, &left_us);
    lock(turn, BYTE_QUEUE, F_UNLCK);
}

void sqlite_turn_give(struct sqlite_turn *turn)
{
    if (turn->fd >= 0)
        lock(turn, BYTE_TURN, F_UNLCK);
}
