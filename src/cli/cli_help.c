/* Help: made from the table of commands. */
#include "cli/cli.h"
#include "codec/json.h"

#define SUMMARY_AT 24

static struct str full_name(struct arena *arena, const struct cli_command *command)
{
    if (!command->sub)
        return str_c(command->name);
    return str_fmt(arena, "%s %s", command->name, command->sub);
}

struct str cli_usage(struct arena *arena, const struct cli_command *command)
{
    struct str name = full_name(arena, command);
    const char *flags = command->flags->field_count > 0 ? " [FLAG…]" : "";
    return str_fmt(arena, "huitou %.*s%s%s%s", STR_ARG(name), *command->positional ? " " : "",
                   command->positional, flags);
}

static void head(struct page *page, const char *en, const char *zh)
{
    page_style(page, PAGE_BOLD);
    page_str(page, str_c(page->lang == LANG_ZH ? zh : en));
    page_style(page, PAGE_PLAIN);
    page_char(page, '\n');
}

/* The flags, a line each as contract/shape writes them; docs that are too long go on below their
 * beginning. */
static void draw_flags(struct page *page, const struct shape *shape)
{
    struct str rest = shape_flags_help(page->arena, shape, page->lang);
    while (str_is(rest)) {
        struct str line = str_cut(rest, '\n', &rest), lines[8];
        size_t at = 2; /* where the doc begins: behind the first two spaces in a row */
        while (at < line.n &&
               !(line.p[at - 1] == ' ' && line.p[at - 2] == ' ' && line.p[at] != ' ' && at > 2))
            at++;
        int indent = str_width(str_slice(line, 0, at));
        int count = text_wrap(str_slice(line, at, line.n), page->columns - indent, lines, 8);
        page_str(page, str_slice(line, 0, at));
        for (int i = 0; i < count; i++) {
            page_repeat(page, " ", i > 0 ? indent : 0);
            page_str(page, lines[i]);
            page_char(page, '\n');
        }
    }
}

static void summary(struct page *page, const struct cli_command *command)
{
    struct str lines[8], doc = str_c(command->doc.in[page->lang]);
    int count = text_wrap(doc, page->columns - SUMMARY_AT - 2, lines, 8);
    page_str(page, STR("  "));
    page_cell(page, full_name(page->arena, command), SUMMARY_AT - 2, false);
    for (int i = 0; i < count; i++) {
        page_repeat(page, " ", i > 0 ? SUMMARY_AT : 0);
        page_str(page, lines[i]);
        page_char(page, '\n');
    }
}

void cli_help_all(struct page *page)
{
    PAGE_SAY(page, "Huitou {0}: who of a brand's customers comes back, how often, how soon.",
             "回头 {0}：品牌的客户中谁会再来，多久来一次，何时再来。", STR(HUITOU_VERSION));
    page_char(page, '\n');
    head(page, "Commands", "命令");
    for (int i = 0; i < cli_command_count; i++)
        summary(page, &cli_commands[i]);
    page_char(page, '\n');
    head(page, "Flags of every command", "所有命令通用的选项");
    draw_flags(page, &cli_global_shape);
    page_char(page, '\n');
    PAGE_SAY(page,
             "huitou help COMMAND shows one with an example. Exit codes: 0 done, 1 refused or "
             "failed, 2 wrong usage.",
             "huitou help 命令 显示其用法与示例。退出码：0 完成，1 被拒绝或失败，2 用法有误。");
}

void cli_help_group(struct page *page, struct str name)
{
    head(page, "Commands", "命令");
    for (int i = 0; i < cli_command_count; i++)
        if (str_eq(str_c(cli_commands[i].name), name))
            summary(page, &cli_commands[i]);
}

void cli_help_command(struct page *page, const struct cli_command *command)
{
    page_paragraph(page, str_c(command->doc.in[page->lang]), 0);
    page_char(page, '\n');
    head(page, "Usage", "用法");
    page_str(page, str_fmt(page->arena, "  %.*s\n\n", STR_ARG(cli_usage(page->arena, command))));
    if (command->flags->field_count > 0) {
        head(page, "Flags", "选项");
        draw_flags(page, command->flags);
        page_char(page, '\n');
    }
    head(page, "Flags of every command", "所有命令通用的选项");
    draw_flags(page, &cli_global_shape);
    page_char(page, '\n');
    head(page, "Example", "示例");
    page_str(page, str_fmt(page->arena, "  %s\n", command->example));
}

static void put_text(struct json_writer *w, const char *key, struct str text)
{
    json_key(w, str_c(key));
    json_put_str(w, text);
}

static void put_flags(struct json_writer *w, struct arena *arena, const struct shape *shape,
                      enum lang lang)
{
    for (int i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        json_open(w, '{');
        put_text(w, "flag", shape_flag_name(arena, str_c(field->name)));
        put_text(w, "doc", str_c(field->doc.in[lang]));
        json_key(w, STR("required"));
        json_put_bool(w, field->required);
        json_close(w, '}');
    }
}

static void put_command(struct json_writer *w, struct page *page, const struct cli_command *command)
{
    json_open(w, '{');
    put_text(w, "command", full_name(page->arena, command));
    put_text(w, "usage", cli_usage(page->arena, command));
    put_text(w, "doc", str_c(command->doc.in[page->lang]));
    put_text(w, "example", str_c(command->example));
    json_key(w, STR("flags"));
    json_open(w, '[');
    put_flags(w, page->arena, command->flags, page->lang);
    put_flags(w, page->arena, &cli_global_shape, page->lang);
    json_close(w, ']');
    json_close(w, '}');
}

void cli_help_json(struct page *page, const struct cli_command *only, struct str group)
{
    struct json_writer w = json_writer(&page->out, true);
    json_open(&w, '{');
    json_key(&w, STR("commands"));
    json_open(&w, '[');
    for (int i = 0; i < cli_command_count; i++) {
        const struct cli_command *command = &cli_commands[i];
        bool in_group = !str_is(group) || str_eq(str_c(command->name), group);
        if (only ? command == only : in_group)
            put_command(&w, page, command);
    }
    json_close(&w, ']');
    json_close(&w, '}');
    page_char(page, '\n');
}
