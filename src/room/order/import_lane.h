/* A thread that runs one piece of work at a time, so that the import prepares the next batch while the last one is written.
 * Inside the room. Threads: one caller. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_LANE_H
#define HUITOU_ROOM_ORDER_IMPORT_LANE_H

struct arena;
struct import_lane;

/* Ends, after its work, when the arena is freed. */
struct import_lane *import_lane_open(struct arena *arena);
/* Waits until the lane is idle, then begins work(arg) and returns. What arg points to is the lane's until
 * import_lane_wait. */
void import_lane_begin(struct import_lane *lane, void (*work)(void *arg), void *arg);
/* Waits until the lane is idle. */
void import_lane_wait(struct import_lane *lane);

#endif
