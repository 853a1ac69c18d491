/* Sessions, for those who begin one without a login: the set-up link. */
#ifndef HUITOU_ROOM_ACCESS_ACCESS_SESSION_H
#define HUITOU_ROOM_ACCESS_ACCESS_SESSION_H

#include "room/access/access.h"

/* A new session of a person, in this transaction; token: secret_token. */
ERR_RESULT access_session_new(struct tx *tx, int64_t staff_id, struct str token);
/* Set-Cookie for a session token; absent: the cookie is taken away. Only for https where the client came by it. */
struct str access_cookie(const struct call *call, struct str token);
/* Set-Cookie that lets this device try the account's password though strangers' failures have closed it; absent where it has
 * one (OWASP, Slow Down Online Guessing Attacks with Device Cookies). login: as it was typed. */
struct str access_device_cookie(const struct call *call, struct str login);

#endif
