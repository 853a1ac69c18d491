/* Identities and names as values: kinds, normal forms, keyed hashes, masks. Pure. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "room/customer/customer_part.h"

static const char *const kind_names[IDENTITY_KIND_MAX] = {
#define IDENTITY(code, name, number) [IDENTITY_##code] = (name),
    IDENTITY_TABLE(IDENTITY)
#undef IDENTITY
};

const char *identity_kind_name(enum identity_kind kind)
{
    CHECK(kind > IDENTITY_NONE && kind < IDENTITY_KIND_MAX);
    return kind_names[kind];
}

enum identity_kind identity_kind_by_name(struct str name)
{
    for (int kind = IDENTITY_NONE + 1; kind < IDENTITY_KIND_MAX; kind++) {
        if (str_eq(name, str_c(kind_names[kind])))
            return (enum identity_kind)kind;
    }
    return IDENTITY_NONE;
}

/* --- Normal forms --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_chinese_mobile(const char *digits, size_t n)
{
    return n == 11 && digits[0] == '1' && digits[1] >= '3';
}

/* The digits without a Chinese country code, where a Chinese mobile follows it. */
static struct str without_86(struct str digits)
{
    static const struct str codes[] = {STR_INIT("86"), STR_INIT("+86"), STR_INIT("0086")};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (!str_starts(digits, codes[i]))
            continue;
        struct str rest = str_slice(digits, codes[i].n, digits.n);
        if (is_chinese_mobile(rest.p, rest.n))
            return rest;
    }
    return digits;
}

static bool normalise_phone(struct arena *arena, struct str text, struct str *value)
{
    if (str_ends(text, STR(".0"))) /* a number that went through a spreadsheet */
        text = str_slice(text, 0, text.n - 2);
    char *out = arena_alloc(arena, text.n + 1);
    size_t n = 0, digit_count = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (is_digit(c)) {
            out[n++] = c;
            digit_count++;
        } else if (c == '+' && n == 0) {
            out[n++] = c;
        } else if (!strchr(" -.()", c) || c == '\0') {
            return false;
        }
    }
    if (digit_count < 5 || digit_count > 15)
        return false;
    *value = without_86((struct str){out, n});
    return true;
}

static struct str lower_ascii(struct arena *arena, struct str text)
{
    char *out = arena_alloc(arena, text.n + 1);
    for (size_t i = 0; i < text.n; i++)
        out[i] = text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] + 32) : text.p[i];
    return (struct str){out, text.n};
}

static bool normalise_email(struct arena *arena, struct str text, struct str *value)
{
    const char *at = memchr(text.p, '@', text.n);
    if (!at || at == text.p || at + 1 == text.p + text.n)
        return false;
    size_t after = text.n - (size_t)(at + 1 - text.p);
    if (memchr(at + 1, '@', after) || memchr(text.p, ' ', text.n))
        return false;
    *value = lower_ascii(arena, text);
    return true;
}

bool identity_normalise(struct arena *arena, enum identity_kind kind, struct str raw,
                        struct str *value)
{
    if (!str_is(raw))
        return false;
    struct str text = str_trim(raw);
    if (!str_is(text) || text.n > LIMIT_IDENTITY_BYTES_MAX || memchr(text.p, '*', text.n))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    }
    if (!str_is_utf8(text))
        return false;
    if (kind == IDENTITY_PHONE)
        return normalise_phone(arena, text, value);
    if (kind == IDENTITY_EMAIL)
        return normalise_email(arena, text, value);
    *value = str_copy(arena, text);
    return true;
}

/* --- Keyed hashes --- */

void identity_hash(const struct keyring *keys, const struct identity_value *identity,
                   uint8_t out[SECRET_HASH_BYTES])
{
    /* issuer, a zero byte, value: both may hold any other byte */
    char text[LIMIT_NAME_BYTES_MAX + 1 + LIMIT_IDENTITY_BYTES_MAX];
    size_t issuer_n = str_is(identity->issuer) ? identity->issuer.n : 0;
    CHECK(issuer_n <= LIMIT_NAME_BYTES_MAX && identity->value.n <= LIMIT_IDENTITY_BYTES_MAX);
    if (issuer_n > 0)
        memcpy(text, identity->issuer.p, issuer_n);
    text[issuer_n] = '\0';
    memcpy(text + issuer_n + 1, identity->value.p, identity->value.n);
    char domain[40];
    snprintf(domain, sizeof(domain), "identity.%s", identity_kind_name(identity->kind));
    secret_lookup_hash(keys, str_c(domain), (struct str){text, issuer_n + 1 + identity->value.n},
                       out);
}

