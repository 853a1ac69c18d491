/* link: room_order */
/* The n-th allocation refused in every parser, for n = 1, 2, 3 … until the parser ends without
 * having come to it; once alone, and once with every later one refused too. Each n in a process of
 * its own. Accepted are the very result of an undisturbed run, the end that the house has for it
 * (docs/decisions/0011): the message of memory_refused and SIGABRT, and the errors that say it
 * in words. Nothing else: no other error (a good file must not be called bad), no other signal, no
 * hang, no leak (AddressSanitizer's build).
 *
 *   alloc_test [PARSER]        the last line counts the refusals */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/sorter.h"
#include "codec/file.h"
#include "codec/json.h"
#include "codec/table_input.h"
#include "contract/shape.h"
#include "fault/alloc_refuse.h"
#include "room/order/import_row.h"
#include "support/splitmix.h"

#define ARENA_BYTES_MAX ((size_t)512 << 20)
#define RESULT_BYTES_MAX (8u << 20)
#define CHILD_SECONDS_MAX 60
#define CLEAN_END "huitou: out of memory in "
#define CALLS_MAX 20000

/* For LeakSanitizer: libzip 1.7 forgets its own contexts (160 and 56 bytes) where the allocation
 * after them is refused; the caller has no handle to them. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libzip.so\n";
}

static char directory[] = "/tmp/huitou-alloc-XXXXXX";

/* --- Inputs, written by iconv(1) and gzip(1)
 * --------------------------------------------------------
 */

static const char csv_text[] =
    "\xEF\xBB\xBF"
    "number,time,phone,name,product,quantity,price,state,note\r\n"
    "N1,2023-07-01 12:00:00,13912345678,张三,P1,2,3.35,ok,plain\r\n"
    "N2,2023-07-02 08:00:00,13800000000,\"李,四\",P2,1,\"1,234.50\",ok,\"two\nlines\"\r\n"
    "\r\n"
    "N3,2023-07-03 09:30:00,,王五,12\" ruler,1,0.10,ok,\r\n"
    "N4,2023-13-03 09:30:00,,赵六,P4,1,x,ok,an impossible month\r\n"
    "N5,2023-07-03 09:30:00,,\"never closed,P4,1,1.00,ok,\r\n";
static const char map_text[] =
    "{\"name\":\"t\",\"source\":\"shop\",\"time_format\":\"%Y-%m-%d %H:%M:%S\",\"time_zone\":"
    "\"Asia/"
    "Shanghai\",\"columns\":{\"order_number\":\"number\",\"order_time\":\"time\",\"quantity\":"
    "\"quantity\",\"unit_price\":\"price\",\"state\":\"state\",\"phone\":\"phone\",\"buyer_name\":"
    "\"name\",\"product_code\":\"product\"},\"states\":{\"ok\":\"paid\"},\"skip_when\":[{"
    "\"column\":"
    "\"note\",\"equals\":\"none\"}]}";
static const char json_text[] =
    "{\"a\":[1,2.5,-3e10,true,false,null,\"\\u4f60\\n\"],\"b\":{\"c\":{"
    "\"d\":[[],{},\"\"]}},\"long\":\"0123456789012345678901234567890\"}";

static void write_file(const char *name, const void *bytes, size_t n)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(bytes, 1, n, file) == n && fclose(file) == 0);
}

/* In the directory of the inputs. */
static void shell(const char *command)
{
    CHECK(system(command) == 0);
}

static void make_inputs(void)
{
    CHECK(mkdtemp(directory) && chdir(directory) == 0);
    write_file("utf8.csv", csv_text, sizeof(csv_text) - 1);
    write_file("plain.csv", csv_text + 3, sizeof(csv_text) - 4);
    write_file("blank.txt", "a b  c\n# note\n1 2\t3\n", 20);
    write_file("map.json", map_text, sizeof(map_text) - 1);
    write_file("bad_map.json", "{\"name\":1,\"columns\":{},\"other\":2}", 33);
    shell("iconv -f utf-8 -t gb18030 plain.csv > gb.csv");
    shell("iconv -f utf-8 -t utf-16 plain.csv > utf16.csv");
    shell("gzip -c gb.csv > gb.csv.gz");
    shell("for name in chart_first formats kinds; do"
          " tail -c +2 " TEST_CORPUS "/xlsx/$name > $name.xlsx; done"); /* the target's own byte */
    shell("head -c 150 gb.csv.gz > cut.csv.gz");
}

