/* huitou backup | restore | drill */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/calendar.h"
#include "cli/cli_passphrase.h"
#include "codec/json.h"
#include "job/backup.h"

#define FLAG_PASSPHRASE(type)                                                                      \
    SHAPE_FIELD(                                                                                   \
        type, passphrase_file, TEXT,                                                               \
        "File whose first line is the passphrase. Default: it is asked for at the terminal.",      \
        "文件，首行为口令。默认在终端询问。")
#define FLAG_STORE(type)                                                                           \
    SHAPE_FIELD(type, store, TEXT,                                                                 \
                "For a backup of PostgreSQL: postgres://… of an empty database.",                  \
                "用于 PostgreSQL 的备份：空数据库的地址 postgres://…。")

struct backup_flags {
    bool with_key;
    struct str passphrase_file;
};
static const struct field backup_fields[] = {
    SHAPE_FIELD(struct backup_flags, with_key, BOOL,
                "Put the master key into it too, locked by a passphrase. Without it, keep a copy "
                "of master.key apart: nothing "
                "can be restored without the key.",
                "同时放入用口令锁住的主密钥。不加则请另存 master.key：没有它无法恢复。"),
    FLAG_PASSPHRASE(struct backup_flags),
};
const struct shape cli_backup_shape = {
    .name = "backup", .size = sizeof(struct backup_flags), SHAPE_FIELDS(backup_fields)};

struct restore_flags {
    struct str store, key, passphrase_file, erasures;
};
static const struct field restore_fields[] = {
    FLAG_STORE(struct restore_flags),
    SHAPE_FIELD(struct restore_flags, key, TEXT, "The master.key that you kept apart.",
                "另行保存的 master.key。"),
    FLAG_PASSPHRASE(struct restore_flags),
    SHAPE_FIELD(
        struct restore_flags, erasures, TEXT,
        "The erasures.log of the directory that was: who was erased after the backup is erased "
        "again. Default: erasures.log beside the backup.",
        "原数据目录的 erasures.log：备份之后已删除的人将再次删除。默认取备份旁的 erasures.log。"),
};
const struct shape cli_restore_shape = {
    .name = "restore", .size = sizeof(struct restore_flags), SHAPE_FIELDS(restore_fields)};

struct drill_flags {
    struct str store;
};
static const struct field drill_fields[] = {FLAG_STORE(struct drill_flags)};
const struct shape cli_drill_shape = {
    .name = "drill", .size = sizeof(struct drill_flags), SHAPE_FIELDS(drill_fields)};

/* --- backup --- */

struct backup_work {
    const struct cli_call *call;
    struct str passphrase;
};

static struct str absolute(struct cli *cli, struct str path)
{
    char *full = realpath(str_z(cli->arena, path), NULL);
    struct str out = full ? str_copy(cli->arena, str_c(full)) : path;
    free(full);
    return out;
}

static void put_backup(struct cli *cli, const struct home *home, const struct backup_result *result)
{
    struct page *page = &cli->page;
    if (cli->json) {
        struct json_writer w = json_writer(&page->out, true);
        json_open(&w, '{');
        json_key(&w, STR("directory"));
        json_put_str(&w, home->directory);
        json_key(&w, STR("path"));
        json_put_str(&w, result->path);
        json_key(&w, STR("bytes"));
        json_put_i64(&w, result->bytes);
        json_key(&w, STR("sha256"));
        json_put_str(&w, result->sha256);
        json_key(&w, STR("with_key"));
        json_put_bool(&w, result->with_key);
        json_key(&w, STR("made_at"));
        json_put_str(&w, time_text(cli->arena, result->made_at_us));
        json_close(&w, '}');
        page_char(page, '\n');
        return;
    }
    PAGE_SAY(page, "Backup made: {0} ({1} bytes).", "备份已完成：{0}（{1} 字节）。",
             text_clean(cli->arena, result->path), text_count(cli->arena, result->bytes));
    if (result->with_key)
        PAGE_SAY(
            page,
            "It holds the master key, locked by your passphrase. Keep the passphrase elsewhere.",
            "其中含有用口令锁住的主密钥。请把口令保存在别处。");
    else
        PAGE_SAY(page,
                 "The master key is not in it: keep a copy of master.key apart from it. Without "
                 "the key nothing can be restored.",
                 "其中不含主密钥：请把 master.key 另存一份，与备份分开。没有主密钥无法恢复。");
}

