/* What erasing and replaying erasures share; inside the room. */
#ifndef HUITOU_ROOM_CUSTOMER_CUSTOMER_ERASURE_H
#define HUITOU_ROOM_CUSTOMER_CUSTOMER_ERASURE_H

#include "room/customer/customer_part.h"

/* The row of an erasure; again changes nothing. */
ERR_RESULT customer_erasure_note(struct tx *tx, const struct erasure_entry *entry);
/* Takes all that is personal of a locked birth away; *erased false: it is not there, or was erased before. */
ERR_RESULT customer_erase_birth(struct tx *tx, int64_t birth_id, const struct erasure_entry *entry, bool *erased);
/* The event, of the entry's customer. */
void customer_erasure_event(struct tx *tx, const struct erasure_entry *entry);

/* A line of the log of erasures, with its line feed, and back again (without it); false where it is none. */
struct str erasure_line_write(struct arena *arena, const struct erasure_entry *entry);
bool erasure_line_read(struct arena *arena, struct str line, struct erasure_entry *entry);

#endif
