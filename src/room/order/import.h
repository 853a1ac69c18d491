/* The import of past orders from a merchant's file: rows → orders → batches. Bounded memory whatever the file's size: rows
 * are sorted by order and orders by buyer on disk. Idempotent: a killed import is simply run again.
 *
 *  file ─ text_input ─ table_input ─ row by map ─ sorter (order number, line) ─ orders, contradictions
 *       ─ sorter (buyer, time, number) ─ order_batch_apply, a transaction each ─ reject file in a second pass */
#ifndef HUITOU_ROOM_ORDER_IMPORT_H
#define HUITOU_ROOM_ORDER_IMPORT_H

#include "contract/shape.h"
#include "room/order/order.h"

/* What a column of a file can mean. IMPORT_KIND(CODE, "name", personal, "title en", "title zh", "doc en", "doc zh") */
#define IMPORT_KIND_TABLE(KIND)                                                                                     \
    KIND(ORDER_NUMBER, "order_number", false, "Order number", "订单号",                                             \
         "The order's number; without it every row is an order.", "订单号；没有时每一行就是一个订单。")             \
    KIND(ORDER_TIME, "order_time", false, "Order time", "下单时间", "When it was ordered.", "下单时间。")           \
    KIND(PAID_TIME, "paid_time", false, "Paid time", "付款时间", "When it was paid.", "付款时间。")                 \
    KIND(STATE, "state", false, "State", "订单状态",                                                                \
         "The order's state, read through `states`.", "订单状态，按 states 换算。")                                 \
    KIND(ORDER_AMOUNT, "order_amount", false, "Order amount", "整单实付",                                           \
         "What the buyer paid for the whole order.", "整单实付金额。")                                              \
    KIND(LINE_AMOUNT, "line_amount", false, "Line amount", "本行实付",                                              \
         "What the buyer paid for this line.", "本行实付金额。")                                                    \
    KIND(QUANTITY, "quantity", false, "Quantity", "数量", "Pieces of this line.", "本行数量。")                     \
    KIND(UNIT_PRICE, "unit_price", false, "Unit price", "单价", "Price of one piece.", "单价。")                    \
    KIND(CURRENCY, "currency", false, "Currency", "币种", "ISO code; must be the brand's.", "币种代码，须与品牌一致。") \
    KIND(PRODUCT_CODE, "product_code", false, "Product code", "商家编码",                                           \
         "The merchant's code of the product.", "商家编码。")                                                       \
    KIND(PRODUCT_NAME, "product_name", false, "Product", "商品名称", "Name of the product.", "商品名称。")          \
    KIND(CATEGORY, "category", false, "Category", "商品类目", "Category of the product.", "商品类目。")             \
    KIND(CHANNEL, "channel", false, "Channel", "渠道",                                                              \
         "Where it was sold: shop, country, entrance.", "渠道：店铺、国家、入口。")                                 \
    KIND(BUYER_ID, "buyer_id", true, "Buyer account", "买家账号",                                                   \
         "The buyer's account at the source.", "买家在来源平台的账号。")                                            \
    KIND(MEMBER_CARD, "member_card", true, "Member card", "会员卡号", "Member card number.", "会员卡号。")          \
    KIND(PHONE, "phone", true, "Buyer's phone", "买家手机", "The buyer's own phone.", "买家本人手机号。")           \
    KIND(RECEIVER_PHONE, "receiver_phone", true, "Receiver's phone", "收货人手机",                                  \
         "The receiver's phone: only suggests the buyer.", "收货人手机号：只作为买家的线索。")                      \
    KIND(EMAIL, "email", true, "Email", "邮箱", "The buyer's mail address.", "买家邮箱。")                          \
    KIND(OPENID, "openid", true, "Openid", "公众号身份", "openid of a chat account.", "公众号或小程序 openid。")    \
    KIND(UNIONID, "unionid", true, "Unionid", "开放平台身份", "unionid of a chat platform.", "开放平台 unionid。")  \
    KIND(ANONYMOUS_ID, "anonymous_id", true, "Device", "匿名设备号", "A device's id.", "匿名设备号。")              \
    KIND(BUYER_NAME, "buyer_name", true, "Buyer's name", "买家姓名", "The buyer's name.", "买家姓名。")             \
    KIND(REFUND_AMOUNT, "refund_amount", false, "Refund", "退款金额", "Given back for this row.", "本行已退金额。") \
    KIND(REFUND_TIME, "refund_time", false, "Refund time", "退款时间", "When it was given back.", "退款时间。")     \
    KIND(REFUND_OF, "refund_of", false, "Refunded order", "原订单号",                                               \
         "On a refund row: the order's number.", "退款行所退的订单号。")                                            \
    KIND(REFUND_STATE, "refund_state", false, "Refund state", "售后状态",                                           \
         "How the refund stands, read through `refund_states`.", "售后状态，按 refund_states 换算。")               \
    KIND(LINE_NUMBER, "line_number", false, "Sub-order number", "子订单号",                                         \
         "The sub-order's number: how many lines a row merges (`split_lines`); a row that comes again counts once.", \
         "子订单号：说明一行合并了几个子订单（split_lines）；重复出现的同一行只算一次。")                           \
    KIND(BALANCE_AMOUNT, "balance_amount", false, "Paid from balance", "余额支付",                                  \
         "What the buyer paid of the order from a balance: added to `order_amount`.",                               \
         "买家用余额支付的部分：计入 order_amount。")

