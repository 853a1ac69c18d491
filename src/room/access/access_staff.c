/* The people who work for the brand: making and changing them. */
#include "base/arena.h"
#include "room/access/access_part.h"
#include "sql_access.h"

#include <stdlib.h>
#include <string.h>

#define LOGIN_BYTES_MIN 3
#define LOGIN_BYTES_MAX 60
#define NAME_BYTES_MAX 300

static bool login_is_good(struct str login)
{
    if (login.n < LOGIN_BYTES_MIN || login.n > LOGIN_BYTES_MAX)
        return false;
    for (size_t i = 0; i < login.n; i++) {
        char c = login.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("._-@+", c);
        if (!plain || c == '\0')
            return false;
    }
    return true;
}

static bool name_is_good(struct str name)
{
    if (name.n == 0 || name.n > NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
            return false;
    return true;
}

/* Of the lists of what people choose most (NCSC and SecLists, the most common 10,000) those that
 * are long enough to be let through by length, and what this program itself suggests. */
static bool password_is_common(struct str password)
{
    static const char *const common[] = {
        "1234567890",   "0123456789",   "0987654321",   "1q2w3e4r5t",   "qwertyuiop",
        "password123",  "password1234", "123456789a",   "1234567891",   "a123456789",
        "1111111111",   "0000000000",   "q1w2e3r4t5y6", "123123123123", "qwerty123456",
        "woaini1314",   "5201314520",   "huitou123456", "iloveyou123",  "asdfghjkl123",
        "1qaz2wsx3edc", "abc1234567",   "qq123456789",  "12345678910",  "1234567890a"};
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
        if (str_eq_nocase(password, str_c(common[i])))
            return true;
    bool same = true;
    for (size_t i = 1; i < password.n; i++)
        same = same && password.p[i] == password.p[0];
    return same;
}

static bool password_is_good(struct str password, struct str login)
{
    return password.n >= ACCESS_PASSWORD_BYTES_MIN && password.n <= ACCESS_PASSWORD_BYTES_MAX &&
           !str_eq_nocase(password, login) && !password_is_common(password);
}

const struct err *staff_check(struct arena *arena, const struct staff_new *wanted)
{
    struct err_list errors = {.arena = arena};
    struct str login = access_login_normal(arena, wanted->login);
    if (!login_is_good(login))
        err_list_add(&errors, ERR_NEW(arena, ERR_STAFF_LOGIN, STR("/login")));
    if (!name_is_good(str_trim(wanted->name)))
        err_list_add(&errors, ERR_NEW(arena, ERR_STAFF_NAME, STR("/name")));
    if (!wanted->no_password && !password_is_good(wanted->password, login))
        err_list_add(&errors, ERR_NEW(arena, ERR_STAFF_PASSWORD, STR("/password")));
    return errors.first;
}

const struct err *staff_exists(struct tx *tx, bool *exists)
{
    struct sql_access_staff_any_out row;
    return sql_access_staff_any_one(tx, &row, exists);
}

const struct err *staff_owner_without_password(struct tx *tx, int64_t *staff_id, struct str *name)
{
    struct sql_access_staff_without_password_out row;
    bool found;
    TRY(sql_access_staff_without_password_one(
        tx, &(struct sql_access_staff_without_password_in){ROLE_OWNER}, &row, &found));
    *staff_id = found ? row.staff_id : 0;
    *name = found ? str_copy(tx_arena(tx), row.name) : STR("");
    return NULL;
}

const struct err *staff_known(struct tx *tx, int64_t staff_id)
{
    struct sql_access_staff_one_out row;
    bool found = true;
    if (staff_id != 0)
        TRY(sql_access_staff_one_one(tx, &(struct sql_access_staff_one_in){staff_id}, &row,
                                     &found));
    return found ? NULL : ERR_NEW(tx_arena(tx), ERR_STAFF_UNKNOWN, STR("/staff_id"));
}

/* --- Who is below whom --- */

struct people {
    struct sql_access_staff_all_out *rows;
    size_t count;
};

#define PEOPLE_MAX 10000 /* as the statement says */

static const struct err *read_people(struct tx *tx, struct people *people)
{
    struct arena *arena = tx_arena(tx);
    struct stmt_cursor cursor;
    bool has;
    people->rows = ARENA_ARRAY(arena, PEOPLE_MAX + 1, struct sql_access_staff_all_out);
    people->count = 0;
    TRY(sql_access_staff_all_open(tx, &cursor));
    for (;;) {
        struct sql_access_staff_all_out *row = &people->rows[people->count];
        TRY(sql_access_staff_all_next(&cursor, row, &has));
        if (!has)
            return NULL;
        row->login = str_copy(arena, row->login);
        row->name = str_copy(arena, row->name);
        people->count++;
    }
}

static int64_t manager_of(const struct people *people, int64_t staff_id)
{
    for (size_t i = 0; i < people->count; i++)
        if (people->rows[i].staff_id == staff_id)
            return people->rows[i].manager_id.set ? people->rows[i].manager_id.v : 0;
    return -1;
}

/* Whether `below` stands somewhere below `above`; bounded, should there be a circle after all. */
static bool stands_below(const struct people *people, int64_t below, int64_t above)
{
    int64_t at = manager_of(people, below);
    for (size_t steps = 0; at > 0 && steps <= people->count; steps++) {
        if (at == above)
            return true;
        at = manager_of(people, at);
    }
    return false;
}

const struct err *staff_below(struct tx *tx, int64_t staff_id, int64_t **ids, size_t *count)
{
    struct people people;
    TRY(read_people(tx, &people));
    *ids = ARENA_ARRAY(tx_arena(tx), people.count + 1, int64_t);
    *count = 0;
    for (size_t i = 0; i < people.count; i++)
        if (stands_below(&people, people.rows[i].staff_id, staff_id))
            (*ids)[(*count)++] = people.rows[i].staff_id;
    return NULL;
}

/* staff_id 0: somebody new. */
static const struct err *check_manager(struct tx *tx, int64_t staff_id, int64_t manager_id)
{
    if (manager_id == 0)
        return NULL;
    struct people people;
    TRY(read_people(tx, &people));
    bool good = manager_of(&people, manager_id) >= 0 && manager_id != staff_id &&
                (staff_id == 0 || !stands_below(&people, manager_id, staff_id));
    return good ? NULL : ERR_NEW(tx_arena(tx), ERR_STAFF_MANAGER, STR("/manager_id"));
}

/* --- Commands --- */

const struct err *staff_create(struct tx *tx, const struct staff_new *wanted,
                               struct str password_hash, int64_t *staff_id)
{
    TRY(staff_check(tx_arena(tx), wanted));
    TRY(check_manager(tx, 0, wanted->manager_id));
    struct sql_access_staff_insert_in row = {
        .staff_id = id_next(tx_deps(tx)->ids),
        .login = access_login_normal(tx_arena(tx), wanted->login),
        .name = str_trim(wanted->name),
        .role = wanted->role,
        .manager_id = wanted->manager_id ? some_i64(wanted->manager_id) : (struct opt_i64){0},
        .password_hash = password_hash,
        .created_at = tx_now_us(tx),
    };
    struct sql_access_staff_insert_out made;
    bool taken_by_us;
    TRY(sql_access_staff_insert_one(tx, &row, &made, &taken_by_us));
    if (!taken_by_us)
        return ERR_NEW(tx_arena(tx), ERR_STAFF_LOGIN_TAKEN, STR("/login"));
    *staff_id = row.staff_id;
    return NULL;
}

static const struct err *keep_an_owner(struct tx *tx, int64_t staff_id)
{
    struct sql_access_staff_lock_owners_in in = {ROLE_OWNER};
    struct stmt_cursor cursor;
    bool has, another = false;
    TRY(sql_access_staff_lock_owners_open(tx, &in, &cursor));
    do {
        struct sql_access_staff_lock_owners_out owner;
        TRY(sql_access_staff_lock_owners_next(&cursor, &owner, &has));
        another = another || (has && owner.staff_id != staff_id);
    } while (has);
    return another ? NULL : ERR_NEW(tx_arena(tx), ERR_STAFF_LAST_OWNER, STR_NONE);
}

const struct err *staff_change(struct tx *tx, int64_t staff_id, const struct staff_change *wanted)
{
    struct sql_access_staff_one_out row;
    bool found;
    TRY(sql_access_staff_one_one(tx, &(struct sql_access_staff_one_in){staff_id}, &row, &found));
    if (!found)
        return ERR_NEW(tx_arena(tx), ERR_STAFF_UNKNOWN, STR_NONE);
    if (!name_is_good(str_trim(wanted->name)))
        return ERR_NEW(tx_arena(tx), ERR_STAFF_NAME, STR("/name"));
    TRY(check_manager(tx, staff_id, wanted->manager_id));
    bool was_owner = row.role == ROLE_OWNER && !row.blocked_at.set;
    if (was_owner && (wanted->role != ROLE_OWNER || wanted->blocked))
        TRY(keep_an_owner(tx, staff_id));
    struct opt_i64 blocked_at = {0};
    if (wanted->blocked)
        blocked_at = row.blocked_at.set ? row.blocked_at : some_i64(tx_now_us(tx));
    struct sql_access_staff_set_in set = {
        .staff_id = staff_id,
        .name = str_trim(wanted->name),
        .role = wanted->role,
        .manager_id = wanted->manager_id ? some_i64(wanted->manager_id) : (struct opt_i64){0},
        .blocked_at = blocked_at,
    };
    TRY(sql_access_staff_set_run(tx, &set));
    /* What they may changes now, not when they log in next; who is blocked is out at once. */
    if (wanted->blocked)
        TRY(sql_access_session_delete_others_run(
            tx, &(struct sql_access_session_delete_others_in){staff_id, 0}));
    return NULL;
}

const struct err *staff_password_set(struct tx *tx, int64_t staff_id, struct str password_hash,
                                     int64_t keep_session_id)
{
    TRY(sql_access_staff_password_set_run(
        tx, &(struct sql_access_staff_password_set_in){staff_id, password_hash}));
    return sql_access_session_delete_others_run(
        tx, &(struct sql_access_session_delete_others_in){staff_id, keep_session_id});
}

const struct err *access_name_of(struct tx *tx, struct str by, struct str *name)
{
    int64_t id;
    bool found = false;
    *name = by;
    if (str_starts(by, STR("staff:")) && str_to_i64(str_slice(by, 6, by.n), &id)) {
        struct sql_access_staff_one_out staff;
        TRY(sql_access_staff_one_one(tx, &(struct sql_access_staff_one_in){id}, &staff, &found));
        *name = found ? staff.name : by;
    }
    if (str_starts(by, STR("key:")) && str_to_i64(str_slice(by, 4, by.n), &id)) {
        struct sql_access_key_name_out key;
        TRY(sql_access_key_name_one(tx, &(struct sql_access_key_name_in){id}, &key, &found));
        *name = found ? key.name : by;
    }
    return NULL;
}

const struct err *staff_names(struct tx *tx, struct staff_name **names, size_t *count)
{
    struct people people;
    TRY(read_people(tx, &people));
    *names = ARENA_ARRAY(tx_arena(tx), people.count + 1, struct staff_name);
    *count = people.count;
    for (size_t i = 0; i < people.count; i++)
        (*names)[i] = (struct staff_name){people.rows[i].staff_id, people.rows[i].name,
                                          people.rows[i].blocked_at.set};
    return NULL;
}
