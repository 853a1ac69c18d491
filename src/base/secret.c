#include "base/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
_Static_assert(SECRET_SEAL_OVERHEAD == NONCE_BYTES + TAG_BYTES, "overhead of a sealed text");
_Static_assert(SECRET_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "size of a key");
_Static_assert(SECRET_KEY_BYTES == crypto_kdf_KEYBYTES, "size of the master key");
_Static_assert(SECRET_HASH_BYTES >= crypto_generichash_BYTES_MIN, "size of a hash");

/* Numbers of the keys made from the master key. Never reused: data in stores depends on them. */
#define KEY_CONTEXT "huitou_1"
#define KEY_NUMBER_WRAP 1
#define KEY_NUMBER_LOOKUP 2
#define KEY_NUMBER_FACT 3

struct keyring {
    uint8_t wrap[SECRET_KEY_BYTES];
    uint8_t lookup[crypto_generichash_KEYBYTES];
    uint8_t fact[crypto_shorthash_KEYBYTES];
};

struct secret_stream_hash {
    crypto_generichash_state state;
};

static const unsigned char *bytes_of(struct str s)
{
    return (const unsigned char *)s.p;
}

void secret_init(void)
{
    int result = sodium_init();
    CHECK(result >= 0);
}

void secret_random(void *bytes, size_t n)
{
    randombytes_buf(bytes, n);
}

void secret_forget(void *bytes, size_t n)
{
    sodium_memzero(bytes, n);
}

static void keyring_forget(void *keys)
{
    sodium_memzero(keys, sizeof(struct keyring));
}

static void derive(const uint8_t *master, uint64_t number, uint8_t *key, size_t key_bytes)
{
    int failed = crypto_kdf_derive_from_key(key, key_bytes, number, KEY_CONTEXT, master);
    CHECK(failed == 0);
}

struct keyring *keyring_new(struct arena *arena, const uint8_t master[SECRET_KEY_BYTES])
{
    struct keyring *keys = ARENA_NEW(arena, struct keyring);
    arena_defer(arena, keyring_forget, keys);
    derive(master, KEY_NUMBER_WRAP, keys->wrap, sizeof keys->wrap);
    derive(master, KEY_NUMBER_LOOKUP, keys->lookup, sizeof keys->lookup);
    derive(master, KEY_NUMBER_FACT, keys->fact, sizeof keys->fact);
    return keys;
}

void secret_lookup_hash(const struct keyring *keys, struct str domain, struct str value,
                        uint8_t out[SECRET_HASH_BYTES])
{
    /* A NUL ends the domain, so that no domain and value run into another pair. */
    CHECK(domain.n > 0 && memchr(domain.p, '\0', domain.n) == NULL);
    static const unsigned char end[1] = {0};
    crypto_generichash_state state;
    crypto_generichash_init(&state, keys->lookup, sizeof keys->lookup, SECRET_HASH_BYTES);
    crypto_generichash_update(&state, bytes_of(domain), domain.n);
    crypto_generichash_update(&state, end, sizeof end);
    crypto_generichash_update(&state, bytes_of(value), value.n);
    crypto_generichash_final(&state, out, SECRET_HASH_BYTES);
}

void secret_content_hash(struct str bytes, uint8_t out[SECRET_HASH_BYTES])
{
    crypto_generichash(out, SECRET_HASH_BYTES, bytes_of(bytes), bytes.n, NULL, 0);
}

struct secret_stream_hash *secret_stream_new(struct arena *arena)
{
    /* The state wants to lie on a boundary that is wider than what the arena gives. */
    size_t alignment = _Alignof(struct secret_stream_hash);
    uintptr_t p = (uintptr_t)arena_alloc(arena, sizeof(struct secret_stream_hash) + alignment);
    p = (p + alignment - 1) / alignment * alignment;
    struct secret_stream_hash *hash = (struct secret_stream_hash *)p;
    crypto_generichash_init(&hash->state, NULL, 0, SECRET_HASH_BYTES);
    return hash;
}

void secret_stream_add(struct secret_stream_hash *hash, const void *bytes, size_t n)
{
    crypto_generichash_update(&hash->state, bytes, n);
}

void secret_stream_end(struct secret_stream_hash *hash, uint8_t out[SECRET_HASH_BYTES])
{
    crypto_generichash_final(&hash->state, out, SECRET_HASH_BYTES);
}

/* --- SHA-256 --- */

struct secret_sha256 {
    crypto_hash_sha256_state state;
};

struct secret_sha256 *secret_sha256_new(struct arena *arena)
{
    struct secret_sha256 *hash = ARENA_NEW(arena, struct secret_sha256);
    crypto_hash_sha256_init(&hash->state);
    return hash;
}

