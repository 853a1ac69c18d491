/* Sessions, for those who begin one without a login: the set-up link. */
#ifndef HUITOU_ROOM_ACCESS_ACCESS_SESSION_H
#define HUITOU_ROOM_ACCESS_ACCESS_SESSION_H

#include "room/access/access.h"

/* A new session of a person, in this transaction; token: secret_token. */
ERR_RESULT access_session_new(struct tx *tx, int64_t staff_id, struct str token);
/* Set-Cookie for a session token; absent: the cookie is taken away. */
struct str access_cookie(struct arena *arena, struct str token);

#endif
