/* Every report, declared once: name, sections, columns, definition, and the names of the SQL twins. The columns functions
 * are in metric_*.c. docs/definitions.md is made from this table. */
#include "engine/metric.h"

#define COUNT_OF(array) (int)(sizeof(array) / sizeof((array)[0]))
#define SECTION(name_, columns_, statement_, en, zh)                                                        \
    {                                                                                                       \
        .name = (name_), .title = TEXT(en, zh), .columns = (columns_), .column_count = COUNT_OF(columns_), \
        .statement = (statement_)                                                                           \
    }
#define METRIC(id, name_, title_en, title_zh, sections_, definition_en, definition_zh)                   \
    static const struct metric id = {                                                                    \
        .name = (name_),                                                                                 \
        .title = TEXT(title_en, title_zh),                                                               \
        .definition = TEXT(definition_en, definition_zh),                                                \
        .sections = (sections_),                                                                         \
        .section_count = COUNT_OF(sections_),                                                            \
    }

#define COLUMN(name, kind, en, zh) {name, kind, TEXT(en, zh)}

/* --- totals --- */
static const struct metric_column totals_columns[] = {
    COLUMN("customers", CELL_COUNT, "Customers", "客户数"),
    COLUMN("orders", CELL_COUNT, "Orders", "订单数"),
    COLUMN("purchase_days", CELL_COUNT, "Purchase days", "购买日数"),
    COLUMN("first_day", CELL_DAY, "First purchase day", "首个购买日"),
    COLUMN("last_day", CELL_DAY, "Last purchase day", "最后购买日"),
    COLUMN("gross_amount", CELL_AMOUNT, "Paid", "实付金额"),
    COLUMN("refund_amount", CELL_AMOUNT, "Refunded", "退款金额"),
    COLUMN("net_amount", CELL_AMOUNT, "Net", "净额"),
    COLUMN("mean_order_amount", CELL_MEAN_AMOUNT, "Mean order", "平均每单"),
    COLUMN("median_order_amount", CELL_MEAN_AMOUNT, "Median order", "单额中位数"),
    COLUMN("refunds", CELL_COUNT, "Refunds", "退款笔数"),
    COLUMN("refund_customers", CELL_COUNT, "Customers refunded", "退款客户数"),
    COLUMN("refund_customers_without_purchase", CELL_COUNT, "Refunded, no purchase", "只有退款的客户"),
    COLUMN("refund_over_gross", CELL_RATIO, "Refunded ÷ paid", "退款率"),
    COLUMN("share_of_buyers_refunded", CELL_RATIO, "Buyers with a refund", "有退款的买家占比"),
};
static const struct metric_section totals_sections[] = {
    SECTION("totals", totals_columns, "insight_totals", "Totals", "总计"),
};
METRIC(metric_totals, "totals", "Totals", "总览", totals_sections,
       "All in the days looked at. Customers: those with a purchase day. Orders: counted orders. Paid: the sum of what was "
       "paid for all paid orders, wholly refunded ones included. Refunded: the sum of all refunds by their own day, those "
       "of customers without a purchase included. Net: paid less refunded. Mean and median: over the paid amounts of "
       "counted orders (median: type 7). Customers refunded: those with a refund; refunded, no purchase: those of them "
       "with no purchase day looked at. Buyers with a refund: customers refunded who have a purchase day ÷ customers.",
       "均在所看日期之内。客户数：有购买日的客户。订单数：计数订单。实付金额：所有已付款订单的实付之和，含后来全额退款的订单。"
       "退款金额：按退款当日计的全部退款之和，含没有购买记录的客户。净额：实付减退款。平均与中位数：按计数订单的实付金额（中位数用 "
       "type 7）。退款客户数：有退款的客户；只有退款的客户：其中所看日期内没有购买日者。有退款的买家占比：有购买日的退款客户 ÷ 客户数。");