static struct str path_of(struct arena *arena, const char *name)
{
    return str_fmt(arena, "%s/%s", directory, name);
}

/* --- Parsers: each puts what it read, or its errors, as text
 * --------------------------------------
 */

static void put_errors(struct arena *arena, struct buf *out, const struct err *err)
{
    for (; err; err = err->next) {
        struct str text = err_text(arena, err, LANG_EN);
        buf_fmt(out, "%s: %.*s\n", err_info(err->code)->name, STR_ARG(text));
    }
}

static void put_value(struct json_writer *w, const struct json_value *value)
{
    enum json_kind kind = json_kind(value);
    if (kind == JSON_KIND_INTEGER)
        json_put_i64(w, json_i64(value));
    else if (kind == JSON_KIND_REAL)
        json_put_f64(w, json_f64(value));
    else if (kind == JSON_KIND_STRING)
        json_put_str(w, json_str(value));
    else if (kind != JSON_KIND_ARRAY && kind != JSON_KIND_OBJECT)
        json_put_i64(w, kind);
    else {
        json_open(w, kind == JSON_KIND_OBJECT ? '{' : '[');
        for (size_t i = 0; i < json_count(value); i++) {
            struct str key;
            const struct json_value *item =
                kind == JSON_KIND_OBJECT ? json_member(value, i, &key) : json_at(value, i);
            if (kind == JSON_KIND_OBJECT)
                json_key(w, key);
            put_value(w, item);
        }
        json_close(w, kind == JSON_KIND_OBJECT ? '}' : ']');
    }
}

static void read_json(struct arena *arena, struct buf *out, const char *text)
{
    const struct json_value *value;
    const struct err *err = json_read(arena, STR("json"), str_c(text), &value);
    struct json_writer w = json_writer(out, true);
    if (err)
        put_errors(arena, out, err);
    else
        put_value(&w, value);
}

/* The input: a file's name, a colon, an encoding. */
static struct str file_and_encoding(struct arena *arena, const char *input, struct str *encoding)
{
    struct str file = str_cut(str_c(input), ':', encoding);
    return path_of(arena, str_z(arena, file));
}

static void read_text(struct arena *arena, struct buf *out, const char *input)
{
    struct str encoding, path = file_and_encoding(arena, input, &encoding);
    struct text_input *text;
    struct text_line line = {.end = false};
    const struct err *err = text_input_open(arena, path, encoding, &text);
    while (!err && !line.end) {
        err = text_input_next(text, &line);
        if (!err && !line.end)
            buf_fmt(out, "%" PRId64 " %.*s\n", line.number, STR_ARG(line.text));
    }
    put_errors(arena, out, err);
}

static void read_table(struct arena *arena, struct buf *out, const char *input)
{
    struct table_options options = {.has_header = true, .delimiter = ','};
    options.path = file_and_encoding(arena, input, &options.encoding);
    if (str_ends(options.path, STR(".txt")))
        options.delimiter = 0;
    struct table_input *table;
    struct table_row row = {.end = false};
    const struct err *bad, *err = table_input_open(arena, &options, &table);
    while (!err && !row.end) {
        err = table_input_next(table, &row, &bad);
        if (err || row.end)
            break;
        put_errors(arena, out, bad);
        csv_record(out, row.cells, row.cell_count);
    }
    put_errors(arena, out, err);
}

static void read_map(struct arena *arena, struct buf *out, const char *input)
{
    struct import_map *map;
    struct str name = strchr(input, '.') ? path_of(arena, input) : str_c(input);
    const struct err *err = import_map_read(arena, name, &map);
    put_errors(arena, out, err);
    if (!err)
        buf_fmt(out, "%.*s %.*s %.*s\n", STR_ARG(map->name), STR_ARG(map->source),
                STR_ARG(map->time_zone));
}

