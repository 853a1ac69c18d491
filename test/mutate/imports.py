"""Breaks of imports over HTTP: the queue, counts, maps of one's own, rejected rows, files. Read by script/mutate."""

WHOLE = "http/imports_test.py --database sqlite --only "
TESTS = {
    "queue": [WHOLE + "once,queue"],
    "killed": [WHOLE + "killed --rounds 2"],
    "counts": [WHOLE + "once,hand,rejects", WHOLE + "same"],
    "maps": [WHOLE + "hand,words"],
    "files": [WHOLE + "refused,once", WHOLE + "same"],
    "rejects": [WHOLE + "rejects", WHOLE + "same"],
}

QUEUE = "src/room/order/import_queue.c"
TASK = "src/room/order/import_task.c"
ENDPOINT = "src/room/order/import_endpoint.c"
OWN = "src/room/order/import_own.c"
WISH = "src/room/order/import_wish.c"
SQL = "src/room/order/statements_import.sql"

BREAKS = [
    # --- The queue ---
    ("killed", QUEUE, "what waited when the server ended waits for ever", ".wanted = true, .is_import = true};", ".is_import = true};"),
    ("killed", QUEUE, "what was to be checked when the server ended is never checked", "(struct imports_lane){.imports = imports, .wanted = true};", "(struct imports_lane){.imports = imports};"),
    ("killed", QUEUE, "what ran when the server ended runs for ever", "    TRY(note_interrupted(imports, imports->arena));\n    return remove_strays", "    return remove_strays"),
    ("killed", SQL, "what was interrupted cannot be begun again", "AND state IN (1, 5, 6, 7) AND map IS NOT NULL;", "AND state IN (1, 5, 7) AND map IS NOT NULL;", "order_upload_queue"),
    ("queue", SQL, "who comes last is first", "ORDER BY queued_at, upload_id LIMIT 1;", "ORDER BY queued_at DESC, upload_id DESC LIMIT 1;", "order_upload_next"),
    ("queue", SQL, "nobody is ahead", "CAST(COUNT(*) AS BIGINT) AS waiting_count", "CAST(COUNT(*) * 0 AS BIGINT) AS waiting_count", "order_upload_before"),
    ("queue", ENDPOINT, "a start is not heard", "    TRY(call_write(call, start_tx, call));\n    imports_tell(call->service->imports, path->import_id, UPLOAD_WAITING);\n    imports_wake(call->service->imports);", "    TRY(call_write(call, start_tx, call));\n    imports_tell(call->service->imports, path->import_id, UPLOAD_WAITING);"),
    ("queue", SQL, "what is done is imported again", "AND state IN (1, 5, 6, 7) AND map IS NOT NULL;", "AND state IN (1, 5, 6, 7, 8) AND map IS NOT NULL;", "order_upload_queue"),
    ("queue", SQL, "what runs is thrown away", "AND state IN (0, 1, 2, 5, 6, 7);", "AND state IN (0, 1, 2, 4, 5, 6, 7);", "order_upload_discard"),
    ("queue", QUEUE, "a stop is not heard", "        if (lanes[i]->upload_id == upload_id)\n            atomic_store(&lanes[i]->stopped, true);", "        if (lanes[i]->upload_id == -upload_id)\n            atomic_store(&lanes[i]->stopped, true);"),
    ("queue", QUEUE, "a stop stops the next one, too", "    atomic_store(&lane->stopped, false);\n", ""),
    ("queue", ENDPOINT, "what waited and is stopped was never ready", "row.attempt_count > 0 ? UPLOAD_STOPPED : UPLOAD_READY};", "row.attempt_count >= 0 ? UPLOAD_STOPPED : UPLOAD_READY};"),
    ("queue", TASK, "what was stopped is done", "    if (task->err->code != ERR_IMPORT_STOPPED)\n        return UPLOAD_FAILED;", "    if (task->err->code == ERR_IMPORT_STOPPED)\n        return UPLOAD_DONE;"),
    ("queue", QUEUE, "nobody hears of progress", "    if (tell)\n        publish(imports, upload_id, lane->is_import", "    if (tell && !lane)\n        publish(imports, upload_id, lane->is_import"),

    # --- What is told ---
    ("counts", TASK, "changed orders are told as the same", ".order_changed_count = result->orders_changed,", ".order_changed_count = result->orders_same,"),
    ("counts", TASK, "rejected rows are not told", ".rejected_row_count = result->rows_rejected,", ".rejected_row_count = 0,"),
    ("counts", ENDPOINT, "a list ends a row early", "size_t shown = count > (size_t)query->limit ? (size_t)query->limit : count;", "size_t shown = count > (size_t)query->limit ? (size_t)query->limit - 1 : count;"),
    ("counts", ENDPOINT, "the second page begins anew", "int64_t before_id = query->cursor ? query->cursor : INT64_MAX;\n    TRY(import_list(", "int64_t before_id = INT64_MAX;\n    TRY(import_list("),
    ("counts", SQL, "an import over HTTP is listed twice", "FROM import_run WHERE upload_id = 0 AND import_id < :before_id", "FROM import_run WHERE import_id < :before_id", "order_upload_page"),

    # --- Maps of one's own ---
    ("maps", OWN, "a map of one's own hides a built-in one", "    return !import_is_builtin(name);\n", "    return true;\n"),
    ("maps", WISH, "a state that is none is taken", "    check_words(&errors, wish);\n", "    (void)check_words;\n"),
    ("maps", WISH, "an export of next century", "if (wish->exported_at_us != INT64_MIN && wish->exported_at_us > now_us + US_PER_DAY)", "if (wish->exported_at_us != INT64_MIN && wish->exported_at_us == now_us)"),

    # --- Files ---
    ("files", "src/room/order/import_queue.c", "a name may climb", "c == '/' || c == '\\\\')", "c == '\\\\')"),
    ("files", ENDPOINT, "any number of bytes may lie there", "kept.byte_count <= LIMIT_UPLOADS_BYTES_MAX - call->upload_bytes)", "kept.byte_count >= 0)"),
    ("files", ENDPOINT, "any number of files may lie there", "kept.file_count < LIMIT_UPLOADS_MAX &&", "kept.file_count >= 0 &&"),
    ("files", ENDPOINT, "others may read a file", "chmod(path, 0600) != 0)", "chmod(path, 0644) != 0)"),
    ("files", ENDPOINT, "said twice, it lies there twice", "    if (err || call->replay.p)\n", "    if (err)\n"),
    ("files", ENDPOINT, "the file's own time is lost", "    (void)utimensat(AT_FDCWD, path, both, 0);\n", "    (void)both;\n    (void)path;\n"),
    ("files", ENDPOINT, "what was thrown away lies there still", "    imports_stop(imports, path->import_id);\n    imports_remove(imports, path->import_id);", "    imports_stop(imports, path->import_id);"),
    ("files", TASK, "what was imported lies there still", "    if (state == UPLOAD_DONE && !str_is(task.view.result.reject_path))\n        imports_remove(task.imports, upload_id);", "    if (state == UPLOAD_DONE && !str_is(task.view.result.reject_path))\n        (void)imports_remove;"),
    ("killed", QUEUE, "what was cut off lies there for ever", "        if (!err && !sweep.known)\n            imports_remove(", "        if (!err && !sweep.known && !imports)\n            imports_remove("),
    ("killed", QUEUE, "pieces of uploads lie there for ever", '    remove_files(imports->arena, imports->options.temporary_directory, "upload-");\n', ""),
    ("files", TASK, "an error tells where the file lies", "    return text.p && str_starts(text, folder) ? str_slice(text, folder.n, text.n) : text;", "    return folder.p ? text : STR_NONE;"),
    ("files", TASK, "a result tells where the file lies", "    take_folder_out_of_result(task);\n", "    (void)take_folder_out_of_result;\n"),
    ("maps", "src/room/order/import_columns.c", "samples show phones in the clear", "    return import_cell_shown(arena, kind, cell);\n", "    return cell;\n"),

    # --- Rejected rows ---
    ("rejects", ENDPOINT, "nobody knows who took the rejected rows", "    rejects->name = str_copy(call->arena, row.reject_name);\n    audit(call, path->import_id);", "    rejects->name = str_copy(call->arena, row.reject_name);"),
    ("rejects", TASK, "rejected rows stay for ever", "tx_now_us(tx) - IMPORT_REJECTS_US};", "0};"),
    ("rejects", TASK, "rejected rows go after a day", "tx_now_us(tx) - IMPORT_REJECTS_US};", "tx_now_us(tx) - IMPORT_REJECTS_US / 30};"),
    ("rejects", TASK, "rejected rows go with the file", "    else if (state == UPLOAD_DONE)\n        (void)unlink(str_z(arena, task.path));", "    else if (state == UPLOAD_DONE)\n        imports_remove(task.imports, upload_id);"),
    ("rejects", TASK, "with rejected rows the whole file stays", "    else if (state == UPLOAD_DONE)\n        (void)unlink(str_z(arena, task.path));", "    else if (state == UPLOAD_DONE)\n        (void)unlink;"),
]
