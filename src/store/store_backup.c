#include "store/store_backup.h"

#include "store/store_internal.h"

struct store_restore {
    const struct store_driver *driver;
    void *state; /* the driver's own */
};

int store_schema_number(void)
{
    return migration_count;
}

const struct err *store_backup(struct arena *arena, const struct store_options *options,
                               struct str temporary_path, const struct store_sink *sink)
{
    const struct store_driver *driver;
    TRY(store_driver_of(arena, options->url, &driver));
    TRY(store_check_schema(arena, driver, options));
    return driver->backup(arena, options, temporary_path, sink);
}

const struct err *store_restore_open(struct arena *arena, const struct store_options *options,
                                     int schema_number, struct store_restore **out)
{
    struct store_restore *restore = ARENA_NEW(arena, struct store_restore);
    TRY(store_driver_of(arena, options->url, &restore->driver));
    TRY(restore->driver->restore_open(arena, options, schema_number, &restore->state));
    *out = restore;
    return NULL;
}

const struct err *store_restore_part(struct store_restore *restore, struct str name)
{
    return restore->driver->restore_part(restore->state, name);
}

const struct err *store_restore_bytes(struct store_restore *restore, const void *bytes, size_t n)
{
    return restore->driver->restore_bytes(restore->state, bytes, n);
}

const struct err *store_restore_finish(struct store_restore *restore)
{
    return restore->driver->restore_finish(restore->state);
}

void store_restore_close(struct store_restore *restore)
{
    restore->driver->restore_close(restore->state);
}

const struct err *store_look(struct store *store, struct arena *arena, struct store_facts *facts)
{
    *facts = (struct store_facts){.tls_mode = STR("")};
    return store->driver->facts(store, arena, facts);
}