/* --- repurchase --- */
static const struct metric_column repurchase_columns[] = {
    COLUMN("customers", CELL_COUNT, "Customers", "客户数"),
    COLUMN("repeat_customers", CELL_COUNT, "Bought on 2+ days", "两日及以上购买"),
    COLUMN("repurchase_rate", CELL_RATIO, "Repurchase rate", "复购率"),
    COLUMN("repeat_customers_by_order", CELL_COUNT, "Placed 2+ orders", "两单及以上"),
    COLUMN("repurchase_rate_by_order", CELL_RATIO, "Rate by order", "按单复购率"),
    COLUMN("three_plus_days", CELL_COUNT, "3+ days", "三日及以上"),
    COLUMN("five_plus_days", CELL_COUNT, "5+ days", "五日及以上"),
    COLUMN("orders_per_customer", CELL_NUMBER, "Orders per customer", "人均订单"),
    COLUMN("max_orders", CELL_COUNT, "Most orders", "最多订单"),
    COLUMN("max_days", CELL_COUNT, "Most days", "最多购买日"),
};
static const struct metric_section repurchase_sections[] = {
    SECTION("repurchase", repurchase_columns, "insight_repurchase", "Repurchase", "复购"),
};
METRIC(metric_repurchase, "repurchase", "Repurchase", "复购", repurchase_sections,
       "Repurchase rate: customers with two or more purchase days in the days looked at ÷ customers with one or more. By "
       "order: with two or more counted orders, so that two orders of one day count. Orders per customer: counted orders "
       "÷ customers. Most orders and days of one customer; empty where nobody bought.",
       "复购率：所看日期内有两个及以上购买日的客户 ÷ 有一个及以上购买日的客户。按单：有两个及以上计数订单，同一天两单也算。"
       "人均订单：计数订单 ÷ 客户数。最多订单与最多购买日取单个客户的最大值；无人购买时为空。");

/* --- frequency --- */
static const struct metric_column frequency_columns[] = {
    COLUMN("purchase_days", CELL_COUNT, "Purchase days", "购买日数"),
    COLUMN("customers", CELL_COUNT, "Customers", "客户数"),
    COLUMN("share", CELL_RATIO, "Share", "占比"),
};
static const struct metric_section frequency_sections[] = {
    SECTION("frequency", frequency_columns, "insight_frequency", "Customers by purchase days", "按购买日数的客户分布"),
};
METRIC(metric_frequency, "frequency", "Frequency", "购买频次", frequency_sections,
       "Customers by the number of their purchase days in the days looked at, one row per number that occurs, ascending. "
       "Share: of all customers with a purchase day.",
       "按所看日期内的购买日数统计客户，出现过的每个数一行，升序。占比：占有购买日的全部客户。");

