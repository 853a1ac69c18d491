/* The pages that the program carries: made from web/console (or, with -DHUITOU_WEB=OFF, from web/plain) by
 * tools/mkasset at build time. */
#ifndef HUITOU_HTTP_HTTP_ASSET_H
#define HUITOU_HTTP_HTTP_ASSET_H

#include "http/http.h"

extern const struct http_asset http_assets[];
extern const int http_asset_count;

#endif
