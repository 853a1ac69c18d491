/* The counts of an import, in the order in which they are shown. */
#include "room/order/import_view.h"

int import_view_counts(const struct import_result *r, struct import_count counts[IMPORT_COUNTS_MAX])
{
    const struct import_count all[] = {
        {"rows", r->rows, true, false, TEXT("Rows read", "读到的行")},
        {"rows_skipped", r->rows_skipped, false, true, TEXT("left out by the map", "按映射略过")},
        {"rows_repeated", r->rows_repeated, false, true,
         TEXT("a sub-order that comes again", "重复的子订单")},
        {"rows_total", r->rows_total, false, true,
         TEXT("totals, repeated headers, empty rows (among those left out)",
              "其中合计行、重复表头、空行")},
        {"rows_rejected", r->rows_rejected, true, true, TEXT("rejected", "被拒")},
        {"orders", r->orders, true, false, TEXT("Orders", "订单")},
        {"orders_new", r->orders_new, false, true, TEXT("new", "新增")},
        {"orders_changed", r->orders_changed, false, true, TEXT("changed", "更正")},
        {"orders_same", r->orders_same, false, true, TEXT("already known, the same", "已有且相同")},
        {"orders_older", r->orders_older, false, true,
         TEXT("older than what is known", "早于已知内容")},
        {"orders_kept", r->orders_kept, false, true,
         TEXT("that say less than is known: kept as they were", "内容少于已知：保持原样")},
        {"orders_lines_exceed", r->orders_lines_exceed, false, true,
         TEXT("whose lines sum up to more than the order's amount", "各行合计大于订单金额")},
        {"orders_unpaid", r->orders_unpaid, false, true,
         TEXT("not paid, or closed unpaid: no amount counts", "未付款或未付款即关闭：不计金额")},
        {"orders_without_buyer", r->orders_without_buyer, false, true,
         TEXT("without a buyer: on placeholders, left out of the reports",
              "没有买家：挂在占位客户上，不计入报表")},
        {"orders_by_receiver", r->orders_by_receiver, false, true,
         TEXT("known by the receiver's phone only (weak)", "仅凭收货人手机识别（弱线索）")},
        {"zero_amount_orders", r->zero_amount_orders, false, true,
         TEXT("of amount 0: they count as orders", "金额为 0：仍算订单")},
        {"orders_rejected", r->orders_rejected, false, false, TEXT("Orders rejected", "被拒订单")},
        {"order_lines", r->order_lines, true, false, TEXT("Order lines", "订单行")},
        {"refunds", r->refunds, true, false, TEXT("Refunds", "退款")},
        {"refunds_new", r->refunds_new, false, true, TEXT("new", "新增")},
        {"refunds_changed", r->refunds_changed, false, true, TEXT("changed", "更正")},
        {"refunds_same", r->refunds_same, false, true,
         TEXT("already known, the same", "已有且相同")},
        {"refunds_kept", r->refunds_kept, false, true,
         TEXT("of less than is known: kept as they were", "金额少于已知：保持原样")},
        {"refunds_by_state", r->refunds_by_state, false, true,
         TEXT("whole, because a state says so and no column how much",
              "按状态视为全额：文件没有退款金额")},
        {"refunds_without_order", r->refunds_without_order, false, true,
         TEXT("without a known order: they stand alone", "找不到订单：单独记账")},
        {"customers_seen", r->customers_seen, true, false, TEXT("Buyers", "买家")},
        {"masked_values", r->masked_values, false, false,
         TEXT("Masked values, which name nobody", "打码或加密的值（不作身份）")},
        {"lost_values", r->lost_values, false, false,
         TEXT("Phones, accounts whose digits a spreadsheet lost: export again, do not save there",
              "被表格软件丢失位数的手机号或账号：请重新导出，不要另存")},
        {"rows_hidden", r->rows_hidden, false, false,
         TEXT("Rows hidden in the workbook, which were read too",
              "工作簿中被隐藏的行（也已读取）")},
    };
    int n = (int)(sizeof(all) / sizeof(all[0]));
    for (int i = 0; i < n; i++)
        counts[i] = all[i];
    return n;
}
