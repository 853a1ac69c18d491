/* What a file is by its first bytes: people export, rename and mix up files, and what is no table should be called by its
 * name instead of failing in its first line. Signatures: the formats' own specifications. */
#ifndef HUITOU_CODEC_FILE_KIND_H
#define HUITOU_CODEC_FILE_KIND_H

#include "base/err.h"

/* *is_zip: a zip container, perhaps a workbook; else a text, perhaps packed by gzip, or a file that cannot be opened
 * (whoever opens it next says why). Errors: FILE_NOT_TABLE, FILE_ARCHIVE, FILE_FORMAT_OTHER, FILE_WEB_PAGE,
 * FILE_PASSWORD. */
ERR_RESULT file_kind_look(struct arena *arena, struct str path, bool *is_zip);

#endif
