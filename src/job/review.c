#include "job/review.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"

#define DAY_US (24ll * 3600 * 1000000)
#define BACKUP_ATTEND_US (2 * DAY_US) /* a backup a night, and one may have failed */
#define BACKUP_ACT_US (8 * DAY_US)
#define DRILL_ATTEND_US                                                                            \
    (92 * DAY_US) /* a trial restore each quarter (NIST SP 800-34, 3.4.1: tested regularly) */
#define DISK_ATTEND_PERCENT 15
#define DISK_ACT_BYTES ((int64_t)1 << 30)
#define SESSIONS_PER_PERSON 4

/* --- Gathering --- */

static unsigned mode_of(struct arena *arena, struct str path)
{
    struct stat info;
    return stat(str_z(arena, path), &info) == 0 ? (unsigned)info.st_mode & 07777 : 0;
}

static bool starts_with_directory(struct str path, struct str directory)
{
    return str_starts(path, directory) && path.n > directory.n && path.p[directory.n] == '/';
}

struct gather {
    struct review_facts *facts;
    const struct home *home;
};

static const struct err *gather_tx(struct tx *tx, void *arg)
{
    const struct gather *gather = arg;
    struct review_facts *facts = gather->facts;
    struct backup_note *notes;
    size_t count;
    TRY(access_review(tx, &facts->access));
    TRY(setup_backup_newest(tx, 1000, &notes, &count));
    facts->backup_made_at_us = facts->backup_restored_at_us = (struct opt_i64){0};
    for (size_t i = 0; i < count; i++) {
        if (!facts->backup_made_at_us.set || notes[i].made_at_us > facts->backup_made_at_us.v) {
            facts->backup_made_at_us = some_i64(notes[i].made_at_us);
            facts->backup_on_other_place =
                !starts_with_directory(notes[i].path, gather->home->directory);
        }
        bool later = notes[i].restored_at_us.set &&
                     (!facts->backup_restored_at_us.set ||
                      notes[i].restored_at_us.v > facts->backup_restored_at_us.v);
        if (later)
            facts->backup_restored_at_us = notes[i].restored_at_us;
    }
    return NULL;
}

const struct err *review_gather(struct arena *arena, const struct home *home,
                                struct review_facts *facts)
{
    struct gather gather = {facts, home};
    struct statvfs disk;
    bool named;
    struct str key = home_key_path(arena, home->directory, &named);
    facts->now_us = clock_now_us(&home->deps.clock);
    facts->runs_as_root = geteuid() == 0;
    facts->directory_mode = mode_of(arena, home->directory);
    facts->key_mode = mode_of(arena, key);
    facts->key_beside_data = !named || starts_with_directory(key, home->directory);
    facts->postgres = store_kind(home->store) == STORE_POSTGRES;
    facts->database_mode =
        facts->postgres
            ? 0
            : mode_of(arena, str_fmt(arena, "%.*s/huitou.db", STR_ARG(home->directory)));
    if (statvfs(str_z(arena, home->directory), &disk) == 0) {
        facts->disk_free_bytes = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
        facts->disk_bytes = (int64_t)disk.f_blocks * (int64_t)disk.f_frsize;
    }
    TRY(store_look(home->store, arena, &facts->store));
    struct store_job job = {.name = "review", .fn = gather_tx, .arg = &gather};
    return store_read(home->store, arena, &job);
}

/* --- Judging --- */

struct judge {
    struct arena *arena;
    const struct review_facts *facts;
    enum lang lang;
    struct review_point *points;
    int count;
};

static void add(struct judge *j, const char *check, struct text title, struct text why,
                enum review_state state, struct str finding, struct text what_to_do)
{
    const char *what = what_to_do.in[j->lang];
    CHECK(j->count < REVIEW_POINTS_MAX);
    j->points[j->count++] = (struct review_point){
        .check = check,
        .state = state,
        .title = str_c(title.in[j->lang]),
        .finding = finding,
        .why = str_c(why.in[j->lang]),
        .what_to_do = state == REVIEW_GOOD || !*what ? STR_NONE : str_c(what),
    };
}