enum import_kind {
#define KIND(code, name, personal, title_en, title_zh, en, zh) IMPORT_##code,
    IMPORT_KIND_TABLE(KIND)
#undef KIND
    IMPORT_KIND_MAX
};

struct import_kind_info {
    const char *name;
    bool personal; /* its cells are masked wherever they are shown */
    struct text title, doc;
};
const struct import_kind_info *import_kind_info(enum import_kind kind);
enum import_kind import_kind_by_name(struct str name); /* IMPORT_KIND_MAX where unknown */

/* A condition on a row; all given parts must hold. */
struct import_condition {
    struct str column;      /* header name, or "#3" for the third column */
    struct str starts_with; /* absent: not asked */
    struct str equals;
    struct str contains;
    struct str number_equals; /* as a decimal: "0" also holds for "0.00" */
    bool empty;
    bool negative; /* reads as a number below 0 */
};
/* What the word of a file says about a refund. */
enum import_refund {
    IMPORT_REFUND_UNTOLD,
    IMPORT_REFUND_NONE,    /* nothing was given back */
    IMPORT_REFUND_PENDING, /* asked for, nothing given back yet */
    IMPORT_REFUND_PARTIAL, /* some was given back: as much as the file says, which it must */
    IMPORT_REFUND_GIVEN,   /* given back: as much as the file says, else all that was paid */
};
#define IMPORT_HEADER_ROW_MAX 30 /* rows that are looked at for the header: bills have 25 rows above theirs */

/* A map, as a person writes it in JSON: docs/import-maps.md. Declared by import_map_shape. */
struct import_map {
    struct str name, title_en, title_zh;
    struct str extends;   /* a built-in map, of which this one says only what differs */
    int format;           /* 0 csv, 1 text (cells separated by white space) */
    struct str delimiter; /* one character, or "auto"; csv only */
    bool header;
    int64_t header_row; /* of the rows that are not blank; 0: found by the columns' names */
    struct str encoding, source, time_zone, time_format; /* time_zone absent: the brand's; time_format may be "auto" */
    struct str issuer;          /* who gives buyer ids and openids their meaning; absent: the source */
    struct shape_map columns;   /* kind → header name; "#n" the n-th column; "a|b" the first alias that is there */
    struct shape_list needed;   /* struct str, kinds: only their columns must be there; none named: all must */
    struct shape_list known;    /* struct str, header names: belong to such a file and are not read */
    struct shape_map constants; /* kind → value for every row, e.g. channel */
    struct shape_map states;    /* word of the file → normalised state, " refunded" behind it: all was given back */
    struct str state_default;   /* where the state's cell is empty or there is no such column */
    struct shape_map refund_states; /* word of the file → none, pending, partial, refunded */
    struct shape_list refund_when;  /* struct import_condition: any of them makes the row a refund */
    struct shape_list skip_when;    /* struct import_condition: any of them leaves the row out, counted */
    bool skip_unknown_buyer; /* leave out rows that name no buyer instead of hanging them on placeholders */
    bool clean;              /* cells are cleaned first: import_clean.h */
    bool split_lines;        /* a row may merge several lines, their cells split by ';' */
    bool fill_down;          /* a row without a number belongs to the order above it */
    bool mixed_states;       /* lines of one order may be in different states: the furthest holds */
    bool closed_is_refunded; /* a closed order that was paid was given back whole, where the file names no amount */
    struct shape_list after_slash; /* struct str, kinds whose cell is "each/total": the total is read */
    struct str number_time;        /* time_format of what an order's number begins with, where the time is empty */
    struct shape_list aliases;     /* struct str: short names that a person may call the map by */
    struct shape_list distinctive; /* struct str, header names that only this platform's files have: one must be there */
    bool common;                   /* names that any table may have: chosen only where no other map fits */
    struct shape_list plain;       /* struct str, names that do not say enough beside one of `doubts` */
    struct shape_list doubts;      /* struct str: see plain */
    struct str menu;               /* where the platform exports such a file */
    struct str file_hint;          /* part of the file's usual name: decides between maps that fit equally well */
    struct str instead;            /* such a file holds no orders: what to export instead */
    struct shape_map notes;        /* topic.en, topic.zh → why it is read this way, for docs/presets.md */
};
extern const struct shape import_map_shape;

