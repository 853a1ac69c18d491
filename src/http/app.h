/* The application: one brand's data directory behind HTTP. Assembles store, live columns and rooms, and is there before a
 * brand is: then only the set-up link's holder gets an answer. */
#ifndef HUITOU_HTTP_APP_H
#define HUITOU_HTTP_APP_H

#include "http/http.h"
#include "job/home.h"

struct app_options {
    struct str directory;
    struct str address; /* absent: 127.0.0.1 */
    int port;
    bool behind_proxy;
    FILE *log; /* NULL: none */
};
struct app;
/* Errors: those of home_open (but HOME_MISSING), HTTP_LISTEN. */
ERR_RESULT app_start(struct arena *arena, const struct app_options *options, struct app **out);
void app_stop(struct app *app);
int app_port(const struct app *app);
/* The one-time token of the set-up link; absent where somebody can log in already. */
struct str app_setup_token(const struct app *app);
/* Whether a demo brand is served: the set-up link then leads into it. */
bool app_is_demo(const struct app *app);
/* All that is served. */
const struct endpoint_table *const *app_tables(int *count);

#endif
