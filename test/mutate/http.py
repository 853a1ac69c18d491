"""Breaks of HTTP: limits, routes, problems, tags and packing, streams, the end, the log. Read by script/mutate."""

WHOLE = "http/attack_test.py --only "
TESTS = {
    "cut": ["http_test *are_cut"],
    "time": ["http_test *has_its_time"],
    "room": ["http_test *makes_room"],
    "wait": ["http_test *too_many_wait"],
    "limits": ["http_test *limits_and_tricks"],
    "routes": ["http_test *routes_and_answers", "http_test *limits_and_tricks"],
    "may": ["http_test *who_may"],
    "tags": ["http_test *tags", "http_test *routes_and_answers"],
    "upload": ["http_test *upload"],
    "heard": ["http_test *streams_of_many"],
    "deaf": ["http_test *deaf_stream"],
    "stop": ["http_test *stop_waits*"],
    "log": ["http_test *log*"],
    "address": ["http_test *whose_address"],
    "framing": ["http_test *limits_and_tricks", WHOLE + "framing"],
    "much": ["http_test *limits_and_tricks", WHOLE + "too_much"],
    "streams": [WHOLE + "streams"],
    "contract": ["http/contract_test.py --database sqlite --only people_and_keys,customers,the_rest"],
    "walk": ["http/contract_test.py --database sqlite --only walk_all"],
    "uploads": ["http/imports_test.py --database sqlite --only once"],
}

SERVER = "src/http/http_server.c"
REQUEST = "src/http/http_request.c"
HEAD = "src/http/http_head.c"
CONNECTION = "src/http/http_connection.c"
REPLY = "src/http/http_reply.c"
STREAM = "src/http/http_stream.c"
ROUTE = "src/http/http_route.c"
LOG = "src/http/http_log.c"
WORK = "src/http/http_work.c"