/* A whole file by a map: columns, zone, numbers, times, identities. */
static void read_import(struct arena *arena, struct buf *out, const char *input)
{
    struct brand brand = {
        .currency = STR("CNY"), .currency_digits = 2, .time_zone = STR("Asia/Shanghai")};
    struct import_reader reader = {.brand = &brand, .path = STR("f"), .now_us = INT64_MAX / 2};
    struct table_options options = {.has_header = true, .delimiter = ','};
    struct import_map *map;
    struct table_input *table;
    struct table_row cells = {.end = false};
    options.path = file_and_encoding(arena, input, &options.encoding);
    const struct err *bad, *err = zone_open(arena, brand.time_zone, STR("zone"), &brand.zone);
    reader.zone = brand.zone;
    if (!err)
        err = import_map_of_text(arena, STR("map"), str_c(map_text), &map);
    if (!err)
        err = table_input_open(arena, &options, &table);
    int count = 0;
    const struct str *header = err ? NULL : table_input_header(table, &count);
    if (!err)
        err = import_columns_bind(arena, options.path, map, header, count, &reader.columns);
    while (!err && !cells.end) {
        struct import_row row = {0};
        err = table_input_next(table, &cells, &bad);
        if (err || cells.end)
            break;
        if (!bad)
            bad = import_row_read(arena, &reader, &cells, &row);
        put_errors(arena, out, bad);
        buf_fmt(out, "%.*s %" PRId64 " %" PRId64 " %d\n", STR_ARG(row.number), row.time_us,
                row.line_amount_minor, row.identity_count);
    }
    put_errors(arena, out, err);
}

static const char *const choices[] = {"net", "gross", NULL};
struct wishes {
    struct str text;
    int64_t number;
    int choice;
    struct shape_list words;
};
static const struct field wish_fields[] = {
    {.name = "text", .kind = FIELD_TEXT, .offset = offsetof(struct wishes, text), .required = true},
    {.name = "number", .kind = FIELD_I64, .offset = offsetof(struct wishes, number), .max = 9},
    {.name = "choice",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct wishes, choice),
     .values = choices},
    {.name = "word", .kind = FIELD_LIST, .offset = offsetof(struct wishes, words)},
};
static const struct shape wish_shape = {
    .name = "wishes", .size = sizeof(struct wishes), SHAPE_FIELDS(wish_fields)};

/* Flags, parted by blanks. */
static void read_flags(struct arena *arena, struct buf *out, const char *input)
{
    char *argv[20];
    int argc = 0, rest_count;
    struct str rest[20], words = str_c(input);
    while (words.p)
        argv[argc++] = (char *)(uintptr_t)str_z(arena, str_cut(words, ' ', &words));
    struct wishes wishes;
    put_errors(arena, out,
               shape_read_flags(arena, &wish_shape, argc, argv, &wishes, rest, &rest_count));
    buf_fmt(out, "%.*s %" PRId64 " %d %zu %d\n", STR_ARG(wishes.text), wishes.number, wishes.choice,
            wishes.words.count, rest_count);
}

/* Records of so many bytes, enough to spill, in order again. */
static void sort(struct arena *arena, struct buf *out, const char *input)
{
    int64_t count, bytes;
    struct str second, first = str_cut(str_c(input), ' ', &second);
    CHECK(str_to_i64(first, &count) && str_to_i64(second, &bytes));
    struct sorter_options options = {str_c(directory), 1 << 20};
    struct sorter *sorter;
    uint64_t random = 1;
    struct str key, value = {arena_alloc(arena, (size_t)bytes), (size_t)bytes};
    bool has = true;
    const struct err *err = sorter_open(arena, &options, &sorter);
    for (int64_t i = 0; i < count && !err; i++) {
        uint64_t n = random_next(&random);
        err = sorter_add(sorter, (struct str){(const char *)&n, sizeof(n)}, value);
    }
    if (!err)
        err = sorter_finish(sorter);
    uint64_t mixed = 0;
    for (int64_t i = 0; !err && has; i++) {
        err = sorter_next(sorter, &key, &value, &has);
        uint64_t n = 0;
        if (!err && has)
            memcpy(&n, key.p, sizeof(n));
        mixed = mixed * 31 + n;
    }
    put_errors(arena, out, err);
    buf_fmt(out, "%" PRIu64 "\n", mixed);
}

