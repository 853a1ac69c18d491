/* The import of past orders from a merchant's file: rows → orders → batches. Bounded memory whatever the file's size: rows
 * are sorted by order and orders by buyer on disk. Idempotent: a killed import is simply run again.
 *
 *  file ─ text_input ─ table_input ─ row by map ─ sorter (order number, line) ─ orders, contradictions
 *       ─ sorter (buyer, time, number) ─ order_batch_apply, a transaction each ─ reject file in a second pass */
#ifndef HUITOU_ROOM_ORDER_IMPORT_H
#define HUITOU_ROOM_ORDER_IMPORT_H

#include "contract/shape.h"
#include "room/order/order.h"

/* What a column of a file can mean. IMPORT_KIND(CODE, "name", personal, "doc en", "doc zh") */
#define IMPORT_KIND_TABLE(KIND)                                                                                     \
    KIND(ORDER_NUMBER, "order_number", false, "The order's number; without it every row is an order.",              \
         "订单号；没有时每一行就是一个订单。")                                                                      \
    KIND(ORDER_TIME, "order_time", false, "When it was ordered.", "下单时间。")                                     \
    KIND(PAID_TIME, "paid_time", false, "When it was paid.", "付款时间。")                                          \
    KIND(STATE, "state", false, "The order's state, read through `states`.", "订单状态，按 states 换算。")          \
    KIND(ORDER_AMOUNT, "order_amount", false, "What the buyer paid for the whole order.", "整单实付金额。")         \
    KIND(LINE_AMOUNT, "line_amount", false, "What the buyer paid for this line.", "本行实付金额。")                 \
    KIND(QUANTITY, "quantity", false, "Pieces of this line.", "本行数量。")                                         \
    KIND(UNIT_PRICE, "unit_price", false, "Price of one piece.", "单价。")                                          \
    KIND(CURRENCY, "currency", false, "ISO code; must be the brand's.", "币种代码，须与品牌一致。")                 \
    KIND(PRODUCT_CODE, "product_code", false, "The merchant's code of the product.", "商家编码。")                  \
    KIND(PRODUCT_NAME, "product_name", false, "Name of the product.", "商品名称。")                                 \
    KIND(CATEGORY, "category", false, "Category of the product.", "商品类目。")                                     \
    KIND(CHANNEL, "channel", false, "Where it was sold: shop, country, entrance.", "渠道：店铺、国家、入口。")      \
    KIND(BUYER_ID, "buyer_id", true, "The buyer's account at the source.", "买家在来源平台的账号。")                \
    KIND(MEMBER_CARD, "member_card", true, "Member card number.", "会员卡号。")                                     \
    KIND(PHONE, "phone", true, "The buyer's own phone.", "买家本人手机号。")                                        \
    KIND(RECEIVER_PHONE, "receiver_phone", true, "The receiver's phone: only suggests the buyer.",                  \
         "收货人手机号：只作为买家的线索。")                                                                        \
    KIND(EMAIL, "email", true, "The buyer's mail address.", "买家邮箱。")                                           \
    KIND(OPENID, "openid", true, "openid of a chat account.", "公众号或小程序 openid。")                            \
    KIND(UNIONID, "unionid", true, "unionid of a chat platform.", "开放平台 unionid。")                             \
    KIND(ANONYMOUS_ID, "anonymous_id", true, "A device's id.", "匿名设备号。")                                      \
    KIND(BUYER_NAME, "buyer_name", true, "The buyer's name.", "买家姓名。")                                         \
    KIND(REFUND_AMOUNT, "refund_amount", false, "Given back for this row.", "本行已退金额。")                       \
    KIND(REFUND_TIME, "refund_time", false, "When it was given back.", "退款时间。")                                \
    KIND(REFUND_OF, "refund_of", false, "On a refund row: the order's number.", "退款行所退的订单号。")

