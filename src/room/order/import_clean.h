/* Names and cells as merchants' files really write them, made plain in this one place. Pure. Inside the room.
 * The traps: ../shared/facts/merchant-files.md. */
#ifndef HUITOU_ROOM_ORDER_IMPORT_CLEAN_H
#define HUITOU_ROOM_ORDER_IMPORT_CLEAN_H

#include "room/order/import.h"

/* A name or word as names are compared: without white space, punctuation, a unit at its end such as "(元)" or "（件）" and a
 * byte order mark, full-width letters narrow, ASCII letters small. "商品总价 （元）" and "商品总价" are the same. */
struct str import_name_key(struct arena *arena, struct str name);

/* What a cell of a kind says, cleaned:
 *   every kind   white space (also TAB, U+3000, zero width) at both ends; ="…" (Excel's way to keep digits: Taobao);
 *                a leading ' (Taobao's phones); "-", "--", "无", "null" and their like are empty
 *   numbers      of orders, accounts, phones, times and amounts: full-width digits and signs made narrow
 *   amounts      "元", "¥", "￥", "RMB", "CNY" at either end
 *   quantities   "件", "个" at the end
 *   times        0000-00-00 is empty
 *   people       masked (*), encrypted (##…, #…#, $…$, ~…~), an alias number ("转", -1234 behind a mobile), or a number whose
 *                digits are lost: names nobody; *masked is set, and the cell is empty
 * Empty is STR_NONE. Borrows from raw where it can. */
struct str import_clean(struct arena *arena, enum import_kind kind, struct str raw, bool *masked);
/* A number that a spreadsheet showed as a figure, "6.91793E+18" or "691793000000000000.00": its digits are lost. */
bool import_digits_lost(struct str text);
/* "合计", "总计：", "总计(3单)", "合计 3 单", "共 3 单", "本页小计", "Total" … */
bool import_is_total_word(struct str text);

/* A time in one of the forms that leave no doubt: 2024-01-02, 2024/1/2, 2024.1.2, 2024年1月2日, 20240102, each with or
 * without a time of day (3:04, 03:04:05, 03:04:05.678, 3时4分5秒; behind a blank, a T or nothing), 20240102030405, and
 * behind it Z or an offset +08:00; with 上午, 下午, AM or PM before or behind the time of day, which is then of twelve hours.
 * And a spreadsheet's number of a day from 2010 to 2099, 45444.5: five digits with or without a fraction. */
enum import_time {
    IMPORT_TIME_READ,
    IMPORT_TIME_UNKNOWN,
    IMPORT_TIME_AMBIGUOUS,  /* the year does not stand first: 01/02/2024 */
    IMPORT_TIME_IMPOSSIBLE, /* of such a form, but there is no such day or hour */
};
/* *offset_s: seconds east of UTC, or INT32_MIN where the text names none. */
enum import_time import_time_auto(struct str text, struct civil *civil, int32_t *offset_s);

#endif
