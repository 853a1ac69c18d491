#include "codec/xlsx_book.h"

#include "base/arena.h"
#include "base/limits.h"
#include "codec/xlsx_xml.h"

#include <string.h>

#define PACKAGE_RELATIONS STR("_rels/.rels")
#define SHEETS_MAX 1000
#define NAME_BYTES_MAX 1000

struct book_reader {
    struct arena *arena;
    struct xlsx_zip *zip;
    struct xlsx_book *book;
    struct str folder;   /* of the part whose relationships are read, with its '/' */
    struct str document; /* the package's main part */
    /* Of the main part. */
    char root[32];
    bool in_sheets;
    struct xlsx_sheet sheets[SHEETS_MAX];
    struct str sheet_ids[SHEETS_MAX]; /* their relationships */
    int sheet_count;
};

/* --- Names of parts --- */

/* The folder of a part with its '/', empty at the top. */
static struct str folder_of(struct str part)
{
    size_t n = part.n;
    while (n > 0 && part.p[n - 1] != '/')
        n--;
    return str_slice(part, 0, n);
}

/* A relationship's target (RFC 3986, 5.2, for what occurs here: absolute or relative paths). */
static struct str resolve(struct arena *arena, struct str folder, struct str target)
{
    if (str_starts(target, STR("/"))) {
        folder = STR("");
        target = str_slice(target, 1, target.n);
    }
    for (;;) {
        if (str_starts(target, STR("./"))) {
            target = str_slice(target, 2, target.n);
        } else if (str_starts(target, STR("../"))) {
            target = str_slice(target, 3, target.n);
            folder = folder_of(str_slice(folder, 0, folder.n > 0 ? folder.n - 1 : 0));
        } else {
            return str_fmt(arena, "%.*s%.*s", STR_ARG(folder), STR_ARG(target));
        }
    }
}

/* xl/workbook.xml → xl/_rels/workbook.xml.rels */
static struct str relations_of(struct arena *arena, struct str part)
{
    struct str folder = folder_of(part);
    struct str name = str_slice(part, folder.n, part.n);
    return str_fmt(arena, "%.*s_rels/%.*s.rels", STR_ARG(folder), STR_ARG(name));
}

/* --- Relationships --- */

static void take_sheet(struct book_reader *reader, struct str id, struct str target)
{
    for (int i = 0; i < reader->sheet_count; i++) {
        if (!reader->sheets[i].part.p && str_eq(reader->sheet_ids[i], id))
            reader->sheets[i].part = resolve(reader->arena, reader->folder, target);
    }
}

/* A type ends alike in transitional and strict files: …/relationships/worksheet */
static void on_relationship(void *arg, int depth, const char *name, const char **attributes)
{
    struct book_reader *reader = arg;
    struct xlsx_book *book = reader->book;
    const char *id = xlsx_attribute(attributes, "Id");
    const char *type = xlsx_attribute(attributes, "Type");
    const char *target = xlsx_attribute(attributes, "Target");
    if (depth != 2 || strcmp(name, "Relationship") != 0 || !id || !type || !target)
        return;
    struct str kind = str_c(type), to = str_c(target);
    if (to.n > NAME_BYTES_MAX)
        return;
    if (str_ends(kind, STR("/officeDocument")) && !reader->document.p)
        reader->document = resolve(reader->arena, reader->folder, to);
    else if (str_ends(kind, STR("/worksheet")))
        take_sheet(reader, str_c(id), to);
    else if (str_ends(kind, STR("/sharedStrings")) && !book->strings.p)
        book->strings = resolve(reader->arena, reader->folder, to);
    else if (str_ends(kind, STR("/styles")) && !book->styles.p)
        book->styles = resolve(reader->arena, reader->folder, to);
}

/* --- The list of sheets --- */

static void on_sheet(struct book_reader *reader, const char **attributes)
{
    const char *state = xlsx_attribute(attributes, "state");
    const char *name = xlsx_attribute(attributes, "name");
    const char *id = xlsx_attribute_prefixed(attributes, "id");
    bool hidden = state && (strcmp(state, "hidden") == 0 || strcmp(state, "veryHidden") == 0);
    if (!id || reader->sheet_count == SHEETS_MAX || strlen(id) > NAME_BYTES_MAX)
        return;
    struct str shown = name ? str_fit(str_c(name), LIMIT_NAME_BYTES_MAX) : STR("");
    reader->sheets[reader->sheet_count] =
        (struct xlsx_sheet){.name = str_copy(reader->arena, shown), .hidden = hidden};
    reader->sheet_ids[reader->sheet_count++] = str_copy(reader->arena, str_c(id));
}

