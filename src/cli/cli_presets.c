/* huitou presets: the page docs/presets.md, made from the built-in maps, so that it cannot go
 * stale. Both languages stand on it, as on the other generated pages. */
#include "cli/cli.h"
#include "codec/json.h"
#include "room/order/import.h"

static void add(struct cli *cli, struct str text)
{
    page_str(&cli->page, text);
    page_char(&cli->page, '\n');
}

/* Names of columns as a cell of a Markdown table: aliases one behind the other. */
static struct str cell_of_names(struct cli *cli, struct str names)
{
    struct buf buf = buf_new(cli->arena, PAGE_BYTES_MAX);
    struct str rest = names;
    while (rest.p) {
        struct str name = str_trim(str_cut(rest, '|', &rest));
        buf_fmt(&buf, "%s%.*s", buf.n > 0 ? " · " : "", STR_ARG(name));
    }
    return buf_view(&buf);
}

static bool is_needed(const struct import_map *map, struct str kind)
{
    const struct str *needed = map->needed.items;
    for (size_t i = 0; i < map->needed.count; i++) {
        if (str_eq(needed[i], kind))
            return true;
    }
    return false;
}

static void add_columns(struct cli *cli, const struct import_map *map)
{
    add(cli, STR("\n| read as 读作 | column, with its other names 列及其别名 | needed 必需 |\n"
                 "| --- | --- | --- |"));
    for (size_t i = 0; i < map->columns.count; i++) {
        const struct shape_pair *pair = &map->columns.pairs[i];
        struct str names = cell_of_names(cli, pair->value);
        add(cli, str_fmt(cli->arena, "| `%.*s` | %.*s | %s |", STR_ARG(pair->key), STR_ARG(names),
                         is_needed(map, pair->key) ? "✓" : ""));
    }
}

/* One line for each normal form: the words of the file that are read so. */
static void add_words(struct cli *cli, const char *title, const struct shape_map *words)
{
    if (words->count == 0)
        return;
    add(cli, str_fmt(cli->arena, "\n| %s | words of the file 文件中的词 |\n| --- | --- |", title));
    for (size_t i = 0; i < words->count; i++) {
        struct buf line = buf_new(cli->arena, PAGE_BYTES_MAX);
        bool seen = false;
        for (size_t j = 0; j < i; j++)
            seen = seen || str_eq(words->pairs[j].value, words->pairs[i].value);
        if (seen)
            continue;
        for (size_t j = i; j < words->count; j++) {
            if (str_eq(words->pairs[j].value, words->pairs[i].value))
                buf_fmt(&line, "%s`%.*s`", line.n > 0 ? " " : "", STR_ARG(words->pairs[j].key));
        }
        add(cli, str_fmt(cli->arena, "| `%.*s` | %.*s |", STR_ARG(words->pairs[i].value),
                         STR_ARG(buf_view(&line))));
    }
}

static struct str note_of(const struct import_map *map, const char *topic)
{
    for (size_t i = 0; i < map->notes.count; i++) {
        if (str_eq(map->notes.pairs[i].key, str_c(topic)))
            return map->notes.pairs[i].value;
    }
    return STR_NONE;
}

static void add_notes(struct cli *cli, const struct import_map *map)
{
    static const struct {
        const char *en, *zh;
        struct text title;
    } topics[] = {{"paid.en", "paid.zh", TEXT("Paid amount", "实付金额")},
                  {"refund.en", "refund.zh", TEXT("Refunds", "退款")},
                  {"buyer.en", "buyer.zh", TEXT("Buyer", "买家")},
                  {"row.en", "row.zh", TEXT("One row", "一行")},
                  {"time.en", "time.zh", TEXT("Times", "时间")}};
    add(cli, STR("\n| | | |\n| --- | --- | --- |"));
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        struct str en = note_of(map, topics[i].en), zh = note_of(map, topics[i].zh);
        add(cli, str_fmt(cli->arena, "| %s %s | %.*s | %.*s |", topics[i].title.in[LANG_EN],
                         topics[i].title.in[LANG_ZH], STR_ARG(en), STR_ARG(zh)));
    }
    struct str source = note_of(map, "source");
    struct str issuer = str_is(map->issuer) ? map->issuer : map->source;
    struct str zone = str_is(map->time_zone) ? map->time_zone : STR("the brand's zone 品牌时区");
    add(cli,
        str_fmt(cli->arena,
                "| Source 来源 | %.*s | orders of 订单属于 `%.*s`, accounts of 账号属于 "
                "`%.*s`, %.*s |",
                STR_ARG(source), STR_ARG(map->source), STR_ARG(issuer), STR_ARG(zone)));
}

