#include "codec/xlsx_xml.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/limits.h"

#include <expat.h>
#include <string.h>

#define BLOCK_BYTES 65536
#define NAMES_BYTES_MAX ((size_t)1 << 20)

struct xlsx_xml {
    struct arena *arena;
    struct str path, name;
    struct xlsx_part *part;
    XML_Parser parser; /* NULL: closed */
    struct xlsx_xml_handler handler;
    int depth;
    bool paused, fed_last;
    int64_t silent_bytes; /* fed since expat said anything: it holds them in memory */
    const struct err *failed;
    /* Different names of elements and attributes, sorted. */
    struct arena *name_arena;
    const char *names[LIMIT_XML_NAMES_MAX];
    int name_count;
};

void xlsx_xml_fail(struct xlsx_xml *xml, const struct err *err)
{
    if (!xml->failed)
        xml->failed = err;
    XML_StopParser(xml->parser, XML_FALSE);
}

static const struct err *bad_here(const struct xlsx_xml *xml, const char *why)
{
    struct arena *arena = xml->arena;
    return ERR_NEW(
        arena, ERR_XML_BAD, xml->path, xml->name,
        str_fmt(arena, "%llu", (unsigned long long)XML_GetCurrentLineNumber(xml->parser)),
        str_fmt(arena, "%llu", (unsigned long long)XML_GetCurrentColumnNumber(xml->parser) + 1),
        str_c(why));
}

/* expat keeps each different name for as long as it lives, so they are counted. Those of one or two
 * bytes are few. */
static void note_name(struct xlsx_xml *xml, const char *name)
{
    if (name[0] == '\0' || name[1] == '\0' || name[2] == '\0')
        return;
    int low = 0, high = xml->name_count;
    while (low < high) {
        int middle = (low + high) / 2;
        int order = strcmp(xml->names[middle], name);
        if (order == 0)
            return;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t n = strlen(name);
    if (xml->name_count == LIMIT_XML_NAMES_MAX || n > LIMIT_XML_NAME_BYTES_MAX) {
        xlsx_xml_fail(xml, bad_here(xml, "names without end"));
        return;
    }
    memmove(xml->names + low + 1, xml->names + low,
            (size_t)(xml->name_count - low) * sizeof(xml->names[0]));
    xml->names[low] = str_z(xml->name_arena, (struct str){name, n});
    xml->name_count++;
}

static const char *local_part(const char *name)
{
    const char *colon = strchr(name, ':');
    return colon ? colon + 1 : name;
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
    struct xlsx_xml *xml = arg;
    if (xml->failed)
        return;
    xml->silent_bytes = 0;
    note_name(xml, name);
    for (int i = 0; attributes[i]; i += 2)
        note_name(xml, attributes[i]);
    if (++xml->depth > LIMIT_XML_DEPTH_MAX)
        xlsx_xml_fail(xml, bad_here(xml, "nested too deep"));
    if (!xml->failed)
        xml->handler.start(xml->handler.arg, xml->depth, local_part(name), attributes);
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
    struct xlsx_xml *xml = arg;
    if (xml->failed)
        return;
    xml->silent_bytes = 0;
    xml->handler.end(xml->handler.arg, xml->depth, local_part(name));
    xml->depth--;
}

static void XMLCALL on_text(void *arg, const XML_Char *bytes, int n)
{
    struct xlsx_xml *xml = arg;
    if (xml->failed)
        return;
    xml->silent_bytes = 0;
    if (xml->handler.text)
        xml->handler.text(xml->handler.arg, bytes, (size_t)n);
}

/* Comments, instructions, the declaration. */
static void XMLCALL on_other(void *arg, const XML_Char *bytes, int n)
{
    (void)bytes;
    (void)n;
    struct xlsx_xml *xml = arg;
    xml->silent_bytes = 0;
}

static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    struct xlsx_xml *xml = arg;
    xlsx_xml_fail(xml, ERR_NEW(xml->arena, ERR_XML_DOCTYPE, xml->path, xml->name));
}

static void close_deferred(void *arg)
{
    xlsx_xml_close(arg);
}

