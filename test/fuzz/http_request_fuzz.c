/* link: http */
/* "PATH\nQUERY\nBODY" as a request to every endpoint of the program: its path split and routed, then query and body
 * decoded by the endpoint's shapes. Nothing is read beyond its end; what is refused has a place and a text. */
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "codec/json.h"
#include "http/app.h"
#include "http/http_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_errors(struct arena *arena, const struct err *err)
{
    for (int count = 0; err; err = err->next, count++) {
        CHECK(count < 2 * SHAPE_ERRORS_MAX);
        CHECK(str_is_utf8(err_text(arena, err, LANG_EN)));
        CHECK(str_is_utf8(err_text(arena, err, LANG_ZH)));
    }
}

static void route(struct arena *arena, const struct routes *routes, struct str path)
{
    struct str parts[LIMIT_HTTP_PATH_PARTS_MAX], allowed;
    struct shape_pair variables[LIMIT_HTTP_PATH_PARTS_MAX];
    size_t variable_count;
    int part_count;
    if (!path_split(arena, path, parts, &part_count))
        return;
    for (int i = 0; i < part_count; i++)
        CHECK(str_is_utf8(parts[i]) && !memchr(parts[i].p, '\0', parts[i].n) && !str_eq(parts[i], STR("..")));
    const struct endpoint *endpoint = route_find(arena, routes, STR("GET"), parts, part_count,
                                                 variables, &variable_count, &allowed);
    if (!endpoint || !endpoint->path_shape)
        return;
    void *out = arena_alloc(arena, endpoint->path_shape->size + 1);
    check_errors(arena, shape_read_pairs(arena, endpoint->path_shape, variables, variable_count, out));
}

static void decode(struct arena *arena, const struct endpoint *endpoint, struct str query,
                   const struct json_value *body)
{
    struct shape_pair *pairs = ARENA_ARRAY(arena, LIMIT_HTTP_QUERY_PAIRS_MAX, struct shape_pair);
    size_t count;
    if (endpoint->query_shape && query_split(arena, query, pairs, &count)) {
        void *out = arena_alloc(arena, endpoint->query_shape->size + 1);
        check_errors(arena, shape_read_pairs(arena, endpoint->query_shape, pairs, count, out));
    }
    if (endpoint->in && body) {
        void *out = arena_alloc(arena, endpoint->in->size + 1);
        check_errors(arena, shape_read_json(arena, endpoint->in, body, out));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new("fuzz", (size_t)1 << 30);
    struct str query, body, path = str_cut((struct str){(const char *)data, size}, '\n', &query);
    query = str_cut(query, '\n', &body);
    int table_count;
    const struct endpoint_table *const *tables = app_tables(&table_count);
    struct routes routes = routes_new(arena, tables, table_count);
    route(arena, &routes, path);
    const struct json_value *value = NULL;
    if (body.p)
        check_errors(arena, json_read(arena, STR("body"), body, &value));
    for (int i = 0; i < routes.count; i++)
        decode(arena, routes.routes[i].endpoint, query.p ? query : STR(""), value);
    arena_free(arena);
    return 0;
}