BREAKS = [
    # --- Limits ---
    ("much", REQUEST, "a body may be announced with any length", "|| length < 0 || length > request->body_bytes_max))", "|| length < 0))"),
    ("much", REQUEST, "a body in chunks may have any length", "    if (request->body_bytes > request->body_bytes_max) {", "    if (request->body_bytes < 0) {"),
    ("much", SERVER, "what is refused is read to its end", "request->body_bytes > request->body_bytes_max + DRAIN_BYTES_MAX", "request->body_bytes < 0"),
    ("walk", REQUEST, "who takes no body takes one", "request->body_bytes_max = takes_body ? most : 0;", "request->body_bytes_max = takes_body ? most : most;"),
    ("cut", CONNECTION, "slow ones are never cut", "if (!each->cut && each->deadline_ms < now_ms)", "if (!each->cut && each->deadline_ms < -now_ms)"),
    ("time", SERVER, "a body may take for ever", "connection_state(&request->server->connections, request->connection, CONNECTION_BODY,\n                     body_timeout_ms(request));",
     "connection_state(&request->server->connections, request->connection, CONNECTION_BODY,\n                     INT64_MAX - 0 * body_timeout_ms(request));"),
    ("time", SERVER, "an answer may be taken for ever", ": reply_timeout_ms(request));", ": INT64_MAX - 0 * reply_timeout_ms(request));"),
    ("time", SERVER, "between two requests a connection may wait for ever", "connection_state(&server->connections, request->connection, CONNECTION_HEAD,\n                         server->connections.head_timeout_ms);",
     "connection_state(&server->connections, request->connection, CONNECTION_HEAD,\n                         INT64_MAX);"),
    ("cut", CONNECTION, "an address has any number of connections", "count_of(all, connection->address) >= all->per_address_max)", "count_of(all, connection->address) < 0)"),
    ("room", CONNECTION, "all together have any number of connections", "else if (all->count >= all->count_max)", "else if (all->count < 0)"),
    ("room", CONNECTION, "a newcomer cuts who is being answered", "if (waits && !each->cut && (!address", "if ((waits || each) && !each->cut && (!address"),
    ("cut", CONNECTION, "a newcomer cuts the latest, not the one that waits longest",
     "    for (struct connection *each = all->first; each; each = each->next) {\n        bool waits", "    for (struct connection *each = all->last; each; each = each->previous) {\n        bool waits"),
    ("room", CONNECTION, "one address shuts out another", "    if (all->count >= all->per_address_max &&", "    if (all->count >= all->per_address_max ||"),
    ("wait", WORK, "any number of requests waits", "work->waiting < work->waiting_max && !work->stopping;", "!work->stopping;"),
    ("walk", REQUEST, "a key may be of any length", "(key.n == 0 || key.n > LIMIT_IDEMPOTENCY_KEY_BYTES_MAX)", "(key.n == 0)"),

    # --- Where a request begins and ends ---
    ("framing", REQUEST, "a length and chunks", "framing.lengths + framing.codings <= 1 &&", "framing.lengths <= 1 && framing.codings <= 1 &&"),
    ("framing", REQUEST, "two lengths", "framing.lengths + framing.codings <= 1 &&", "framing.lengths * framing.codings == 0 &&"),
    ("framing", REQUEST, "two hosts", "&& framing.hosts <= 1 &&", "&& framing.hosts >= 0 &&"),
    ("framing", REQUEST, "a coding that is not chunks", "(framing.codings == 0 || framing.is_chunked)", "framing.codings >= 0"),

    # --- Routes ---
    ("limits", ROUTE, "a path climbs", ' || str_eq(part, STR(".")) || str_eq(part, STR("..")))', ")"),
    ("limits", ROUTE, "bytes that are not UTF-8", "return str_is_utf8(*out);", "return true;"),
    ("limits", ROUTE, "an escaped slash parts", "if (!unescape(arena, part, false, &part) || !part_is_good(part))",
     "if (!unescape(arena, part, false, &part) || (part.n && memchr(part.p, '/', part.n)) || !part_is_good(part))"),
    ("routes", ROUTE, "a variable goes before a word", "        if (literals < most)\n            continue;\n", "        if (literals > most && most >= 0)\n            continue;\n"),
    ("routes", ROUTE, "a method that is not there is no path", "        *allowed = allowed->p ? str_fmt(", "        *allowed = !best ? STR_NONE : allowed->p ? str_fmt("),
    ("limits", ROUTE, "any number of pairs", "if (*count == LIMIT_HTTP_QUERY_PAIRS_MAX)", "if (*count == SIZE_MAX)"),
    ("walk", REQUEST, "what is asked beside the declared is passed over", "if (!query_split(request->arena, request->query_text, pairs, &count))",
     "if (!shape)\n        return NULL;\n    if (!query_split(request->arena, request->query_text, pairs, &count))"),
    ("may", REQUEST, "a body of another type is read as JSON", "if (endpoint->in && !(endpoint->flags & ENDPOINT_UPLOAD) &&\n        !str_eq_nocase", "if (!endpoint->in && !(endpoint->flags & ENDPOINT_UPLOAD) &&\n        !str_eq_nocase"),

    # --- Problems ---
    ("may", REPLY, "only the first of several faults is told", "    for (; err; err = err->next) {\n        const struct err_info *info = err_info(err->code);",
     "    for (; err; err = NULL) {\n        const struct err_info *info = err_info(err->code);"),
    ("contract", REPLY, "a field is named as the room calls it", 'return field.p[0] == \'/\' ? field : str_fmt(request->arena, "/%.*s", STR_ARG(name));', "return field;"),
    ("contract", REPLY, "of the path is called as of the body", 'return str_fmt(request->arena, "{%.*s}", STR_ARG(name));', "return field;"),
    ("may", "src/contract/shape.c", "a pointer is not escaped", 'STR("~1")', 'STR("/")'),
    ("contract", REPLY, "nobody is told how long to wait", "request->reply.retry_after = says ? worst->arg[0] : STR(\"5\");", "request->reply.retry_after = says ? STR_NONE : STR_NONE;"),
    ("contract", REPLY, "a 401 does not say how to be let in", "if (reply->status == MHD_HTTP_UNAUTHORIZED)", "if (reply->status == MHD_HTTP_PAYMENT_REQUIRED)"),
    ("contract", REPLY, "answers may be kept on the way", 'reply->cache_control.p ? reply->cache_control : STR("no-store")', "reply->cache_control"),

    # --- Tags and packing ---
    ("tags", HEAD, "any tag is the right one", "if (inner.n > 0 && str_eq(inner, bare))", "if (inner.n > 0 && bare.n > 0)"),
    ("tags", HEAD, "of several tags only the first is looked at", "        if (inner.n > 0 && str_eq(inner, bare))\n            return item;\n", "        return inner.n > 0 && str_eq(inner, bare) ? item : STR_NONE;\n"),
    ("tags", HEAD, "a weak tag names nothing", '        if (str_starts(item, STR("W/")))\n', '        if (str_starts(item, STR("w/")))\n'),
    ("tags", REPLY, "packed and plain have one tag", "request->reply.etag = str_fmt(request->arena, \"%.*s\" HTTP_ETAG_PACKED \"\\\"\",\n                                      STR_ARG(str_slice(etag, 0, etag.n - 1)));", "request->reply.etag = etag;"),
    ("tags", HEAD, "who refuses gzip gets it", "if (str_eq_nocase(item, word) && !refused)", "if (str_eq_nocase(item, word) && (refused || !refused))"),

    # --- Uploads ---
    ("upload", REQUEST, "a stranger's file is taken before it is asked who", "    enter(request);\n    const struct err *err = authenticate(request);\n    leave(request);\n    TRY(err);\n", ""),
    ("upload", REQUEST, "a file that nobody took stays", "    if (request->call.upload_path.p)\n        unlink(str_z(request->arena, request->call.upload_path));\n", ""),
    ("uploads", REQUEST, "one key, another file", "        body = (struct str){(const char *)of_file, sizeof(of_file)};\n", ""),
    ("uploads", REQUEST, "one key, another query", "request->method, request->url, request->query_text, body", "request->method, request->url, STR(\"\"), body"),
    ("contract", REQUEST, "one key, another path", "request->method, request->url, request->query_text, body", "request->method, STR(\"\"), request->query_text, body"),
    ("contract", REQUEST, "one key, another body", "request->method, request->url, request->query_text, body", "request->method, request->url, request->query_text, str_slice(body, 0, 0)"),
    ("uploads", REQUEST, "the same file in other pieces is another", "    secret_stream_add(request->upload_hash, bytes, n);\n    while (n > 0) {", "    secret_stream_add(request->upload_hash, bytes, n);\n    secret_stream_add(request->upload_hash, bytes, n);\n    while (n > 0) {"),

    # --- Streams ---
    ("heard", SERVER, "streams have no heartbeat", "            streams_heartbeat(&server->streams);\n", ""),
    ("deaf", STREAM, "who does not read is kept for", "if (stream->n - stream->at + text.n > LIMIT_HTTP_STREAM_BYTES_MAX) {", "if (stream->n - stream->at + text.n > SIZE_MAX / 4) {"),
    ("heard", STREAM, "a stream never ends", "            each->ends = true;\n", "            each->ends = false;\n"),
    ("streams", STREAM, "any number of streams", "bool full = all->count >= LIMIT_HTTP_STREAMS_MAX;", "bool full = all->count < 0;"),
    ("heard", STREAM, "only the newest stream hears", "    for (struct stream *each = all->first; each; each = each->next)\n        put(each, text);", "    if (all->first)\n        put(all->first, text);"),
    ("heard", STREAM, "what waits is told out of order", "memcpy(stream->bytes + stream->n, text.p, text.n);\n    stream->n += text.n;",
     "memmove(stream->bytes + stream->at + text.n, stream->bytes + stream->at, stream->n - stream->at);\n    memcpy(stream->bytes + stream->at, text.p, text.n);\n    stream->n += text.n;"),

    # --- The end ---
    ("stop", SERVER, "stopping does not wait for what is at work", "    work_stop(&server->work);\n    streams_stop", "    streams_stop"),
    ("stop", SERVER, "stopping does not wait for answers", "    wait_for_answers(server);\n", "    (void)wait_for_answers;\n"),
    ("stop", SERVER, "stopping leaves streams open", "    streams_stop(&server->streams);\n", ""),
    ("stop", SERVER, "who is answered last keeps the connection", "if (stopping || request->reply.closes)", "if (request->reply.closes && (stopping || !stopping))"),

    # --- Who is heard of ---
    ("log", LOG, "the log has what was asked", "    put_number(&w, \"took_us\", took_us);\n", "    put_number(&w, \"took_us\", took_us);\n    put_text(&w, \"query\", request->query_text);\n"),
    ("log", LOG, "the log has addresses", "    put_number(&w, \"took_us\", took_us);\n", "    put_number(&w, \"took_us\", took_us);\n    put_text(&w, \"address\", request->call.address);\n"),
    ("log", LOG, "nobody hears of lines that were lost", "    if (!put_line(log, line))\n        log->lost_count++;\n", "    put_line(log, line);\n"),
    ("log", LOG, "lines are kept beyond their room", "    if (line.n > log->bytes_max - log->waiting_n)\n        return false;\n", "    if (line.n > log->bytes_max - log->waiting_n)\n        log->waiting_n = 0;\n"),
    ("address", REQUEST, "anybody may say who they come for", "return request->server->options.behind_proxy && loopback;", "return request->server->options.behind_proxy || loopback;"),
    ("address", HEAD, "the first address of a list is believed", "        last = str_trim(str_cut(rest, ',', &rest));\n    return", "        last = str_trim(str_cut(rest, ',', &rest)), rest = STR_NONE;\n    return"),
]
