"""Breaks of the rights of the person: consent, correction, export, erasure, merging. Read by script/mutate."""

RIGHTS = "http/person_test.py --database sqlite --only rights"
TESTS = {
    "rights": [RIGHTS],
    "erasure": [RIGHTS, "operations/backup_test.py --database sqlite --only test_erasures", "erasure_model_test"],
    "purge": ["store_purge_test"],
    "merge": ["http/access_test.py --database sqlite --only rows", "http/contract_test.py --database sqlite --only customers", RIGHTS],
}

CONSENT = "src/room/customer/customer_consent.c"
CORRECT = "src/room/customer/customer_correct.c"
ERASE = "src/room/customer/customer_erase.c"
ERASURES = "src/room/customer/erasure_log.c"
SQL = "src/room/customer/statements.sql"
PERSON = "src/room/order/person_endpoint.c"
EXPORT = "src/room/order/person_export.c"
FILE = "src/room/order/person_file.c"
CUSTOMER = "src/room/order/customer_endpoint.c"
CALL = "src/room/access/access_call.c"
PURGE = "src/store/postgres_purge.c"

BREAKS = [
    # --- Consent ---
    ("rights", CONSENT, "one purpose stands for all", "if (one->purpose == purpose && fits)", "if (purpose && fits)"),
    ("rights", CONSENT, "one channel stands for all", "bool fits = one->channel == channel || one->channel == CONSENT_BY_ANY;", "bool fits = channel >= CONSENT_BY_ANY;"),
    ("rights", CONSENT, "what was said of all channels holds for none", "bool fits = one->channel == channel || one->channel == CONSENT_BY_ANY;", "bool fits = one->channel == channel;"),
    ("rights", CONSENT, "a yes needs no evidence", "if ((told->given && !shown) || !fits)", "if ((told->given && !shown && !fits) || !fits)"),
    ("rights", CONSENT, "a yes may be said tomorrow", "if (told->occurred_at_us > tx_now_us(tx))", "if (told->occurred_at_us > INT64_MAX - 1)"),
    ("rights", CONSENT, "evidence lies in the clear", "            secret_seal(tx_arena(tx), key, CUSTOMER_EVIDENCE_CONTEXT, str_trim(told->evidence));", "            str_trim(told->evidence);"),
    ("rights", CONSENT, "nobody knows who recorded it", ".recorded_by = customer_text_or_empty(by),", '.recorded_by = customer_text_or_empty(str_slice(by, 0, 0)),'),
    ("rights", SQL, "what was recorded last decides", "ORDER BY s.occurred_at DESC, s.consent_id DESC, s.customer_id;", "ORDER BY s.consent_id DESC, s.customer_id;", "customer_consents"),
    ("erasure", CONSENT, "a split gives back what was taken back while merged", "        if (births[i] != root_id)\n            err = write_row(", "        if (births[i] == -root_id)\n            err = write_row("),
    ("rights", PERSON, "consent leaves no audit of what was said", '        call->arena, "{\\"purpose\\":\\"%s\\",\\"channel\\":\\"%s\\",\\"given\\":%s,\\"how\\":\\"%s\\"}",\n        consent_purpose_name(told.purpose), consent_channel_name(told.channel),\n        told.given ? "true" : "false", consent_how_name(told.how));',
     '        call->arena, "{}");'),

    # --- Correction ---
    ("rights", CORRECT, "somebody else's number can be taken", "    TRY(check_free(tx, root_id, is.kind, hash_str(hash)));\n    TRY(claim(tx, is.kind, hash_str(hash), root_id, identity_id));", "    (void)check_free;\n    TRY(claim(tx, is.kind, hash_str(hash), root_id, identity_id));"),
    ("rights", CORRECT, "found by what was wrong still", "    TRY(unclaim(tx, birth_id, &row));\n    TRY(claim(", "    TRY(claim("),
    ("rights", CORRECT, "found by what was removed still", "    TRY(unclaim(tx, birth_id, &row));\n    TRY(sql_customer_identity_delete_run(", "    TRY(sql_customer_identity_delete_run("),
    ("rights", CORRECT, "a correction leaves no trace in the history", '    note_change(tx, root_id, "corrected", is.kind, by);\n', '    (void)by;\n'),

    # --- Export ---
    ("rights", PERSON, "an export leaves no trace in the history", "    TRY(customer_exported(tx, root_id, call->principal.by));\n", ""),
    ("rights", EXPORT, "an export lacks refunds", "    for (size_t i = 0; i < file->refund_count; i++) {\n        const struct order_refund_view *refund = &file->refunds[i];\n        json_open", "    for (size_t i = 0; i < 0 * file->refund_count; i++) {\n        const struct order_refund_view *refund = &file->refunds[i];\n        json_open"),
    ("rights", EXPORT, "an export lacks evidence", '        put_text(out, "evidence", consent->evidence);\n', ""),
    ("rights", EXPORT, "an export lacks tags", "    for (size_t i = 0; i < view->tag_count; i++) {\n        const struct customer_tag *tag = &view->tags[i];\n        json_open", "    for (size_t i = 0; i < 0 * view->tag_count; i++) {\n        const struct customer_tag *tag = &view->tags[i];\n        json_open"),
    ("rights", EXPORT, "an export does not say who looks after them", '    put_text(out, "looked_after_by", file->keeper);\n', '    put_text(out, "looked_after_by", STR_NONE);\n'),
    ("rights", EXPORT, "an export lacks particulars of what happened", "        json_put_raw(&out->w, str_is(event->payload) ? event->payload : STR_NONE);", "        json_put_raw(&out->w, STR_NONE);"),
    ("rights", EXPORT, "an export lacks whence it came", "    for (size_t i = 0; i < file->import_count; i++) {\n        const struct order_import_view *import", "    for (size_t i = 0; i < 0 * file->import_count; i++) {\n        const struct order_import_view *import"),
    ("rights", FILE, "an export lacks what happened to other births", "    for (size_t m = 0; m < view->member_count; m++)\n        for", "    for (size_t m = 0; m < 1; m++)\n        for"),
    ("rights", FILE, "an export lacks who handled other births", "    for (size_t m = 0; m < view->member_count; m++) {\n        struct str object", "    for (size_t m = 0; m < 1; m++) {\n        struct str object"),
    ("rights", EXPORT, "a page runs what a name says", "            buf_str(&html->buf, STR(\"&lt;\"));", "            buf_char(&html->buf, c);"),
    ("rights", EXPORT, "the page lacks refunds", "    for (size_t i = 0; i < file->refund_count; i++) {\n        const struct order_refund_view *refund = &file->refunds[i];\n        row", "    for (size_t i = 0; i < 0 * file->refund_count; i++) {\n        const struct order_refund_view *refund = &file->refunds[i];\n        row"),

    # --- Erasure ---
    ("erasure", SQL, "the key stays", "SET data_key = NULL, name_sealed = NULL", "SET name_sealed = NULL", "customer_forget"),
    ("erasure", SQL, "tags stay", "WHERE customer_id = :customer_id;", "WHERE customer_id = -:customer_id;", "customer_forget_tags"),
    ("erasure", ERASE, "found by name still", "        TRY(sql_customer_name_hash_delete_run(tx, &in));\n", "        (void)in;\n"),
    ("erasure", ERASE, "found by number still", "        TRY(sql_customer_unclaim_run(tx, &unclaim));\n", "        (void)unclaim;\n"),
    ("erasure", ERASE, "the next import brings them back", "        TRY(sql_customer_erasure_identity_run(tx, &kept));\n", "        (void)kept;\n"),
    ("erasure", ERASE, "an old file's orders bring them back", "if (found[q] && outs[q].erased_at > *erased_us)", "if (found[q] && outs[q].erased_at < *erased_us)"),
    ("erasure", ERASE, "somebody looks after who was erased", "    TRY(sql_customer_keeper_clear_run(tx, &(struct sql_customer_keeper_clear_in){birth_id}));\n", ""),
    ("erasure", ERASE, "the trail goes on telling of them", '    TRY(access_forget(tx, str_fmt(tx_arena(tx), "customer:%lld", (long long)birth_id)));\n', ""),
    ("erasure", CALL, "kept answers go on telling of them", "    return sql_access_idempotency_erase_run(tx, &(struct sql_access_idempotency_erase_in){object});", "    return NULL;"),
    ("erasure", ERASE, "the history goes on telling of them", "    return event_forget(tx, birth_id);\n", "    return NULL;\n"),
    ("erasure", ERASE, "they are proposed for merging still", "    TRY(sql_customer_forget_proposals_run(tx, &proposals));\n", "    (void)proposals;\n"),
    ("erasure", ERASE, "only the root of a person is erased", "    for (size_t i = 0; i < count; i++) {\n        bool erased;\n        TRY(customer_erase_birth(tx, births[i]", "    for (size_t i = 0; i < 1; i++) {\n        bool erased;\n        TRY(customer_erase_birth(tx, births[i]"),
    ("erasure", ERASE, "any word confirms", "    if (is_id || (str_is(view->name) && str_eq(text, view->name)))\n", "    if (is_id || str_is(text))\n"),
    ("erasure", ERASE, "an erasure leaves no trace in the history", "    customer_erasure_event(tx, &entry);\n    return NULL;", "    return NULL;"),
    ("erasure", PERSON, "answered before the log has it", "    return erasure_log_settle(call->service->store, call->arena, call->service->directory);", "    return NULL;"),
    ("purge", PURGE, "who writes elsewhere is not waited for", "(pg_snapshot_xmin(pg_current_snapshot()) <= '%.*s'::xid8)::int", "(pg_snapshot_xmin(pg_current_snapshot()) < '%.*s'::xid8 AND false)::int"),
    ("purge", PURGE, "who reads is not waited for", " AND age(backend_xmin) >= age('%.*s'::xid8::xid))", " AND false AND age(backend_xmin) >= age('%.*s'::xid8::xid))"),
    ("purge", PURGE, "tables of any size are written anew beside people", "    *small = bytes <= p->bytes_max;", "    *small = true;"),
    ("purge", PURGE, "the statistics stay", "    return rewrite(p, statistics, gone);", "    (void)statistics;\n    *gone = true;\n    return NULL;"),
    ("erasure", "src/http/app.c", "a log that is lost stays lost", "    TRY(erasure_log_settle(service->store, arena, service->directory));\n", ""),
    ("erasure", ERASURES, "others may read the log", 'TRY(file_write(arena, path, STR(""), 0600));', 'TRY(file_write(arena, path, STR(""), 0644));'),
    ("erasure", ERASURES, "the log tells of one birth", "    for (size_t i = 0; i < entry->birth_count; i++)\n        json_put_id(&w, entry->births[i]);", "    for (size_t i = 0; i < entry->birth_count && i < 1; i++)\n        json_put_id(&w, entry->births[i]);"),
    ("erasure", ERASURES, "after a restore an old file brings them back", "        TRY(sql_customer_erasure_identity_run(tx, &row));\n", "        (void)row;\n"),
    ("erasure", ERASURES, "a torn line ends the log", "            log->unreadable++;\n", "            break;\n"),
    ("erasure", ERASURES, "a line written after a torn one is torn", "    buf_char(&line, '\\n');\n    json_open(&w, '{');", "    json_open(&w, '{');"),
    ("erasure", ERASURES, "a birth is not erased again", "        TRY(customer_erase_birth(tx, entry->births[i], entry, &erased));", "        erased = false;"),

    # --- Merging and splitting ---
    ("merge", CUSTOMER, "merged into whom one does not reach", '    TRY(reach_other(tx, call, in->into_id, STR("/into_id"), &into_id));\n    TRY(customer_merge(', "    into_id = in->into_id;\n    TRY(customer_merge("),
    ("merge", CUSTOMER, "the other one's fault is one's own", "    same->field = field;\n", "    (void)field;\n"),
    ("merge", CUSTOMER, "a merge leaves no audit of who was merged", '    call->audit_after = str_fmt(call->arena, "{\\"merged\\":\\"%lld\\"}", (long long)from_id);\n', ""),
    ("merge", CUSTOMER, "a split leaves no audit of whom from", '    call->audit_before = str_fmt(call->arena, "{\\"merged_into\\":\\"%lld\\"}", (long long)root_id);\n', ""),
    ("merge", CUSTOMER, "the preview shows one of the two", "struct person merged = person_united(tx_arena(tx), &from, &into);", "struct person merged = into;"),
    ("merge", CUSTOMER, "what was refused is proposed again", "    TRY(customer_proposal_refuse(tx, in->customer_id, in->other_id));\n", "    (void)customer_proposal_refuse;\n"),
]
