/* Turns among processes that write to one SQLite file. SQLite's own lock keeps them apart but is not fair: who commits again
 * and again takes it again before a waiter, who sleeps between tries, looks. So a writer first queues (byte 0 of the file
 * beside the database), then takes the turn (byte 1), and lets the next one queue: who has just written cannot pass the one
 * that waits. Open file description locks (fcntl(2)): they go with the process. Only for fairness: where they cannot be
 * had, or are kept longer than SQLite itself would wait, SQLite's lock decides alone. Inside the store. */
#ifndef HUITOU_STORE_SQLITE_TURN_H
#define HUITOU_STORE_SQLITE_TURN_H

#include "base/str.h"

struct sqlite_turn {
    int fd; /* -1: none to be had */
};
void sqlite_turn_open(struct sqlite_turn *turn, struct arena *arena, struct str database_path);
void sqlite_turn_close(struct sqlite_turn *turn);
/* Waits for the turn, at most timeout_ms. */
void sqlite_turn_take(struct sqlite_turn *turn, int timeout_ms);
void sqlite_turn_give(struct sqlite_turn *turn);

#endif
