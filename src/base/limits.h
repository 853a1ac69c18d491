/* Every limit on what comes from outside, named with its unit. */
#ifndef HUITOU_BASE_LIMITS_H
#define HUITOU_BASE_LIMITS_H

#define LIMIT_LINE_BYTES_MAX (1u << 20)   /* one physical line of a text file */
#define LIMIT_ROW_BYTES_MAX (4u << 20)    /* one row, with line breaks inside quotes */
#define LIMIT_CELLS_MAX 1000              /* cells of one row */
#define LIMIT_CELL_BYTES_MAX (1u << 20)   /* one cell */
#define LIMIT_ORDER_LINES_MAX 10000       /* lines of one order */
#define LIMIT_IDENTITIES_PER_ORDER_MAX 8  /* identities that one order may name */
#define LIMIT_NAME_BYTES_MAX 400          /* a name of a person, product, channel, tag */
#define LIMIT_IDENTITY_BYTES_MAX 200      /* an identity's value */
#define LIMIT_ORDER_NUMBER_BYTES_MAX 100  /* an order's number */
#define LIMIT_MAP_BYTES_MAX (256u << 10)  /* an import map file */
#define LIMIT_JSON_DEPTH_MAX 64           /* nesting of a JSON document */
#define LIMIT_MERGE_MEMBERS_MAX 1000      /* births that one customer may unite */
#define LIMIT_DAY_MIN 7305                /* 1990-01-01 */
#define LIMIT_DAY_MAX 47481               /* 2099-12-31 */
#define LIMIT_TX_RETRY_MAX 12             /* tries of one transaction */

#endif