/* --- nday --- */
static const struct metric_column nday_overall_columns[] = {
    COLUMN("window_days", CELL_COUNT, "Within days", "天数"),
    COLUMN("customers", CELL_COUNT, "Customers", "客户数"),
    COLUMN("repurchased", CELL_COUNT, "Came back", "已回购"),
    COLUMN("rate_all", CELL_RATIO, "Share of all", "占全部"),
    COLUMN("eligible", CELL_COUNT, "Eligible", "满期客户"),
    COLUMN("repurchased_eligible", CELL_COUNT, "Eligible, came back", "满期已回购"),
    COLUMN("rate", CELL_RATIO, "N-day repurchase rate", "N 日复购率"),
};
static const struct metric_column nday_cohort_columns[] = {
    COLUMN("cohort", CELL_MONTH, "Cohort", "首购月份"),
    COLUMN("window_days", CELL_COUNT, "Within days", "天数"),
    COLUMN("customers", CELL_COUNT, "Customers", "客户数"),
    COLUMN("repurchased", CELL_COUNT, "Came back", "已回购"),
    COLUMN("eligible", CELL_COUNT, "Eligible", "满期客户"),
    COLUMN("repurchased_eligible", CELL_COUNT, "Eligible, came back", "满期已回购"),
    COLUMN("rate", CELL_RATIO, "N-day repurchase rate", "N 日复购率"),
    COLUMN("repurchased_ever", CELL_COUNT, "Came back ever", "曾经回购"),
};
static const struct metric_section nday_sections[] = {
    SECTION("overall", nday_overall_columns, "insight_nday_overall", "Overall", "总体"),
    SECTION("by_cohort", nday_cohort_columns, "insight_nday_cohort", "By month of first purchase", "按首购月份"),
};
METRIC(metric_nday, "nday", "N-day repurchase", "N 日复购", nday_sections,
       "Of the customers whose first purchase day ever is in the days looked at: came back within N days if their second "
       "purchase day ever is 1 to N days after the first and not after the last day looked at. Eligible: the first day + N "
       "is not after the last day looked at. The rate is over the eligible; the share of all (which counts customers "
       "too young to know) stands beside it. N: 7, 14, 30, 60, 90, 180, 365; every window has its row, overall and for "
       "each cohort (month of first purchase day) that has customers, by cohort, then N. Came back ever: has a second "
       "purchase day not after the last day looked at.",
       "首个购买日（有史以来）落在所看日期内的客户：若第二个购买日在首日之后 1 至 N 天、且不晚于所看的最后一天，即为 N 日内回购。"
       "满期：首日 + N 不晚于所看的最后一天。复购率以满期客户为分母；旁边给出占全部客户的比例（其中含尚未满期者）。N 取 7、14、30、"
       "60、90、180、365；总体与每个有客户的首购月份都各有一行，先按月份、再按 N。曾经回购：有不晚于最后一天的第二个购买日。");

/* --- cohorts --- */
static const struct metric_column cohorts_columns[] = {
    COLUMN("cohort", CELL_MONTH, "Cohort", "首购月份"),
    COLUMN("month_offset", CELL_COUNT, "Months after", "之后第几月"),
    COLUMN("cohort_size", CELL_COUNT, "Cohort size", "客户数"),
    COLUMN("active", CELL_COUNT, "Bought", "购买客户"),
    COLUMN("retention", CELL_RATIO, "Retention", "留存率"),
};
static const struct metric_section cohorts_sections[] = {
    SECTION("retention", cohorts_columns, "insight_cohorts", "Retention", "留存"),
};
METRIC(metric_cohorts, "cohorts", "Cohort retention", "同期群留存", cohorts_sections,
       "Cohort: the customers by calendar month of their first purchase day ever. Column k: share of the cohort with a "
       "purchase day, among the days looked at, in the k-th calendar month after it. Cohort size: all customers of the "
       "cohort, also where their first day lies before the days looked at. One row per cohort and k with at least one "
       "customer, by cohort, then k; k = 0 is the first month itself.",
       "同期群：按首个购买日（有史以来）所在自然月分组的客户。第 k 列：在之后第 k 个自然月内（且在所看日期内）有购买日的客户占比。"
       "客户数：该群全部客户，首购早于所看日期者也在内。每个群与 k 至少有一位客户时给一行，先按群、再按 k；k = 0 为首购当月。");

/* --- cohort-revenue --- */
static const struct metric_column cohort_revenue_columns[] = {
    COLUMN("cohort", CELL_MONTH, "Cohort", "首购月份"),
    COLUMN("month_offset", CELL_COUNT, "Months after", "之后第几月"),
    COLUMN("cohort_size", CELL_COUNT, "Cohort size", "客户数"),
    COLUMN("orders", CELL_COUNT, "Orders", "订单数"),
    COLUMN("amount", CELL_AMOUNT, "Amount", "金额"),
    COLUMN("amount_per_customer", CELL_MEAN_AMOUNT, "Per customer", "人均金额"),
};
static const struct metric_section cohort_revenue_sections[] = {
    SECTION("revenue", cohort_revenue_columns, "insight_cohort_revenue", "Revenue", "金额"),
};
METRIC(metric_cohort_revenue, "cohort-revenue", "Cohort revenue", "同期群金额", cohort_revenue_sections,
       "As the cohorts of retention; for each cohort and k the counted orders and the amount of the days looked at: paid "
       "for all paid orders of these customers, net less their refunds of that month. A refund before the first purchase "
       "day has a negative k. One row per cohort and k with a paid order or, where net, a refund; by cohort, then k. Per "
       "customer: amount ÷ cohort size.",
       "分群同留存；每个群与 k 给出所看日期内的计数订单与金额：金额为这些客户全部已付款订单的实付，净额再减去当月退款。"
       "早于首个购买日的退款 k 为负。有已付款订单（净额时或有退款）的群与 k 给一行，先按群、再按 k。人均金额：金额 ÷ 客户数。");

