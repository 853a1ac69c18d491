/* What the words of the tables are called in front of people: kinds of identity, states, purposes, channels. */
#ifndef HUITOU_ROOM_ORDER_PERSON_TEXT_H
#define HUITOU_ROOM_ORDER_PERSON_TEXT_H

#include "room/order/order.h"

struct str identity_kind_title(enum identity_kind kind, enum lang lang);
struct str order_state_title(enum order_state state, enum lang lang);
struct str consent_purpose_title(enum consent_purpose purpose, enum lang lang);
struct str consent_channel_title(enum consent_channel channel, enum lang lang);
struct str consent_how_title(enum consent_how how, enum lang lang);
/* A sentence about an event, from its payload: what, not who. birth_id: whose history it stands in. */
struct str event_sentence(struct tx *tx, const struct event *event, enum lang lang);
/* Who did it, by the payload: "staff:7" …; absent where it is not said. */
struct str event_by(struct arena *arena, const struct event *event);
/* Groups of events, for a filter: "tag", "merge", "consent", "access", "change", "import", "created". */
const char *event_group(const struct event *event);

#endif
