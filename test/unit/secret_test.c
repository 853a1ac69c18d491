/* link: base */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sodium.h>

#include "base/arena.h"
#include "base/secret.h"

static struct arena *arena;
static struct keyring *keys, *other_keys;

static int setup(void **state)
{
    (void)state;
    arena = arena_new("test", (size_t)64 << 20);
    secret_init();
    uint8_t master[SECRET_KEY_BYTES];
    for (int i = 0; i < SECRET_KEY_BYTES; i++)
        master[i] = (uint8_t)i;
    keys = keyring_new(arena, master);
    master[31] ^= 1;
    other_keys = keyring_new(arena, master);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void assert_bytes(const uint8_t *bytes, size_t n, const char *hex)
{
    char text[129];
    assert_true(n <= 64);
    sodium_bin2hex(text, sizeof text, bytes, n);
    assert_string_equal(text, hex);
}

/* Expected: `b2sum -l 128` of coreutils, which has a BLAKE2b of its own. */
static void test_content_hash(void **state)
{
    (void)state;
    uint8_t hash[SECRET_HASH_BYTES];
    secret_content_hash(STR(""), hash);
    assert_bytes(hash, sizeof hash, "cae66941d9efbd404e4d88758ea67670");
    secret_content_hash(STR_NONE, hash);
    assert_bytes(hash, sizeof hash, "cae66941d9efbd404e4d88758ea67670");
    secret_content_hash(STR("abc"), hash);
    assert_bytes(hash, sizeof hash, "cf4ab791c62b8d2b2109c90275287816");
}

static void test_stream_hash_is_the_same(void **state)
{
    (void)state;
    static char bytes[100000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * i >> 3);
    for (size_t step = 1; step < sizeof bytes; step = step * 3 + 1) {
        struct secret_stream_hash *stream = secret_stream_new(arena);
        for (size_t at = 0; at < sizeof bytes; at += step)
            secret_stream_add(stream, bytes + at,
                              sizeof bytes - at < step ? sizeof bytes - at : step);
        uint8_t hash[SECRET_HASH_BYTES], expected[SECRET_HASH_BYTES];
        secret_stream_end(stream, hash);
        secret_content_hash((struct str){bytes, sizeof bytes}, expected);
        assert_memory_equal(hash, expected, sizeof hash);
    }
}

/* The master key's bytes are 0 to 31. Expected: Python 3's hashlib.blake2b, see each comment. */
static void test_lookup_hash(void **state)
{
    (void)state;
    uint8_t hash[SECRET_HASH_BYTES], again[SECRET_HASH_BYTES];
    secret_lookup_hash(keys, STR("identity.phone"), STR("13800138000"), hash);
    /* k = blake2b(b"", digest_size=32, key=bytes(range(32)), salt=(2).to_bytes(16, "little"),
     *             person=b"huitou_1".ljust(16, b"\0")).digest()       libsodium's crypto_kdf
     * blake2b(b"identity.phone\0" + b"13800138000", digest_size=16, key=k).hexdigest() */
    assert_bytes(hash, sizeof hash, "d620dc94c2dd894c72158283c8565bfb");
    secret_lookup_hash(keys, STR("identity.phone"), STR("13800138000"), again);
    assert_memory_equal(hash, again, sizeof hash);
    /* Another domain, another value, another key: another hash. */
    secret_lookup_hash(keys, STR("identity.email"), STR("13800138000"), again);
    assert_memory_not_equal(hash, again, sizeof hash);
    secret_lookup_hash(keys, STR("identity.phone"), STR("13800138001"), again);
    assert_memory_not_equal(hash, again, sizeof hash);
    secret_lookup_hash(other_keys, STR("identity.phone"), STR("13800138000"), again);
    assert_memory_not_equal(hash, again, sizeof hash);
    /* Bytes do not wander between domain and value. */
    secret_lookup_hash(keys, STR("identity.phone1"), STR("3800138000"), again);
    assert_memory_not_equal(hash, again, sizeof hash);
}

static void test_fact_number(void **state)
{
    (void)state;
    /* The key as above, with number 3 and digest_size=16; the number by a SipHash-2-4 in Python,
     * modulo 2^62. */
    assert_true(secret_fact_number(keys, STR("fact")) == INT64_C(1545678965597569805));
    int64_t bits = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t number = secret_fact_number(keys, str_fmt(arena, "fact %d", i));
        assert_true(number >= 0 && number < FACT_SUM_MODULUS);
        assert_true(number != secret_fact_number(keys, str_fmt(arena, "fact %d", i + 1)));
        assert_true(number != secret_fact_number(other_keys, str_fmt(arena, "fact %d", i)));
        bits |= number;
    }
    assert_true(bits == FACT_SUM_MODULUS - 1);
}