/* --- monthly --- */
static const struct metric_column monthly_columns[] = {
    COLUMN("month", CELL_MONTH, "Month", "月份"),
    COLUMN("orders", CELL_COUNT, "Orders", "订单数"),
    COLUMN("amount", CELL_AMOUNT, "Amount", "金额"),
    COLUMN("active_customers", CELL_COUNT, "Customers", "购买客户"),
    COLUMN("new_customers", CELL_COUNT, "New", "新客"),
    COLUMN("returning_customers", CELL_COUNT, "Returning", "老客"),
    COLUMN("refunds", CELL_COUNT, "Refunds", "退款笔数"),
    COLUMN("refund_amount", CELL_AMOUNT, "Refunded", "退款金额"),
};
static const struct metric_section monthly_sections[] = {
    SECTION("monthly", monthly_columns, "insight_monthly", "By month", "按月"),
};
METRIC(metric_monthly, "monthly", "Month by month", "按月新老客", monthly_sections,
       "By calendar month, of the days looked at: counted orders; amount (paid for all paid orders; net: less all refunds "
       "of the month, those of customers without a purchase included); customers with a purchase day; of them new (the "
       "first purchase day ever is in this month) and returning (it is in an earlier one); number and sum of refunds. One "
       "row per month with a paid order or a refund, ascending.",
       "按自然月统计所看日期：计数订单；金额（所有已付款订单的实付；净额再减去当月全部退款，含没有购买记录的客户）；有购买日的客户；"
       "其中新客（首个购买日在当月）与老客（在更早的月份）；退款笔数与金额。有已付款订单或退款的月份各一行，升序。");

/* --- rhythm --- */
static const struct metric_column rhythm_overall_columns[] = {
    COLUMN("gaps", CELL_COUNT, "Gaps", "间隔数"),
    COLUMN("median", CELL_NUMBER, "Median, days", "中位数（天）"),
    COLUMN("mean", CELL_NUMBER, "Mean, days", "平均（天）"),
    COLUMN("p25", CELL_NUMBER, "25 %, days", "25 分位（天）"),
    COLUMN("p75", CELL_NUMBER, "75 %, days", "75 分位（天）"),
    COLUMN("p90", CELL_NUMBER, "90 %, days", "90 分位（天）"),
    COLUMN("max", CELL_COUNT, "Longest, days", "最长（天）"),
    COLUMN("median_of_customer_mean", CELL_NUMBER, "Median of customers' means", "客户平均间隔的中位数"),
    COLUMN("median_days_to_second", CELL_NUMBER, "Median to the second", "首购到二购中位数"),
};
static const struct metric_column rhythm_number_columns[] = {
    COLUMN("from_purchase", CELL_COUNT, "After purchase", "第几次购买之后"),
    COLUMN("gaps", CELL_COUNT, "Gaps", "间隔数"),
    COLUMN("median", CELL_NUMBER, "Median, days", "中位数（天）"),
    COLUMN("mean", CELL_NUMBER, "Mean, days", "平均（天）"),
    COLUMN("p25", CELL_NUMBER, "25 %, days", "25 分位（天）"),
    COLUMN("p75", CELL_NUMBER, "75 %, days", "75 分位（天）"),
    COLUMN("p90", CELL_NUMBER, "90 %, days", "90 分位（天）"),
};
static const struct metric_section rhythm_sections[] = {
    SECTION("overall", rhythm_overall_columns, "insight_rhythm_overall", "All gaps", "全部间隔"),
    SECTION("by_number", rhythm_number_columns, "insight_rhythm_number", "By purchase number", "按第几次购买"),
};
METRIC(metric_rhythm, "rhythm", "Purchase rhythm", "购买节奏", rhythm_sections,
       "Gaps in whole days between consecutive purchase days of one customer, both among the days looked at; quantiles by "
       "linear interpolation (type 7). Purchase numbers count from the customer's first purchase day ever; 11 stands for "
       "the gaps after the 11th and all later purchases; a number without gaps has no row. Customers' means: over the gaps "
       "looked at, for customers with at least one. To the second: the gaps after purchase number 1. One overall row, with "
       "empty figures where there are no gaps.",
       "同一客户相邻两个购买日之间的整天数，两日都在所看日期内；分位数用线性插值（type 7）。第几次购买从客户有史以来的首个购买日数起；"
       "11 表示第 11 次及以后各次购买之后的间隔；没有间隔的次数不列。客户平均：对至少有一个所看间隔的客户取平均。首购到二购：第 1 次购买之后"
       "的间隔。总体一行；没有间隔时数值为空。");

