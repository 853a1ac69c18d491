/* Where in a workbook the sheets, their strings and their styles lie: by relationships (ECMA-376 part 2, 9.3) and
 * the list of sheets (part 1, 18.2.27), never by the parts' usual names, which not every program keeps to. */
#ifndef HUITOU_CODEC_XLSX_BOOK_H
#define HUITOU_CODEC_XLSX_BOOK_H

#include "codec/xlsx_zip.h"

struct xlsx_sheet {
    struct str name; /* as the person sees it */
    struct str part; /* the name of a part, as the two below */
    bool hidden;
};
struct xlsx_book {
    struct xlsx_sheet *sheets; /* with cells, in the workbook's order; a sheet that is a chart is none */
    int sheet_count;
    int first_visible;
    struct str strings, styles; /* absent where there are none */
    bool epoch_1904;            /* serial 0 is 1904-01-01 */
};

/* Errors: FILE_NOT_TABLE, FILE_FORMAT_OTHER, FILE_ARCHIVE for zips that are no workbook; WORKBOOK_NO_SHEET,
 * WORKBOOK_BAD; as xlsx_xml_step. */
ERR_RESULT xlsx_book_read(struct arena *arena, struct xlsx_zip *zip, struct xlsx_book *out);

#endif
