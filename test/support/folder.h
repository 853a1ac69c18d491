/* A folder of a test program's own under /tmp, and an arena as cmocka's state: setup and teardown of a group whose tests
 * write files. The file "t" goes with the folder; anything else that is left there fails the teardown. Behind cmocka.h. */
#ifndef HUITOU_TEST_SUPPORT_FOLDER_H
#define HUITOU_TEST_SUPPORT_FOLDER_H

#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/secret.h"
#include "codec/file.h"

static char folder[] = "/tmp/huitou_test.XXXXXX";

static inline int folder_open(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    secret_init();
    *state = arena_new("test", (size_t)1 << 30);
    return 0;
}

static inline struct str folder_path(struct arena *arena, const char *name)
{
    return str_fmt(arena, "%s/%s", folder, name);
}

static inline int folder_close(void **state)
{
    unlink(str_z(*state, folder_path(*state, "t")));
    arena_free(*state);
    return rmdir(folder);
}

/* Writes the file "t" anew; its path. */
static inline struct str folder_put(struct arena *arena, struct str content)
{
    struct str path = folder_path(arena, "t");
    assert_null(file_write(arena, path, content, 0600));
    return path;
}

#endif