static void show_progress(void *arg, int64_t done, int64_t total)
{
    struct cli *cli = arg;
    fprintf(cli->err, "\r%3lld %%\033[K", total > 0 ? (long long)(100 * done / total) : 0ll);
    if (done == total)
        fprintf(cli->err, "\r\033[K");
    fflush(cli->err);
}

static const struct err *make_backup(struct cli *cli, struct home *home, void *arg)
{
    const struct backup_work *work = arg;
    struct backup_result result;
    const struct backup_options options = {
        .directory = home->directory,
        .store_url = home->store_url,
        .deps = &home->deps,
        .store = home->store,
        .brand = home->brand,
        .path = absolute(cli, work->call->args[0]),
        .passphrase = work->passphrase,
        .progress = cli->err_terminal ? show_progress : NULL,
        .progress_arg = cli,
        .made_by = cli_user(cli->arena),
    };
    TRY(backup_make(cli->arena, &options, &result));
    result.path = absolute(cli, result.path);
    put_backup(cli, home, &result);
    return NULL;
}

const struct err *cli_backup(struct cli *cli, const struct cli_call *call)
{
    const struct backup_flags *flags = call->flags;
    struct backup_work work = {.call = call};
    if (flags->with_key && flags->passphrase_file.p)
        TRY(cli_passphrase_read(cli, flags->passphrase_file, &work.passphrase));
    else if (flags->with_key)
        TRY(cli_passphrase_ask(cli, true, &work.passphrase));
    if (flags->with_key)
        TRY(backup_check_passphrase(cli->arena, work.passphrase, STR("--passphrase-file")));
    return cli_with_home(cli, HOME_WRITE, make_backup, &work);
}

/* --- restore --- */

static void put_restored(struct cli *cli, struct str directory, const struct restore_result *result)
{
    const struct verify_result *verified = &result->verified;
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    json_key(&w, STR("directory"));
    json_put_str(&w, directory);
    json_key(&w, STR("made_at"));
    json_put_str(&w, time_text(cli->arena, result->manifest.made_at_us));
    json_key(&w, STR("sha256"));
    json_put_str(&w, result->sha256);
    json_key(&w, STR("erasures_known"));
    json_put_bool(&w, result->erasures_known);
    json_key(&w, STR("erased"));
    json_put_i64(&w, result->erased);
    json_key(&w, STR("customers"));
    json_put_i64(&w, verified->customers);
    json_key(&w, STR("orders"));
    json_put_i64(&w, verified->orders);
    json_key(&w, STR("equal"));
    json_put_bool(&w, verified->fault_count == 0);
    json_key(&w, STR("faults"));
    json_open(&w, '[');
    for (int i = 0; i < verified->fault_text_count; i++)
        json_put_str(&w, verified->faults[i]);
    json_close(&w, ']');
    json_close(&w, '}');
    page_char(&cli->page, '\n');
}

static void say_restored(struct cli *cli, const struct restore_result *result)
{
    struct page *page = &cli->page;
    const struct verify_result *verified = &result->verified;
    PAGE_SAY(page, "Restored the backup of {0} as it was at {1}: {2} customers, {3} orders.",
             "已恢复 {0} 于 {1} 的备份：{2} 位客户、{3} 个订单。",
             text_clean(cli->arena, result->manifest.brand_name),
             time_text(cli->arena, result->manifest.made_at_us),
             text_count(cli->arena, verified->customers), text_count(cli->arena, verified->orders));
    if (verified->fault_count == 0)
        PAGE_SAY(page, "Recomputed: everything is equal.", "已重算：全部一致。");
    else
        PAGE_SAY(page, "Not equal: {0} faults.", "不一致：{0} 处。",
                 text_count(cli->arena, verified->fault_count));
    for (int i = 0; i < verified->fault_text_count; i++)
        page_paragraph(page, text_clean(cli->arena, verified->faults[i]), 2);
}

static void finish(struct cli *cli, struct str directory, const struct restore_result *result)
{
    if (cli->json)
        put_restored(cli, directory, result);
    else
        say_restored(cli, result);
    if (result->verified.fault_count > 0)
        cli->exit_code = CLI_EXIT_FAILED;
}

