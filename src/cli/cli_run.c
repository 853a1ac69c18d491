/* From a command line to its handler, and from its errors to an exit code. */
#include "cli/cli.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/check.h"
#include "codec/json.h"
#include "job/home.h"

#define CLI_MEMORY_BYTES_MAX ((size_t)1 << 38)
#define CLI_COLUMNS_DEFAULT 100
#define CLI_COLUMNS_MIN 40
#define CLI_COLUMNS_MAX 400
#define CLI_USAGE_ERROR_MAX 1149

struct args {
    char **v;
    int count;
};

/* --- Surroundings --- */

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static enum lang lang_of_environment(void)
{
    static const char *const names[] = {"HUITOU_LANG", "LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (environment(names[i]))
            return lang_of_locale(environment(names[i]));
    return LANG_EN;
}

static int columns_of(FILE *out)
{
    struct winsize size;
    int64_t columns = CLI_COLUMNS_DEFAULT;
    const char *set = environment("COLUMNS");
    if (set && str_to_i64(str_c(set), &columns) && columns > 0)
        ;
    else if (fileno(out) >= 0 && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        columns = size.ws_col;
    else
        columns = CLI_COLUMNS_DEFAULT;
    if (columns < CLI_COLUMNS_MIN)
        return CLI_COLUMNS_MIN;
    return columns < CLI_COLUMNS_MAX ? (int)columns : CLI_COLUMNS_MAX;
}

static bool is_terminal(FILE *file)
{
    return fileno(file) >= 0 && isatty(fileno(file));
}

static bool shows_colour(FILE *out)
{
    const char *terminal = environment("TERM");
    return is_terminal(out) && !environment("NO_COLOR") && terminal &&
           strcmp(terminal, "dumb") != 0;
}

static struct str data_directory(struct arena *arena, struct str given)
{
    if (str_is(given))
        return given;
    if (environment("HUITOU_DIR"))
        return str_copy(arena, str_c(environment("HUITOU_DIR")));
    return access("huitou.json", F_OK) == 0 ? STR(".") : STR("brand");
}

struct str cli_user(struct arena *arena)
{
    const struct passwd *user = getpwuid(getuid());
    if (user)
        return str_fmt(arena, "cli:%s", user->pw_name);
    return str_fmt(arena, "cli:%u", (unsigned)getuid());
}

/* --- Errors --- */

void cli_put_errors(struct cli *cli, struct json_writer *w, const struct err *err)
{
    json_key(w, STR("errors"));
    json_open(w, '[');
    for (; err; err = err->next) {
        json_open(w, '{');
        json_key(w, STR("code"));
        json_put_str(w, str_c(err_info(err->code)->name));
        json_key(w, STR("number"));
        json_put_i64(w, err_info(err->code)->number);
        json_key(w, STR("field"));
        json_put_str(w, err->field);
        json_key(w, STR("message"));
        json_put_str(w, err_text(cli->arena, err, cli->lang));
        json_close(w, '}');
    }
    json_close(w, ']');
    cli->errors_put = true;
}

static void put_errors_json(struct cli *cli, const struct err *err)
{
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    cli_put_errors(cli, &w, err);
    json_close(&w, '}');
    page_char(&cli->page, '\n');
}

/* Prints every error; the exit code is that of the gravest: a usage error only where all are. */
static int report_errors(struct cli *cli, const struct err *err, bool usage)
{
    int exit_code = CLI_EXIT_USAGE;
    const char *word = cli->lang == LANG_ZH ? "错误：" : "error: ";
    page_flush(&cli->page);
    fflush(cli->page.file);
    for (const struct err *one = err; one; one = one->next) {
        struct str message = text_clean(cli->arena, err_text(cli->arena, one, cli->lang));
        fprintf(cli->err, "%s%.*s\n", word, STR_ARG(message));
        if (err_class(one) == ERR_CLASS_INTERNAL)
            fprintf(cli->err, "  (%s:%d)\n", one->file, one->line);
        int number = err_info(one->code)->number;
        bool own_usage = number >= 1100 && number <= CLI_USAGE_ERROR_MAX;
        if (!usage && !own_usage)
            exit_code = CLI_EXIT_FAILED;
    }
    if (cli->json && !cli->errors_put)
        put_errors_json(cli, err);
    return exit_code;
}

void cli_say_directory(struct cli *cli)
{
    if (cli->json)
        return;
    const char *word = cli->lang == LANG_ZH ? "数据目录：" : "data directory: ";
    const char *dim = cli->err_colour ? "\033[2m" : "", *plain = cli->err_colour ? "\033[0m" : "";
    struct str directory = text_clean(cli->arena, cli->directory);
    char *full = realpath(str_z(cli->arena, cli->directory), NULL);
    if (full)
        directory = text_clean(cli->arena, str_copy(cli->arena, str_c(full)));
    free(full);
    fprintf(cli->err, "%s%s%.*s%s\n", dim, word, STR_ARG(directory), plain);
}

ERR_RESULT cli_with_home(struct cli *cli, enum home_use use, cli_home_fn *fn, void *arg)
{
    struct home *home;
    cli_say_directory(cli);
    TRY(home_open(cli->arena, cli->directory, use, &home));
    const struct err *err = fn(cli, home, arg);
    home_close(home);
    return err;
}

ERR_RESULT cli_read_id(struct cli *cli, struct str text, struct str field, int64_t *id)
{
    if (str_to_i64(text, id) && *id > 0)
        return NULL;
    return ERR_NEW(cli->arena, ERR_ARGUMENT_ID, field, text);
}

/* --- Finding the command --- */

static bool is_group(struct str name)
{
    for (int i = 0; i < cli_command_count; i++)
        if (cli_commands[i].sub && str_eq(str_c(cli_commands[i].name), name))
            return true;
    return false;
}

static const struct cli_command *find_command(struct str name, struct str sub)
{
    for (int i = 0; i < cli_command_count; i++) {
        const struct cli_command *command = &cli_commands[i];
        if (!str_eq(str_c(command->name), name))
            continue;
        if (!command->sub || str_eq(str_c(command->sub), sub))
            return command;
    }
    return NULL;
}

/* Names of the commands, or of the sub-commands of a group, each once. */
static int names_of(struct arena *arena, struct str group, struct str **names)
{
    int count = 0;
    *names = ARENA_ARRAY(arena, (size_t)cli_command_count, struct str);
    for (int i = 0; i < cli_command_count; i++) {
        const struct cli_command *command = &cli_commands[i];
        struct str name = str_c(command->name);
        if (group.p && !str_eq(name, group))
            continue;
        if (group.p)
            name = str_c(command->sub);
        if (count == 0 || !str_eq((*names)[count - 1], name))
            (*names)[count++] = name;
    }
    return count;
}

/* The command that the words name; *used of them. A group without its sub-command is an error. */
static const struct err *choose(struct arena *arena, const struct str *words, int count,
                                const struct cli_command **command, int *used)
{
    struct str name = words[0], sub = count > 1 ? words[1] : STR_NONE;
    struct str *names;
    *command = find_command(name, sub);
    *used = *command && (*command)->sub ? 2 : 1;
    if (*command)
        return NULL;
    if (!is_group(name)) {
        int known = names_of(arena, STR_NONE, &names);
        return ERR_NEW(arena, ERR_COMMAND_UNKNOWN, STR_NONE, name,
                       nearest_word(name, names, known));
    }
    int known = names_of(arena, name, &names);
    if (!sub.p)
        return ERR_NEW(arena, ERR_COMMAND_INCOMPLETE, STR_NONE, name,
                       str_join(arena, names, (size_t)known, STR(", ")));
    struct str nearest = nearest_word(sub, names, known);
    return ERR_NEW(arena, ERR_COMMAND_UNKNOWN, STR_NONE,
                   str_fmt(arena, "%.*s %.*s", STR_ARG(name), STR_ARG(sub)),
                   str_fmt(arena, "%.*s %.*s", STR_ARG(name), STR_ARG(nearest)));
}

/* --- Flags --- */

static const struct field *global_field(struct str flag)
{
    struct str rest, name = str_cut(str_slice(flag, 2, flag.n), '=', &rest);
    for (int i = 0; i < cli_global_shape.field_count; i++)
        if (str_eq(str_c(cli_global_shape.fields[i].name), name))
            return &cli_global_shape.fields[i];
    return NULL;
}

/* Parts the arguments into those of the global flags and all others. What follows "--" is left as
 * it is. */
static void part_global(struct arena *arena, int argc, char **argv, struct args *global,
                        struct args *own)
{
    static char help[] = "--help";
    global->v = ARENA_ARRAY(arena, (size_t)argc + 1, char *);
    own->v = ARENA_ARRAY(arena, (size_t)argc + 1, char *);
    for (int i = 1; i < argc; i++) {
        struct str arg = str_c(argv[i]);
        if (str_eq(arg, STR("--"))) {
            while (i < argc)
                own->v[own->count++] = argv[i++];
            return;
        }
        if (str_eq(arg, STR("-h"))) {
            global->v[global->count++] = help;
            continue;
        }
        const struct field *field = str_starts(arg, STR("--")) ? global_field(arg) : NULL;
        if (!field) {
            own->v[own->count++] = argv[i];
            continue;
        }
        global->v[global->count++] = argv[i];
        bool has_value = field->kind != FIELD_BOOL && !memchr(arg.p, '=', arg.n);
        if (has_value && i + 1 < argc)
            global->v[global->count++] = argv[++i];
    }
}

/* The words in front of the first flag: they name the command. */
static int leading_words(struct arena *arena, const struct args *own, struct str **words)
{
    int count = 0;
    *words = ARENA_ARRAY(arena, (size_t)own->count + 1, struct str);
    while (count < own->count && own->v[count][0] != '-') {
        (*words)[count] = str_c(own->v[count]);
        count++;
    }
    return count;
}

static const struct err *check_arguments(struct arena *arena, const struct cli_command *command,
                                         const struct str *args, int count)
{
    if (count < command->arg_min) {
        struct str missing = str_c(command->positional);
        for (int i = 0; i < count; i++)
            (void)str_cut(missing, ' ', &missing);
        return ERR_NEW(arena, ERR_ARGUMENT_MISSING, STR_NONE, missing, cli_usage(arena, command));
    }
    if (count > command->arg_max)
        return ERR_NEW(arena, ERR_ARGUMENT_EXTRA, STR_NONE, args[command->arg_max],
                       cli_usage(arena, command));
    return NULL;
}

/* The command's flags and, behind them, the global ones: read before, but the nearest name may be
 * one of them. */
static struct shape all_flags(struct arena *arena, const struct shape *own)
{
    struct shape all = *own;
    int count = own->field_count + cli_global_shape.field_count;
    struct field *fields = ARENA_ARRAY(arena, (size_t)count, struct field);
    size_t behind = (own->size / 16 + 1) * 16;
    for (int i = 0; i < count; i++) {
        bool is_own = i < own->field_count;
        fields[i] = is_own ? own->fields[i] : cli_global_shape.fields[i - own->field_count];
        fields[i].offset += is_own ? 0 : behind;
    }
    all.size = behind + sizeof(struct cli_global);
    all.fields = fields;
    all.field_count = count;
    return all;
}

static const struct err *read_call(struct cli *cli, const struct args *own,
                                   const struct cli_command *command, int used,
                                   struct cli_call *call)
{
    struct str *args = ARENA_ARRAY(cli->arena, (size_t)own->count + 1, struct str);
    const struct shape shape = all_flags(cli->arena, command->flags);
    void *flags = arena_alloc(cli->arena, shape.size);
    struct err_list errors = {.arena = cli->arena};
    int count = 0;
    err_list_add(&errors, shape_read_flags(cli->arena, &shape, own->count - used, own->v + used,
                                           flags, args, &count));
    if (!errors.first)
        err_list_add(&errors, check_arguments(cli->arena, command, args, count));
    *call = (struct cli_call){command, flags, args, count};
    return errors.first;
}

/* --- Running --- */

static int finish(struct cli *cli, const struct err *err, bool usage)
{
    int exit_code = err ? report_errors(cli, err, usage) : cli->exit_code;
    page_flush(&cli->page);
    if (fflush(cli->page.file) != 0 || ferror(cli->page.file)) {
        cli->json = false;
        return report_errors(
            cli, ERR_NEW(cli->arena, ERR_OUTPUT_WRITE, STR_NONE, str_c(strerror(errno))), false);
    }
    return exit_code;
}

static int help_for(struct cli *cli, const struct str *words, int count)
{
    const struct cli_command *command = NULL;
    int used;
    bool group = count == 1 && is_group(words[0]);
    if (count > 0 && !group) {
        const struct err *err = choose(cli->arena, words, count, &command, &used);
        if (err)
            return finish(cli, err, true);
    }
    if (cli->json)
        cli_help_json(&cli->page, command, group ? words[0] : STR_NONE);
    else if (command)
        cli_help_command(&cli->page, command);
    else if (group)
        cli_help_group(&cli->page, words[0]);
    else
        cli_help_all(&cli->page);
    return finish(cli, NULL, false);
}

const struct err *cli_help(struct cli *cli, const struct cli_call *call)
{
    cli->exit_code = help_for(cli, call->args, call->arg_count);
    return NULL;
}

static int run_words(struct cli *cli, const struct args *own, bool help)
{
    struct str *words;
    int word_count = leading_words(cli->arena, own, &words);
    if (help)
        return help_for(cli, words, word_count);
    if (word_count == 0 && own->count == 0) {
        cli_help_all(&cli->page);
        cli->exit_code = CLI_EXIT_USAGE;
        return finish(cli, NULL, true);
    }
    if (word_count == 0)
        words[0] = str_c(own->v[0]);
    const struct cli_command *command;
    struct cli_call call;
    int used;
    const struct err *err = choose(cli->arena, words, word_count ? word_count : 1, &command, &used);
    if (!err)
        err = read_call(cli, own, command, used, &call);
    if (err)
        return finish(cli, err, true);
    return finish(cli, command->run(cli, &call), false);
}

int cli_run(FILE *out, FILE *err, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        fprintf(out, "huitou %s\n", HUITOU_VERSION);
        return fflush(out) == 0 ? CLI_EXIT_DONE : CLI_EXIT_FAILED;
    }
    struct arena *arena = arena_new("command", CLI_MEMORY_BYTES_MAX);
    struct args global = {0}, own = {0};
    struct cli_global flags;
    struct str *rest = ARENA_ARRAY(arena, (size_t)argc + 1, struct str);
    int rest_count = 0;
    part_global(arena, argc, argv, &global, &own);
    const struct err *wrong = shape_read_flags(arena, &cli_global_shape, global.count, global.v,
                                               &flags, rest, &rest_count);
    enum lang lang = flags.lang < 0 ? lang_of_environment() : (enum lang)flags.lang;
    struct cli cli = {.arena = arena,
                      .lang = lang,
                      .json = flags.json,
                      .directory = data_directory(arena, flags.directory),
                      .argc = argc,
                      .argv = argv,
                      .err = err,
                      .err_terminal = is_terminal(err),
                      .err_colour = shows_colour(err)};
    cli.page = page_new(arena, out, lang, columns_of(out), shows_colour(out));
    int exit_code = wrong ? finish(&cli, wrong, true) : run_words(&cli, &own, flags.help);
    arena_free(arena);
    return exit_code;
}