extern const int import_builtin_count;
/* Name and JSON text of the built-in maps (files in src/room/order/maps/, made into C by tools/mktext). */
void import_builtin(int index, struct str *name, struct str *json);
/* A built-in's name, title or short name ("taobao", "淘宝"), or the path of a map file. Errors, all at once with their
 * pointers: MAP_UNKNOWN, JSON_BAD, FIELD_*, MAP_KIND, MAP_STATE, MAP_CONDITION, MAP_NEEDS (a kind that must be there),
 * MAP_EXTENDS. */
ERR_RESULT import_map_read(struct arena *arena, struct str name_or_path, struct import_map **out);

/* The map with further words: each item of states is "WORD=STATE" (created, paid, shipped, received, closed, also with
 * " refunded" behind it), of refund_states "WORD=HOW" (none, pending, partial, refunded); the right side also as
 * import_word_title says it in either language. They go before the map's own. Lists of struct str. Errors, all at once,
 * their fields "state" and "refund_state": MAP_WORD, MAP_STATE, MAP_REFUND_STATE. */
ERR_RESULT import_map_with_words(struct arena *arena, const struct import_map *map, const struct shape_list *states,
                                 const struct shape_list *refund_states, struct import_map **out);
/* How a state or refund state is called, by the right side of a map's word: "paid", "closed refunded", "pending". False
 * where it is none of them. */
bool import_word_title(struct str normal, struct text *title);

/* A built-in map that was held against a file, for a person to choose from. */
struct import_candidate {
    struct str name, title_en, title_zh;
    int columns;         /* of the file that it reads or knows */
    bool is_distinctive; /* one of them is in no other platform's files; true of a map that names none */
    struct str *missing; /* needed columns that are not there, each by the first of its names */
    int missing_count;
};
#define IMPORT_CANDIDATES_MAX 5
/* Why a map was chosen for a file; the candidates are there also where none was. */
struct import_recognition {
    struct import_candidate candidates[IMPORT_CANDIDATES_MAX]; /* the nearest first */
    int candidate_count;
    bool common; /* a table of one's own, read by names that any table may have */
    struct str *found, *unread;   /* columns of the file that the map reads, or knows and does not read */
    int found_count, unread_count;
    struct str *foreign;          /* columns of the file that the map does not know */
    int foreign_count;
    int map_columns;              /* columns that the map reads or knows */
    struct str next;              /* the map that fits second best; absent where no other fits at all */
    int next_columns;             /* how many columns of the file that one knows */
};
/* The maps that a brand saved for files of its own: room/order/import_own.c. */
struct import_own_maps {
    struct import_map *items;
    size_t count;
};
/* In the order of their names. Errors: those of reading a map that was saved. */
ERR_RESULT import_own_maps(struct store *store, struct arena *arena, struct import_own_maps *out);
/* NULL where none is called so. */
const struct import_map *import_own_map(const struct import_own_maps *own, struct str name);

/* Of the brand's own maps (NULL: not asked) the one that finds most of its columns, where it finds all that it needs and
 * four fifths of those that it reads or knows; else the built-in map that knows most columns of this file. They are looked
 * for in its first IMPORT_HEADER_ROW_MAX rows, of a workbook in those of each visible sheet; a built-in that misses a needed
 * column, or that names distinctive ones of which none is there, is never chosen. A map of common names is chosen only
 * where no platform's is, and only where it leaves no doubt about the amount. Errors: those of the file;
 * MAP_NOT_RECOGNISED, MAP_NEARLY_FITS (a map that has at least half of what it needs, and what it lacks), MAP_DOUBTFUL,
 * MAP_TIE, MAP_NO_ORDERS (the file is known to be another kind of export). */
