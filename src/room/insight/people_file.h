/* Inside room insight: the export of a selection. */
#ifndef HUITOU_ROOM_INSIGHT_PEOPLE_FILE_H
#define HUITOU_ROOM_INSIGHT_PEOPLE_FILE_H

#include "room/insight/people.h"

/* The handler of the export: query struct people_query. Writes the file bit by bit under the uploads, notes it in the audit
 * trail and hands it over. */
ERR_RESULT people_file(struct call *call);
extern const enum err_code people_file_errors[];
/* The page that a query asks for, from its beginning. */
struct select_page people_page(const struct people_query *query);

#endif