static void open_zone(struct arena *arena, struct buf *out, const char *input)
{
    const struct zone *zone;
    const struct err *err = zone_open(arena, str_c(input), STR("zone"), &zone);
    put_errors(arena, out, err);
    if (!err)
        buf_fmt(out, "%" PRId32 "\n", zone_day(zone, INT64_C(1717200000000000)));
}

static const struct parser {
    const char *name;
    void (*run)(struct arena *arena, struct buf *out, const char *input);
    const char *input;
    long step; /* 0: every n; else only each so many-th, being slow */
} parsers[] = {
    {"json", read_json, json_text},
    {"json, bad", read_json, "{\"a\":[1,2,\"x\\q\"]}"},
    {"text, utf-8", read_text, "utf8.csv:utf-8"},
    {"text, gb18030", read_text, "gb.csv:gb18030"},
    {"text, gb18030 found", read_text, "gb.csv.gz:auto"},
    {"text, utf-16 found", read_text, "utf16.csv:auto"},
    {"text, gzip cut off", read_text, "cut.csv.gz:gb18030"},
    {"text, wrong encoding", read_text, "gb.csv:utf-8"},
    {"text, no encoding", read_text, "gb.csv:klingon"},
    {"text, no file", read_text, "none.csv:utf-8"},
    {"table", read_table, "utf8.csv:utf-8"},
    {"table, gzip gb18030", read_table, "gb.csv.gz:auto"},
    {"table, white space", read_table, "blank.txt:utf-8"},
    {"table, workbook", read_table, "chart_first.xlsx:auto"},
    {"table, workbook, formats", read_table, "formats.xlsx:auto"},
    {"table, workbook, kinds", read_table, "kinds.xlsx:auto"},
    {"map", read_map, "map.json"},
    {"map, bad", read_map, "bad_map.json"},
    {"map, built in", read_map, "online-retail"},
    {"import", read_import, "utf8.csv:utf-8"},
    {"import, gzip gb18030", read_import, "gb.csv.gz:auto"},
    {"flags", read_flags, "--text x --number=3 --choice net --word a --word b more"},
    {"flags, bad", read_flags, "--txet x --number=30 --choice nett"},
    {"sorter", sort, "30000 40"},
    {"sorter, large records", sort, "40 1200000", 5},
    {"sorter, two levels", sort, "70 1100000", 11},
    {"zone", open_zone, "America/New_York"},
    {"zone, bad", open_zone, "Mars/Olympus"},
};

/* --- A child for each n
 * ----------------------------------------------------------------------------
 */

/* What a child says by shared memory: an ended process has nothing else to say it with. */
struct said {
    bool ended;   /* the parser returned */
    bool refused; /* the n-th call came */
    size_t n;
    char text[RESULT_BYTES_MAX];
};

static void run_child(const struct parser *parser, long n, bool every, struct said *said)
{
    alloc_refuse(n, every);
    struct arena *arena = arena_new("parser", ARENA_BYTES_MAX);
    struct buf out = buf_new(arena, RESULT_BYTES_MAX);
    parser->run(arena, &out, parser->input);
    struct str text = buf_view(&out);
    long calls = alloc_refuse_end();
    CHECK(text.n <= sizeof(said->text));
    memcpy(said->text, text.p, text.n);
    said->n = text.n;
    said->refused = calls >= n;
    said->ended = true;
    arena_free(arena);
}