static void assert_does_not_open(const uint8_t *key, struct str context, struct str sealed)
{
    struct str plain = STR_NONE;
    const struct err *err = secret_open(arena, key, context, sealed, &plain);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_SECRET_OPEN);
    assert_null(plain.p);
}

static void test_seal_and_open(void **state)
{
    (void)state;
    uint8_t key[SECRET_KEY_BYTES];
    secret_random(key, sizeof key);
    struct str texts[] = {STR(""), STR("张三"), STR("with a \0 in it")};
    struct str context = STR("customer.name");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct str sealed = secret_seal(arena, key, context, texts[i]);
        assert_int_equal(sealed.n, texts[i].n + SECRET_SEAL_OVERHEAD);
        struct str plain;
        assert_null(secret_open(arena, key, context, sealed, &plain));
        assert_non_null(plain.p);
        assert_true(str_eq(plain, texts[i]));
        /* The same text never looks the same twice. */
        assert_false(str_eq(secret_seal(arena, key, context, texts[i]), sealed));
        for (size_t bit = 0; bit < sealed.n * 8; bit++) {
            struct str altered = str_copy(arena, sealed);
            char *bytes = arena_alloc(arena, sealed.n);
            memcpy(bytes, sealed.p, sealed.n);
            bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
            altered.p = bytes;
            assert_does_not_open(key, context, altered);
        }
        for (size_t n = 0; n < sealed.n; n++)
            assert_does_not_open(key, context, str_slice(sealed, 0, n));
        assert_does_not_open(key, STR("customer.phone"), sealed);
        assert_does_not_open(key, STR(""), sealed);
        key[5] ^= 0x10;
        assert_does_not_open(key, context, sealed);
        key[5] ^= 0x10;
    }
    assert_does_not_open(key, context, STR_NONE);
}

/* What another library sealed by the same standard opens here. Expected bytes:
 * draft-irtf-cfrg-xchacha-03, appendix A.3.1; the context is the draft's additional data. */
static void test_open_standard_vector(void **state)
{
    (void)state;
    static const char nonce_cipher_tag[] =
        "404142434445464748494a4b4c4d4e4f5051525354555657"
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
        "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
        "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
        "21f9664c97637da9768812f615c68b13b52e"
        "c0875924c1c7987947deafd8780acf49";
    uint8_t key[SECRET_KEY_BYTES], sealed[200];
    for (int i = 0; i < SECRET_KEY_BYTES; i++)
        key[i] = (uint8_t)(0x80 + i);
    size_t n;
    assert_int_equal(sodium_hex2bin(sealed, sizeof sealed, nonce_cipher_tag,
                                    strlen(nonce_cipher_tag), NULL, &n, NULL),
                     0);
    struct str plain;
    assert_null(secret_open(arena, key, STR("\x50\x51\x52\x53\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7"),
                            (struct str){(const char *)sealed, n}, &plain));
    assert_true(str_eq(plain, STR("Ladies and Gentlemen of the class of '99: If I could offer you "
                                  "only one tip for the future, sunscreen would be it.")));
}