/* Bytes of the first `characters` code points; fewer where the text is shorter. */
static size_t prefix_bytes(struct str text, size_t characters)
{
    size_t i = 0;
    while (i < text.n && characters > 0) {
        i++;
        while (i < text.n && ((unsigned char)text.p[i] & 0xc0) == 0x80)
            i++;
        characters--;
    }
    return i;
}

size_t customer_name_characters(struct str name)
{
    size_t count = 0;
    for (size_t i = 0; i < name.n; i++)
        count += ((unsigned char)name.p[i] & 0xc0) != 0x80;
    return count;
}

struct str customer_name_tidy(struct str name)
{
    if (!str_is(name))
        return STR_NONE;
    struct str tidy = str_trim(name);
    if (!str_is(tidy))
        return STR_NONE;
    if (tidy.n <= LIMIT_NAME_BYTES_MAX)
        return tidy;
    size_t n = LIMIT_NAME_BYTES_MAX;
    while (n > 0 && ((unsigned char)tidy.p[n] & 0xc0) == 0x80)
        n--;
    return str_slice(tidy, 0, n);
}

void customer_name_hash(struct arena *arena, const struct keyring *keys, int kind, struct str name,
                        uint8_t out[SECRET_HASH_BYTES])
{
    struct str text = kind == 0 ? name : str_slice(name, 0, prefix_bytes(name, (size_t)kind));
    struct arena_mark mark = arena_mark(arena);
    secret_lookup_hash(keys, str_fmt(arena, "customer.name.%d", kind), lower_ascii(arena, text),
                       out);
    arena_rewind(arena, mark);
}

int customer_name_keys(struct arena *arena, const struct keyring *keys, struct str name,
                       struct customer_name_key out[CUSTOMER_NAME_PREFIX_MAX + 1])
{
    int last = CUSTOMER_NAME_PREFIX_MAX;
    if (customer_name_characters(name) < CUSTOMER_NAME_PREFIX_MAX)
        last = (int)customer_name_characters(name);
    for (int kind = 0; kind <= last; kind++) {
        out[kind].kind = kind;
        customer_name_hash(arena, keys, kind, name, out[kind].hash);
    }
    return last + 1;
}

/* --- Masks --- */

static struct str masked(struct arena *arena, struct str value, size_t front_bytes,
                         size_t back_bytes, size_t hidden)
{
    static const char stars[] = "****";
    size_t star_count = hidden < 4 ? hidden : 4;
    return str_fmt(arena, "%.*s%.*s%.*s", (int)front_bytes, value.p, (int)star_count, stars,
                   (int)back_bytes, value.p + value.n - back_bytes);
}

struct str identity_mask(struct arena *arena, enum identity_kind kind, struct str value)
{
    if (!str_is(value))
        return value;
    if (kind == IDENTITY_PHONE) {
        size_t n = value.n < 11 ? value.n : 11;
        size_t front = n * 3 / 11,
               back = n * 4 / 11; /* 3 and 4 of a mobile's 11, fewer of a shorter number */
        return masked(arena, value, front, back, value.n - front - back);
    }
    const char *at = kind == IDENTITY_EMAIL ? memchr(value.p, '@', value.n) : NULL;
    if (at)
        return masked(arena, value, prefix_bytes(value, 1), value.n - (size_t)(at - value.p), 3);
    size_t characters = customer_name_characters(value);
    size_t front = characters >= 2 ? 1 : 0;
    size_t back = characters >= 6 ? 2 : characters >= 4 ? 1 : 0;
    size_t back_bytes = value.n - prefix_bytes(value, characters - back);
    return masked(arena, value, prefix_bytes(value, front), back_bytes, characters - front - back);
}

struct str customer_name_mask(struct arena *arena, struct str name)
{
    if (!str_is(name))
        return name;
    size_t characters = customer_name_characters(name);
    if (characters < 2)
        return STR("*");
    return masked(arena, name, prefix_bytes(name, 1), 0, characters < 3 ? 1 : 2);
}
