/* What the files of the shapes share. */
#ifndef HUITOU_CONTRACT_SHAPE_INTERNAL_H
#define HUITOU_CONTRACT_SHAPE_INTERNAL_H

#include "contract/shape.h"

#define DECIMAL_BYTES_MAX 30 /* a sign, 19 digits, their commas and a point */

/* The bounds that hold for a field: its own, else those of its kind. */
void shape_bounds(const struct field *field, int64_t *min, int64_t *max);

#endif
