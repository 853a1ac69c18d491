/* A zip of parts that are not packed (or were packed before), made in memory: containers of workbooks for tests, with
 * whatever inside. */
#ifndef HUITOU_TEST_ZIP_STORED_H
#define HUITOU_TEST_ZIP_STORED_H

#include <zlib.h>

#include "base/str.h"

struct zip_member {
    struct str name, content;
    struct str deflated; /* the content by raw deflate; absent: stored */
};

static inline void zip_put(struct buf *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_char(out, (char)(value >> (8 * i) & 0xFF));
}

/* APPNOTE.TXT 4.3.7 and 4.3.12: what a local header and an entry of the directory share, from "version needed" on. */
static inline void zip_put_common(struct buf *out, const struct zip_member *member)
{
    zip_put(out, 20, 2); /* version */
    zip_put(out, 0, 2);  /* flags */
    zip_put(out, member->deflated.p ? 8 : 0, 2); /* method */
    zip_put(out, 0, 4);  /* time */
    zip_put(out, crc32(0, (const Bytef *)member->content.p, (uInt)member->content.n), 4);
    zip_put(out, member->deflated.p ? member->deflated.n : member->content.n, 4);
    zip_put(out, member->content.n, 4);
    zip_put(out, member->name.n, 2);
    zip_put(out, 0, 2); /* extra */
}

static inline struct str zip_stored(struct arena *arena, const struct zip_member *members, int count)
{
    struct buf out = buf_new(arena, (size_t)256 << 20), directory = buf_new(arena, 1 << 20);
    for (int i = 0; i < count; i++) {
        size_t offset = out.n;
        buf_str(&out, STR("PK\3\4"));
        zip_put_common(&out, &members[i]);
        buf_str(&out, members[i].name);
        buf_str(&out, members[i].deflated.p ? members[i].deflated : members[i].content);
        buf_str(&directory, STR("PK\1\2\24\0"));
        zip_put_common(&directory, &members[i]);
        zip_put(&directory, 0, 2 + 2 + 2); /* comment, disk, attributes */
        zip_put(&directory, 0, 4);
        zip_put(&directory, offset, 4);
        buf_str(&directory, members[i].name);
    }
    size_t at = out.n;
    buf_str(&out, buf_view(&directory));
    buf_str(&out, STR("PK\5\6\0\0\0\0"));
    zip_put(&out, (uint64_t)count, 2);
    zip_put(&out, (uint64_t)count, 2);
    zip_put(&out, directory.n, 4);
    zip_put(&out, at, 4);
    zip_put(&out, 0, 2);
    return buf_view(&out);
}

/* A workbook of these parts; those that are absent are plain ones: one visible sheet, General and a date (style 1). */
struct workbook_parts {
    struct str sheet, strings, styles, workbook, relations;
    struct str sheet_deflated;
};

#define XLSX_MAIN "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define XLSX_DOCUMENT "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define XLSX_PACKAGE "http://schemas.openxmlformats.org/package/2006/relationships"

static inline struct str part_or(struct str part, struct str otherwise)
{
    return part.p ? part : otherwise;
}

static inline struct str workbook_stored(struct arena *arena, const struct workbook_parts *parts)
{
    struct str package = STR("<Relationships xmlns=\"" XLSX_PACKAGE "\"><Relationship Id=\"r1\" Type=\"" XLSX_DOCUMENT
                             "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>");
    struct str relations =
        STR("<Relationships xmlns=\"" XLSX_PACKAGE "\"><Relationship Id=\"r1\" Type=\"" XLSX_DOCUMENT
            "/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"r2\" Type=\"" XLSX_DOCUMENT
            "/sharedStrings\" Target=\"sharedStrings.xml\"/><Relationship Id=\"r3\" Type=\"" XLSX_DOCUMENT
            "/styles\" Target=\"styles.xml\"/></Relationships>");
    struct str workbook = STR("<workbook xmlns=\"" XLSX_MAIN "\" xmlns:r=\"" XLSX_DOCUMENT
                              "\"><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>");
    struct str styles = STR("<styleSheet xmlns=\"" XLSX_MAIN
                            "\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>");
    struct str sheet = STR("<worksheet xmlns=\"" XLSX_MAIN "\"><sheetData/></worksheet>");
    struct str strings = STR("<sst xmlns=\"" XLSX_MAIN "\"><si><t>a</t></si></sst>");
    const struct zip_member members[] = {
        {STR("[Content_Types].xml"), STR("<Types/>")},
        {STR("_rels/.rels"), package},
        {STR("xl/workbook.xml"), part_or(parts->workbook, workbook)},
        {STR("xl/_rels/workbook.xml.rels"), part_or(parts->relations, relations)},
        {STR("xl/worksheets/sheet1.xml"), part_or(parts->sheet, sheet), parts->sheet_deflated},
        {STR("xl/sharedStrings.xml"), part_or(parts->strings, strings)},
        {STR("xl/styles.xml"), part_or(parts->styles, styles)},
    };
    return zip_stored(arena, members, (int)(sizeof(members) / sizeof(members[0])));
}

#endif
