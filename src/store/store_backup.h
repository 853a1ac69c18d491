/* The whole database as it is at one moment, as named parts, and back again. SQLite: one part, the file (a copy by SQLite's
 * online backup API). PostgreSQL: a part per table, as COPY … TO STDOUT (HEADER) writes it, all in one snapshot
 * (decisions/0015). Nobody waits for a backup: others read and write on. */
#ifndef HUITOU_STORE_STORE_BACKUP_H
#define HUITOU_STORE_STORE_BACKUP_H

#include "store/store.h"

/* The schema that this program knows. */
int store_schema_number(void);

/* Takes the parts one after the other. */
struct store_sink {
    const struct err *(*part)(void *arg, struct str name); /* what follows belongs to a part of this name */
    const struct err *(*bytes)(void *arg, const void *bytes, size_t n);
    void *arg;
    /* How far it is: pages copied (SQLite), tables (PostgreSQL); NULL: nobody wants to know. */
    void (*progress)(void *arg, int64_t done, int64_t total);
    void *progress_arg;
};
/* temporary_path: a name of a file that is not there, with room for a copy of the database (SQLite); removed at the end.
 * Opens connections of its own; the store may be open here and in other processes. Errors: STORE_*, SCHEMA_* (the database
 * is not of this program's schema), FILE_*, what the sink returns. */
ERR_RESULT store_backup(struct arena *arena, const struct store_options *options, struct str temporary_path,
                        const struct store_sink *sink);

/* Makes the database at options->url, which must not hold one, from parts in any order. */
struct store_restore;
/* schema_number: of the backup, at most store_schema_number(). Errors: STORE_NOT_EMPTY, STORE_*, MIGRATION_FAILED. */
ERR_RESULT store_restore_open(struct arena *arena, const struct store_options *options, int schema_number,
                              struct store_restore **out);
/* Errors: STORE_OPEN (there is no such table), STORE_*. */
ERR_RESULT store_restore_part(struct store_restore *restore, struct str name);
ERR_RESULT store_restore_bytes(struct store_restore *restore, const void *bytes, size_t n);
/* Durable when it returns. Then store_migrate, where the schema is an older one. */
ERR_RESULT store_restore_finish(struct store_restore *restore);
/* What was not finished is undone; PostgreSQL keeps empty tables. */
void store_restore_close(struct store_restore *restore);

/* What a review of the configuration wants to know of the database. */
struct store_facts {
    struct str version; /* of SQLite, of the PostgreSQL server */
    bool remote;        /* PostgreSQL on another machine */
    bool encrypted;     /* the connection to it, by TLS */
    struct str tls_mode; /* libpq's sslmode: verify-full also looks who answers */
};
ERR_RESULT store_look(struct store *store, struct arena *arena, struct store_facts *facts);

#endif
