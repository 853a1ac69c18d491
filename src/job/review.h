/* The review of security: what the live configuration is, said in plain words, each point with its state, why it matters and
 * what to do. The facts are gathered elsewhere (review_home here, the rest by the server); the judgement is pure. Sources of
 * the limits stand beside them in review.c. */
#ifndef HUITOU_JOB_REVIEW_H
#define HUITOU_JOB_REVIEW_H

#include "job/home.h"
#include "room/access/access.h"
#include "store/store_backup.h"

struct review_facts {
    int64_t now_us;
    /* The server: */
    struct str address; /* it listens on */
    bool loopback, behind_proxy, runs_as_root;
    /* Files: */
    unsigned directory_mode, key_mode, database_mode; /* database_mode 0: no file (PostgreSQL) */
    bool key_beside_data;
    int64_t disk_free_bytes, disk_bytes; /* 0: not known */
    /* The database: */
    struct store_facts store;
    bool postgres;
    struct access_review access;
    /* Backups: */
    struct opt_i64 backup_made_at_us;     /* the newest */
    struct opt_i64 backup_restored_at_us; /* the newest that was restored, for good or on trial */
    bool backup_on_other_place; /* the newest lies outside of the data directory */
};

enum review_state { REVIEW_GOOD, REVIEW_ATTEND, REVIEW_ACT };
struct review_point {
    const char *check; /* "listening", "proxy", …: stable names for programs */
    enum review_state state;
    struct str title, finding, why, what_to_do; /* what_to_do absent where nothing is to be done */
};
#define REVIEW_POINTS_MAX 24
/* The points in a fixed order, in a language; at most REVIEW_POINTS_MAX. */
int review_judge(struct arena *arena, const struct review_facts *facts, enum lang lang,
                 struct review_point points[REVIEW_POINTS_MAX]);
/* Fills what lies on disk, in the database and in its tables. Errors: STORE_*. */
ERR_RESULT review_gather(struct arena *arena, const struct home *home, struct review_facts *facts);

#endif
