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

/* Workbooks (xlsx). Excel's own bounds, "Excel specifications and limits": 16,384 columns, 32,767 characters in a cell. */
#define LIMIT_WORKBOOK_COLUMNS_MAX 16384
#define LIMIT_WORKBOOK_ROWS_MAX INT32_MAX           /* a row's number; Excel's last is 1,048,576, others go further */
#define LIMIT_WORKBOOK_UNPACKED_BYTES_MAX (8ll << 30) /* all that is unpacked in one reading: 1,048,576 rows of 100 cells */
#define LIMIT_WORKBOOK_HEAD_BYTES_MAX (64ll << 20)  /* one part that is not cells: the list of sheets, the styles */
/* What a part may unpack to, beyond its first LIMIT_WORKBOOK_RATIO_FREE_BYTES, per packed byte. Deflate reaches 1032 with
 * zeros only; Apache POI's ZipSecureFile stops at 100, which real workbooks are known to exceed. */
#define LIMIT_WORKBOOK_RATIO_MAX 300
#define LIMIT_WORKBOOK_RATIO_FREE_BYTES (16ll << 20)
#define LIMIT_WORKBOOK_DIRECTORY_BYTES_MAX (16u << 20) /* a zip's list of entries: libzip keeps it all in memory */
#define LIMIT_SHARED_STRINGS_MAX (16u << 20)        /* different texts of a workbook: 8 bytes of memory each */
#define LIMIT_SHARED_STRINGS_MEMORY_BYTES (256u << 20) /* of their text; what is beyond goes to a temporary file */
#define LIMIT_XML_TAG_BYTES_MAX (1u << 20)          /* one tag or comment: the parser holds it whole */
#define LIMIT_XML_DEPTH_MAX 64                      /* nesting of elements */
#define LIMIT_XML_NAMES_MAX 1000                    /* different names of elements, attributes: the parser keeps each */
#define LIMIT_XML_NAME_BYTES_MAX 250                /* one such name */

/* HTTP. */
#define LIMIT_HTTP_HEAD_BYTES_MAX (32u << 10)  /* request line and headers, and the connection's buffer */
#define LIMIT_HTTP_BODY_BYTES_MAX (1ll << 20)  /* a JSON body where the endpoint names no other limit */
#define LIMIT_HTTP_UPLOAD_BYTES_MAX (4ll << 30) /* a file that is put aside */
#define LIMIT_HTTP_REPLY_BYTES_MAX (64u << 20) /* a JSON answer */
#define LIMIT_HTTP_QUERY_PAIRS_MAX 64          /* name=value pairs of a query */
#define LIMIT_HTTP_PATH_PARTS_MAX 12           /* parts of a path */
#define LIMIT_HTTP_HEAD_MS 15000               /* from the connection, or its last answer, to the whole head of a request */
#define LIMIT_HTTP_BODY_MS 30000               /* for the whole body; and a further second for each … */
#define LIMIT_HTTP_BODY_BYTES_PER_S (64 << 10) /* … of these, in uploads */
#define LIMIT_HTTP_REPLY_MS 30000              /* for the client to take the answer; and a further second for each … */
#define LIMIT_HTTP_REPLY_BYTES_PER_S (16 << 10) /* … of these */
#define LIMIT_HTTP_FILE_MS (60 * 60 * 1000)    /* for the client to take a file */
#define LIMIT_HTTP_STOP_MS 10000               /* answers are waited for until they are taken, when stopping */
#define LIMIT_HTTP_HEARTBEAT_MS 15000          /* a comment in every stream, so that vanished clients are noticed */
#define LIMIT_HTTP_CONNECTIONS_MAX 4096        /* open at once */
#define LIMIT_HTTP_CONNECTIONS_PER_ADDRESS_MAX 2048 /* of one address; a proxy is one address */
#define LIMIT_HTTP_STREAM_MS (15 * 60 * 1000) /* a stream ends then; the client comes again and is looked at anew */
#define LIMIT_HTTP_STREAMS_MAX 512             /* server-sent event streams open at once */
#define LIMIT_HTTP_STREAM_BYTES_MAX (256u << 10) /* waiting in one stream: beyond, it is closed (the client comes again) */
#define LIMIT_HTTP_LOG_BYTES_MAX (1u << 20)    /* of the request log, not written yet: beyond, lines are lost and counted */
#define LIMIT_HTTP_LOG_STOP_MS 1000            /* for whoever reads it to take what is left */
#define LIMIT_HTTP_WORK_MAX 2048               /* requests waiting for a worker: beyond, 503 */
#define LIMIT_UPLOADS_MAX 500                  /* files that wait to be imported */
#define LIMIT_UPLOADS_BYTES_MAX (16ll << 30)   /* of them together */
#define LIMIT_FILE_NAME_BYTES_MAX 200          /* an uploaded file's name; file systems take 255 */
#define LIMIT_IDEMPOTENCY_KEY_BYTES_MAX 200

#endif