static void on_workbook(void *arg, int depth, const char *name, const char **attributes)
{
    struct book_reader *reader = arg;
    if (depth == 1 && strlen(name) < sizeof(reader->root))
        memcpy(reader->root, name, strlen(name) + 1);
    if (depth == 2) {
        reader->in_sheets = strcmp(name, "sheets") == 0;
        if (strcmp(name, "workbookPr") == 0) {
            const char *date_1904 = xlsx_attribute(attributes, "date1904");
            reader->book->epoch_1904 =
                date_1904 && (strcmp(date_1904, "1") == 0 || strcmp(date_1904, "true") == 0);
        }
    }
    if (depth == 3 && reader->in_sheets && strcmp(name, "sheet") == 0)
        on_sheet(reader, attributes);
}

static void on_end(void *arg, int depth, const char *name)
{
    (void)arg;
    (void)depth;
    (void)name;
}

/* --- The way through --- */

static const struct err *read_part(struct book_reader *reader, struct str part,
                                   void (*start)(void *, int, const char *, const char **))
{
    struct xlsx_xml_handler handler = {start, on_end, NULL, reader};
    struct xlsx_xml *xml;
    TRY(xlsx_xml_open(reader->arena, reader->zip, part, LIMIT_WORKBOOK_HEAD_BYTES_MAX, &handler,
                      &xml));
    for (bool end = false; !end;)
        TRY(xlsx_xml_step(xml, &end));
    xlsx_xml_close(xml);
    return NULL;
}

/* A zip that is no package of Microsoft's kind. */
static const struct err *other_zip(struct book_reader *reader)
{
    struct arena *arena = reader->arena;
    struct xlsx_zip *zip = reader->zip;
    struct str path = xlsx_zip_path(zip);
    if (xlsx_zip_has(zip, STR("META-INF/manifest.xml")) && xlsx_zip_has(zip, STR("content.xml")))
        return ERR_NEW(arena, ERR_FILE_FORMAT_OTHER, path, STR("OpenDocument (ods)"));
    if (xlsx_zip_has(zip, STR("Index/Document.iwa")))
        return ERR_NEW(arena, ERR_FILE_FORMAT_OTHER, path, STR("Apple Numbers"));
    return ERR_NEW(arena, ERR_FILE_ARCHIVE, path, STR("zip"));
}

static const struct err *check_root(struct book_reader *reader)
{
    struct str root = str_c(reader->root), path = xlsx_zip_path(reader->zip);
    if (str_eq(root, STR("workbook")))
        return NULL;
    if (str_eq(root, STR("document")))
        return ERR_NEW(reader->arena, ERR_FILE_NOT_TABLE, path, STR("Word (docx)"));
    if (str_eq(root, STR("presentation")))
        return ERR_NEW(reader->arena, ERR_FILE_NOT_TABLE, path, STR("PowerPoint (pptx)"));
    return ERR_NEW(reader->arena, ERR_WORKBOOK_BAD, path,
                   str_fmt(reader->arena, "%.*s", STR_ARG(reader->document)));
}

/* Sheets that have cells: the others' relationships are of another type. */
static const struct err *keep_sheets(struct book_reader *reader)
{
    struct xlsx_book *book = reader->book;
    book->sheets = ARENA_ARRAY(reader->arena, (size_t)reader->sheet_count, struct xlsx_sheet);
    book->first_visible = -1;
    for (int i = 0; i < reader->sheet_count; i++) {
        const struct xlsx_sheet *sheet = &reader->sheets[i];
        if (!sheet->part.p)
            continue;
        if (book->first_visible < 0 && !sheet->hidden)
            book->first_visible = book->sheet_count;
        book->sheets[book->sheet_count++] = *sheet;
    }
    if (book->first_visible < 0)
        return ERR_NEW(reader->arena, ERR_WORKBOOK_NO_SHEET, xlsx_zip_path(reader->zip));
    return NULL;
}

static const struct err *find_parts(struct book_reader *reader)
{
    struct arena *arena = reader->arena;
    struct str path = xlsx_zip_path(reader->zip);
    if (!xlsx_zip_has(reader->zip, PACKAGE_RELATIONS))
        return other_zip(reader);
    TRY(read_part(reader, PACKAGE_RELATIONS, on_relationship));
    if (!reader->document.p)
        return other_zip(reader);
    if (str_ends(reader->document, STR(".bin")))
        return ERR_NEW(arena, ERR_FILE_FORMAT_OTHER, path, STR("xlsb"));
    TRY(read_part(reader, reader->document, on_workbook));
    TRY(check_root(reader));
    reader->folder = folder_of(reader->document);
    TRY(read_part(reader, relations_of(arena, reader->document), on_relationship));
    return keep_sheets(reader);
}

const struct err *xlsx_book_read(struct arena *arena, struct xlsx_zip *zip, struct xlsx_book *out)
{
    *out = (struct xlsx_book){.epoch_1904 = false};
    struct book_reader *reader = ARENA_NEW(arena, struct book_reader);
    reader->arena = arena;
    reader->zip = zip;
    reader->book = out;
    reader->folder = STR("");
    return find_parts(reader);
}