void secret_sha256_add(struct secret_sha256 *hash, const void *bytes, size_t n)
{
    crypto_hash_sha256_update(&hash->state, bytes, n);
}

void secret_sha256_end(struct secret_sha256 *hash, uint8_t out[SECRET_SHA256_BYTES])
{
    crypto_hash_sha256_final(&hash->state, out);
}

int64_t secret_fact_number(const struct keyring *keys, struct str fact_bytes)
{
    unsigned char hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, bytes_of(fact_bytes), fact_bytes.n, keys->fact);
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof hash; i++)
        number |= (uint64_t)hash[i] << (8 * i);
    return (int64_t)(number % (uint64_t)FACT_SUM_MODULUS);
}

struct str secret_seal(struct arena *arena, const uint8_t key[SECRET_KEY_BYTES], struct str context,
                       struct str plain)
{
    CHECK(plain.n <= SIZE_MAX - SECRET_SEAL_OVERHEAD);
    unsigned char *sealed = arena_alloc(arena, plain.n + SECRET_SEAL_OVERHEAD);
    /* 192 random bits never meet again: a nonce needs no counter. */
    randombytes_buf(sealed, NONCE_BYTES);
    unsigned long long n;
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE_BYTES, &n, bytes_of(plain), plain.n,
                                               bytes_of(context), context.n, NULL, sealed, key);
    CHECK(n + NONCE_BYTES == plain.n + SECRET_SEAL_OVERHEAD);
    return (struct str){(const char *)sealed, plain.n + SECRET_SEAL_OVERHEAD};
}

/* Decrypts into plain, which has room for sealed.n - SECRET_SEAL_OVERHEAD bytes. */
static bool unseal(const uint8_t *key, struct str context, struct str sealed, unsigned char *plain)
{
    const unsigned char *p = bytes_of(sealed);
    return crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, p + NONCE_BYTES,
                                                      sealed.n - NONCE_BYTES, bytes_of(context),
                                                      context.n, p, key) == 0;
}

const struct err *secret_open(struct arena *arena, const uint8_t key[SECRET_KEY_BYTES],
                              struct str context, struct str sealed, struct str *plain)
{
    if (sealed.n < SECRET_SEAL_OVERHEAD)
        return ERR_NEW(arena, ERR_SECRET_OPEN, context);
    size_t n = sealed.n - SECRET_SEAL_OVERHEAD;
    unsigned char *bytes = arena_alloc(arena, n);
    if (!unseal(key, context, sealed, bytes))
        return ERR_NEW(arena, ERR_SECRET_OPEN, context);
    *plain = (struct str){(const char *)bytes, n};
    return NULL;
}

/* What a wrapped data key is bound to: opened for another customer, it fails. */
static struct str data_key_context(struct arena *arena, int64_t customer_id)
{
    return str_fmt(arena, "customer %lld", (long long)customer_id);
}

struct str secret_data_key_new(struct arena *arena, const struct keyring *keys, int64_t customer_id,
                               uint8_t out[SECRET_KEY_BYTES])
{
    uint8_t key[SECRET_KEY_BYTES];
    randombytes_buf(key, sizeof key);
    struct str plain = {(const char *)key, sizeof key};
    struct str wrapped =
        secret_seal(arena, keys->wrap, data_key_context(arena, customer_id), plain);
    if (out)
        memcpy(out, key, sizeof key);
    sodium_memzero(key, sizeof key);
    return wrapped;
}

const struct err *secret_data_key_open(struct arena *arena, const struct keyring *keys,
                                       int64_t customer_id, struct str wrapped,
                                       uint8_t out[SECRET_KEY_BYTES])
{
    struct str context = data_key_context(arena, customer_id);
    if (wrapped.n != SECRET_KEY_BYTES + SECRET_SEAL_OVERHEAD ||
        !unseal(keys->wrap, context, wrapped, out))
        return ERR_NEW(arena, ERR_SECRET_OPEN, context);
    return NULL;
}

/* --- Passwords and tokens --- */

struct str secret_password_hash(struct arena *arena, struct str password)
{
    char hash[crypto_pwhash_STRBYTES];
    int failed =
        crypto_pwhash_str_alg(hash, password.p, password.n, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                              crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13);
    if (failed)
        memory_refused("password hash", crypto_pwhash_MEMLIMIT_INTERACTIVE);
    return str_copy(arena, str_c(hash));
}

bool secret_password_fits(struct str password, struct str hash)
{
    char text[crypto_pwhash_STRBYTES] = {0};
    if (hash.n >= sizeof(text))
        return false;
    memcpy(text, hash.p, hash.n);
    bool fits = crypto_pwhash_str_verify(text, password.p, password.n) == 0;
    return fits;
}

