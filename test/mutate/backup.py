"""Breaks of backup and restore, and of the demo brand. Read by script/mutate."""

WHOLE = "operations/backup_test.py --database sqlite --only "
TESTS = {
    "archive": [WHOLE + "test_damage", WHOLE + "test_same", "archive_test"],
    "refusals": [WHOLE + "test_refusals", WHOLE + "test_same"],
    "same": [WHOLE + "test_same", WHOLE + "test_drill"],
    "key": [WHOLE + "test_key", WHOLE + "test_same"],
    "older": [WHOLE + "test_older"],
    "erasures": [WHOLE + "test_erasures"],
    "console": [WHOLE + "test_console"],
}

MAKE = "src/job/backup.c"
RESTORE = "src/job/backup_restore.c"
ARCHIVE = "src/codec/archive.c"
CONSOLE = "src/http/app_backup.c"
HOME = "src/job/home.c"

BREAKS = [
    ("archive", ARCHIVE, "a checksum that does not fit is passed over", "    if (memcmp(trailer, expected, sizeof(trailer)) != 0)\n", "    if (memcmp(trailer, expected, 8) != 0)\n"),
    ("archive", ARCHIVE, "a part with a damaged head is read", "checksum != (int64_t)checksum_of(&head) ||", "checksum < 0 ||"),
    ("archive", ARCHIVE, "a part may be longer than the file", "!get_size(head.size, &size) || size > r->end - r->at - BLOCK_BYTES)", "!get_size(head.size, &size))"),
    ("archive", ARCHIVE, "others may read a backup", "return file_put_in_place(w->arena, w->temporary, w->path, 0600);", "return file_put_in_place(w->arena, w->temporary, w->path, 0644);"),
    ("refusals", MAKE, "a backup overwrites another", "file_exists(arena, wanted) ? ERR_NEW(arena, ERR_BACKUP_EXISTS, wanted) : NULL;", "NULL;"),
    ("refusals", MAKE, "two backups of one second have one name", "for (int n = 2; file_exists(arena, *path); n++)", "for (int n = 2; n < 0; n++)"),
    # Asked twice, before the passphrase, and again: both ask this.
    ("same", HOME, "a restore overwrites a brand", '        return ERR_NEW(arena, ERR_HOME_EXISTS, directory);\n    if (!directory_is_empty(arena, directory))\n', "        (void)directory_is_empty;\n    if (!arena)\n"),
    ("refusals", HOME, "a restore goes into a directory in use", "    if (!directory_is_empty(arena, directory))\n        return ERR_NEW(arena, ERR_HOME_NOT_EMPTY, directory);\n", "    (void)directory_is_empty;\n"),
    ("refusals", RESTORE, "another brand's key will do", "    if (!str_eq(backup_key_check(r->arena, keys), r->result->manifest.key_check))\n", "    if (!keys)\n"),
    ("refusals", RESTORE, "one database's backup goes into the other", "    if (!str_eq(kind, backup_store_name(r->store_url)))\n", "    if (!str_is(kind))\n"),
    ("older", RESTORE, "what failed leaves half a directory", "    home_remove(r->arena, r->options->directory);\n    if (!existed)\n        rmdir(str_z(r->arena, r->options->directory));\n", "    (void)existed;\n"),
    ("same", RESTORE, "logins go on after a restore", "    TRY(access_sessions_end(tx));\n", ""),
    ("same", RESTORE, "a restore is not verified", "    TRY(columns_verify(home->store, r->arena, home->brand, r->options->lang, &r->result->verified));\n", ""),
    ("older", RESTORE, "a restore that is not whole counts as tried", "    if (r->result->verified.fault_count > 0)\n        return NULL;\n", ""),
    ("same", MAKE, "a backup holds the address of its database", 'str_fmt(arena, "{\\"node\\": %d}\\n", node)', 'str_fmt(arena, "{\\"node\\": %d, \\"store\\": \\"%.*s\\"}\\n", node, STR_ARG(options->store_url))'),
    ("same", MAKE, "a backup is not noted", "    return note_made(arena, options, result);\n", "    (void)note_made;\n    return NULL;\n"),
    ("console", MAKE, "what could not be made is listed", "    TRY(err);\n    TRY(copy_erasures(arena, options));\n", "    err = NULL;\n    TRY(copy_erasures(arena, options));\n"),
    ("console", MAKE, "what is being made is listed", "    TRY(archive_create(arena, result->path, now_us / 1000000, &writer));\n", "    result->sha256 = STR(\"\");\n    result->backup_id = id_next(options->deps->ids);\n    TRY(note_made(arena, options, result));\n    TRY(archive_create(arena, result->path, now_us / 1000000, &writer));\n"),
    ("key", MAKE, "the key is always inside", "    if (options->passphrase.p)\n        TRY(add_key(", "    if (options)\n        TRY(add_key("),
    ("key", MAKE, "the key is inside in the clear", "struct str locked = secret_lock(arena, options->passphrase, plain);", "struct str locked = str_copy(arena, plain);"),
    ("key", MAKE, "any passphrase will do", "if (passphrase.n >= BACKUP_PASSPHRASE_BYTES_MIN && ", "if (passphrase.n >= 1 && "),
    ("older", MAKE, "a backup of a newer program is taken", "if (manifest->schema_number > store_schema_number())", "if (manifest->schema_number > 2 * store_schema_number())"),
    ("older", MAKE, "a backup of an older program is refused", "if (manifest->schema_number > store_schema_number())", "if (manifest->schema_number != store_schema_number())"),
    ("erasures", RESTORE, "who was erased comes back", "    TRY(erasure_replay(home->store, r->arena, path, &replayed));\n", ""),
    ("erasures", RESTORE, "the log beside the backup is not looked for", 'path = str_fmt(r->arena, "%.*s" ERASURE_LOG_NAME, STR_ARG(folder_of(r->options->path)));', 'path = str_fmt(r->arena, "%.*s-none", STR_ARG(folder_of(r->options->path)));'),
    ("erasures", RESTORE, "the log that is named is not looked into", "struct str path = r->options->erasures_path;\n", "struct str path = STR_NONE;\n"),
    ("erasures", RESTORE, "a log that is not there is an empty one", "    if (erasures.p && !file_exists(r->arena, erasures))\n", "    if (erasures.p && !r->arena)\n"),
    ("erasures", RESTORE, "the new directory knows nothing of who was erased", "    return erasure_log_settle(home->store, r->arena, r->options->directory);\n", "    return NULL;\n"),
    ("erasures", MAKE, "the log is not laid beside the backups", "    TRY(copy_erasures(arena, options));\n", "    (void)copy_erasures;\n"),
    ("console", CONSOLE, "a record's path is a way to any file", "    return str_starts(path, folder) && !memchr(path.p + folder.n, '/', path.n - folder.n) &&\n           file_exists(call->arena, path);", "    return str_is(folder) && file_exists(call->arena, path);"),
    ("console", CONSOLE, "a record's path may climb", "!memchr(path.p + folder.n, '/', path.n - folder.n) &&", "true &&"),
    ("console", CONSOLE, "two are made at once", "    if (running)\n        return ERR_NEW(call->arena, ERR_BACKUP_RUNNING, STR_NONE);\n    TRY(call_write", "    if (running && !call)\n        return ERR_NEW(call->arena, ERR_BACKUP_RUNNING, STR_NONE);\n    TRY(call_write"),
    ("console", CONSOLE, "a download takes the file away", "        .keep = true,\n", "        .keep = false,\n"),
    ("console", CONSOLE, "what went wrong is not told", "put_text(work->error[lang], err ? err_text(arena, err, (enum lang)lang) : STR(\"\"));", "put_text(work->error[lang], err ? STR(\"\") : STR(\"\"));"),
    ("console", CONSOLE, "nobody knows who took a backup", '    call->audit_object = str_fmt(call->arena, "backup:%lld", (long long)path->backup_id);\n', ""),
]