const struct err *xlsx_xml_open(struct arena *arena, struct xlsx_zip *zip, struct str part,
                                int64_t bytes_max, const struct xlsx_xml_handler *handler,
                                struct xlsx_xml **out)
{
    struct xlsx_xml *xml = ARENA_NEW(arena, struct xlsx_xml);
    xml->arena = arena;
    xml->path = xlsx_zip_path(zip);
    xml->name = str_copy(arena, part);
    xml->handler = *handler;
    TRY(xlsx_part_open(arena, zip, part, bytes_max, &xml->part));
    xml->parser = XML_ParserCreate(NULL);
    if (!xml->parser)
        return ERR_NEW(arena, ERR_MEMORY_OUT, xml->path);
    xml->name_arena = arena_new("names of elements", NAMES_BYTES_MAX);
    arena_defer(arena, close_deferred, xml);
    XML_SetUserData(xml->parser, xml);
    XML_SetElementHandler(xml->parser, on_start, on_end);
    XML_SetCharacterDataHandler(xml->parser, on_text);
    XML_SetDefaultHandler(xml->parser, on_other);
    XML_SetStartDoctypeDeclHandler(xml->parser, on_doctype);
    *out = xml;
    return NULL;
}

static const struct err *feed(struct xlsx_xml *xml, enum XML_Status *status)
{
    void *block = XML_GetBuffer(xml->parser, BLOCK_BYTES);
    if (!block)
        return ERR_NEW(xml->arena, ERR_MEMORY_OUT, xml->path);
    size_t n;
    TRY(xlsx_part_read(xml->part, block, BLOCK_BYTES, &n));
    xml->fed_last = n == 0;
    xml->silent_bytes += (int64_t)n;
    *status = XML_ParseBuffer(xml->parser, (int)n, xml->fed_last);
    return NULL;
}

static const struct err *step(struct xlsx_xml *xml, bool *end)
{
    enum XML_Status status = XML_STATUS_OK;
    if (xml->paused)
        status = XML_ResumeParser(xml->parser);
    else
        TRY(feed(xml, &status));
    if (xml->failed)
        return xml->failed;
    xml->paused = status == XML_STATUS_SUSPENDED;
    if (status == XML_STATUS_ERROR) {
        enum XML_Error code = XML_GetErrorCode(xml->parser);
        if (code == XML_ERROR_NO_MEMORY)
            return ERR_NEW(xml->arena, ERR_MEMORY_OUT, xml->path);
        return bad_here(xml, XML_ErrorString(code));
    }
    if (xml->silent_bytes > LIMIT_XML_TAG_BYTES_MAX)
        return bad_here(xml, "a tag or comment without end");
    *end = xml->fed_last && !xml->paused;
    return NULL;
}

const struct err *xlsx_xml_step(struct xlsx_xml *xml, bool *end)
{
    CHECK(xml->parser);
    *end = false;
    if (!xml->failed)
        xml->failed = step(xml, end);
    return xml->failed;
}

void xlsx_xml_pause(struct xlsx_xml *xml)
{
    XML_StopParser(xml->parser, XML_TRUE);
}

const struct xlsx_part *xlsx_xml_part(const struct xlsx_xml *xml)
{
    return xml->part;
}

void xlsx_xml_close(struct xlsx_xml *xml)
{
    if (!xml->parser)
        return;
    XML_ParserFree(xml->parser);
    xml->parser = NULL;
    arena_free(xml->name_arena);
    xlsx_part_close(xml->part);
}

const char *xlsx_attribute(const char **attributes, const char *name)
{
    for (int i = 0; attributes[i]; i += 2) {
        if (strcmp(attributes[i], name) == 0)
            return attributes[i + 1];
    }
    return NULL;
}

const char *xlsx_attribute_prefixed(const char **attributes, const char *local_name)
{
    for (int i = 0; attributes[i]; i += 2) {
        const char *colon = strchr(attributes[i], ':');
        if (colon && strcmp(colon + 1, local_name) == 0)
            return attributes[i + 1];
    }
    return NULL;
}