/* --- second-purchase --- */
static const struct metric_column second_days_columns[] = {
    COLUMN("day", CELL_COUNT, "Day", "天"),
    COLUMN("cum_repurchase", CELL_RATIO, "Came back by then", "累计回购概率"),
    COLUMN("standard_error", CELL_RATIO, "Standard error", "标准误"),
    COLUMN("at_risk", CELL_COUNT, "Still watched", "仍在观察"),
};
static const struct metric_column second_curve_columns[] = {
    COLUMN("day", CELL_COUNT, "Day", "天"),
    COLUMN("events", CELL_COUNT, "Second purchases", "二购人数"),
    COLUMN("at_risk", CELL_COUNT, "Still watched", "仍在观察"),
    COLUMN("survival", CELL_RATIO, "Not yet back", "尚未回购概率"),
    COLUMN("standard_error", CELL_RATIO, "Standard error", "标准误"),
};
static const struct metric_section second_sections[] = {
    SECTION("at_days", second_days_columns, "insight_second_days", "At chosen days", "指定天数"),
    SECTION("curve", second_curve_columns, "insight_second_curve", "The curve", "曲线"),
};
METRIC(metric_second_purchase, "second-purchase", "Time to the second purchase", "二购时间", second_sections,
       "Kaplan–Meier estimate of the time from the first purchase day ever (in the days looked at) to the second, whole "
       "days; a customer without a second purchase day up to the last day looked at is watched until that day (censored). "
       "Standard error by Greenwood's formula; once everybody still watched has come back the curve is 0 and the sum of "
       "Greenwood's formula stays as it was. The curve has a row per day with a second purchase. Chosen days: 7, 14, 30, "
       "60, 90, 120, 180, 270, 365, 540, as far as the time from the earliest first purchase day among them to the last day "
       "looked at reaches; the value is that of the last step not after the day (0 before the first step); still watched: "
       "those whose time is not less than the day.",
       "对首个购买日（有史以来，且在所看日期内）到第二个购买日的整天数作 Kaplan–Meier 估计；到所看最后一天仍无第二个购买日者观察至该日（删失）。"
       "标准误用 Greenwood 公式；当仍在观察者全部回购时曲线为 0，Greenwood 公式的和不再变化。曲线中每个有二购发生的天数一行。指定天数取 7、14、"
       "30、60、90、120、180、270、365、540，以其中最早首购日到最后一天的时长为限；取不晚于该天的最后一步的值（首步之前为 0）；仍在观察：时长不小于该天者。");