enum import_kind {
#define KIND(code, name, personal, en, zh) IMPORT_##code,
    IMPORT_KIND_TABLE(KIND)
#undef KIND
    IMPORT_KIND_MAX
};

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
/* A map, as a person writes it in JSON: docs/import-maps.md. Declared by import_map_shape. */
struct import_map {
    struct str name, title_en, title_zh;
    int format;           /* 0 csv, 1 text (cells separated by white space) */
    struct str delimiter; /* one character; csv only */
    bool header;
    struct str encoding, source, time_zone, time_format; /* time_zone absent: the brand's */
    struct str issuer;          /* who gives buyer ids and openids their meaning; absent: the source */
    struct shape_map columns;   /* kind → header name; "#n" the n-th column; "a|b" the first alias that is there */
    struct shape_map constants; /* kind → value for every row, e.g. channel */
    struct shape_map states;    /* value in the file → normalised state */
    struct str state_default;   /* where the state's cell is empty or there is no such column */
    struct shape_list refund_when; /* struct import_condition: any of them makes the row a refund */
    struct shape_list skip_when;   /* struct import_condition: any of them leaves the row out, counted */
    bool skip_unknown_buyer; /* leave out rows that name no buyer instead of hanging them on placeholders */
};
extern const struct shape import_map_shape;

extern const int import_builtin_count;
/* Name and JSON text of the built-in maps (files in src/room/order/maps/, made into C by tools/mktext). */
void import_builtin(int index, struct str *name, struct str *json);
/* A built-in's name, or the path of a map file. Errors, all at once with their pointers: MAP_UNKNOWN, JSON_BAD, FIELD_*,
 * MAP_KIND, MAP_STATE, MAP_CONDITION, MAP_NEEDS (a kind that must be there). */
ERR_RESULT import_map_read(struct arena *arena, struct str name_or_path, struct import_map **out);
/* The built-in map whose columns are all in the header of this file; MAP_NOT_RECOGNISED lists what was found. */
ERR_RESULT import_map_recognise(struct arena *arena, struct str path, struct import_map **out);

struct import_options {
    struct str path;
    const struct import_map *map;
    bool dry_run;
    int64_t exported_at_us; /* INT64_MIN: the file's first import, or now */
    struct str reject_path; /* absent: FILE + ".rejects.csv" (".rejects.txt" for format text) in the working directory,
                             * "-2", "-3" … behind it where that file is there already */
    struct str temporary_directory;
    size_t sort_memory_bytes; /* 0: 256 MiB */
    int64_t batch_orders;     /* a transaction; 0: what takes less than 100 ms, in a first load 20,000 */
    /* Called now and then; phase "read", "group", "write", "claim", "reject". done and total in bytes or orders. */
    void (*progress)(void *arg, const char *phase, int64_t done, int64_t total);
    void *progress_arg;
};
struct import_problem {
    enum err_code code;
    int64_t row_count;
    struct str first; /* the first one in words: line, column, what to do, in English and Chinese (see import_result) */
    struct str first_zh;
    int64_t first_line;
};
struct import_preview_row {
    int64_t line_number;
    struct str *values; /* one per mapped kind, as it would be read; personal ones masked */
    struct str verdict; /* "order", "refund", "skip", "reject: …" */
};
struct import_result {
    struct str file_name, map_name, source;
    struct str *mapped_kinds, *mapped_columns; /* the column map, in file order */
    int mapped_count;
    struct str *unmapped_columns;
    int unmapped_count;
    struct import_preview_row *preview; /* dry run: the first 10 rows */
    int preview_count;
    int64_t rows, rows_skipped, rows_rejected;
    int64_t orders, orders_new, orders_changed, orders_same, orders_older, orders_rejected;
    int64_t orders_without_buyer, zero_amount_orders, order_lines;
    int64_t refunds, refunds_new, refunds_changed, refunds_same, refunds_without_order;
    int64_t customers_seen; /* distinct buyers as the file names them */
    int64_t amount_minor, refund_minor;
    int32_t first_day, last_day; /* DAY_NONE where there are no orders */
    struct import_problem *problems;
    int problem_count;
    struct str reject_path; /* absent where nothing was rejected */
    bool file_known;        /* this very file was imported before */
    int64_t exported_at_us;
};
/* Imports one file (or, with dry_run, says what would happen and writes nothing). Errors: of the file, of the map
 * against the header (MAP_COLUMN_MISSING, all at once), of the store. */
ERR_RESULT import_orders(struct store *store, struct arena *arena, const struct brand *brand,
                         const struct import_options *options, struct import_result *result);

#endif
