/* What the files of the application share. */
#ifndef HUITOU_HTTP_APP_PART_H
#define HUITOU_HTTP_APP_PART_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/app.h"
#include "job/bulk.h"
#include "job/live.h"
#include "room/access/access.h"
#include "room/insight/insight.h"

/* What `struct service`'s control points to. */
struct server_control {
    struct arena *arena;
    struct app_options options;
    struct service service;
    _Atomic bool ready; /* service.store and brand stand */
    struct home *home;
    struct live *live; /* NULL before `ready` */
    struct bulk_runner *bulk; /* likewise */
    struct http_server *http;
    pthread_mutex_t setup_lock;
    char setup_token[64]; /* "": none is out */
    int64_t started_at_us;
    struct backup_work *backups; /* app_backup.c */
};
/* Opens the directory and starts what lives on it. Under setup_lock, or before anything is served. */
ERR_RESULT app_open(struct server_control *app);

/* Backups made from the console, one at a time, on a thread of their own. */
struct backup_work *backup_work_new(struct arena *arena);
/* Waits for the one that is being made. */
void backup_work_stop(struct backup_work *work);

extern const struct endpoint_table setup_endpoints, system_endpoints, backup_endpoints, review_endpoints;

#endif
