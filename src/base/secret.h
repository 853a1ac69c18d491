/* Keys, keyed hashes and encryption (libsodium). The master key lies outside the database and its backup; from it
 * come the keys below by crypto_kdf. Threads: a keyring is immutable after it is made.
 * Algorithms: XChaCha20-Poly1305-IETF (draft-irtf-cfrg-xchacha-03), BLAKE2b (RFC 7693), SipHash-2-4. */
#ifndef HUITOU_BASE_SECRET_H
#define HUITOU_BASE_SECRET_H

#include "base/err.h"

#define SECRET_KEY_BYTES 32
#define SECRET_HASH_BYTES 16
#define SECRET_SEAL_OVERHEAD (24 + 16) /* nonce + tag */

struct keyring; /* wrap key, look-up hash key, fact-sum key */

void secret_init(void); /* once, before anything else here */
void secret_random(void *bytes, size_t n);
/* Overwrites what must not stay in memory. */
void secret_forget(void *bytes, size_t n);
struct keyring *keyring_new(struct arena *arena, const uint8_t master[SECRET_KEY_BYTES]);

/* A keyed 16-byte hash for looking up a value without storing it. `domain` separates uses ("identity.phone"). */
void secret_lookup_hash(const struct keyring *keys, struct str domain, struct str value,
                        uint8_t out[SECRET_HASH_BYTES]);
/* An unkeyed 16-byte hash of bytes, for content of rows and files (equality only, not secrecy). */
void secret_content_hash(struct str bytes, uint8_t out[SECRET_HASH_BYTES]);
/* The same over a stream. */
struct secret_stream_hash;
struct secret_stream_hash *secret_stream_new(struct arena *arena);
void secret_stream_add(struct secret_stream_hash *hash, const void *bytes, size_t n);
void secret_stream_end(struct secret_stream_hash *hash, uint8_t out[SECRET_HASH_BYTES]);

/* SHA-256 (FIPS 180-4) over a stream: for what other tools check again (sha256sum). */
#define SECRET_SHA256_BYTES 32
struct secret_sha256;
struct secret_sha256 *secret_sha256_new(struct arena *arena);
void secret_sha256_add(struct secret_sha256 *hash, const void *bytes, size_t n);
void secret_sha256_end(struct secret_sha256 *hash, uint8_t out[SECRET_SHA256_BYTES]);

/* A keyed number in [0, 2^62) of one fact row; sums of them modulo 2^62 show whether a row was altered behind the
 * program's back (an AdHash-like multiset sum: Bellare and Micciancio 1997). */
#define FACT_SUM_MODULUS (INT64_C(1) << 62)
int64_t secret_fact_number(const struct keyring *keys, struct str fact_bytes);

/* A new data key for one customer, wrapped by the master key and bound to the customer's id. out: the key itself; NULL where
 * nothing is to be encrypted yet. */
struct str secret_data_key_new(struct arena *arena, const struct keyring *keys, int64_t customer_id,
                               uint8_t out[SECRET_KEY_BYTES]);
/* Unwraps. Errors: SECRET_OPEN. */
ERR_RESULT secret_data_key_open(struct arena *arena, const struct keyring *keys, int64_t customer_id,
                                struct str wrapped, uint8_t out[SECRET_KEY_BYTES]);
/* Encrypts with a data key: nonce, ciphertext, tag. `context` (e.g. "customer.name") is authenticated. */
struct str secret_seal(struct arena *arena, const uint8_t key[SECRET_KEY_BYTES], struct str context,
                       struct str plain);
/* Errors: SECRET_OPEN (wrong key, altered bytes, wrong context). */
ERR_RESULT secret_open(struct arena *arena, const uint8_t key[SECRET_KEY_BYTES], struct str context,
                       struct str sealed, struct str *plain);
/* A password's hash with its salt and parameters (argon2id, RFC 9106; libsodium's "interactive" limits: 64 MiB, some
 * 0.1 s: who lets strangers ask for it limits how many are computed at once). */
struct str secret_password_hash(struct arena *arena, struct str password);
bool secret_password_fits(struct str password, struct str hash);
/* Locks bytes with a passphrase (argon2id, RFC 9106, libsodium's "moderate" limits: 256 MiB, about a second; then
 * XChaCha20-Poly1305). One line of text: "huitou-locked 1", passes, memory in KiB, salt and sealed bytes as hexadecimal. */
struct str secret_lock(struct arena *arena, struct str passphrase, struct str plain);
/* Errors: SECRET_PASSPHRASE (another passphrase, altered text, limits beyond 16 passes or 1 GiB). */
ERR_RESULT secret_unlock(struct arena *arena, struct str passphrase, struct str locked, struct str *plain);
/* A random token to be shown once: `prefix` and 43 characters of base 64 (RFC 4648, URL alphabet), 256 bits. */
struct str secret_token(struct arena *arena, struct str prefix);
/* Whether two texts are equal, in a time that does not tell where they differ. */
bool secret_equal(struct str a, struct str b);

#endif
