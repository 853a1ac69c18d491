/* Answers of reports that are kept for who asks the same again, until the columns change. A report over a million customers
 * takes many milliseconds, a page of figures asks for the same few again and again, and so does everybody who opens it.
 * Threads: any. Who asks for what is being made already waits for it, so that it is made once. */
#ifndef HUITOU_ROOM_INSIGHT_INSIGHT_KEPT_H
#define HUITOU_ROOM_INSIGHT_INSIGHT_KEPT_H

#include "base/secret.h"

#define KEPT_ANSWERS 64                     /* at most; the one that was asked for longest ago gives way */
#define KEPT_ANSWER_BYTES_MAX (2u << 20)    /* a larger one is not kept */

struct kept_answers;
struct kept_answer {
    struct str body, packed; /* JSON, and the same as gzip; absent: it was not worth it */
    struct str etag;
};
/* Freed with the arena. */
struct kept_answers *kept_answers_new(struct arena *arena);
/* True: *answer is a copy in `arena`. False: the caller makes it, and then calls kept_put or kept_leave, whatever comes.
 * key: of all that the answer depends on. */
bool kept_find(struct kept_answers *kept, struct arena *arena, const uint8_t key[SECRET_HASH_BYTES],
               struct kept_answer *answer);
/* Keeps a copy of the body; *answer is the whole answer, in `arena`. */
void kept_put(struct kept_answers *kept, struct arena *arena, const uint8_t key[SECRET_HASH_BYTES], struct str body,
              struct kept_answer *answer);
/* It could not be made: whoever waits for it tries for themselves. */
void kept_leave(struct kept_answers *kept, const uint8_t key[SECRET_HASH_BYTES]);

#endif