/* A passphrase is asked for only where the key is in the backup and none was named. */
static const struct err *find_passphrase(struct cli *cli, struct str backup,
                                         const struct restore_flags *flags, struct str *passphrase)
{
    struct backup_manifest manifest;
    bool named;
    *passphrase = STR_NONE;
    (void)home_key_path(cli->arena, cli->directory, &named);
    if (flags->passphrase_file.p)
        return cli_passphrase_read(cli, flags->passphrase_file, passphrase);
    if (flags->key.p || named || !cli->err_terminal)
        return NULL;
    TRY(backup_look(cli->arena, backup, &manifest));
    return manifest.with_key ? cli_passphrase_ask(cli, false, passphrase) : NULL;
}

const struct err *cli_restore(struct cli *cli, const struct cli_call *call)
{
    const struct restore_flags *flags = call->flags;
    struct restore_options options = {
        .path = absolute(cli, call->args[0]),
        .directory = cli->directory,
        .store_url = flags->store,
        .key_path = flags->key,
        .erasures_path = flags->erasures,
        .restored_by = cli_user(cli->arena),
        .lang = cli->lang,
    };
    struct restore_result result;
    cli_say_directory(cli);
    TRY(home_check_empty(cli->arena, cli->directory));
    TRY(find_passphrase(cli, call->args[0], flags, &options.passphrase));
    TRY(backup_restore(cli->arena, &options, &result));
    finish(cli, cli->directory, &result);
    if (cli->json)
        return NULL;
    if (result.erasures_known)
        PAGE_SAY(&cli->page, "Erased again: {0} people.", "再次删除：{0} 人。",
                 text_count(cli->arena, result.erased));
    else
        PAGE_SAY(
            &cli->page,
            "There was no log of erasures: whoever was erased after this backup is back. If the "
            "old directory's erasures.log is left, restore again with --erasures.",
            "没有删除记录：备份之后已删除的人会重新出现。若原目录的 erasures.log 仍在，请用 "
            "--erasures 重新恢复。");
    PAGE_SAY(&cli->page,
             "All logins have ended. Look at staff and API keys: who was blocked, or what was "
             "revoked, after the backup is "
             "back.",
             "所有登录已结束。请检查员工与 API 密钥：备份之后停用的人、吊销的密钥已一并恢复。");
    return NULL;
}

/* --- drill --- */

#define DRILL_NAME "/drill.XXXXXX"

struct drill {
    const struct cli_call *call;
    struct restore_result result;
};

static const struct err *note_tx(struct tx *tx, void *arg)
{
    const struct drill *drill = arg;
    return setup_backup_restored(tx, drill->result.sha256);
}

/* Restores into a directory that is removed again. */
static const struct err *try_restore(struct cli *cli, struct home *home, void *arg)
{
    struct drill *drill = arg;
    const struct drill_flags *flags = drill->call->flags;
    bool named;
    char *directory = arena_alloc(cli->arena, home->temporary_directory.n + sizeof(DRILL_NAME));
    memcpy(directory, home->temporary_directory.p, home->temporary_directory.n);
    memcpy(directory + home->temporary_directory.n, DRILL_NAME, sizeof(DRILL_NAME));
    if (!mkdtemp(directory))
        return ERR_NEW(cli->arena, ERR_FILE_FOLDER, home->temporary_directory,
                       home->temporary_directory);
    const struct restore_options options = {
        .path = absolute(cli, drill->call->args[0]),
        .directory = str_c(directory),
        .store_url = flags->store,
        .key_path = home_key_path(cli->arena, home->directory, &named),
        .restored_by = cli_user(cli->arena),
        .lang = cli->lang,
    };
    const struct err *err = backup_restore(cli->arena, &options, &drill->result);
    home_remove(cli->arena, str_c(directory));
    rmdir(directory);
    TRY(err);
    struct store_job job = {
        .name = "drill.note", .fn = note_tx, .arg = drill, .again_if_ambiguous = true};
    if (drill->result.verified.fault_count == 0)
        TRY(store_write(home->store, cli->arena, &job));
    finish(cli, home->directory, &drill->result);
    if (!cli->json)
        PAGE_SAY(&cli->page, "What was restored on trial was removed again.",
                 "试恢复的内容已删除。");
    return NULL;
}

const struct err *cli_drill(struct cli *cli, const struct cli_call *call)
{
    struct drill drill = {.call = call};
    return cli_with_home(cli, HOME_WRITE, try_restore, &drill);
}