struct str secret_token(struct arena *arena, struct str prefix)
{
    uint8_t random[SECRET_KEY_BYTES];
    char
        text[sodium_base64_ENCODED_LEN(SECRET_KEY_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    secret_random(random, sizeof(random));
    sodium_bin2base64(text, sizeof(text), random, sizeof(random),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return str_fmt(arena, "%.*s%s", STR_ARG(prefix), text);
}

/* --- What a passphrase locks --- */

#define LOCKED_HEAD "huitou-locked 1 "
#define LOCKED_PASSES_MAX 16
#define LOCKED_KIB_MAX (1024 * 1024)
#define LOCKED_CONTEXT STR("huitou locked by a passphrase")

static bool key_of_passphrase(struct str passphrase, const uint8_t *salt, int64_t passes,
                              int64_t kib, uint8_t key[SECRET_KEY_BYTES])
{
    return crypto_pwhash(key, SECRET_KEY_BYTES, passphrase.p, passphrase.n, salt,
                         (unsigned long long)passes, (size_t)kib * 1024,
                         crypto_pwhash_ALG_ARGON2ID13) == 0;
}

static void add_hex(struct buf *text, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_fmt(text, "%02x", ((const unsigned char *)bytes)[i]);
}

struct str secret_lock(struct arena *arena, struct str passphrase, struct str plain)
{
    uint8_t salt[crypto_pwhash_SALTBYTES], key[SECRET_KEY_BYTES];
    const int64_t passes = crypto_pwhash_OPSLIMIT_MODERATE;
    const int64_t kib = crypto_pwhash_MEMLIMIT_MODERATE / 1024;
    secret_random(salt, sizeof(salt));
    if (!key_of_passphrase(passphrase, salt, passes, kib, key))
        memory_refused("key of a passphrase", crypto_pwhash_MEMLIMIT_MODERATE);
    struct str sealed = secret_seal(arena, key, LOCKED_CONTEXT, plain);
    sodium_memzero(key, sizeof(key));
    struct buf text = buf_new(arena, 4 * sealed.n + 1024);
    buf_fmt(&text, LOCKED_HEAD "%lld %lld ", (long long)passes, (long long)kib);
    add_hex(&text, salt, sizeof(salt));
    buf_char(&text, ' ');
    add_hex(&text, sealed.p, sealed.n);
    buf_char(&text, '\n');
    return buf_view(&text);
}

struct locked {
    int64_t passes, kib;
    uint8_t salt[crypto_pwhash_SALTBYTES];
    struct str sealed;
};

static bool read_hex(struct str hex, unsigned char *out, size_t n)
{
    size_t read = 0;
    return hex.n == 2 * n && sodium_hex2bin(out, n, hex.p, hex.n, NULL, &read, NULL) == 0 &&
           read == n;
}

static bool read_locked(struct arena *arena, struct str text, struct locked *locked)
{
    struct str rest = text;
    if (!str_starts(text, STR(LOCKED_HEAD)))
        return false;
    rest = str_trim(str_slice(text, strlen(LOCKED_HEAD), text.n));
    struct str passes = str_cut(rest, ' ', &rest), kib = str_cut(rest, ' ', &rest);
    struct str salt = str_cut(rest, ' ', &rest);
    unsigned char *sealed = arena_alloc(arena, rest.n / 2 + 1);
    locked->sealed = (struct str){(const char *)sealed, rest.n / 2};
    return str_to_i64(passes, &locked->passes) && str_to_i64(kib, &locked->kib) &&
           locked->passes >= 1 && locked->passes <= LOCKED_PASSES_MAX && locked->kib >= 8 &&
           locked->kib <= LOCKED_KIB_MAX && read_hex(salt, locked->salt, sizeof(locked->salt)) &&
           read_hex(rest, sealed, rest.n / 2);
}

const struct err *secret_unlock(struct arena *arena, struct str passphrase, struct str text,
                                struct str *plain)
{
    struct locked locked;
    uint8_t key[SECRET_KEY_BYTES];
    if (!read_locked(arena, text, &locked))
        return ERR_NEW(arena, ERR_SECRET_PASSPHRASE, STR_NONE);
    if (!key_of_passphrase(passphrase, locked.salt, locked.passes, locked.kib, key))
        memory_refused("key of a passphrase", (size_t)locked.kib * 1024);
    const struct err *err = secret_open(arena, key, LOCKED_CONTEXT, locked.sealed, plain);
    sodium_memzero(key, sizeof(key));
    return err ? ERR_NEW(arena, ERR_SECRET_PASSPHRASE, STR_NONE) : NULL;
}

bool secret_equal(struct str a, struct str b)
{
    return a.n == b.n && sodium_memcmp(a.p, b.p, a.n) == 0;
}
