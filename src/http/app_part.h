/* What the files of the application share. */
#ifndef HUITOU_HTTP_APP_PART_H
#define HUITOU_HTTP_APP_PART_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/app.h"
#include "job/bulk.h"
#include "job/demo/demo.h"
#include "job/live.h"
#include "job/purger.h"
#include "room/access/access.h"
#include "room/insight/insight.h"

/* Making or removing the demo brand, in the background. */
enum demo_state { DEMO_IDLE, DEMO_AT_WORK, DEMO_READY, DEMO_FAILED, DEMO_STATE_MAX };
struct demo_work {
    pthread_t thread;
    bool joinable, stopping; /* a thread was begun; none may be begun any more. Under setup_lock */
    enum lang lang;
    pthread_mutex_t lock; /* of what follows */
    enum demo_state state;
    const struct text *step;
    int percent;
    char error[LANG_MAX][1000]; /* of DEMO_FAILED */
};

/* What `struct service`'s control points to. */
struct server_control {
    struct arena *arena;
    struct app_options options;
    struct service service;
    _Atomic bool ready; /* service.store and brand stand */
    /* Requests at work hold it for reading, who takes the brand away for writing; taken before setup_lock. */
    pthread_rwlock_t gate;
    struct arena *brand_arena; /* of what follows; freed with it */
    struct home *home;
    struct live *live; /* NULL before `ready` */
    struct bulk_runner *bulk; /* likewise */
    struct purger *purger;    /* likewise */
    _Atomic(struct http_server *) http; /* NULL until it listens; set while others publish */
    pthread_mutex_t setup_lock;
    struct demo_work demo;
    char setup_token[64]; /* "": none is out */
    int64_t started_at_us;
    struct str openapi, openapi_packed; /* anybody may ask for it: made once */
    struct backup_work *backups; /* app_backup.c */
};
/* Opens the directory and starts what lives on it; arena: of the error. Under setup_lock, or before anything is served. */
ERR_RESULT app_open(struct server_control *app, struct arena *arena);
/* Ends all that app_open began. Nobody may be at work on the brand: under the gate, or when nothing is served any more. */
void app_close(struct server_control *app);
/* A new token of the set-up link. Under setup_lock, or before anything is served. */
void app_new_setup_token(struct server_control *app);
/* Lets no making or removing of the demo begin any more, and waits for the one at work. */
void app_demo_stop(struct server_control *app);
/* Whether it is being made or removed now, or the server is ending. Under setup_lock. */
bool app_demo_is_busy(struct server_control *app);

/* Backups made from the console, one at a time, on a thread of their own. */
struct backup_work *backup_work_new(struct arena *arena);
/* Waits for the one that is being made. Nobody may begin one meanwhile. */
void backup_work_join(struct backup_work *work);
/* The same, for good. */
void backup_work_stop(struct backup_work *work);

extern const struct endpoint_table setup_endpoints, demo_endpoints, system_endpoints, backup_endpoints,
    review_endpoints;

#endif
