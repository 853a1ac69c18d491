/* link: room_customer */
/* Lines of a log of erasures that came with a backup: read or refused; what was read is written and reads back the same. */
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/customer/customer_erasure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct erasure_entry *a, const struct erasure_entry *b)
{
    CHECK(a->erasure_id == b->erasure_id && a->customer_id == b->customer_id && a->erased_at_us == b->erased_at_us);
    CHECK(str_eq(a->by, b->by) && a->birth_count == b->birth_count && a->identity_count == b->identity_count);
    for (size_t i = 0; i < a->birth_count; i++)
        CHECK(a->births[i] == b->births[i] && a->births[i] > 0);
    for (size_t i = 0; i < a->identity_count; i++) {
        CHECK(a->identities[i].kind == b->identities[i].kind && a->identities[i].kind > IDENTITY_NONE &&
              a->identities[i].kind < IDENTITY_KIND_MAX);
        CHECK(memcmp(a->identities[i].hash, b->identities[i].hash, SECRET_HASH_BYTES) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new("fuzz", (size_t)1 << 28);
    struct str line, rest = {(const char *)data, size};
    while (rest.p) {
        struct erasure_entry entry, again;
        line = str_copy(arena, str_cut(rest, '\n', &rest));
        if (!erasure_line_read(arena, line, &entry))
            continue;
        struct str written = erasure_line_write(arena, &entry);
        CHECK(written.n > 2 && written.p[0] == '\n' && written.p[written.n - 1] == '\n');
        CHECK(erasure_line_read(arena, str_slice(written, 1, written.n - 1), &again));
        check_same(&entry, &again);
    }
    arena_free(arena);
    return 0;
}
