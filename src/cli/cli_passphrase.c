#include "cli/cli_passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/arena.h"
#include "codec/file.h"

#define LINE_BYTES_MAX 1024

const struct err *cli_passphrase_read(struct cli *cli, struct str path, struct str *passphrase)
{
    struct str text, rest;
    TRY(file_read(cli->arena, path, LINE_BYTES_MAX, &text));
    *passphrase = str_cut(text, '\n', &rest);
    if (str_ends(*passphrase, STR("\r")))
        passphrase->n--;
    return NULL;
}

/* One line without its end; false where the terminal is gone. */
static bool read_line(int terminal, char *line, size_t *n)
{
    *n = 0;
    while (*n < LINE_BYTES_MAX) {
        char c;
        ssize_t got = read(terminal, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        if (c == '\n')
            return true;
        line[(*n)++] = c;
    }
    return false;
}

static bool ask(struct cli *cli, int terminal, const char *question, struct str *answer)
{
    struct termios shown, hidden;
    char *line = arena_alloc(cli->arena, LINE_BYTES_MAX);
    if (tcgetattr(terminal, &shown) != 0)
        return false;
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(terminal, TCSAFLUSH, &hidden) != 0)
        return false;
    bool good =
        write(terminal, question, strlen(question)) > 0 && read_line(terminal, line, &answer->n);
    answer->p = line;
    return tcsetattr(terminal, TCSAFLUSH, &shown) == 0 && write(terminal, "\n", 1) == 1 && good;
}

const struct err *cli_passphrase_ask(struct cli *cli, bool is_new, struct str *passphrase)
{
    bool zh = cli->lang == LANG_ZH;
    struct str again;
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0)
        return ERR_NEW(cli->arena, ERR_PASSPHRASE_ASKED, STR("--passphrase-file"));
    bool good = ask(cli, terminal, zh ? "口令：" : "Passphrase: ", passphrase);
    if (good && is_new)
        good = ask(cli, terminal, zh ? "再输入一次：" : "Once more: ", &again);
    close(terminal);
    if (!good)
        return ERR_NEW(cli->arena, ERR_PASSPHRASE_ASKED, STR("--passphrase-file"));
    if (is_new && !secret_equal(*passphrase, again))
        return ERR_NEW(cli->arena, ERR_PASSPHRASE_DIFFERS, STR_NONE);
    return NULL;
}