/* --- rfm --- */
static const struct metric_column rfm_threshold_columns[] = {
    COLUMN("dimension", CELL_TEXT, "Dimension", "维度"), COLUMN("q20", CELL_NUMBER, "20 %", "20 分位"),
    COLUMN("q40", CELL_NUMBER, "40 %", "40 分位"),       COLUMN("q60", CELL_NUMBER, "60 %", "60 分位"),
    COLUMN("q80", CELL_NUMBER, "80 %", "80 分位"),
};
static const struct metric_column rfm_score_columns[] = {
    COLUMN("dimension", CELL_TEXT, "Dimension", "维度"),
    COLUMN("score", CELL_COUNT, "Score", "得分"),
    COLUMN("customers", CELL_COUNT, "Customers", "客户数"),
};
static const struct metric_column rfm_cell_columns[] = {
    COLUMN("r", CELL_COUNT, "R", "R"),
    COLUMN("f", CELL_COUNT, "F", "F"),
    COLUMN("m", CELL_COUNT, "M", "M"),
    COLUMN("customers", CELL_COUNT, "Customers", "客户数"),
    COLUMN("amount", CELL_AMOUNT, "Amount", "金额"),
};
static const struct metric_section rfm_sections[] = {
    SECTION("thresholds", rfm_threshold_columns, "insight_rfm_thresholds", "Thresholds", "分界"),
    SECTION("scores", rfm_score_columns, "insight_rfm_scores", "Customers by score", "各得分客户数"),
    SECTION("cells", rfm_cell_columns, "insight_rfm_cells", "Cells", "分格"),
};
METRIC(metric_rfm, "rfm", "R/F/M", "R/F/M", rfm_sections,
       "Over the customers with a purchase day in the days looked at. R: days from their last purchase day looked at to "
       "the as-of date. F: counted orders. M: amount (paid for all their paid orders; net: less all their refunds). Thresholds: the "
       "20/40/60/80 % quantiles by linear interpolation (type 7); rows R, F, M in this order, M in the currency's unit. "
       "Score: 1 + the number of thresholds strictly exceeded; R reversed (5 - that number), so that 5 is best and equal "
       "customers score alike. Scores: a row per dimension (F, M, R by name) and score that occurs. Cells: a row per "
       "combination that occurs, by r, f, m, with the sum of M.",
       "统计所看日期内有购买日的客户。R：所看日期内最后购买日到截止日的天数。F：计数订单。M：金额（全部已付款订单的实付；净额再减去其全部退款）。"
       "分界：20/40/60/80 分位，线性插值（type 7）；依次为 R、F、M 三行，M 以货币单位计。得分：1 + 严格超过的分界数；R 反向（5 − 超过数），5 最好，"
       "相同的客户得分相同。各得分客户数：每个维度（按名称 F、M、R）与出现过的得分一行。分格：出现过的每种组合一行，按 r、f、m 排序，并给出 M 之和。");

/* --- concentration --- */
static const struct metric_column concentration_top_columns[] = {
    COLUMN("top_share", CELL_RATIO, "Top customers", "头部客户"),
    COLUMN("top_customers", CELL_COUNT, "Customers", "客户数"),
    COLUMN("amount", CELL_AMOUNT, "Amount", "金额"),
    COLUMN("amount_share", CELL_RATIO, "Share of the amount", "金额占比"),
};
static const struct metric_column concentration_gini_columns[] = {
    COLUMN("customers", CELL_COUNT, "Customers", "客户数"),
    COLUMN("amount", CELL_AMOUNT, "Amount", "金额"),
    COLUMN("gini", CELL_RATIO, "Gini coefficient", "基尼系数"),
};
static const struct metric_section concentration_sections[] = {
    SECTION("top", concentration_top_columns, "insight_concentration_top", "Top customers", "头部客户"),
    SECTION("gini", concentration_gini_columns, "insight_concentration_gini", "Gini", "基尼系数"),
};
METRIC(metric_concentration, "concentration", "Concentration", "集中度", concentration_sections,
       "Customers with a purchase day in the days looked at, by their amount (as M of R/F/M), largest first; top p: the "
       "first ceil(p × n), for 1, 5, 10, 20 and 50 %. Share: of the amount of all of them. Gini: 2 Σ i·x(i) ÷ (n Σ x) - "
       "(n + 1) ÷ n over amounts ascending; empty where Σ x is 0.",
       "所看日期内有购买日的客户，按金额（同 R/F/M 的 M）从大到小；头部 p：前 ceil(p × n) 位，取 1、5、10、20、50 %。占比：占全部这些客户金额。"
       "基尼系数：金额升序，2 Σ i·x(i) ÷ (n Σ x) − (n + 1) ÷ n；Σ x 为 0 时为空。");