static struct str said(const struct judge *j, struct text text)
{
    return str_c(text.in[j->lang]);
}

static struct str counted(const struct judge *j, struct text format, int64_t a, int64_t b)
{
    /* {0} and {1}, in this order or the other */
    struct buf out = buf_new(j->arena, 4096);
    for (const char *p = format.in [j->lang]; *p; p++) {
        if (p[0] != '{') {
            buf_char(&out, *p);
            continue;
        }
        buf_fmt(&out, "%lld", (long long)(p[1] == '0' ? a : b));
        p += 2;
    }
    return buf_view(&out);
}

static void judge_listening(struct judge *j)
{
    const struct review_facts *f = j->facts;
    enum review_state state = f->loopback ? REVIEW_GOOD : REVIEW_ACT;
    struct str finding =
        f->loopback
            ? said(j, (struct text)TEXT("The server listens on this machine only.",
                                        "服务只在本机监听。"))
            : str_fmt(j->arena, "%s %.*s",
                      j->lang == LANG_ZH ? "服务直接对网络开放，监听地址："
                                         : "The server is open to the network, on the address",
                      STR_ARG(f->address));
    add(j, "listening", (struct text)TEXT("Who can reach the server", "谁能连接到服务"),
        (struct text)TEXT(
            "Without TLS, passwords and customers' data cross the network in the clear.",
            "没有 TLS 时，密码与客户资料在网络上以明文传输。"),
        state, finding,
        (struct text)TEXT(
            "Start it without --address, and put a proxy with TLS in front of it "
            "(docs/operations.md).",
            "启动时不要加 --address，并在前面放一个带 TLS 的反向代理（见 docs/operations.md）。"));
}

static void judge_proxy(struct judge *j)
{
    const struct review_facts *f = j->facts;
    bool good = f->loopback;
    struct text finding =
        !f->behind_proxy
            ? (struct text)TEXT("No proxy is announced: addresses are those that connect.",
                                "未声明反向代理：以实际连接的地址为准。")
        : good ? (struct text)TEXT(
                     "A proxy on this machine stands in front; its word on addresses is believed.",
                     "本机前有反向代理，采信其提供的来访地址。")
               : (struct text)TEXT("A proxy is announced, but others can reach the server past it.",
                                   "声明了反向代理，但他人可绕过它直接连接。");
    add(j, "proxy", (struct text)TEXT("The proxy in front", "前面的反向代理"),
        (struct text)TEXT(
            "Failed logins are counted by address; who can name any address is never slowed down.",
            "登录失败按地址计数；能伪造地址的人不会被限制。"),
        good || !f->behind_proxy ? REVIEW_GOOD : REVIEW_ACT, said(j, finding),
        (struct text)TEXT("Listen on 127.0.0.1 when you use --behind-proxy.",
                          "使用 --behind-proxy 时请监听 127.0.0.1。"));
}

static void judge_root(struct judge *j)
{
    bool root = j->facts->runs_as_root;
    add(j, "system_user", (struct text)TEXT("The system user", "系统用户"),
        (struct text)TEXT("Whoever found a hole in the program would own the whole machine.",
                          "万一程序有漏洞，攻击者将控制整台机器。"),
        root ? REVIEW_ATTEND : REVIEW_GOOD,
        said(j, root ? (struct text)TEXT("The server runs as root.", "服务以 root 身份运行。")
                     : (struct text)TEXT("The server runs as an ordinary user.",
                                         "服务以普通用户身份运行。")),
        (struct text)TEXT(
            "Run it as a user of its own (docs/operations.md has the unit for systemd).",
            "请用专门的用户运行（docs/operations.md 中有 systemd 单元）。"));
}