static void test_data_keys(void **state)
{
    (void)state;
    struct str wrapped = secret_data_key_new(arena, keys, 42, NULL);
    uint8_t key[SECRET_KEY_BYTES], again[SECRET_KEY_BYTES], other[SECRET_KEY_BYTES];
    assert_null(secret_data_key_open(arena, keys, 42, wrapped, key));
    assert_null(secret_data_key_open(arena, keys, 42, wrapped, again));
    assert_memory_equal(key, again, sizeof key);
    assert_null(secret_data_key_open(arena, keys, 42, secret_data_key_new(arena, keys, 42, NULL), other));
    assert_memory_not_equal(key, other, sizeof key);
    const struct err *err = secret_data_key_open(arena, keys, 43, wrapped, again);
    assert_int_equal(err->code, ERR_SECRET_OPEN);
    err = secret_data_key_open(arena, other_keys, 42, wrapped, again);
    assert_int_equal(err->code, ERR_SECRET_OPEN);
    err = secret_data_key_open(arena, keys, 42, str_slice(wrapped, 0, wrapped.n - 1), again);
    assert_int_equal(err->code, ERR_SECRET_OPEN);
    err = secret_data_key_open(arena, keys, 42, STR_NONE, again);
    assert_int_equal(err->code, ERR_SECRET_OPEN);
    char *longer = arena_alloc(arena, wrapped.n + 1);
    memcpy(longer, wrapped.p, wrapped.n);
    err = secret_data_key_open(arena, keys, 42, (struct str){longer, wrapped.n + 1}, again);
    assert_int_equal(err->code, ERR_SECRET_OPEN);
}

/* FIPS 180-4's own example: "abc". */
static void sha256_of_abc(void **state)
{
    static const uint8_t expected[SECRET_SHA256_BYTES] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
        0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    (void)state;
    struct arena *own = arena_new("test", 1 << 20);
    struct secret_sha256 *hash = secret_sha256_new(own);
    uint8_t out[SECRET_SHA256_BYTES];
    secret_sha256_add(hash, "a", 1);
    secret_sha256_add(hash, "bc", 2);
    secret_sha256_end(hash, out);
    assert_memory_equal(out, expected, sizeof(out));
    arena_free(own);
}

static void a_passphrase_locks(void **state)
{
    (void)state;
    struct arena *own = arena_new("test", 1 << 20);
    struct str words = STR("correct horse battery staple"), plain = STR("\x00\x01secret"), out;
    struct str locked = secret_lock(own, words, plain), again = secret_lock(own, words, plain);
    assert_false(str_eq(locked, again)); /* a salt of its own */
    assert_null(strstr(str_z(own, locked), "secret"));
    assert_null(secret_unlock(own, words, locked, &out));
    assert_true(str_eq(out, plain));
    const struct err *err = secret_unlock(own, STR("correct horse battery stapler"), locked, &out);
    assert_non_null(err);
    assert_int_equal(err->code, ERR_SECRET_PASSPHRASE);
    /* Limits that would take the machine, other words, a digit changed, cut off. */
    char *bytes = arena_alloc(own, locked.n);
    memcpy(bytes, locked.p, locked.n);
    bytes[locked.n - 5] = bytes[locked.n - 5] == '0' ? '1' : '0';
    const struct str bad[] = {STR("huitou-locked 1 3 99999999 00 00\n"), STR("huitou-locked 2 3 262144 00 00\n"), STR(""),
                              STR("x"), {bytes, locked.n}, {locked.p, locked.n / 2}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err = secret_unlock(own, words, bad[i], &out);
        assert_non_null(err);
        assert_int_equal(err->code, ERR_SECRET_PASSPHRASE);
    }
    arena_free(own);
}

/* Argon2id of 64 MiB and two passes ("interactive" in libsodium's documentation), in the form of the PHC string format. */
static void passwords_are_hashed(void **state)
{
    (void)state;
    struct arena *own = arena_new("test", 1 << 20);
    struct str password = STR("a long sentence about tea");
    struct str hash = secret_password_hash(own, password), again = secret_password_hash(own, password);
    assert_true(str_starts(hash, STR("$argon2id$v=19$m=65536,t=2,p=1$")));
    assert_false(str_eq(hash, again)); /* a salt of its own */
    assert_true(secret_password_fits(password, hash) && secret_password_fits(password, again));
    assert_false(secret_password_fits(STR("a long sentence about tee"), hash));
    assert_false(secret_password_fits(STR(""), hash));
    assert_false(secret_password_fits(password, STR(""))); /* of somebody who has none */
    arena_free(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_are_hashed),
        cmocka_unit_test(sha256_of_abc),
        cmocka_unit_test(a_passphrase_locks),
        cmocka_unit_test(test_content_hash),  cmocka_unit_test(test_stream_hash_is_the_same),
        cmocka_unit_test(test_lookup_hash),   cmocka_unit_test(test_fact_number),
        cmocka_unit_test(test_seal_and_open), cmocka_unit_test(test_open_standard_vector),
        cmocka_unit_test(test_data_keys),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