ERR_RESULT import_map_recognise(struct arena *arena, struct str path, const struct import_own_maps *own,
                                struct import_map **out, struct import_recognition *why);

struct import_options {
    struct str path;
    const struct import_map *map;
    bool dry_run;
    int64_t exported_at_us; /* INT64_MIN: found, import_exported_from */
    struct str reject_path; /* ends in ".xlsx": a workbook, else CSV (text for format text). Absent: FILE + ".rejects.xlsx"
                             * (".rejects.txt" for format text, ".rejects.csv" where a workbook has no room) in the working
                             * directory, "-2", "-3" … before the ending where that file is there already */
    struct str reject_folder; /* where that default is put; absent: the working directory */
    enum lang lang; /* of the reject file */
    struct str temporary_directory;
    size_t sort_memory_bytes; /* 0: 256 MiB */
    int64_t batch_orders;     /* a transaction; 0: what takes less than 100 ms, in a first load 20,000 */
    /* Called now and then; phase "read", "group", "write", "claim", "reject". done and total in bytes or orders. */
    void (*progress)(void *arg, const char *phase, int64_t done, int64_t total);
    void *progress_arg;
    /* Asked between slices; true ends the import with IMPORT_STOPPED: what was written stays, and the same import again
     * goes on behind it. NULL: nobody stops it. */
    bool (*stopped)(void *arg);
    void *stopped_arg;
    struct str started_by; /* for the list of past imports: "staff:7", "cli:lin"; absent: not known */
    int64_t upload_id;     /* of the console's upload; 0: none */
};
/* What is wrong with a row, and with which of its cells. */
struct import_wrong {
    enum err_code code;
    int64_t line_number;
    struct str sheet;             /* of a workbook of several sheets; absent else */
    struct str message[LANG_MAX]; /* file, line, column, what is wrong, what to do */
    struct str column;            /* its name, or "#3"; absent: the row as a whole is wrong */
    struct str cell;              /* "C12": column C, line 12; absent likewise */
    struct str value;             /* what stands there, masked where it is personal; absent: several rows together */
};
struct import_problem {
    enum err_code code;
    int64_t row_count, first_line;
    struct import_wrong first; /* of the row on first_line */
};
enum import_verdict {
    IMPORT_ROW_ORDER,
    IMPORT_ROW_REFUND,
    IMPORT_ROW_SKIP,
    IMPORT_ROW_REPEATED, /* says a sub-order once more */
    IMPORT_ROW_REJECTED,
    IMPORT_VERDICT_MAX
};
/* "order", "refund", "skip", "repeated", "reject"; what a reader calls it. */
const char *import_verdict_name(enum import_verdict verdict);
struct text import_verdict_title(enum import_verdict verdict);
/* A row as the whole file makes it: a row that is fine by itself is rejected with its order. */
struct import_preview_row {
    int64_t line_number;
    struct str sheet;   /* as import_wrong */
    struct str *values; /* one per mapped kind, as it would be read: times in the brand's zone, personal ones masked */
    enum import_verdict verdict;
    struct import_wrong *why; /* NULL: not rejected */
};
/* What became of a sheet of a workbook. */
struct import_sheet {
    struct str name;
    bool read;
    int64_t rows;        /* that hold something: of one that is read, behind its header; -1: it is damaged */
    int64_t hidden_rows; /* of those read: not shown in the workbook, by a filter or by hand */
    enum err_code code;  /* why it is not read, SHEET_…; ERR_NONE where it is */
    struct str why_en, why_zh;
};
/* A word that stands in the file for a state, and how it is read. */
struct import_value {
    struct str column, value;
    struct str normal; /* "received", "paid refunded", "none" …; absent: not known, its rows are rejected */
    int64_t row_count;
};
#define IMPORT_VALUES_MAX 60
/* A column that the map reads and the file does not have, and what follows of it for money. */
struct import_warning {
    struct str kind, column; /* "paid_time"; the first name that the map looks for */
    struct str en, zh;
};
/* How exported_at was found, the surest first. A file that was imported before keeps what was found then. */
#define IMPORT_EXPORTED_TABLE(FROM)                                                                                 \
    FROM(TOLD, "told", "as told", "按指定")                                                                         \
    FROM(REJECT_FILE, "reject_file", "as the reject file says", "按被拒行文件所载")                                 \
    FROM(NAME, "name", "by the file's name", "按文件名")                                                            \
    FROM(FILE_TIME, "file_time", "by the file's own time, or earlier", "按文件修改时间，可能更早")                  \
    FROM(NOW, "now", "not known: now, or earlier", "未知：按现在，可能更早")