static void judge_mode(struct judge *j, const char *check, struct text title, unsigned mode,
                       struct text what_to_do)
{
    bool open = (mode & 077) != 0;
    struct str finding =
        open ? str_fmt(j->arena, "%s %03o",
                       j->lang == LANG_ZH ? "其他用户也能访问，权限："
                                          : "Others may get at it, mode",
                       mode)
             : said(j, (struct text)TEXT("Only its owner can read it.", "只有其所有者可读。"));
    add(j, check, title,
        (struct text)TEXT("Other users of this machine could read the brand's data.",
                          "本机的其他用户可能读取品牌数据。"),
        open ? REVIEW_ACT : REVIEW_GOOD, finding, what_to_do);
}

static void judge_files(struct judge *j)
{
    const struct review_facts *f = j->facts;
    judge_mode(
        j, "directory_mode", (struct text)TEXT("The data directory", "数据目录"), f->directory_mode,
        (struct text)TEXT("Run: chmod 700 on the data directory.", "请对数据目录执行 chmod 700。"));
    if (!f->postgres)
        judge_mode(
            j, "database_mode", (struct text)TEXT("The database file", "数据库文件"),
            f->database_mode,
            (struct text)TEXT("Run: chmod 600 on huitou.db.", "请对 huitou.db 执行 chmod 600。"));
    judge_mode(
        j, "key_mode", (struct text)TEXT("The master key's file", "主密钥文件"), f->key_mode,
        (struct text)TEXT("Run: chmod 600 on the key's file.", "请对密钥文件执行 chmod 600。"));
    add(j, "key_place", (struct text)TEXT("Where the master key lies", "主密钥的位置"),
        (struct text)TEXT(
            "Who copies the data directory with the key in it can read every name and number.",
            "连同密钥一起拷走数据目录的人，可以读出所有姓名与号码。"),
        f->key_beside_data ? REVIEW_ATTEND : REVIEW_GOOD,
        said(j, f->key_beside_data
                    ? (struct text)TEXT("It lies beside the data.", "与数据放在一起。")
                    : (struct text)TEXT("It lies apart from the data.", "与数据分开存放。")),
        (struct text)TEXT(
            "Move master.key elsewhere and name it by HUITOU_MASTER_KEY_FILE; never copy it "
            "together with the "
            "data.",
            "把 master.key 移到别处，用 HUITOU_MASTER_KEY_FILE 指明；切勿与数据一起拷贝。"));
}

static void judge_disk(struct judge *j)
{
    const struct review_facts *f = j->facts;
    int64_t percent = f->disk_bytes > 0 ? f->disk_free_bytes * 100 / f->disk_bytes : 100;
    bool act = f->disk_bytes > 0 && f->disk_free_bytes < DISK_ACT_BYTES;
    enum review_state state = act                             ? REVIEW_ACT
                              : percent < DISK_ATTEND_PERCENT ? REVIEW_ATTEND
                                                              : REVIEW_GOOD;
    add(j, "disk", (struct text)TEXT("Room on the disk", "磁盘空间"),
        (struct text)TEXT(
            "On a full disk nothing more can be written: imports stop and logins fail.",
            "磁盘写满后无法再写入：导入中止，登录失败。"),
        state,
        counted(j, (struct text)TEXT("{0} % are free: {1} MB.", "剩余 {0}%，即 {1} MB。"), percent,
                f->disk_free_bytes / 1000000),
        (struct text)TEXT("Make room, or move the data to a larger disk.",
                          "请清理空间，或把数据移到更大的磁盘。"));
}

