#include "codec/file_kind.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_BYTES 4096
#define OLE_SEARCH_BYTES (64 << 20) /* how far a password's mark is looked for */

struct signature {
    struct str bytes;
    const char *name;
    enum err_code code;
};
static const struct signature signatures[] = {
    {STR_INIT("\x89PNG\r\n\x1a\n"), "PNG", ERR_FILE_NOT_TABLE},
    {STR_INIT("\xFF\xD8\xFF"), "JPEG", ERR_FILE_NOT_TABLE},
    {STR_INIT("GIF87a"), "GIF", ERR_FILE_NOT_TABLE},
    {STR_INIT("GIF89a"), "GIF", ERR_FILE_NOT_TABLE},
    {STR_INIT("%PDF-"), "PDF", ERR_FILE_NOT_TABLE},
    {STR_INIT("SQLite format 3\0"), "SQLite", ERR_FILE_NOT_TABLE},
    {STR_INIT("Rar!\x1A\x07"), "RAR", ERR_FILE_ARCHIVE},
    {STR_INIT("7z\xBC\xAF\x27\x1C"), "7z", ERR_FILE_ARCHIVE},
    {STR_INIT("\xFD"
              "7zXZ\0"),
     "xz", ERR_FILE_ARCHIVE},
    {STR_INIT("\x28\xB5\x2F\xFD"), "Zstandard", ERR_FILE_ARCHIVE},
};
#define OLE_SIGNATURE STR("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")

/* A text that begins with one of these, in any case, is a page for a browser. */
static const char *const page_starts[] = {"<!doctype html", "<html",  "<head",   "<meta", "<body",
                                          "<table",         "<style", "<script", "<div"};

static size_t read_at(int fd, char *bytes, size_t n, off_t offset)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(fd, bytes + done, n - done, offset + (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    return done;
}

/* An encrypted workbook is an OLE2 file with a stream of this name (MS-OFFCRYPTO 2.3.4.4), which
 * its directory, wherever it lies, holds in UTF-16LE. */
static bool ole_has_password(int fd)
{
    static const char name[] = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e";
    enum { KEPT = sizeof(name) - 1, BLOCK = 65536 };
    char block[KEPT + BLOCK];
    size_t kept = 0;
    for (off_t offset = 0; offset < OLE_SEARCH_BYTES; offset += BLOCK) {
        size_t n = read_at(fd, block + kept, BLOCK, offset);
        if (memmem(block, kept + n, name, sizeof(name)))
            return true;
        if (n < BLOCK)
            return false;
        size_t all = kept + n;
        kept = KEPT;
        memmove(block, block + all - kept, kept);
    }
    return false;
}

/* The start of a text without BOM, zero bytes (UTF-16) and leading blanks, in small letters. */
static struct str plain_start(struct arena *arena, struct str start)
{
    char *plain = arena_alloc(arena, start.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < start.n; i++) {
        char c = start.p[i];
        bool mark = i < 3 && strchr("\xEF\xBB\xBF\xFE\xFF", c) != NULL;
        bool leading_blank = n == 0 && strchr(" \t\r\n", c) != NULL;
        if (c == 0 || mark || leading_blank)
            continue;
        plain[n++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return (struct str){plain, n};
}

static const struct err *check_markup(struct arena *arena, struct str path, struct str start)
{
    struct str plain = plain_start(arena, start);
    if (plain.n == 0 || plain.p[0] != '<')
        return NULL;
    bool is_xml = str_starts(plain, STR("<?xml"));
    bool is_page = is_xml && memmem(plain.p, plain.n, "<html", 5);
    for (size_t i = 0; i < sizeof(page_starts) / sizeof(page_starts[0]); i++)
        is_page = is_page || str_starts(plain, str_c(page_starts[i]));
    if (is_page)
        return ERR_NEW(arena, ERR_FILE_WEB_PAGE, path);
    if (!is_xml)
        return NULL;
    bool is_excel = memmem(plain.p, plain.n, "office:spreadsheet", 18);
    return ERR_NEW(arena, ERR_FILE_FORMAT_OTHER, path,
                   is_excel ? STR("XML (Excel 2003)") : STR("XML"));
}

static const struct err *look(struct arena *arena, struct str path, int fd, bool *is_zip)
{
    char bytes[LOOK_BYTES];
    struct str start = {bytes, read_at(fd, bytes, sizeof(bytes), 0)};
    /* PK 5 6: a zip without entries. */
    *is_zip = str_starts(start, STR("PK\3\4")) || str_starts(start, STR("PK\5\6"));
    if (*is_zip)
        return NULL;
    if (str_starts(start, OLE_SIGNATURE)) {
        if (ole_has_password(fd))
            return ERR_NEW(arena, ERR_FILE_PASSWORD, path);
        return ERR_NEW(arena, ERR_FILE_FORMAT_OTHER, path, STR("xls (Excel 97-2003)"));
    }
    for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
        if (str_starts(start, signatures[i].bytes))
            return ERR_NEW(arena, signatures[i].code, path, str_c(signatures[i].name));
    }
    return check_markup(arena, path, start);
}

const struct err *file_kind_look(struct arena *arena, struct str path, bool *is_zip)
{
    *is_zip = false;
    /* Not blocking: a pipe is refused by whoever opens it next. */
    int fd = open(str_z(arena, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    struct stat info;
    const struct err *err = NULL;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
        err = look(arena, path, fd, is_zip);
    close(fd);
    return err;
}
