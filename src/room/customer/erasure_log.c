/* The log of erasures outside the database, and erasing again what it names. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "codec/file.h"
#include "codec/json.h"
#include "room/customer/customer_erasure.h"
#include "sql_customer.h"

#define LOG_BYTES_MAX ((size_t)1 << 30)
#define LINE_BYTES_MAX (4u << 20)

static struct str log_path(struct arena *arena, struct str directory)
{
    return str_fmt(arena, "%.*s/" ERASURE_LOG_NAME, STR_ARG(directory));
}

/* --- Writing --- */

static void put_hash(struct json_writer *w, const struct erased_identity_hash *identity)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * SECRET_HASH_BYTES];
    for (size_t i = 0; i < SECRET_HASH_BYTES; i++) {
        hex[2 * i] = digits[identity->hash[i] >> 4];
        hex[2 * i + 1] = digits[identity->hash[i] & 15];
    }
    json_open(w, '[');
    json_put_i64(w, identity->kind);
    json_put_str(w, (struct str){hex, sizeof(hex)});
    json_close(w, ']');
}

/* A line break before it too: what a power cut tore stays alone. */
struct str erasure_line_write(struct arena *arena, const struct erasure_entry *entry)
{
    struct buf line = buf_new(arena, LINE_BYTES_MAX);
    struct json_writer w = json_writer(&line, false);
    buf_char(&line, '\n');
    json_open(&w, '{');
    json_key(&w, STR("erasure_id"));
    json_put_id(&w, entry->erasure_id);
    json_key(&w, STR("customer_id"));
    json_put_id(&w, entry->customer_id);
    json_key(&w, STR("erased_at_us"));
    json_put_i64(&w, entry->erased_at_us);
    json_key(&w, STR("by"));
    json_put_str(&w, customer_text_or_empty(entry->by));
    json_key(&w, STR("births"));
    json_open(&w, '[');
    for (size_t i = 0; i < entry->birth_count; i++)
        json_put_id(&w, entry->births[i]);
    json_close(&w, ']');
    json_key(&w, STR("identities"));
    json_open(&w, '[');
    for (size_t i = 0; i < entry->identity_count; i++)
        put_hash(&w, &entry->identities[i]);
    json_close(&w, ']');
    json_close(&w, '}');
    buf_char(&line, '\n');
    return buf_view(&line);
}

/* In one write, so that lines of two processes do not mix. */
static bool write_line(int fd, struct str line)
{
    ssize_t n;
    do {
        n = write(fd, line.p, line.n);
    } while (n < 0 && errno == EINTR);
    if (n >= 0 && (size_t)n < line.n)
        errno = ENOSPC;
    return n == (ssize_t)line.n && fsync(fd) == 0;
}

