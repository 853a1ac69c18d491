/* link: cli */
/* Dispatch, help and usage errors, through the same function that main() calls. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "codec/json.h"
#include "engine/engine.h"

#define WORDS_MAX 12

/* What one run of the program said. */
struct run {
    int exit_code;
    char *out, *err;
};

static char directory[] = "/tmp/cli_command_test.XXXXXX";
static struct arena *arena;
static struct run runs[1024];
static int run_count;

static int set_up(void **state)
{
    (void)state;
    static const char *const names[] = {"HUITOU_DIR", "HUITOU_LANG", "LC_ALL", "LC_MESSAGES",
                                        "LANG",       "COLUMNS",     NULL};
    for (int i = 0; names[i]; i++)
        unsetenv(names[i]);
    secret_init();
    arena = arena_new("test", 64u << 20);
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < run_count; i++) {
        free(runs[i].out);
        free(runs[i].err);
    }
    arena_free(arena);
    return rmdir(directory);
}

/* Runs "huitou" with the words of a line, parted by single spaces. */
static const struct run *huitou(const char *line)
{
    static char program[] = "huitou";
    struct run *run = &runs[run_count++];
    char *copy = strdup(line), *rest = copy;
    char *words[WORDS_MAX + 1] = {program};
    int count = 1;
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    size_t out_bytes, err_bytes;
    FILE *out = open_memstream(&run->out, &out_bytes);
    FILE *err = open_memstream(&run->err, &err_bytes);
    run->exit_code = cli_run(out, err, count, words);
    fclose(out);
    fclose(err);
    free(copy);
    return run;
}

static void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not stand in: %s", part, text);
}

static void every_command_has_help_in_both_languages(void **state)
{
    (void)state;
    for (int i = 0; i < cli_command_count; i++) {
        const struct cli_command *command = &cli_commands[i];
        const char *sub = command->sub ? command->sub : "";
        for (int lang = 0; lang < LANG_MAX; lang++) {
            const char *name = lang == LANG_ZH ? "zh" : "en";
            char line[200], other[200];
            (void)snprintf(line, sizeof(line), "help %s %s --lang %s", command->name, sub, name);
            (void)snprintf(other, sizeof(other), "%s %s --help --lang=%s", command->name, sub,
                           name);
            const struct run *run = huitou(line);
            assert_int_equal(run->exit_code, 0);
            assert_string_equal(run->err, "");
            assert_string_equal(run->out, huitou(other)->out);
            assert_says(run->out, lang == LANG_ZH ? "示例" : "Example");
            assert_says(run->out, command->example);
            assert_true(strncmp(command->example, "huitou ", 7) == 0);
            assert_says(run->out, lang == LANG_ZH ? "用法" : "Usage");
            for (int f = 0; f < command->flags->field_count; f++) {
                const struct text *doc = &command->flags->fields[f].doc;
                assert_true(doc->in[LANG_EN] && *doc->in[LANG_EN]);
                assert_true(doc->in[LANG_ZH] && *doc->in[LANG_ZH]);
                assert_string_not_equal(doc->in[LANG_EN], doc->in[LANG_ZH]);
            }
            assert_string_not_equal(command->doc.in[LANG_EN], command->doc.in[LANG_ZH]);
        }
    }
}

static void each_example_is_a_call_of_its_command(void **state)
{
    (void)state;
    for (int i = 0; i < cli_command_count; i++) {
        const struct cli_command *command = &cli_commands[i];
        char start[100];
        (void)snprintf(start, sizeof(start), "huitou %s%s%s", command->name,
                       command->sub ? " " : "", command->sub ? command->sub : "");
        assert_true(strncmp(command->example, start, strlen(start)) == 0);
    }
}

static void the_overview_names_every_command(void **state)
{
    (void)state;
    const char *const lines[] = {"help", "--help", "-h", "help --lang zh"};
    for (size_t l = 0; l < sizeof(lines) / sizeof(lines[0]); l++) {
        const struct run *run = huitou(lines[l]);
        assert_int_equal(run->exit_code, 0);
        for (int i = 0; i < cli_command_count; i++)
            assert_says(run->out, cli_commands[i].sub ? cli_commands[i].sub : cli_commands[i].name);
    }
    assert_int_equal(huitou("")->exit_code, 2);
    assert_says(huitou("")->out, "import orders");
    assert_says(huitou("help customer")->out, "customer split");
    assert_says(huitou("--version")->out, "huitou ");
}