static void add_known(struct cli *cli, const struct import_map *map)
{
    const struct str *known = map->known.items;
    struct str names = str_join(cli->arena, known, map->known.count, STR("|"));
    if (map->known.count > 0)
        add(cli, str_fmt(cli->arena, "\nKnown and not read 已知而不读取: %.*s",
                         STR_ARG(cell_of_names(cli, names))));
}

static void add_list(struct cli *cli, const char *title, const struct shape_list *list)
{
    struct str names = str_join(cli->arena, list->items, list->count, STR("|"));
    if (list->count > 0)
        add(cli, str_fmt(cli->arena, "\n%s: %.*s", title, STR_ARG(cell_of_names(cli, names))));
}

static void add_preset(struct cli *cli, const struct import_map *map)
{
    add(cli, str_fmt(cli->arena, "\n## %.*s — %.*s %.*s", STR_ARG(map->name),
                     STR_ARG(map->title_en), STR_ARG(map->title_zh)));
    if (str_is(map->instead)) {
        add(cli, str_fmt(cli->arena,
                         "\nNo orders: recognised and refused. Export instead: %.*s\n\n"
                         "不是订单：识别后拒绝。请改为导出：%.*s",
                         STR_ARG(map->instead), STR_ARG(map->instead)));
        return;
    }
    add_list(cli, "Also called (`--map`) 简称", &map->aliases);
    if (str_is(map->menu))
        add(cli, str_fmt(cli->arena, "\nExported at 导出位置: %.*s", STR_ARG(map->menu)));
    add_notes(cli, map);
    add_columns(cli, map);
    add_words(cli, "state 状态", &map->states);
    add_words(cli, "refund state 售后状态", &map->refund_states);
    add_known(cli, map);
    add_list(cli, "Recognised only where one of these is there 至少有其一才会识别", &map->distinctive);
    add_list(cli, "Too plain beside one of the next ones 与下列列名并存时含义不明", &map->plain);
    add_list(cli, "These leave it in doubt 使其含义不明的列", &map->doubts);
}

static void put_preset(struct json_writer *w, const struct import_map *map)
{
    json_open(w, '{');
    json_key(w, STR("name"));
    json_put_str(w, map->name);
    json_key(w, STR("title_en"));
    json_put_str(w, map->title_en);
    json_key(w, STR("title_zh"));
    json_put_str(w, map->title_zh);
    json_key(w, STR("instead"));
    json_put_str(w, map->instead);
    json_key(w, STR("notes"));
    json_open(w, '{');
    for (size_t i = 0; i < map->notes.count; i++) {
        json_key(w, map->notes.pairs[i].key);
        json_put_str(w, map->notes.pairs[i].value);
    }
    json_close(w, '}');
    json_close(w, '}');
}

const struct err *cli_presets(struct cli *cli, const struct cli_call *call)
{
    struct json_writer w = json_writer(&cli->page.out, true);
    (void)call;
    if (cli->json) {
        json_open(&w, '{');
        json_key(&w, STR("presets"));
        json_open(&w, '[');
    } else {
        add(cli, STR("# Presets 预设\n\n"
                     "Made by `huitou presets` from the built-in maps; do not edit. 由 `huitou "
                     "presets` 从内置映射生成，请勿手改。\n\n"
                     "How the exports of each platform are read, and why. A word with `*` fits "
                     "whatever stands there; words and names are compared without white space, "
                     "punctuation and units; a word that fits none rejects its row by name. "
                     "[import-maps.md](import-maps.md) says what each key of a map means.\n\n"
                     "各平台导出文件的读法与理由。带 `*` 的词可匹配任意内容；词与列名比较时忽略空白"
                     "、标点与单位；都不匹配的词会使该行被拒并指明该词。"));
    }
    for (int i = 0; i < import_builtin_count; i++) {
        struct str name, json;
        struct import_map *map;
        import_builtin(i, &name, &json);
        TRY(import_map_read(cli->arena, name, &map));
        bool platform = map->notes.count > 0;
        if (platform && cli->json)
            put_preset(&w, map);
        else if (platform)
            add_preset(cli, map);
    }
    if (cli->json) {
        json_close(&w, ']');
        json_close(&w, '}');
        page_char(&cli->page, '\n');
    }
    return NULL;
}
