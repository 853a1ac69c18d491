/* huitou: wiring and signals. */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/secret.h"
#include "cli/cli.h"

int main(int argc, char **argv)
{
    /* A reader that goes away (huitou report … | head) ends the program quietly; a killed import is
     * run again. */
    signal(SIGPIPE, SIG_DFL);
    /* The database, reject files and the key hold what belongs to the brand alone. */
    umask(077);
    secret_init();
    return cli_run(stdout, stderr, argc, argv);
}
