/* link: http */
/* Fields of a request's head, a line each: Accept-Encoding, Accept-Language, X-Forwarded-For, Authorization, If-None-Match,
 * and the tag of the answer. What is told lies inside what was sent; a tag is told only where it stands in the list. */
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "http/http_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A field of its very size, so that a sanitizer sees who reads past its end. */
static struct str next_field(struct arena *arena, struct str *rest)
{
    struct str line = rest->p ? str_cut(*rest, '\n', rest) : STR_NONE;
    return line.p ? str_copy(arena, line) : STR_NONE;
}

static bool lies_in(struct str inner, struct str outer)
{
    return inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n;
}

static void check_tag(struct arena *arena, struct str condition, struct str value)
{
    struct str bare = str_trim(value.p ? value : STR(""));
    struct str etag = str_fmt(arena, "\"%.*s\"", STR_ARG(bare));
    struct str named = head_tag_named(condition, etag);
    bool any = str_eq(str_trim(condition.p ? condition : STR("")), STR("*"));
    CHECK(!named.p || str_eq(named, etag) || lies_in(named, condition));
    CHECK(!any || str_eq(named, etag));
    /* The very tag, weak, packed, and behind another one, is found; where a comma parts it, it is none. */
    if (bare.n == 0 || memchr(bare.p, ',', bare.n) || memchr(bare.p, '\0', bare.n))
        return;
    bool looks_packed = str_ends(bare, STR(HTTP_ETAG_PACKED));
    struct str list = str_fmt(arena, "\"another\", W/\"%.*s\"", STR_ARG(bare));
    CHECK(looks_packed || head_tag_named(list, etag).p);
    list = str_fmt(arena, "\"%.*s" HTTP_ETAG_PACKED "\"", STR_ARG(bare));
    CHECK(str_eq(head_tag_named(list, etag), list));
    CHECK(!head_tag_named(str_fmt(arena, "\"x%.*s\"", STR_ARG(bare)), etag).p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new("fuzz", (size_t)1 << 28);
    struct str rest = {(const char *)data, size};
    struct str encodings = next_field(arena, &rest), languages = next_field(arena, &rest);
    struct str forwarded = next_field(arena, &rest), authorization = next_field(arena, &rest);
    struct str condition = next_field(arena, &rest), etag = next_field(arena, &rest);
    (void)head_has_word(encodings, STR("gzip"));
    CHECK(head_has_word(str_fmt(arena, "%.*s,gzip", STR_ARG(encodings)), STR("gzip")));
    CHECK(!head_has_word(STR("gzip;q=0, x"), STR("gzip")) && head_has_word(STR("br, GZIP ; q=0.5"), STR("gzip")));
    enum lang lang = head_lang(languages);
    CHECK(lang == LANG_EN || lang == LANG_ZH);
    struct str address = head_last_address(forwarded);
    CHECK(!address.p || (lies_in(address, forwarded) && address.n > 0 && address.n < HTTP_ADDRESS_BYTES));
    CHECK(!address.p || !memchr(address.p, ',', address.n));
    struct str bearer = head_bearer(authorization);
    CHECK(!bearer.p || lies_in(bearer, authorization));
    check_tag(arena, condition, etag);
    arena_free(arena);
    return 0;
}
