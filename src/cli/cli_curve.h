/* A rising step curve drawn with braille dots (two by four to a character), with its axes. */
#ifndef HUITOU_CLI_CLI_CURVE_H
#define HUITOU_CLI_CLI_CURVE_H

#include "cli/cli_page.h"

struct cli_step {
    int64_t day;  /* ascending */
    double share; /* from this day on; 0 … 1 */
};
/* day_max: the right end of the axis. Draws nothing where there are no steps. */
void cli_curve_draw(struct page *page, const struct cli_step *steps, size_t count, int64_t day_max);

#endif