/* --- by-channel --- */
static const struct metric_column channel_columns[] = {
    COLUMN("channel", CELL_TEXT, "Channel", "渠道"),
    COLUMN("customers", CELL_COUNT, "Customers", "客户数"),
    COLUMN("orders", CELL_COUNT, "Orders", "订单数"),
    COLUMN("amount", CELL_AMOUNT, "Amount", "金额"),
    COLUMN("repeat_customers", CELL_COUNT, "Bought on 2+ days", "两日及以上购买"),
    COLUMN("repurchase_rate", CELL_RATIO, "Repurchase rate", "复购率"),
};
static const struct metric_section channel_sections[] = {
    SECTION("by_channel", channel_columns, "insight_by_channel", "By channel", "按渠道"),
};
METRIC(metric_by_channel, "by-channel", "By channel", "按渠道", channel_sections,
       "For each channel that a paid order of the days looked at names (empty: none named): customers with a counted order "
       "there; counted orders; amount (paid for all paid orders; net: less the refunds of that channel); customers with two "
       "or more days with a counted order in this channel, and their share of its customers. A customer of two channels "
       "counts in both. Refunds of a channel without a paid order have no row. By amount, largest first; equals by "
       "name (its bytes).",
       "对所看日期内已付款订单出现过的每个渠道（空：未注明）：有计数订单的客户；计数订单；金额（全部已付款订单的实付；净额再减去该渠道的退款）；"
       "在该渠道有两日及以上计数订单的客户及其占比。同一客户在两个渠道各算一次。只有退款、没有已付款订单的渠道不列。按金额从大到小，相同者按渠道名称（字节序）。");

/* --- by-first-product --- */
static const struct metric_column product_columns[] = {
    COLUMN("product_code", CELL_TEXT, "Product", "商品编码"),
    COLUMN("product_name", CELL_TEXT, "Name", "名称"),
    COLUMN("customers", CELL_COUNT, "Customers", "客户数"),
    COLUMN("repeat_customers", CELL_COUNT, "Came back", "已回购"),
    COLUMN("repurchase_rate", CELL_RATIO, "Repurchase rate", "复购率"),
    COLUMN("eligible_90", CELL_COUNT, "Eligible, 90 days", "满 90 天客户"),
    COLUMN("repurchased_90", CELL_COUNT, "Came back in 90 days", "90 天内回购"),
    COLUMN("rate_90", CELL_RATIO, "90-day repurchase rate", "90 日复购率"),
    COLUMN("amount", CELL_AMOUNT, "Amount", "金额"),
};
static const struct metric_section product_sections[] = {
    SECTION("by_first_product", product_columns, "insight_by_first_product", "By first product", "按首购商品"),
};
METRIC(metric_by_first_product, "by-first-product", "By first product", "按首购商品", product_sections,
       "Customers whose first purchase day ever is in the days looked at, by the product of the line of the largest amount "
       "in the counted orders of that day (equals: in an order the earlier line, between orders the product of the smaller "
       "code by its bytes, none before any; empty: no lines, or no product named). Name: as the earliest order calls the "
       "product. Came back: a second purchase day not after the last day looked at. Eligible and 90 days: as N-day repurchase "
       "with N = 90, of the eligible only. Amount: of these customers in the days looked at (as M of R/F/M). By customers, "
       "largest first; equals by code (its bytes).",
       "首个购买日（有史以来）在所看日期内的客户，按当日计数订单中金额最大的一行的商品分组（相同者："
       "同一订单内取行号较小者，不同订单间取商品编码字节序较小者，未注明者最先；空：没有明细或未注明商品）。名称取最早订单所用者。"
       "已回购：有不晚于最后一天的第二个购买日。满 90 天与 90 日复购：同 N 日复购，N = 90，只统计满期客户。金额：这些客户在所看日期内的金额（同 R/F/M 的 M）。"
       "按客户数从大到小，相同者按商品编码（字节序）。");

