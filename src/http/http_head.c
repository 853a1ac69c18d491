/* What the fields of a request's head say, each by itself. */
#include "http/http_internal.h"

bool head_has_word(struct str list, struct str word)
{
    struct str rest = list;
    while (rest.p) {
        struct str item = str_cut(rest, ',', &rest);
        struct str quality;
        item = str_trim(str_cut(item, ';', &quality));
        bool refused = quality.p && str_starts(str_trim(quality), STR("q=0")) &&
                       !str_starts(str_trim(quality), STR("q=0."));
        if (str_eq_nocase(item, word) && !refused)
            return true;
    }
    return false;
}

enum lang head_lang(struct str list)
{
    struct str rest = list;
    while (rest.p) {
        struct str item = str_trim(str_cut(rest, ',', &rest));
        if (str_starts(item, STR("zh")))
            return LANG_ZH;
        if (str_starts(item, STR("en")))
            return LANG_EN;
    }
    return LANG_EN;
}

struct str head_last_address(struct str list)
{
    struct str last = STR_NONE, rest = list;
    while (rest.p)
        last = str_trim(str_cut(rest, ',', &rest));
    return last.n > 0 && last.n < HTTP_ADDRESS_BYTES ? last : STR_NONE;
}

struct str head_bearer(struct str authorization)
{
    struct str scheme = STR("Bearer ");
    if (!str_starts(authorization, scheme))
        return STR_NONE;
    return str_trim(str_slice(authorization, scheme.n, authorization.n));
}

struct str head_tag_named(struct str condition, struct str etag)
{
    struct str rest = condition, bare = str_slice(etag, 1, etag.n - 1);
    while (rest.p) {
        struct str item = str_trim(str_cut(rest, ',', &rest));
        if (str_eq(item, STR("*")))
            return etag;
        if (str_starts(item, STR("W/")))
            item = str_slice(item, STR("W/").n, item.n);
        struct str inner = item.n >= 2 ? str_slice(item, 1, item.n - 1) : STR("");
        if (str_ends(inner, STR(HTTP_ETAG_PACKED)))
            inner = str_slice(inner, 0, inner.n - STR(HTTP_ETAG_PACKED).n);
        if (inner.n > 0 && str_eq(inner, bare))
            return item;
    }
    return STR_NONE;
}
