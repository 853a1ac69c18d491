/* A disk that lies, as a SQLite VFS around the default one; registered by a test program before store_open, so that the
 * code under test is untouched.
 *
 * The model. Only what was synced is sure. Of each database, log and journal two states are kept: the real file, which
 * the running program sees, and the file as the disk has it. Writes, truncations, new names and removed names wait in a
 * list until xSync of their file (for names: of the directory, which SQLite's unix VFS does at the first sync of a log
 * or journal that it opened with CREATE, and in xDelete where it is asked to) makes them lasting. At the loss of power
 * each waiting one is kept, lost, or torn by sectors of 512 or 4,096 bytes, in any order, as the seed says; what a lost
 * write leaves in the middle of a longer file is zeros or garbage. Bytes next to a write are safe, as SQLite assumes of
 * every disk (SQLITE_IOCAP_POWERSAFE_OVERWRITE, sqlite.org/psow.html). After an fsync that failed, the waiting
 * writes are either on the disk or never will be, and the next fsync says nothing of it (as Linux does: Rebello et al.,
 * "Can Applications Recover from fsync Failures?", USENIX ATC 2020). Shared memory (xShm) is lost with power. */
#ifndef HUITOU_TEST_SUPPORT_FAULT_VFS_H
#define HUITOU_TEST_SUPPORT_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_CUT, /* the power goes at the n-th write, sync, truncation, new or removed name */
    FAULT_CUT_SYNC, FAULT_CUT_DB, FAULT_CUT_NAME, /* … at the n-th sync; at the n-th of all of these in the database
                                                   * file itself; at the n-th new or removed name or truncation */
    FAULT_READ, FAULT_WRITE, FAULT_WRITE_DB, FAULT_SYNC, FAULT_SYNC_DB, /* DB: in the database file itself */
    FAULT_TRUNCATE, FAULT_OPEN, FAULT_DELETE, FAULT_SIZE, FAULT_SHM, FAULT_LOCK,
    FAULT_FULL, /* the disk has room for n more bytes */
    FAULT_KIND_MAX
};
const char *fault_kind_name(enum fault_kind kind); /* "cut", "cutsync", "cutdb", "cutname", "read", "writedb" … */

#define FAULT_CUT_STATUS 77 /* the exit status of a process whose power was cut */

struct fault_plan {
    enum fault_kind kind;
    int64_t at;   /* the n-th operation of the kind, from 1; FAULT_FULL: bytes of room */
    bool lasting; /* it fails from then on, not once */
    uint64_t seed;
    const char *survivors; /* the directory that gets the files as the disk has them when the power is cut, and a file
                            * cut.txt that says where it was; must be there */
};
/* Registers the VFS as SQLite's default one. Once per process, before the first connection; ends the process where it
 * cannot. Plan and its texts must stay. Thread-safe from then on: one lock around every operation. */
void fault_vfs_install(const struct fault_plan *plan);
/* The power goes now: writes the survivors and ends the process with FAULT_CUT_STATUS. */
_Noreturn void fault_vfs_cut(void);
/* FAULT_FULL: there is room again. */
void fault_vfs_make_room(void);
/* Operations of a kind so far, FAULT_CUT: those at which power can be cut. */
int64_t fault_vfs_count(enum fault_kind kind);
/* How often the planned fault happened. */
int64_t fault_vfs_hits(void);

#endif