enum import_exported_from {
#define FROM(code, name, en, zh) IMPORT_EXPORTED_##code,
    IMPORT_EXPORTED_TABLE(FROM)
#undef FROM
};
struct import_exported_info {
    const char *name;
    struct text text;
};
const struct import_exported_info *import_exported_info(enum import_exported_from from);
/* The moment that a file's name tells: 12 or 14 digits (20240601101112), a Unix time of 10 or 13, a date with a time of day
 * behind it (2024-06-01-10-11-12, 2024-06-01 10_11, 20240601_101112, 2024年6月1日10时11分). Of several the name tells none.
 * A date alone is the end of its day. Two dates, or digits that go on behind a date, are a period and say nothing of the
 * export; beside one moment they do no harm. zone: the file's. *precision_us: how far from it the export may be. */
bool import_exported_of_name(struct str name, const struct zone *zone, int64_t *time_us, int64_t *precision_us);
struct import_result {
    struct str file_name, map_name, source;
    struct str encoding; /* as read: "utf-8", "gb18030" …; "xlsx" for a workbook */
    char delimiter;      /* 0: white space, or a workbook */
    int64_t header_row;  /* 0: there is none */
    struct import_value *values; /* states and refund states in the order met, at most IMPORT_VALUES_MAX */
    int value_count;
    int64_t values_more_rows; /* rows with values beyond those */
    struct str *mapped_kinds, *mapped_columns; /* the column map, in file order */
    int *mapped_indexes;                       /* which column of the file that is, from 0 */
    int mapped_count;
    struct str *unmapped_columns;
    int unmapped_count;
    struct import_preview_row *preview; /* dry run: the first 10 rows */
    int preview_count;
    int64_t rows, rows_skipped, rows_rejected;
    int64_t rows_repeated; /* rows that say a sub-order once more (line_number) */
    int64_t rows_total;    /* of those skipped: rows of totals, header rows that come again, rows of empty cells */
    int64_t masked_values; /* cells for a person that name nobody: masked, encrypted */
    int64_t orders_unpaid; /* not paid yet, or closed without ever being paid: their amounts are in no sum */
    int64_t orders_by_receiver; /* name their buyer by a weak identity only: the receiver's phone */
    int64_t refunds_by_state; /* given back whole because a state says so; the file names no amount */
    int64_t orders, orders_new, orders_changed, orders_same, orders_older, orders_rejected;
    int64_t orders_kept, refunds_kept; /* say less than is known, in a file that may be older: left as they are */
    int64_t orders_lines_exceed; /* new or changed ones whose lines sum up to more than the order's amount */
    struct order_money changed;  /* what the changed ones were worth, before and after */
    int64_t orders_without_buyer, zero_amount_orders, order_lines;
    int64_t refunds, refunds_new, refunds_changed, refunds_same, refunds_without_order;
    int64_t customers_seen; /* distinct buyers as the file names them */
    int64_t amount_minor; /* of paid orders */
    int64_t refund_minor;
    int32_t first_day, last_day; /* DAY_NONE where there are no orders */
    struct import_problem *problems;
    int problem_count;
    struct str reject_path; /* absent where nothing was rejected */
    bool file_known;        /* this very file was imported before */
    int64_t exported_at_us;
    enum import_exported_from exported_at_from;
    bool exported_at_unsure; /* an upper bound: the file may be older */
    struct import_warning *warnings;
    int warning_count;
    struct import_sheet *sheets; /* of a workbook, in its order */
    int sheet_count;
    int64_t rows_hidden; /* of those read: not shown in the workbook */
    int64_t lost_values; /* cells for a person whose digits a spreadsheet lost; not among the masked */
};
/* Imports one file (or, with dry_run, says what would happen and writes nothing). Errors: of the file, of the map
 * against the header (MAP_COLUMN_MISSING, all at once), of the store; IMPORT_STOPPED, with the result as far as it came. */
ERR_RESULT import_orders(struct store *store, struct arena *arena, const struct brand *brand,
                         const struct import_options *options, struct import_result *result);

/* "C" of column 2, "AA" of column 26: as spreadsheets name their columns. */
struct str import_column_letters(struct arena *arena, int column);

#endif