static void judge_store(struct judge *j)
{
    const struct review_facts *f = j->facts;
    const struct text title = TEXT("The database", "数据库");
    const struct text why =
        TEXT("Between the two machines orders, and what you search for, could be read or changed.",
             "两台机器之间的订单与查询内容可能被读取或篡改。");
    const struct text what = TEXT(
        "Put sslmode=verify-full and the server's certificate into its address in huitou.json.",
        "请在 huitou.json 的地址中加上 sslmode=verify-full 与服务器证书。");
    bool checked = str_eq(f->store.tls_mode, STR("verify-full"));
    if (!f->postgres || !f->store.remote) {
        add(j, "database_connection", title, why, REVIEW_GOOD,
            str_fmt(j->arena, "%s %.*s%s", f->postgres ? "PostgreSQL" : "SQLite",
                    STR_ARG(f->store.version),
                    j->lang == LANG_ZH ? "，在本机。" : ", on this machine."),
            what);
        return;
    }
    enum review_state state = !f->store.encrypted ? REVIEW_ACT
                              : checked           ? REVIEW_GOOD
                                                  : REVIEW_ATTEND;
    struct text words =
        !f->store.encrypted ? (struct text)TEXT(", on another machine, without TLS.",
                                                "，在另一台机器上，未使用 TLS。")
        : checked
            ? (struct text)TEXT(", on another machine, by TLS with its certificate checked.",
                                "，在另一台机器上，使用 TLS 并核对证书。")
            : (struct text)TEXT(", on another machine, by TLS, but nobody checks its certificate.",
                                "，在另一台机器上，使用 TLS，但未核对证书。");
    add(j, "database_connection", title, why, state,
        str_fmt(j->arena, "PostgreSQL %.*s%s", STR_ARG(f->store.version), words.in[j->lang]), what);
}

static void judge_people(struct judge *j)
{
    const struct access_review *a = &j->facts->access;
    add(j, "owners", (struct text)TEXT("Owners", "品牌方账号"),
        (struct text)TEXT("If the only owner loses the password, nobody can let them in again.",
                          "唯一的品牌方若忘记密码，没有人能重置。"),
        a->owners >= 2 ? REVIEW_GOOD : REVIEW_ATTEND,
        counted(j,
                (struct text)TEXT("Owners among those who can log in: {0} of {1}.",
                                  "可登录的 {1} 人中有 {0} 位品牌方。"),
                a->owners, a->people),
        (struct text)TEXT("Make a second owner under Settings, Staff.",
                          "请在 设置 · 员工 中添加第二位品牌方。"));
    add(j, "staff_unseen", (struct text)TEXT("People not seen for long", "久未登录的人"),
        (struct text)TEXT("An account that nobody uses is one whose theft nobody notices.",
                          "没人使用的账号被盗也不会有人发现。"),
        a->people_unseen ? REVIEW_ATTEND : REVIEW_GOOD,
        counted(j,
                (struct text)TEXT("Not logged in for 90 days: {0} of {1}.",
                                  "{1} 人中有 {0} 人 90 天未登录。"),
                a->people_unseen, a->people),
        (struct text)TEXT("Block who no longer works here.", "请停用已不在此工作的人。"));
    add(j, "sessions", (struct text)TEXT("Open logins", "未退出的登录"),
        (struct text)TEXT("Each is a browser that is let in without a password.",
                          "每一个都是无需密码即可进入的浏览器。"),
        a->sessions > SESSIONS_PER_PERSON * a->people ? REVIEW_ATTEND : REVIEW_GOOD,
        counted(j,
                (struct text)TEXT("Open logins: {0}; people who can log in: {1}.",
                                  "{1} 人共有 {0} 个未退出的登录。"),
                a->sessions, a->people),
        (struct text)TEXT("Ask people to log out on machines that others use; a new password ends "
                          "all logins of a person.",
                          "请提醒员工在公用电脑上退出；重设密码会结束该员工的所有登录。"));
}

static void judge_keys(struct judge *j)
{
    const struct access_review *a = &j->facts->access;
    add(j, "keys_unused", (struct text)TEXT("API keys not in use", "未使用的 API 密钥"),
        (struct text)TEXT("A key that no program needs any more still opens the door.",
                          "不再需要的密钥仍然能打开大门。"),
        a->keys_unused ? REVIEW_ATTEND : REVIEW_GOOD,
        counted(j,
                (struct text)TEXT("Not used for 90 days: {0} of {1}.",
                                  "{1} 个密钥中有 {0} 个 90 天未使用。"),
                a->keys_unused, a->keys),
        (struct text)TEXT("Revoke them under Settings, API keys.",
                          "请在 设置 · API 密钥 中吊销。"));
    add(j, "keys_old", (struct text)TEXT("Old API keys", "过旧的 API 密钥"),
        (struct text)TEXT("The longer a key is in use, the more places know it.",
                          "密钥用得越久，知道它的地方越多。"),
        a->keys_old ? REVIEW_ATTEND : REVIEW_GOOD,
        counted(j,
                (struct text)TEXT("Older than a year: {0} of {1}.",
                                  "{1} 个密钥中有 {0} 个已超过一年。"),
                a->keys_old, a->keys),
        (struct text)TEXT("Make a new key for the program, then revoke the old one.",
                          "请为程序更换新密钥，再吊销旧的。"));
}

