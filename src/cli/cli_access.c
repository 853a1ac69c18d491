/* huitou access: what each role can reach, from the endpoints' own declarations. */
#include "cli/cli.h"
#include "cli/cli_table.h"
#include "codec/json.h"
#include "http/app.h"

struct access_flags {
    struct str role;
};
static const struct field access_fields[] = {
    SHAPE_FIELD(
        struct access_flags, role, TEXT,
        "Only what this role reaches: owner, operator, service_manager, "
        "client_manager, agent or engineer.",
        "只看该角色：owner、operator、service_manager、client_manager、agent 或 engineer。"),
};
const struct shape cli_access_shape = {
    .name = "access", .size = sizeof(struct access_flags), SHAPE_FIELDS(access_fields)};

/* Everybody reaches what is public, logged in or not. */
static enum reach reach_of(const struct endpoint *endpoint, enum role role)
{
    if (endpoint->flags & ENDPOINT_PUBLIC)
        return REACH_ALL;
    return (enum reach)endpoint->reach[role];
}

static struct str reach_text(struct cli *cli, const struct endpoint *endpoint, enum reach reach)
{
    static const struct text texts[] = {
        [REACH_NONE] = TEXT("–", "–"),
        [REACH_OWN] = TEXT("own", "自己名下"),
        [REACH_BELOW] = TEXT("below", "自己及下级"),
        [REACH_ALL] = TEXT("all", "全部"),
    };
    if (endpoint->flags & ENDPOINT_PUBLIC)
        return cli->lang == LANG_ZH ? STR("公开") : STR("public");
    return str_c(texts[reach].in[cli->lang]);
}

static const struct err *read_role(struct cli *cli, struct str name, enum role *role)
{
    struct str names[ROLE_MAX];
    if (role_by_name(name, role))
        return NULL;
    for (int i = 0; i < ROLE_MAX; i++)
        names[i] = str_c(role_info((enum role)i)->name);
    return ERR_NEW(cli->arena, ERR_ROLE_NAME, STR("--role"), name,
                   str_join(cli->arena, names, ROLE_MAX, STR(", ")));
}

/* --- For programs --- */

static void put_endpoint(struct json_writer *w, const struct endpoint *endpoint, enum lang lang)
{
    const struct {
        const char *key;
        struct str value;
    } texts[] = {{"operation", str_c(endpoint->name)},
                 {"method", str_c(method_name(endpoint->method))},
                 {"path", str_c(endpoint->path)},
                 {"title", str_c(endpoint->title.in[lang])}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_key(w, str_c(texts[i].key));
        json_put_str(w, texts[i].value);
    }
    json_key(w, STR("public"));
    json_put_bool(w, (endpoint->flags & ENDPOINT_PUBLIC) != 0);
    json_key(w, STR("scope"));
    json_put_str(w, endpoint->flags & ENDPOINT_PUBLIC ? STR_NONE
                                                      : str_c(scope_info(endpoint->scope)->name));
}

static void put_reaches(struct json_writer *w, const struct endpoint *endpoint)
{
    json_key(w, STR("reach"));
    json_open(w, '{');
    for (int i = 0; i < ROLE_MAX; i++) {
        json_key(w, str_c(role_info((enum role)i)->name));
        json_put_str(w, str_c(reach_name(reach_of(endpoint, (enum role)i))));
    }
    json_close(w, '}');
}

/* role ROLE_MAX: all of them. */
static void put_json(struct cli *cli, enum role role)
{
    int count;
    const struct endpoint_table *const *tables = app_tables(&count);
    struct json_writer w = json_writer(&cli->page.out, true);
    json_open(&w, '{');
    json_key(&w, STR("role"));
    json_put_str(&w, role == ROLE_MAX ? STR_NONE : str_c(role_info(role)->name));
    json_key(&w, STR("operations"));
    json_open(&w, '[');
    for (int t = 0; t < count; t++) {
        for (int i = 0; i < tables[t]->count; i++) {
            const struct endpoint *endpoint = &tables[t]->endpoints[i];
            if (role != ROLE_MAX && reach_of(endpoint, role) == REACH_NONE)
                continue;
            json_open(&w, '{');
            put_endpoint(&w, endpoint, cli->lang);
            if (role == ROLE_MAX) {
                put_reaches(&w, endpoint);
            } else {
                json_key(&w, STR("reach"));
                json_put_str(&w, str_c(reach_name(reach_of(endpoint, role))));
            }
            json_close(&w, '}');
        }
    }
    json_close(&w, ']');
    json_close(&w, '}');
    page_char(&cli->page, '\n');
}

