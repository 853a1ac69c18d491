/* Where in a workbook the first visible sheet, its strings and its styles lie: by relationships (ECMA-376 part 2, 9.3) and
 * the list of sheets (part 1, 18.2.27), never by the parts' usual names, which not every program keeps to. */
#ifndef HUITOU_CODEC_XLSX_BOOK_H
#define HUITOU_CODEC_XLSX_BOOK_H

#include "codec/xlsx_zip.h"

struct xlsx_book {
    struct str sheet;           /* a part's name, as the two below */
    struct str strings, styles; /* absent where there are none */
    bool epoch_1904;            /* serial 0 is 1904-01-01 */
};

/* Errors: FILE_NOT_TABLE, FILE_FORMAT_OTHER, FILE_ARCHIVE for zips that are no workbook; WORKBOOK_NO_SHEET,
 * WORKBOOK_BAD; as xlsx_xml_step. */
ERR_RESULT xlsx_book_read(struct arena *arena, struct xlsx_zip *zip, struct xlsx_book *out);

#endif
