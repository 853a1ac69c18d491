/* link: base */
/* The locked master key as it lies in a backup: opened by its passphrase only, or refused. What would take long to derive is
 * left out here: the numbers that say how long are bounded by secret_unlock itself. */
#include "base/arena.h"
#include "base/check.h"
#include "base/secret.h"

#define KIB_MAX 64
#define PASSES_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "huitou-locked 1 PASSES KIB SALT SEALED" with numbers that are quick; or nothing that would be derived at all. */
static bool is_quick(struct str text)
{
    struct str head = STR("huitou-locked 1");
    int64_t passes = 0, kib = 0;
    struct str rest = str_trim(text);
    if (!str_starts(text, head))
        return true;
    rest = str_trim(str_slice(text, head.n, text.n));
    bool read = str_to_i64(str_cut(rest, ' ', &rest), &passes) && str_to_i64(str_cut(rest, ' ', &rest), &kib);
    return !read || (passes <= PASSES_MAX && kib <= KIB_MAX) || passes > 1000 || kib > (int64_t)64 << 20;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new("fuzz", (size_t)1 << 28);
    struct str plain, text = str_copy(arena, (struct str){(const char *)data, size});
    secret_init();
    if (is_quick(text)) {
        const struct err *err = secret_unlock(arena, STR("correct horse battery"), text, &plain);
        /* Nobody makes up a text that a key opens (XChaCha20-Poly1305). */
        CHECK(err && err->code == ERR_SECRET_PASSPHRASE);
        CHECK(err_text(arena, err, LANG_ZH).n > 0);
    }
    arena_free(arena);
    return 0;
}
