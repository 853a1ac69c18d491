/* From a path to its endpoint. */
#include "http/http_internal.h"

#include "base/check.h"

#include <string.h>

static int parts_of_pattern(struct str path, struct str parts[LIMIT_HTTP_PATH_PARTS_MAX])
{
    int count = 0;
    struct str rest = str_slice(path, 1, path.n);
    while (rest.p) {
        CHECK(count < LIMIT_HTTP_PATH_PARTS_MAX);
        parts[count++] = str_cut(rest, '/', &rest);
    }
    return count;
}

struct routes routes_new(struct arena *arena, const struct endpoint_table *const *tables,
                         int table_count)
{
    struct routes routes = {0};
    size_t total = 0;
    for (int t = 0; t < table_count; t++)
        total += (size_t)tables[t]->count;
    routes.routes = ARENA_ARRAY(arena, total + 1, struct route);
    for (int t = 0; t < table_count; t++) {
        for (int i = 0; i < tables[t]->count; i++) {
            struct route *route = &routes.routes[routes.count++];
            route->endpoint = &tables[t]->endpoints[i];
            route->part_count = parts_of_pattern(str_c(route->endpoint->path), route->parts);
        }
    }
    return routes;
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Escapes (RFC 3986, section 2.1) decoded; false where one is bad or stands for NUL. */
static bool unescape(struct arena *arena, struct str text, bool plus_is_space, struct str *out)
{
    char *bytes = arena_alloc(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            int high = i + 2 < text.n ? hex_of(text.p[i + 1]) : -1;
            int low = i + 2 < text.n ? hex_of(text.p[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        bytes[n++] = c;
    }
    *out = (struct str){bytes, n};
    return str_is_utf8(*out);
}

static bool part_is_good(struct str part)
{
    if (part.n == 0 || str_eq(part, STR(".")) || str_eq(part, STR("..")))
        return false;
    for (size_t i = 0; i < part.n; i++) {
        unsigned char c = (unsigned char)part.p[i];
        if (c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

bool path_split(struct arena *arena, struct str path, struct str parts[LIMIT_HTTP_PATH_PARTS_MAX],
                int *count)
{
    *count = 0;
    if (path.n == 0 || path.p[0] != '/')
        return false;
    struct str rest = str_slice(path, 1, path.n);
    if (rest.n == 0)
        return true;
    while (rest.p) {
        if (*count == LIMIT_HTTP_PATH_PARTS_MAX)
            return false;
        struct str part = str_cut(rest, '/', &rest);
        if (!unescape(arena, part, false, &part) || !part_is_good(part))
            return false;
        parts[(*count)++] = part;
    }
    return true;
}

static bool is_variable(struct str part)
{
    return part.n > 2 && part.p[0] == '{' && part.p[part.n - 1] == '}';
}

static bool route_fits(const struct route *route, const struct str *parts, int part_count)
{
    if (route->part_count != part_count)
        return false;
    for (int i = 0; i < part_count; i++)
        if (!is_variable(route->parts[i]) && !str_eq(route->parts[i], parts[i]))
            return false;
    return true;
}

static size_t variables_of(const struct route *route, const struct str *parts,
                           struct shape_pair *variables)
{
    size_t count = 0;
    for (int i = 0; i < route->part_count; i++) {
        struct str part = route->parts[i];
        if (is_variable(part))
            variables[count++] =
                (struct shape_pair){.key = str_slice(part, 1, part.n - 1), .value = parts[i]};
    }
    return count;
}

/* A literal part beats a variable one: "/customers/proposals" before "/customers/{customer_id}". */
static int literal_count(const struct route *route)
{
    int count = 0;
    for (int i = 0; i < route->part_count; i++)
        count += !is_variable(route->parts[i]);
    return count;
}

const struct endpoint *route_find(struct arena *arena, const struct routes *routes,
                                  struct str method, const struct str *parts, int part_count,
                                  struct shape_pair *variables, size_t *variable_count,
                                  struct str *allowed)
{
    const struct route *best = NULL;
    int most = -1;
    *allowed = STR_NONE;
    *variable_count = 0;
    for (int i = 0; i < routes->count; i++) {
        const struct route *route = &routes->routes[i];
        if (!route_fits(route, parts, part_count))
            continue;
        int literals = literal_count(route);
        if (literals > most) {
            *allowed = STR_NONE;
            best = NULL;
        }
        if (literals < most)
            continue;
        most = literals;
        struct str has = str_c(method_name(route->endpoint->method));
        if (str_eq(has, method) || (str_eq(method, STR("HEAD")) && str_eq(has, STR("GET"))))
            best = route;
        *allowed = allowed->p ? str_fmt(arena, "%.*s, %.*s", STR_ARG(*allowed), STR_ARG(has)) : has;
    }
    if (!best)
        return NULL;
    *variable_count = variables_of(best, parts, variables);
    return best->endpoint;
}

bool query_split(struct arena *arena, struct str query, struct shape_pair *pairs, size_t *count)
{
    *count = 0;
    struct str rest = query;
    while (rest.p && query.n > 0) {
        struct str pair = str_cut(rest, '&', &rest);
        if (pair.n == 0)
            continue;
        if (*count == LIMIT_HTTP_QUERY_PAIRS_MAX)
            return false;
        struct str value;
        struct str key = str_cut(pair, '=', &value);
        if (!unescape(arena, key, true, &pairs[*count].key) ||
            !unescape(arena, value.p ? value : STR(""), true, &pairs[*count].value))
            return false;
        (*count)++;
    }
    return true;
}