/* --- For a reader --- */

static struct cli_table table_of_role(struct cli *cli)
{
    bool zh = cli->lang == LANG_ZH;
    const struct str titles[] = {zh ? STR("方法") : STR("Method"), zh ? STR("路径") : STR("Path"),
                                 zh ? STR("作用") : STR("What it does"),
                                 zh ? STR("范围") : STR("Reach")};
    struct cli_column *columns = ARENA_ARRAY(cli->arena, 4, struct cli_column);
    for (int i = 0; i < 4; i++)
        columns[i] = (struct cli_column){titles[i], COLUMN_TEXT};
    return cli_table_new(cli->arena, columns, 4);
}

static void draw_role(struct cli *cli, enum role role)
{
    int count;
    const struct endpoint_table *const *tables = app_tables(&count);
    struct cli_table table = table_of_role(cli);
    for (int t = 0; t < count; t++) {
        for (int i = 0; i < tables[t]->count; i++) {
            const struct endpoint *endpoint = &tables[t]->endpoints[i];
            enum reach reach = reach_of(endpoint, role);
            if (reach == REACH_NONE)
                continue;
            struct str *cells = cli_table_row(&table);
            cells[0] = str_c(method_name(endpoint->method));
            cells[1] = str_c(endpoint->path);
            cells[2] = str_c(endpoint->title.in[cli->lang]);
            cells[3] = reach_text(cli, endpoint, reach);
        }
    }
    const struct role_info *info = role_info(role);
    PAGE_SAY(&cli->page, "{0}: {1}", "{0}：{1}", str_c(info->title.in[cli->lang]),
             str_c(info->doc.in[cli->lang]));
    page_char(&cli->page, '\n');
    cli_table_draw(&cli->page, &table);
    page_char(&cli->page, '\n');
    PAGE_SAY(
        &cli->page,
        "Reach: own: customers one looks after; below: those of the people below, too; all; "
        "public: without logging in.",
        "范围：自己名下：自己负责的客户；自己及下级：含下级负责的客户；全部；公开：无需登录。");
}

static void draw_matrix(struct cli *cli)
{
    int count;
    const struct endpoint_table *const *tables = app_tables(&count);
    struct cli_column columns[ROLE_MAX + 1] = {
        {cli->lang == LANG_ZH ? STR("操作") : STR("Operation"), COLUMN_TEXT}};
    for (int i = 0; i < ROLE_MAX; i++)
        columns[i + 1] =
            (struct cli_column){str_c(role_info((enum role)i)->title.in[cli->lang]), COLUMN_TEXT};
    struct cli_table table = cli_table_new(cli->arena, columns, ROLE_MAX + 1);
    for (int t = 0; t < count; t++) {
        for (int i = 0; i < tables[t]->count; i++) {
            const struct endpoint *endpoint = &tables[t]->endpoints[i];
            struct str *cells = cli_table_row(&table);
            cells[0] = str_c(endpoint->name);
            for (int role = 0; role < ROLE_MAX; role++)
                cells[role + 1] = reach_text(cli, endpoint, reach_of(endpoint, (enum role)role));
        }
    }
    cli_table_draw(&cli->page, &table);
    page_char(&cli->page, '\n');
    PAGE_SAY(&cli->page, "One role with addresses: huitou access --role agent",
             "查看某个角色及接口地址：huitou access --role agent");
}

const struct err *cli_access(struct cli *cli, const struct cli_call *call)
{
    const struct access_flags *flags = call->flags;
    enum role role = ROLE_MAX;
    if (flags->role.p)
        TRY(read_role(cli, flags->role, &role));
    if (cli->json)
        put_json(cli, role);
    else if (role == ROLE_MAX)
        draw_matrix(cli);
    else
        draw_role(cli, role);
    return NULL;
}