ERR_RESULT erasure_log_append(struct arena *arena, struct str path,
                              const struct erasure_entry *entry)
{
    if (!file_exists(arena, path))
        TRY(file_write(arena, path, STR(""), 0600)); /* its name is synced */
    int fd = open(str_z(arena, path), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return ERR_NEW(arena, ERR_FILE_WRITE, path, str_c(strerrordesc_np(errno)));
    bool written = write_line(fd, erasure_line_write(arena, entry));
    int why = errno;
    close(fd);
    return written ? NULL : ERR_NEW(arena, ERR_FILE_WRITE, path, str_c(strerrordesc_np(why)));
}

/* --- Reading --- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hash(const struct json_value *pair, struct erased_identity_hash *out)
{
    if (json_kind(pair) != JSON_KIND_ARRAY || json_count(pair) != 2)
        return false;
    const struct json_value *kind = json_at(pair, 0), *hash = json_at(pair, 1);
    if (json_kind(kind) != JSON_KIND_INTEGER || json_kind(hash) != JSON_KIND_STRING)
        return false;
    struct str hex = json_str(hash);
    if (json_i64(kind) <= IDENTITY_NONE || json_i64(kind) >= IDENTITY_KIND_MAX ||
        hex.n != (size_t)2 * SECRET_HASH_BYTES)
        return false;
    out->kind = (int)json_i64(kind);
    for (size_t i = 0; i < SECRET_HASH_BYTES; i++) {
        int high = hex_digit(hex.p[2 * i]), low = hex_digit(hex.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out->hash[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool read_id(const struct json_value *value, int64_t *id)
{
    return value && json_kind(value) == JSON_KIND_STRING && str_to_i64(json_str(value), id) &&
           *id > 0;
}

static bool read_lists(struct arena *arena, const struct json_value *births,
                       const struct json_value *identities, struct erasure_entry *entry)
{
    if (!births || json_kind(births) != JSON_KIND_ARRAY || !identities ||
        json_kind(identities) != JSON_KIND_ARRAY)
        return false;
    entry->birth_count = json_count(births);
    entry->births = ARENA_ARRAY(arena, entry->birth_count, int64_t);
    for (size_t i = 0; i < entry->birth_count; i++)
        if (!read_id(json_at(births, i), &entry->births[i]))
            return false;
    entry->identity_count = json_count(identities);
    entry->identities = ARENA_ARRAY(arena, entry->identity_count, struct erased_identity_hash);
    for (size_t i = 0; i < entry->identity_count; i++)
        if (!read_hash(json_at(identities, i), &entry->identities[i]))
            return false;
    return true;
}

bool erasure_line_read(struct arena *arena, struct str line, struct erasure_entry *entry)
{
    const struct json_value *value;
    *entry = (struct erasure_entry){0};
    if (line.n > LINE_BYTES_MAX || json_read(arena, STR(ERASURE_LOG_NAME), line, &value) ||
        json_kind(value) != JSON_KIND_OBJECT)
        return false;
    const struct json_value *at = json_get(value, STR("erased_at_us"));
    const struct json_value *by = json_get(value, STR("by"));
    if (!at || json_kind(at) != JSON_KIND_INTEGER || !by || json_kind(by) != JSON_KIND_STRING)
        return false;
    entry->erased_at_us = json_i64(at);
    entry->by = json_str(by);
    return read_id(json_get(value, STR("erasure_id")), &entry->erasure_id) &&
           read_id(json_get(value, STR("customer_id")), &entry->customer_id) &&
           read_lists(arena, json_get(value, STR("births")), json_get(value, STR("identities")),
                      entry);
}

struct log {
    struct erasure_entry *entries;
    size_t count;
    int64_t unreadable;
};

static const struct err *read_log(struct arena *arena, struct str path, struct log *log)
{
    struct str text, rest;
    *log = (struct log){0};
    if (!file_exists(arena, path))
        return NULL;
    TRY(file_read(arena, path, LOG_BYTES_MAX, &text));
    size_t lines = 1;
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    log->entries = ARENA_ARRAY(arena, lines, struct erasure_entry);
    for (rest = text; rest.p;) {
        struct str line = str_cut(rest, '\n', &rest);
        if (line.n == 0)
            continue;
        if (erasure_line_read(arena, line, &log->entries[log->count]))
            log->count++;
        else
            log->unreadable++;
    }
    return NULL;
}

/* --- What the log lacks --- */

struct settling {
    struct log log;
    struct erasure_entry *missing;
    size_t missing_count;
};

static bool is_logged(const struct log *log, int64_t erasure_id)
{
    for (size_t i = 0; i < log->count; i++)
        if (log->entries[i].erasure_id == erasure_id)
            return true;
    return false;
}

static const struct err *load_births(struct tx *tx, struct arena *arena,
                                     struct erasure_entry *entry)
{
    struct sql_customer_erasure_births_in in = {entry->erasure_id};
    struct sql_customer_erasure_births_out row;
    struct stmt_cursor cursor;
    bool has;
    entry->births = ARENA_ARRAY(arena, LIMIT_MERGE_MEMBERS_MAX, int64_t);
    TRY(sql_customer_erasure_births_open(tx, &in, &cursor));
    for (;;) {
        TRY(sql_customer_erasure_births_next(&cursor, &row, &has));
        if (!has || entry->birth_count == LIMIT_MERGE_MEMBERS_MAX)
            break;
        entry->births[entry->birth_count++] = row.customer_id;
    }
    stmt_close(&cursor);
    return NULL;
}

static const struct err *load_identities(struct tx *tx, struct arena *arena,
                                         struct erasure_entry *entry)
{
    struct sql_customer_erasure_identities_in in = {entry->erasure_id};
    struct sql_customer_erasure_identities_out row;
    struct stmt_cursor cursor;
    size_t capacity = 0;
    bool has;
    TRY(sql_customer_erasure_identities_open(tx, &in, &cursor));
    for (;;) {
        TRY(sql_customer_erasure_identities_next(&cursor, &row, &has));
        if (!has)
            return NULL;
        if (entry->identity_count == capacity) {
            const struct erased_identity_hash *old = entry->identities;
            capacity = capacity ? 2 * capacity : 8;
            entry->identities = ARENA_ARRAY(arena, capacity, struct erased_identity_hash);
            if (old)
                memcpy(entry->identities, old, entry->identity_count * sizeof(*old));
        }
        struct erased_identity_hash *identity = &entry->identities[entry->identity_count++];
        identity->kind = (int)row.kind;
        memcpy(identity->hash, row.hash.p, SECRET_HASH_BYTES);
    }
}

static const struct err *find_missing(struct tx *tx, void *arg)
{
    struct settling *settling = arg;
    struct arena *arena = tx_arena(tx);
    struct sql_customer_erasure_all_out row;
    struct stmt_cursor cursor;
    size_t capacity = 0;
    bool has;
    settling->missing_count = 0;
    TRY(sql_customer_erasure_all_open(tx, &cursor));
    for (;;) {
        TRY(sql_customer_erasure_all_next(&cursor, &row, &has));
        if (!has)
            break;
        if (is_logged(&settling->log, row.erasure_id))
            continue;
        if (settling->missing_count == capacity) {
            const struct erasure_entry *old = settling->missing;
            capacity = capacity ? 2 * capacity : 8;
            settling->missing = ARENA_ARRAY(arena, capacity, struct erasure_entry);
            if (settling->missing_count > 0)
                memcpy(settling->missing, old, settling->missing_count * sizeof(*old));
        }
        settling->missing[settling->missing_count++] =
            (struct erasure_entry){.erasure_id = row.erasure_id,
                                   .customer_id = row.customer_id,
                                   .erased_at_us = row.erased_at,
                                   .by = str_copy(arena, row.erased_by)};
    }
    for (size_t i = 0; i < settling->missing_count; i++) {
        TRY(load_births(tx, arena, &settling->missing[i]));
        TRY(load_identities(tx, arena, &settling->missing[i]));
    }
    return NULL;
}

ERR_RESULT erasure_log_settle(struct store *store, struct arena *arena, struct str directory)
{
    struct settling settling = {0};
    struct str path = log_path(arena, directory);
    TRY(read_log(arena, path, &settling.log));
    struct store_job job = {.name = "erasures to log", .fn = find_missing, .arg = &settling};
    TRY(store_read(store, arena, &job));
    for (size_t i = 0; i < settling.missing_count; i++)
        TRY(erasure_log_append(arena, path, &settling.missing[i]));
    return NULL;
}

/* --- Erasing again --- */

struct replaying {
    const struct erasure_entry *entry;
    int64_t births;
};

/* The births that are there, with their roots, in one lock. */
static const struct err *lock_there(struct tx *tx, const struct erasure_entry *entry)
{
    size_t count = 0;
    int64_t *roots = ARENA_ARRAY(tx_arena(tx), entry->birth_count, int64_t);
    int64_t *ids = ARENA_ARRAY(tx_arena(tx), 2 * entry->birth_count, int64_t);
    TRY(customer_roots(tx, entry->births, entry->birth_count, roots));
    for (size_t i = 0; i < entry->birth_count; i++) {
        if (roots[i] == 0)
            continue;
        ids[count++] = entry->births[i];
        ids[count++] = roots[i];
    }
    return event_lock(tx, ids, count);
}

static const struct err *replay_one(struct tx *tx, void *arg)
{
    struct replaying *replaying = arg;
    const struct erasure_entry *entry = replaying->entry;
    replaying->births = 0;
    TRY(lock_there(tx, entry));
    TRY(customer_erasure_note(tx, entry));
    for (size_t i = 0; i < entry->birth_count; i++) {
        bool erased;
        TRY(customer_erase_birth(tx, entry->births[i], entry, &erased));
        replaying->births += erased;
    }
    for (size_t i = 0; i < entry->identity_count; i++) {
        const struct erased_identity_hash *identity = &entry->identities[i];
        struct sql_customer_erasure_identity_in row = {
            identity->kind, {(const char *)identity->hash, SECRET_HASH_BYTES},
            entry->erased_at_us, entry->erasure_id};
        TRY(sql_customer_erasure_identity_run(tx, &row));
    }
    int64_t root_id = 0;
    TRY(customer_roots(tx, &entry->customer_id, 1, &root_id));
    if (replaying->births > 0 && root_id != 0)
        customer_erasure_event(tx, entry);
    return NULL;
}

ERR_RESULT erasure_replay(struct store *store, struct arena *arena, struct str path,
                          struct erasure_replayed *out)
{
    struct log log;
    *out = (struct erasure_replayed){0};
    TRY(read_log(arena, path, &log));
    out->unreadable_lines = log.unreadable;
    for (size_t i = 0; i < log.count; i++) {
        struct replaying replaying = {.entry = &log.entries[i]};
        struct store_job job = {.name = "replay an erasure",
                                .fn = replay_one,
                                .arg = &replaying,
                                .again_if_ambiguous = true};
        TRY(store_write(store, arena, &job));
        out->erasures += replaying.births > 0;
        out->births += replaying.births;
    }
    store_drop_log(store);
    return NULL;
}
