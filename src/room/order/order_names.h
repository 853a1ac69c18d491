/* Channels, categories and products that a batch names: found or made, each once per batch. Inside the room. */
#ifndef HUITOU_ROOM_ORDER_ORDER_NAMES_H
#define HUITOU_ROOM_ORDER_ORDER_NAMES_H

#include "room/order/order.h"

struct order_names;
struct order_names *order_names_new(struct tx *tx);
/* Notes the names of a fact that will be written. */
void order_names_note_lines(struct order_names *names, const struct order_fact *fact);
void order_names_note_channel(struct order_names *names, struct str channel);
/* Finds what is noted, and makes what is missing. Errors: ORDER_RACE. */
ERR_RESULT order_names_settle(struct order_names *names);
/* After settling; 0 for an absent name. */
int64_t order_names_channel(const struct order_names *names, struct str channel);
int64_t order_names_product(const struct order_names *names, const struct order_line_fact *line);

#endif
