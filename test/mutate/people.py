"""Breaks of selections of customers, bulk changes and Today. Read by script/mutate."""

WHOLE = "http/people_test.py --database sqlite --only "
TESTS = {
    "engine": [WHOLE + "selections", "select_model_test"],
    "asked": [WHOLE + "selections", WHOLE + "figures"],
    "linked": [WHOLE + "figures", WHOLE + "selections"],
    "bulk": [WHOLE + "selections"],
    "runs": [WHOLE + "figures"],
    "today": [WHOLE + "figures"],
    "waiting": ["http/contract_test.py --database sqlite --only customers", WHOLE + "figures"],
}

SELECT = "src/engine/engine_select.c"
PERIOD = "src/engine/engine_period.c"
QUERY = "src/room/insight/people_query.c"
PEOPLE = "src/room/insight/people_endpoint.c"
FILE = "src/room/insight/people_file.c"
BULK = "src/room/insight/bulk.c"
BULKS = "src/room/insight/bulk_endpoint.c"
TODAY = "src/room/insight/today_endpoint.c"
TODAY_SQL = "src/room/insight/statements_today.sql"

BREAKS = [
    # --- What the columns judge ---
    ("engine", SELECT, "an amount is always gross", "return selection->scope.net ? customer->paid - customer->refunded : customer->paid;", "(void)selection;\n    return customer->paid;"),
    ("engine", SELECT, "refunds are no movements", "lies_in((int64_t)customer->paid_orders + customer->refunds, s->movements)", "lies_in((int64_t)customer->paid_orders, s->movements)"),
    ("engine", SELECT, "who never bought bought lately", "(has_last && lies_in(since, s->days_since))", "lies_in(since, s->days_since)"),
    ("engine", SELECT, "everybody is new", "!seen_looked_at(seen, first)))", "first == 0))"),
    ("engine", SELECT, "who came back on the last day did not", "is_back && second - first <= s->not_back_within", "is_back && second - first < s->not_back_within"),
    ("engine", SELECT, "who never bought is known for long", "first != ENGINE_DAY_NONE && engine_day(first) + s->known_for", "engine_day(first) + s->known_for"),
    ("engine", SELECT, "any score of M", "(s->m == 0 || rfm_amount_score(scores, customer->amount) == s->m)", "true"),
    ("engine", SELECT, "a gap before those looked at counts", "return number >= first && number <= last;", "return number <= last;"),
    ("engine", SELECT, "one tag of several is enough", "        if (!has_tag(seen->block, slot, s->tag_ids[i], s->today))\n            return false;\n", "        if (has_tag(seen->block, slot, s->tag_ids[i], s->today))\n            return true;\n"),
    ("engine", SELECT, "a tag holds a day less", "tag->until_day >= today)", "tag->until_day > today)"),
    ("engine", SELECT, "everybody is in reach", "if (s->by_reach && !is_one_of(keeper_id, s->reach_ids, s->reach_count))", "if (s->by_reach && s->reach_count == 0)"),
    ("engine", SELECT, "who has no day comes first", "            return INT64_MAX;\n", "            return INT64_MIN;\n"),
    ("engine", SELECT, "the last page has a next one", "out->more = behind > (int64_t)out->row_count;", "out->more = behind >= (int64_t)out->row_count;"),
    ("engine", PERIOD, "who came on the last day did not", "second - first <= share->within_days;", "second - first < share->within_days;"),
    ("engine", PERIOD, "a period is a day longer", "periods[i] = (struct engine_period){\n            .from_day = scope.to_day - (i + 1) * days + 1,", "periods[i] = (struct engine_period){\n            .from_day = scope.to_day - (i + 1) * days,"),

    # --- What is asked over HTTP ---
    ("asked", QUERY, "refunds at most is not asked", "s->refunds = range_of(query->refunds_min, query->refunds_max);", "s->refunds = range_of(query->refunds_min, -1);"),
    ("asked", QUERY, "coming back early is coming back", "s->back_after = range_of(query->back_min, query->back_max);", "s->back_after = range_of(-1, query->back_max);"),
    ("asked", QUERY, "last day until is not asked", "s->last_day = days_range(query->last_from, query->last_to);", "s->last_day = days_range(query->last_from, DAY_NONE);"),
    ("asked", QUERY, "not back before N is not back within N", "query->not_back_before > 0 ? query->not_back_before - 1 : -1;", "query->not_back_before > 0 ? query->not_back_before : -1;"),
    ("linked", QUERY, "new is not asked", "    s->is_new = query->is_new;\n", ""),
    ("linked", QUERY, "no channel is any channel", "s->by_channel = query->channel.p || query->channel_unnamed;", "s->by_channel = query->channel.p != NULL;"),
    ("linked", QUERY, "not overdue is overdue", "query->overdue == 0 ? OVERDUE_YES\n                                       : OVERDUE_NO;", "query->overdue == 0 ? OVERDUE_YES\n                                       : OVERDUE_YES;"),
    ("linked", QUERY, "a month does not narrow the days", "        narrow_scope(&scope, month);\n", "        (void)narrow_scope;\n"),
    ("asked", QUERY, "before a month is in it, too", "{INT64_MIN, first_before.min - 1}", "{INT64_MIN, first_before.max}"),
    ("asked", QUERY, "gross is net", ".net = query->amount == PEOPLE_NET};", ".net = query->amount >= 0};"),
    ("asked", QUERY, "one tag of several is asked", "    s->tag_count = query->tags.count;\n", "    s->tag_count = query->tags.count > 0;\n"),
    ("asked", QUERY, "me is nobody", "        *id = call->principal.id;\n    else if (!str_eq", "        *id = 0;\n    else if (!str_eq"),
    ("asked", QUERY, "a keeper that is no number is nobody", '        add_fault(faults, ERR_PEOPLE_KEEPER, "keeper", query->keeper);', "        (void)faults;"),
    ("asked", QUERY, "of named and found all found are shown", "        bool is_named = !s->by_id;\n", "        bool is_named = true;\n"),
    ("asked", QUERY, "a search that finds nobody finds everybody", "    s->by_id = true;\n    s->customer_ids = ids;\n    s->customer_count = count;\n", "    s->by_id = count > 0;\n    s->customer_ids = ids;\n    s->customer_count = count;\n"),
    ("asked", QUERY, "numbers beyond the most are passed over", "        add_fault(faults, ERR_PEOPLE_IDS, \"ids\", one);\n        return;", "        (void)faults;\n        return;"),
    ("asked", PEOPLE, "a cursor that is none begins anew", '    return ERR_NEW(call->arena, ERR_PEOPLE_CURSOR, STR("?cursor"));', "    (void)call;\n    page->has_after = false;\n    return NULL;"),
    ("asked", PEOPLE, "the next page begins with the last of this one", "(long long)last->place, (long long)last->customer_id);", "(long long)last->place, (long long)last->customer_id - 1);"),
    ("asked", PEOPLE, "choices show all of the staff", "bool may = call->reach == REACH_ALL || one->staff_id == call->principal.id;", "bool may = true;"),
    ("asked", PEOPLE, "who is blocked can be chosen", "if (may && !one->is_blocked)", "if (may)"),
    ("bulk", BULKS, "a change to many does not wait for what was committed before it", "    call->service->columns_wait(call->service, COLUMNS_WAIT_MS);\n", "    (void)COLUMNS_WAIT_MS;\n"),
    ("bulk", FILE, "an export does not say how many were taken", "    call->audit_object = STR(\"customers\");\n    call->audit_after =", "    call->audit_object = STR(\"customers\");\n    call->audit_before ="),

    # --- Many at once ---
    ("bulk", BULK, "of more than a hundred some are lost", "for (size_t i = 0; i < customers; i += PART_CUSTOMERS) {", "for (size_t i = 0; i < customers; i += PART_CUSTOMERS + 1) {"),
    ("bulk", BULK, "who was so before counts as changed", "if (before != pair.value)\n            changed", "if (before != pair.value || before)\n            changed"),
    ("bulk", BULK, "what was there before is forgotten", "(struct bulk_pair){pair.customer_id, before};", "(struct bulk_pair){pair.customer_id, 0};"),
    ("bulk", BULK, "a tag's last day is forgotten", "marks.tags[i].until_day == DAY_NONE ? BULK_FOR_GOOD : marks.tags[i].until_day;", "BULK_FOR_GOOD;"),
    ("bulk", BULK, "a tag for a time is for good", "pair.value == BULK_FOR_GOOD ? DAY_NONE : (int32_t)pair.value;", "DAY_NONE;"),
    ("bulk", BULK, "who was merged since is left out", "struct bulk_pair pair = {roots[i], pairs[i].value};", "struct bulk_pair pair = {roots[i] == ids[i] ? ids[i] : 0, pairs[i].value};"),
    ("bulk", BULKS, "others' changes are shown", "if (found && (call->reach == REACH_ALL || bulk->by_id == call->principal.id))", "if (found && call)"),
    ("bulk", BULKS, "a list shows others' changes", "int64_t by_id = call->reach == REACH_ALL ? 0 : call->principal.id;", "int64_t by_id = 0;"),
    ("bulk", BULKS, "an agent hands customers over", "if (in->action == ACTION_KEEPER && call->reach != REACH_ALL)", "if (in->action == ACTION_KEEPER && call->reach == REACH_NONE)"),
    ("bulk", BULKS, "a change of nobody begins", "    if (start->bulk.customers == 0)\n", "    if (start->bulk.customers < 0)\n"),
    ("runs", BULKS, "what runs is undone", "if (done.state == BULK_RUNNING || done.undone_by != 0)", "if (done.undone_by != 0)"),
    ("runs", "src/room/insight/statements_bulk.sql", "what was stopped goes on", "WHERE state = :state ORDER BY", "WHERE state >= :state ORDER BY", "insight_bulk_running"),

    # --- Today ---
    ("today", TODAY, "the rate counts those who came back over all", "return ratio(p->came_back, p->due);", "return ratio(p->came_back, p->customers);"),
    ("today", TODAY, "the period before is this one", ".previous = value_of(call, of, &periods[1]),", ".previous = value_of(call, of, &periods[0]),"),
    ("today", TODAY, "a trend runs backwards", "&periods[PERIODS - 1 - i];", "&periods[i];"),
    ("today", TODAY, "a trend's points have other days", "(struct point_out){period->from_day, period->to_day, value_of", "(struct point_out){period->from_day, period->from_day, value_of"),
    ("today", TODAY, "behind the rate are those of other days", 'add_day(arena, &link, "first_to", p->to_day - WITHIN_DAYS);', 'add_day(arena, &link, "first_to", p->to_day);'),
    ("today", TODAY, "behind the rate are all", '        add_param(&link, "back_max", str_fmt(arena, "%d", WITHIN_DAYS));\n', ""),
    ("today", TODAY, "behind those retained are the new", 'add_day(arena, &link, "first_to", p->from_day - 1);', 'add_day(arena, &link, "first_to", p->to_day);'),
    ("today", TODAY, "overdue are those who are not", "selection.overdue = OVERDUE_YES;", "selection.overdue = OVERDUE_NO;"),
    ("today", TODAY, "the day before is the last", "(double)now->customers, (double)before->customers, bought);", "(double)now->customers, (double)now->customers, bought);"),
    ("waiting", TODAY_SQL, "rejects of ever are waiting", "finished_at >= :since AND", "finished_at >= :since - :since AND", "insight_today_rejects"),
    ("waiting", TODAY_SQL, "decided proposals wait", "WHERE decided = 0", "WHERE decided >= 0", "insight_today_proposals"),
    ("waiting", TODAY, "orders without a buyer are not told", 'engine_left_out(engine).orders,', '0 * engine_left_out(engine).orders,'),
]