static void unknown_words_name_the_nearest(void **state)
{
    (void)state;
    const struct run *run = huitou("reprot totals");
    assert_int_equal(run->exit_code, 2);
    assert_string_equal(run->out, "");
    assert_says(run->err, "error: reprot is not a command; the nearest is report.");
    run = huitou("customer mrege 1 2");
    assert_int_equal(run->exit_code, 2);
    assert_says(run->err, "customer mrege is not a command; the nearest is customer merge.");
    run = huitou("report cohort");
    assert_int_equal(run->exit_code, 2);
    assert_says(run->err, "the nearest is cohorts");
    run = huitou("import");
    assert_int_equal(run->exit_code, 2);
    assert_says(run->err, "orders, maps");
    run = huitou("help nothing");
    assert_int_equal(run->exit_code, 2);
    run = huitou("import maps onlineretail");
    assert_int_equal(run->exit_code, 2);
    assert_says(run->err, "online-retail");
}

static void flags_and_arguments_are_checked_all_at_once(void **state)
{
    (void)state;
    const struct run *run = huitou("report totals --amonut net --from yesterday");
    assert_int_equal(run->exit_code, 2);
    assert_says(run->err, "--amount");
    assert_says(run->err, "--from");
    assert_says(huitou("report totals --jsn")->err, "nearest known option is --json");
    assert_int_equal(huitou("report totals --amount both")->exit_code, 2);
    assert_int_equal(huitou("report totals extra")->exit_code, 2);
    assert_int_equal(huitou("report totals --lang fr")->exit_code, 2);
    assert_int_equal(huitou("report totals --json --csv")->exit_code, 2);
    assert_int_equal(huitou("report totals --as-of tomorrow")->exit_code, 2);
    assert_int_equal(huitou("customer show")->exit_code, 2);
    assert_says(huitou("customer show")->err, "ID");
    assert_int_equal(huitou("customer show Ann")->exit_code, 2);
    assert_int_equal(huitou("customer merge 1")->exit_code, 2);
    assert_says(huitou("customer tag 1")->err, "NAME is missing");
    assert_int_equal(huitou("import orders a.csv b.csv --rejects r.csv")->exit_code, 2);
    run = huitou("init x");
    assert_int_equal(run->exit_code, 2);
    assert_says(run->err, "--name");
    assert_says(run->err, "--currency");
    assert_says(run->err, "--timezone");
}

static void errors_follow_language_and_json(void **state)
{
    (void)state;
    assert_says(huitou("reprot --lang zh")->err, "错误：没有 reprot 这个命令");
    setenv("LANG", "zh_CN.UTF-8", 1);
    assert_says(huitou("reprot")->err, "错误：");
    setenv("LC_ALL", "en_GB.UTF-8", 1);
    assert_says(huitou("reprot")->err, "error:");
    setenv("HUITOU_LANG", "zh", 1);
    assert_says(huitou("reprot")->err, "错误：");
    unsetenv("LANG");
    unsetenv("LC_ALL");
    unsetenv("HUITOU_LANG");
    const struct run *run = huitou("customer show Ann --json");
    const struct json_value *root;
    assert_null(json_read(arena, STR("out"), str_c(run->out), &root));
    const struct json_value *error = json_at(json_get(root, STR("errors")), 0);
    assert_true(str_eq(json_str(json_get(error, STR("code"))), STR("ARGUMENT_ID")));
    assert_int_equal(json_i64(json_get(error, STR("number"))), 1104);
    assert_true(str_eq(json_str(json_get(error, STR("field"))), STR("ID")));
    assert_true(json_str(json_get(error, STR("message"))).n > 0);
}

static void a_missing_brand_fails_with_1_and_says_where_it_looked(void **state)
{
    (void)state;
    const struct run *run = huitou("report totals --dir nowhere");
    assert_int_equal(run->exit_code, 1);
    assert_says(run->err, "data directory: nowhere");
    run = huitou("--dir=elsewhere report totals");
    assert_says(run->err, "data directory: elsewhere");
    assert_says(huitou("report totals")->err, "data directory: brand");
    setenv("HUITOU_DIR", "named", 1);
    assert_says(huitou("report totals")->err, "data directory: named");
    unsetenv("HUITOU_DIR");
}

