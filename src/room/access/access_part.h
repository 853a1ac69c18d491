/* What the files of this room share. */
#ifndef HUITOU_ROOM_ACCESS_ACCESS_PART_H
#define HUITOU_ROOM_ACCESS_ACCESS_PART_H

#include "room/access/access_session.h"

#define ACCESS_DOMAIN_SESSION STR("access.session")
#define ACCESS_DOMAIN_CSRF STR("access.csrf")
#define ACCESS_DOMAIN_KEY STR("access.key")
#define ACCESS_DOMAIN_ACCOUNT STR("access.account")
#define ACCESS_DOMAIN_ADDRESS STR("access.address")
#define ACCESS_DOMAIN_DEVICE STR("access.device")

struct str access_login_normal(struct arena *arena, struct str login); /* trimmed, ASCII lower case */
/* A person logs in. Errors: LOGIN_WRONG, LOGIN_WAIT. On success a session: its token, to be put into the cookie. */
ERR_RESULT access_login(struct call *call, struct str login, struct str password, struct str *token,
                        struct principal *principal);
#endif
