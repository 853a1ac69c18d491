/* The command line: one table of commands (cli_command.c), from which come dispatch, help and usage errors.
 * Exit codes: 0 done, 1 refused or failed with a reason, 2 wrong usage. */
#ifndef HUITOU_CLI_CLI_H
#define HUITOU_CLI_CLI_H

#include "cli/cli_page.h"
#include "contract/shape.h"
#include "job/home.h"

#define CLI_EXIT_DONE 0
#define CLI_EXIT_FAILED 1
#define CLI_EXIT_USAGE 2

/* One running of the program. */
struct cli {
    struct arena *arena;
    enum lang lang;
    bool json;
    struct str directory; /* the data directory that commands work on */
    int argc;
    char **argv; /* the command as it was given */
    struct page page;     /* standard output */
    FILE *err;            /* standard error */
    bool err_terminal, err_colour;
    bool errors_put;      /* the handler's own JSON document holds the errors */
    int exit_code;        /* what a handler that returns no error ends with */
};

/* The flags that every command takes. */
struct cli_global {
    struct str directory;
    int lang; /* enum lang; -1 where not given */
    bool json, help;
};
extern const struct shape cli_global_shape;

struct cli_command;
struct cli_call {
    const struct cli_command *command;
    const void *flags; /* the struct of command->flags */
    const struct str *args;
    int arg_count;
};
typedef const struct err *cli_handler(struct cli *cli, const struct cli_call *call);

struct cli_command {
    const char *name, *sub; /* sub NULL: the command has none */
    const char *positional; /* as in the usage line: "FILE…"; "" for none */
    int arg_min, arg_max;
    const struct shape *flags;
    struct text doc;
    const char *example;
    cli_handler *run;
};
#define CLI_ARGS_MAX 10000
extern const struct cli_command cli_commands[];
extern const int cli_command_count;

/* Runs one command line (argv[0] is the program) and returns the exit code. out and err stay open. */
int cli_run(FILE *out, FILE *err, int argc, char **argv);

/* --- For the handlers --- */

/* Says on standard error where the data directory is (in JSON it is a field instead). */
void cli_say_directory(struct cli *cli);
/* Opens the data directory, says where it is, runs fn and closes it again. */
typedef const struct err *cli_home_fn(struct cli *cli, struct home *home, void *arg);
ERR_RESULT cli_with_home(struct cli *cli, enum home_use use, cli_home_fn *fn, void *arg);
/* An id as typed; field names the argument. Errors: ARGUMENT_ID. */
ERR_RESULT cli_read_id(struct cli *cli, struct str text, struct str field, int64_t *id);
/* Who gave the command, for the traces it leaves: "cli:" and the system's user name. */
struct str cli_user(struct arena *arena);
/* Puts the errors as member "errors" of the JSON object that the handler is writing. */
void cli_put_errors(struct cli *cli, struct json_writer *w, const struct err *err);
/* The usage line of a command: "huitou import orders FILE… [flags]". */
struct str cli_usage(struct arena *arena, const struct cli_command *command);
/* Help of the whole program, of a group, of a command. */
void cli_help_all(struct page *page);
void cli_help_group(struct page *page, struct str name);
void cli_help_command(struct page *page, const struct cli_command *command);
/* The same for programs: of one command; else of the group of this name; else of all. */
void cli_help_json(struct page *page, const struct cli_command *only, struct str group);

cli_handler cli_init, cli_import_orders, cli_import_maps, cli_import_list, cli_report, cli_customer_show,
    cli_customer_find, cli_customer_merge, cli_customer_split, cli_customer_tag, cli_customer_proposals, cli_customer_refuse,
    cli_customer_consent, cli_customer_export, cli_customer_erase,
    cli_access, cli_backup, cli_drill, cli_rebuild, cli_restore, cli_verify, cli_serve, cli_demo, cli_migrate,
    cli_definitions, cli_errors, cli_presets, cli_openapi, cli_help;
extern const struct shape cli_init_shape, cli_import_shape, cli_import_list_shape, cli_report_shape, cli_show_shape,
    cli_find_shape, cli_access_shape, cli_backup_shape, cli_drill_shape, cli_restore_shape, cli_change_shape,
    cli_tag_shape, cli_consent_shape, cli_export_shape, cli_erase_shape, cli_serve_shape, cli_demo_shape, cli_plain_shape;

#endif