/* --- overdue --- */
static const struct metric_column overdue_summary_columns[] = {
    COLUMN("basis", CELL_TEXT, "Measured against", "依据"),
    COLUMN("customers", CELL_COUNT, "Customers", "客户数"),
    COLUMN("overdue", CELL_COUNT, "Overdue", "逾期未购"),
    COLUMN("share", CELL_RATIO, "Share", "占比"),
    COLUMN("amount", CELL_AMOUNT, "Their amount so far", "其历史金额"),
};
static const struct metric_column overdue_customer_columns[] = {
    COLUMN("customer_id", CELL_ID, "Customer", "客户"),
    COLUMN("purchase_days", CELL_COUNT, "Purchase days", "购买日数"),
    COLUMN("last_day", CELL_DAY, "Last purchase day", "最后购买日"),
    COLUMN("days_since", CELL_COUNT, "Days since", "已过天数"),
    COLUMN("limit_days", CELL_NUMBER, "Limit, days", "界限（天）"),
    COLUMN("basis", CELL_TEXT, "Measured against", "依据"),
    COLUMN("amount", CELL_AMOUNT, "Amount so far", "历史金额"),
};
static const struct metric_section overdue_sections[] = {
    SECTION("summary", overdue_summary_columns, "insight_overdue_summary", "Summary", "汇总"),
    SECTION("customers", overdue_customer_columns, "insight_overdue_customers", "Overdue customers", "逾期客户"),
};
METRIC(metric_overdue, "overdue", "About to be lost", "即将流失", overdue_sections,
       "Over the customers with a purchase day in the days looked at. Days since: from the last purchase day looked "
       "at to the as-of date. Overdue: more than the limit. Limit: the 90th percentile (type 7) of the customer's own gaps where there are "
       "at least five (basis own); else the brand's 90th percentile of the gaps after that purchase number, as in rhythm by "
       "number, 11 and later together (basis brand); where the brand has no such gaps there is no limit and the customer is "
       "not overdue (basis none). Gaps as in rhythm; the purchase number is that of the last day, counted from the first "
       "ever. Amount: as M of R/F/M. Summary: rows own, brand, none, those that occur, in this order; amount: of the "
       "overdue. Customers: the overdue, by amount, largest first, then by id.",
       "统计所看日期内有购买日的客户。已过天数：所看日期内最后购买日到截止日。逾期：超过界限。界限：本人间隔至少五个时，取本人间隔的 90 分位（type 7；依据 own）；"
       "否则取全品牌在该次购买之后间隔的 90 分位，即购买节奏中按次数的数值，第 11 次及以后合并（依据 brand）；品牌没有这样的间隔时没有界限，不算逾期（依据 none）。"
       "间隔同购买节奏；购买次数为最后购买日的次数，从有史以来首个购买日数起。金额：同 R/F/M 的 M。汇总：依次为 own、brand、none，出现者各一行；金额为逾期者之和。"
       "客户：逾期者，按金额从大到小，再按 id。");

const struct metric *const metric_all[] = {
    &metric_totals,  &metric_repurchase, &metric_frequency,       &metric_nday,
    &metric_cohorts, &metric_cohort_revenue, &metric_monthly,     &metric_rhythm,
    &metric_second_purchase, &metric_rfm, &metric_concentration,  &metric_by_channel,
    &metric_by_first_product, &metric_overdue,
};
const int metric_count = COUNT_OF(metric_all);