static void judge_backups(struct judge *j)
{
    const struct review_facts *f = j->facts;
    int64_t age_us = f->now_us - f->backup_made_at_us.v;
    enum review_state state = !f->backup_made_at_us.set || age_us > BACKUP_ACT_US ? REVIEW_ACT
                              : age_us > BACKUP_ATTEND_US                         ? REVIEW_ATTEND
                                                                                  : REVIEW_GOOD;
    add(j, "backup_age", (struct text)TEXT("The last backup", "最近一次备份"),
        (struct text)TEXT("What happened since the last backup is lost with the disk.",
                          "磁盘损坏时，备份之后的内容全部丢失。"),
        state,
        !f->backup_made_at_us.set ? said(j, (struct text)TEXT("There is none yet.", "还没有备份。"))
        : age_us < DAY_US
            ? said(j, (struct text)TEXT("Made less than a day ago.", "不到一天前完成。"))
            : counted(j, (struct text)TEXT("Days since it was made: {0}.", "{0} 天前完成。"),
                      age_us / DAY_US, 0),
        (struct text)TEXT(
            "Make one under Settings, Backups, and have one made every night (docs/operations.md).",
            "请在 设置 · 备份 中备份一次，并安排每晚自动备份（见 docs/operations.md）。"));
    if (!f->backup_made_at_us.set)
        return;
    add(j, "backup_place", (struct text)TEXT("Where the last backup lies", "最近一次备份的位置"),
        (struct text)TEXT("A backup on the same disk is lost together with the data.",
                          "同一磁盘上的备份会与数据一起丢失。"),
        f->backup_on_other_place ? REVIEW_GOOD : REVIEW_ATTEND,
        said(j, f->backup_on_other_place
                    ? (struct text)TEXT("Outside of the data directory.", "在数据目录之外。")
                    : (struct text)TEXT("Inside the data directory.", "在数据目录之内。")),
        (struct text)TEXT("Download it, or copy it to another machine.",
                          "请下载，或拷贝到另一台机器。"));
    bool drilled =
        f->backup_restored_at_us.set && f->now_us - f->backup_restored_at_us.v <= DRILL_ATTEND_US;
    add(j, "backup_drill", (struct text)TEXT("Whether backups can be restored", "备份能否恢复"),
        (struct text)TEXT("A backup that was never restored is a hope.",
                          "从未恢复过的备份只是一种希望。"),
        drilled ? REVIEW_GOOD : REVIEW_ATTEND,
        said(j, drilled
                    ? (struct text)TEXT("One was restored and verified in the last three months.",
                                        "最近三个月内恢复并核对过。")
                    : (struct text)TEXT("None was restored and verified in the last three months.",
                                        "最近三个月内没有恢复并核对过。")),
        (struct text)TEXT("Run on the server's machine: huitou drill BACKUP. It restores one on "
                          "trial, verifies and removes it.",
                          "请在服务所在的机器上运行 huitou drill 备份文件：试恢复、核对并删除。"));
}

int review_judge(struct arena *arena, const struct review_facts *facts, enum lang lang,
                 struct review_point points[REVIEW_POINTS_MAX])
{
    struct judge j = {arena, facts, lang, points, 0};
    judge_listening(&j);
    judge_proxy(&j);
    judge_root(&j);
    judge_files(&j);
    judge_disk(&j);
    judge_store(&j);
    judge_people(&j);
    judge_keys(&j);
    judge_backups(&j);
    return j.count;
}
