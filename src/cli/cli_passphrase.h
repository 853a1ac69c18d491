/* A passphrase that locks or unlocks the master key in a backup: from a file, or asked for at the terminal, where it is not
 * shown. */
#ifndef HUITOU_CLI_CLI_PASSPHRASE_H
#define HUITOU_CLI_CLI_PASSPHRASE_H

#include "cli/cli.h"

/* The first line of the file. Errors: FILE_*. */
ERR_RESULT cli_passphrase_read(struct cli *cli, struct str path, struct str *passphrase);
/* Asked once, or twice where it is a new one and must be typed alike. Errors: PASSPHRASE_ASKED (no terminal),
 * PASSPHRASE_DIFFERS. */
ERR_RESULT cli_passphrase_ask(struct cli *cli, bool is_new, struct str *passphrase);

#endif