/* Returns the status; what it wrote to standard error goes to errors. */
static int run_in_child(const struct parser *parser, long n, bool every, struct said *said,
                        char *errors, size_t errors_size)
{
    int pipes[2], status;
    said->ended = said->refused = false;
    CHECK(pipe(pipes) == 0);
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(CHILD_SECONDS_MAX);
        dup2(pipes[1], STDERR_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        run_child(parser, n, every, said);
        exit(0); /* with AddressSanitizer: 23 where something leaked */
    }
    close(pipes[1]);
    size_t at = 0;
    for (;;) {
        ssize_t got = read(pipes[0], errors + at, errors_size - 1 - at);
        if (got <= 0)
            break;
        at += (size_t)got;
    }
    errors[at] = '\0';
    close(pipes[0]);
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

struct tally {
    long passed, failed, clean_ends, right, in_words;
};

/* What was read so far, as it should be, and then an error that says it. */
static bool is_said_in_words(struct str result, struct str expected)
{
    size_t last = result.n > 0 ? result.n - 1 : 0;
    while (last > 0 && result.p[last - 1] != '\n')
        last--;
    struct str before = str_slice(result, 0, last), line = str_slice(result, last, result.n);
    return str_starts(expected, before) && (str_starts(line, STR("ENCODING_NOT_LOADED: ")) ||
                                            str_starts(line, STR("MEMORY_OUT: ")));
}

static void check_child(const struct parser *parser, long n, bool every, int status,
                        const struct said *said, struct str expected, const char *errors,
                        struct tally *tally)
{
    struct str result = {said->text, said->n};
    bool returned = WIFEXITED(status) && WEXITSTATUS(status) == 0 && said->ended;
    bool right = returned && str_eq(result, expected);
    bool in_words = returned && !right && is_said_in_words(result, expected);
    bool clean = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && !said->ended &&
                 strncmp(errors, CLEAN_END, strlen(CLEAN_END)) == 0;
    tally->right += right;
    tally->clean_ends += clean;
    tally->in_words += in_words;
    tally->passed += right || clean || in_words;
    if (right || clean || in_words)
        return;
    if (++tally->failed <= 5)
        printf("FAILED: %s, call %ld%s refused: status %d, result %.*s, stderr %.1500s\n",
               parser->name, n, every ? " and all after it" : "", status,
               said->ended ? (int)(said->n < 300 ? said->n : 300) : 0, said->text, errors);
}

static void try_parser(const struct parser *parser, struct said *said, struct tally *total)
{
    static char expected[RESULT_BYTES_MAX], errors[4096];
    struct tally tally = {0};
    long calls = 0;
    int status = run_in_child(parser, CALLS_MAX, false, said, errors, sizeof(errors));
    CHECK(status == 0 && said->ended && !said->refused && said->n > 0);
    memcpy(expected, said->text, said->n);
    struct str result = {expected, said->n};
    for (int every = 0; every <= 1; every++) {
        for (long n = 1;; n += parser->step ? parser->step : 1) {
            CHECK(n < CALLS_MAX);
            status = run_in_child(parser, n, every, said, errors, sizeof(errors));
            check_child(parser, n, every, status, said, result, errors, &tally);
            if (said->ended && !said->refused)
                break;
            calls++;
        }
    }
    printf(
        "%-24s %5ld refusals: %ld clean ends, %ld right results, %ld said in words, %ld failed\n",
        parser->name, calls, tally.clean_ends, tally.right - 2, tally.in_words, tally.failed);
    total->passed += tally.passed;
    total->failed += tally.failed;
}

int main(int argc, char **argv)
{
    struct tally total = {0};
    struct said *said =
        mmap(NULL, sizeof(*said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(said != MAP_FAILED);
    secret_init();
    make_inputs();
    for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++) {
        if (argc < 2 || strstr(parsers[i].name, argv[1]))
            try_parser(&parsers[i], said, &total);
    }
    shell("rm -r \"$PWD\"");
    printf("%ld passed, %ld failed\n", total.passed, total.failed);
    return total.failed > 0 || total.passed == 0;
}
