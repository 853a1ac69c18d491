/* link: base */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new("test", (size_t)16 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void assert_text(const struct err *err, enum lang lang, const char *expected)
{
    assert_string_equal(str_z(arena, err_text(arena, err, lang)), expected);
}

static void test_text_is_filled_in(void **state)
{
    (void)state;
    const struct err *err = ERR_NEW(arena, ERR_ZONE_UNKNOWN, STR("--zone"), STR("Mars/Base"));
    assert_text(err, LANG_EN,
                "--zone: Mars/Base is not a time zone. Use an IANA name such as Asia/Shanghai.");
    assert_text(err, LANG_ZH,
                "--zone：Mars/Base 不是时区名。请使用 IANA 名称，例如 Asia/Shanghai。");
    err = ERR_NEW(arena, ERR_ZONE_UNKNOWN, STR_NONE, STR("Mars/Base"));
    assert_text(err, LANG_EN,
                "Mars/Base is not a time zone. Use an IANA name such as Asia/Shanghai.");
    assert_text(err, LANG_ZH, "Mars/Base 不是时区名。请使用 IANA 名称，例如 Asia/Shanghai。");
    /* What is filled in is not read again. */
    err = ERR_NEW(arena, ERR_ZONE_UNKNOWN, STR("{0}"), STR("{field}{0}{1}"));
    assert_text(err, LANG_EN,
                "{0}: {field}{0}{1} is not a time zone. Use an IANA name such as Asia/Shanghai.");
    /* An argument that was not given leaves nothing. */
    err = ERR_NEW(arena, ERR_FILE_READ, STR("a.csv"));
    assert_text(err, LANG_EN, "a.csv: reading failed ().");
}

static void test_strings_are_copied(void **state)
{
    (void)state;
    char name[] = "Mars/Base";
    struct str s = {name, strlen(name)};
    const struct err *err = ERR_NEW(arena, ERR_ZONE_UNKNOWN, s, s);
    memset(name, 'x', strlen(name));
    assert_text(err, LANG_EN,
                "Mars/Base: Mars/Base is not a time zone. Use an IANA name such as Asia/Shanghai.");
    assert_string_equal(err->file, __FILE__);
    assert_int_equal(err->line, __LINE__ - 5);
    assert_int_equal(err_class(err), ERR_CLASS_CALLER);
}

static void test_long_arguments_are_cut(void **state)
{
    (void)state;
    /* 3 bytes each, so that the cut would fall inside a character. */
    struct buf buf = buf_new(arena, 3 << 20);
    for (int i = 0; i < 1 << 20; i++)
        buf_str(&buf, STR("客"));
    const struct err *err =
        ERR_NEW(arena, ERR_ZONE_UNKNOWN, buf_view(&buf), buf_view(&buf), buf_view(&buf));
    struct str text = err_text(arena, err, LANG_EN);
    assert_true(text.n < 10000);
    assert_true(str_is_utf8(text));
    assert_true(str_starts(text, STR("客客客")));
}

static void test_list_keeps_order(void **state)
{
    (void)state;
    struct err_list list = {.arena = arena};
    err_list_add(&list, NULL);
    assert_null(list.first);
    err_list_add(&list, ERR_NEW(arena, ERR_FILE_OPEN, STR("a")));
    err_list_add(&list, ERR_NEW(arena, ERR_FILE_READ, STR("b")));
    struct err_list both = {.arena = arena};
    err_list_add(&both, ERR_NEW(arena, ERR_FILE_WRITE, STR("0")));
    err_list_add(&both, list.first);
    err_list_add(&both, ERR_NEW(arena, ERR_SECRET_OPEN, STR("c")));
    assert_int_equal(list.count, 2);
    assert_int_equal(both.count, 4);
    struct arena *other = arena_new("other", 1 << 20);
    const struct err *copy = err_copy(other, both.first);
    arena_reset(arena);
    static const char *const fields[] = {"0", "a", "b", "c"};
    for (int i = 0; i < 4; i++, copy = copy->next)
        assert_string_equal(str_z(other, copy->field), fields[i]);
    assert_null(copy);
    arena_free(other);
}

/* Each placeholder of a message must be one that err_text fills in, and the same in both languages.
 */
static void assert_placeholders(const struct err_info *info)
{
    for (const char *p = strchr(info->message.in[LANG_EN], '{'); p != NULL;
         p = strchr(p + 1, '{')) {
        bool argument = p[1] >= '0' && p[1] < '0' + ERR_ARG_MAX && p[2] == '}';
        if (!argument && strncmp(p, "{field}", 7) != 0)
            fail_msg("%s: unknown placeholder in \"%s\"", info->name, info->message.in[LANG_EN]);
    }
    static const char *const known[] = {"{field}", "{0}", "{1}", "{2}", "{3}"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        bool in_en = strstr(info->message.in[LANG_EN], known[i]) != NULL;
        bool in_zh = strstr(info->message.in[LANG_ZH], known[i]) != NULL;
        if (in_en != in_zh)
            fail_msg("%s: %s is in one language only", info->name, known[i]);
    }
}

static void test_table_is_sound(void **state)
{
    (void)state;
    for (int i = ERR_NONE + 1; i < ERR_CODE_MAX; i++) {
        const struct err_info *info = err_info((enum err_code)i);
        assert_non_null(info->name);
        assert_in_range(info->number, 1, 1399);
        assert_in_range(info->http_status, 400, 599);
        assert_true(strlen(info->message.in[LANG_EN]) > 10);
        assert_true(strlen(info->message.in[LANG_ZH]) > 10);
        assert_true(str_is_utf8(str_c(info->message.in[LANG_ZH])));
        assert_placeholders(info);
        for (int k = ERR_NONE + 1; k < i; k++) {
            if (err_info((enum err_code)k)->number == info->number)
                fail_msg("%s: number %d is taken", info->name, info->number);
        }
    }
}

static ERR_RESULT fails(bool really)
{
    return really ? ERR_NEW(arena, ERR_FILE_OPEN, STR("x")) : NULL;
}

static ERR_RESULT tries(bool really, bool *went_on)
{
    TRY(fails(really));
    *went_on = true;
    return NULL;
}

static void test_try(void **state)
{
    (void)state;
    bool went_on = false;
    assert_non_null(tries(true, &went_on));
    assert_false(went_on);
    assert_null(tries(false, &went_on));
    assert_true(went_on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_filled_in),      cmocka_unit_test(test_strings_are_copied),
        cmocka_unit_test(test_long_arguments_are_cut), cmocka_unit_test(test_list_keeps_order),
        cmocka_unit_test(test_table_is_sound),         cmocka_unit_test(test_try),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
