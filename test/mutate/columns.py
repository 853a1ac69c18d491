"""Breaks of what the columns know of unknown buyers. Read by script/mutate."""

TESTS = {
    "unknown": ["engine_test", "job_columns_test", "import_test"],
    "said": ["http/contract_test.py --database sqlite", "http/people_test.py --database sqlite --only figures"],
}

UNKNOWN = "src/engine/engine_unknown.c"
COLUMNS = "src/job/columns.c"
BUILD = "src/job/columns_build.c"
REPORT = "src/room/insight/insight_endpoint.c"

BREAKS = [
    ("unknown", UNKNOWN, "what was there counts again", "orders.orders - place->orders;", "orders.orders;"),
    ("unknown", UNKNOWN, "amounts are counted twice when put twice", "orders.amount_minor - place->amount_minor;", "orders.amount_minor;"),
    ("unknown", UNKNOWN, "memory that ends leaves half of them moved", "while (i-- > 0) ", "while (0 && i-- > 0) "),
    ("unknown", UNKNOWN, "amounts are not compared", "in_a.orders == in_b.orders && in_a.amount_minor == in_b.amount_minor", "in_a.orders == in_b.orders"),
    ("unknown", COLUMNS, "events of unknown buyers change nothing", "TRY(columns_put_unknown(engine, root_id, orders, order_count));", ""),
    ("unknown", COLUMNS, "who was merged away stays unknown", "        TRY(columns_put_unknown(engine, ids[i], NULL, 0));\n", ""),
    ("unknown", COLUMNS, "unknown buyers are customers of reports", "        order_count = refund_count = 0;\n", ""),
    ("unknown", BUILD, "columns that are built leave nothing out", "            err = columns_put_unknown(engine, customer_id, orders, order_count);\n", "            err = NULL;\n"),
    ("said", REPORT, "a report does not say what it leaves out", "asked->report, engine_left_out(engine),", "asked->report, (struct left_out){0},"),
    ("said", REPORT, "an empty report does not say that its buyers are unknown", "        TRY(insight_why_empty(call->arena, engine_left_out(engine)));\n", "        TRY(insight_why_empty(call->arena, (struct left_out){0}));\n"),
]
