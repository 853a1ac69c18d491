#include "room/insight/insight_kept.h"

#include <pthread.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "codec/gzip.h"

#define PACK_WORTH_BYTES 1024

enum entry_state { ENTRY_FREE, ENTRY_AT_WORK, ENTRY_KEPT };

struct entry {
    enum entry_state state;
    uint8_t key[SECRET_HASH_BYTES];
    struct arena *arena; /* of the answer; NULL: none was kept here yet */
    struct kept_answer answer;
    int64_t asked_at; /* a count, not a time */
};

struct kept_answers {
    pthread_mutex_t lock;
    pthread_cond_t done;
    int64_t asked_count;
    struct entry entries[KEPT_ANSWERS];
};

static void free_all(void *arg)
{
    struct kept_answers *kept = arg;
    for (int i = 0; i < KEPT_ANSWERS; i++)
        arena_free(kept->entries[i].arena);
    pthread_mutex_destroy(&kept->lock);
    pthread_cond_destroy(&kept->done);
}

struct kept_answers *kept_answers_new(struct arena *arena)
{
    struct kept_answers *kept = ARENA_NEW(arena, struct kept_answers);
    pthread_mutex_init(&kept->lock, NULL);
    pthread_cond_init(&kept->done, NULL);
    arena_defer(arena, free_all, kept);
    return kept;
}

static struct entry *entry_of(struct kept_answers *kept, const uint8_t key[SECRET_HASH_BYTES])
{
    for (int i = 0; i < KEPT_ANSWERS; i++) {
        struct entry *entry = &kept->entries[i];
        if (entry->state != ENTRY_FREE && memcmp(entry->key, key, SECRET_HASH_BYTES) == 0)
            return entry;
    }
    return NULL;
}

/* A free one, or the one that was asked for longest ago; NULL where all are being made. */
static struct entry *entry_for_new(struct kept_answers *kept)
{
    struct entry *oldest = NULL;
    for (int i = 0; i < KEPT_ANSWERS; i++) {
        struct entry *entry = &kept->entries[i];
        if (entry->state == ENTRY_FREE)
            return entry;
        if (entry->state == ENTRY_KEPT && (!oldest || entry->asked_at < oldest->asked_at))
            oldest = entry;
    }
    return oldest;
}

static struct kept_answer copy_of(struct arena *arena, const struct kept_answer *answer)
{
    return (struct kept_answer){str_copy(arena, answer->body), str_copy(arena, answer->packed),
                                str_copy(arena, answer->etag)};
}

bool kept_find(struct kept_answers *kept, struct arena *arena, const uint8_t key[SECRET_HASH_BYTES],
               struct kept_answer *answer)
{
    pthread_mutex_lock(&kept->lock);
    struct entry *entry = entry_of(kept, key);
    while (entry && entry->state == ENTRY_AT_WORK) {
        pthread_cond_wait(&kept->done, &kept->lock);
        entry = entry_of(kept, key);
    }
    bool found = entry != NULL;
    if (found)
        *answer = copy_of(arena, &entry->answer);
    else
        entry = entry_for_new(kept);
    if (entry)
        entry->asked_at = ++kept->asked_count;
    if (!found && entry) {
        entry->state = ENTRY_AT_WORK;
        memcpy(entry->key, key, SECRET_HASH_BYTES);
    }
    pthread_mutex_unlock(&kept->lock);
    return found;
}

static struct str tag_of(struct arena *arena, struct str body)
{
    uint8_t hash[SECRET_HASH_BYTES];
    secret_content_hash(body, hash);
    struct buf tag = buf_new(arena, 2 * SECRET_HASH_BYTES + 3);
    buf_char(&tag, '"');
    for (int i = 0; i < SECRET_HASH_BYTES; i++)
        buf_fmt(&tag, "%02x", hash[i]);
    buf_char(&tag, '"');
    return buf_view(&tag);
}

void kept_put(struct kept_answers *kept, struct arena *arena, const uint8_t key[SECRET_HASH_BYTES],
              struct str body, struct kept_answer *answer)
{
    *answer = (struct kept_answer){.body = body, .etag = tag_of(arena, body)};
    if (body.n >= PACK_WORTH_BYTES && !gzip_pack(arena, body, &answer->packed))
        answer->packed = STR_NONE;
    if (body.n > KEPT_ANSWER_BYTES_MAX) {
        kept_leave(kept, key);
        return;
    }
    pthread_mutex_lock(&kept->lock);
    struct entry *entry = entry_of(kept, key);
    if (entry && entry->state == ENTRY_AT_WORK) {
        arena_free(entry->arena);
        entry->arena = arena_new("report's answer", 4 * (size_t)KEPT_ANSWER_BYTES_MAX);
        entry->answer = copy_of(entry->arena, answer);
        entry->state = ENTRY_KEPT;
    }
    pthread_cond_broadcast(&kept->done);
    pthread_mutex_unlock(&kept->lock);
}

void kept_leave(struct kept_answers *kept, const uint8_t key[SECRET_HASH_BYTES])
{
    pthread_mutex_lock(&kept->lock);
    struct entry *entry = entry_of(kept, key);
    if (entry && entry->state == ENTRY_AT_WORK)
        entry->state = ENTRY_FREE;
    pthread_cond_broadcast(&kept->done);
    pthread_mutex_unlock(&kept->lock);
}