/* All that a brand's directory holds. */
static void remove_brand(void)
{
    DIR *open = opendir("made");
    char path[300];
    assert_int_equal(rmdir("made/tmp"), 0);
    assert_non_null(open);
    for (struct dirent *entry = readdir(open); entry; entry = readdir(open)) {
        snprintf(path, sizeof(path), "made/%s", entry->d_name);
        (void)unlink(path);
    }
    closedir(open);
    assert_int_equal(rmdir("made"), 0);
}

/* That it does apply what is missing is tested on a whole program: test/reference/cli_test.py. */
static void migrate_has_nothing_to_do_on_a_new_brand(void **state)
{
    (void)state;
    assert_int_equal(huitou("migrate --dir nowhere")->exit_code, 1);
    assert_says(huitou("migrate --dir nowhere")->err, "huitou.json");
    assert_int_equal(huitou("migrate now")->exit_code, 2);
    assert_int_equal(
        huitou("init made --name Tea --currency CNY --timezone Asia/Shanghai")->exit_code, 0);
    const struct run *run = huitou("migrate --dir made");
    assert_int_equal(run->exit_code, 0);
    assert_says(run->out, "Nothing to do");
    assert_says(huitou("migrate --dir made --lang zh")->out, "无需升级");
    const struct json_value *root;
    assert_null(
        json_read(arena, STR("out"), str_c(huitou("migrate --dir made --json")->out), &root));
    assert_int_equal(json_i64(json_get(root, STR("applied"))), 0);
    assert_int_equal(huitou("verify --dir made")->exit_code, 0);
    remove_brand();
}

static void reports_definitions_and_errors_are_all_listed(void **state)
{
    (void)state;
    const struct run *list = huitou("report"), *zh = huitou("report --lang zh");
    const struct run *definitions = huitou("definitions"), *errors = huitou("errors");
    assert_int_equal(list->exit_code, 0);
    for (int m = 0; m < metric_count; m++) {
        assert_says(list->out, metric_all[m]->name);
        assert_says(zh->out, metric_all[m]->title.in[LANG_ZH]);
        assert_says(definitions->out, metric_all[m]->definition.in[LANG_EN]);
        assert_says(definitions->out, metric_all[m]->definition.in[LANG_ZH]);
    }
    for (int code = ERR_NONE + 1; code < ERR_CODE_MAX; code++)
        assert_says(errors->out, err_info((enum err_code)code)->name);
    assert_string_equal(definitions->out, huitou("definitions --lang zh")->out);
    assert_string_equal(errors->out, huitou("errors --lang zh")->out);
    const struct json_value *root;
    assert_null(json_read(arena, STR("out"), str_c(huitou("report --json")->out), &root));
    assert_int_equal(json_count(json_get(root, STR("reports"))), metric_count);
}

static void texts_of_metrics_exist_in_both_languages(void **state)
{
    (void)state;
    for (int m = 0; m < metric_count; m++) {
        for (int lang = 0; lang < LANG_MAX; lang++) {
            assert_true(metric_all[m]->title.in[lang] && *metric_all[m]->title.in[lang]);
            for (int s = 0; s < metric_all[m]->section_count; s++) {
                const struct metric_section *section = &metric_all[m]->sections[s];
                assert_true(*section->title.in[lang]);
                for (int c = 0; c < section->column_count; c++)
                    assert_true(*section->columns[c].title.in[lang]);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_has_help_in_both_languages),
        cmocka_unit_test(each_example_is_a_call_of_its_command),
        cmocka_unit_test(the_overview_names_every_command),
        cmocka_unit_test(unknown_words_name_the_nearest),
        cmocka_unit_test(flags_and_arguments_are_checked_all_at_once),
        cmocka_unit_test(errors_follow_language_and_json),
        cmocka_unit_test(a_missing_brand_fails_with_1_and_says_where_it_looked),
        cmocka_unit_test(migrate_has_nothing_to_do_on_a_new_brand),
        cmocka_unit_test(reports_definitions_and_errors_are_all_listed),
        cmocka_unit_test(texts_of_metrics_exist_in_both_languages),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
