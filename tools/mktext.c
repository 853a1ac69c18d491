/* Makes text files into C: mktext OUT.h ARRAY_NAME FILE…
 * OUT.h gets an array of {name, text, size}, one entry per file in the order given (name: the
 * file's name without folder and extension), and ARRAY_NAME_count. Fails with a message, and leaves
 * no OUT.h, rather than skip anything. */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_CHARS 80

static _Noreturn void fail(const char *out_path, const char *what, const char *why)
{
    fprintf(stderr, "mktext: %s: %s\n", what, why);
    if (out_path)
        remove(out_path);
    exit(1);
}

/* One byte of a C string literal. '?' too, so that no trigraph comes about. Returns the characters
 * written. */
static int put_byte(FILE *out, int c)
{
    if (c == '\n')
        return fprintf(out, "\\n");
    if (c == '"' || c == '\\' || c == '?')
        return fprintf(out, "\\%c", c);
    if (c >= 0x20 && c < 0x7f)
        return fprintf(out, "%c", c);
    return fprintf(out, "\\%03o", (unsigned)c);
}

static void put_name(FILE *out, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    size_t n = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    for (size_t i = 0; i < n; i++)
        put_byte(out, (unsigned char)name[i]);
}

/* Writes the file's text as string literals, a new one after each line end; returns its size. */
static size_t put_text(FILE *out, const char *out_path, const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        fail(out_path, path, strerror(errno));
    size_t size = 0;
    int written = 0;
    fprintf(out, "\n     \"");
    for (int c = getc(in); c != EOF; c = getc(in)) {
        size++;
        written += put_byte(out, c);
        if (c == '\n' || written >= PIECE_CHARS) {
            fprintf(out, "\"\n     \"");
            written = 0;
        }
    }
    if (ferror(in))
        fail(out_path, path, strerror(errno));
    fclose(in);
    fprintf(out, "\"");
    return size;
}

static bool is_identifier(const char *name)
{
    if (!isalpha((unsigned char)name[0]) && name[0] != '_')
        return false;
    for (const char *c = name; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        fail(NULL, "usage", "mktext OUT.h ARRAY_NAME FILE...");
    const char *out_path = argv[1];
    const char *array = argv[2];
    if (!is_identifier(array))
        fail(NULL, array, "is no C name");
    FILE *out = fopen(out_path, "wb");
    if (!out)
        fail(NULL, out_path, strerror(errno));

    fprintf(out, "/* Made by tools/mktext; do not edit. */\n#include <stddef.h>\n\n");
    fprintf(out,
            "static const struct {\n    const char *name;\n    const char *text;\n    size_t "
            "size;\n} %s[] = {\n",
            array);
    for (int i = 3; i < argc; i++) {
        fprintf(out, "    {\"");
        put_name(out, argv[i]);
        fprintf(out, "\",");
        size_t size = put_text(out, out_path, argv[i]);
        fprintf(out, ", %zu},\n", size);
    }
    if (argc == 3)
        fprintf(out, "    {NULL, NULL, 0},\n");
    fprintf(out, "};\nstatic const int %s_count = %d;\n", array, argc - 3);

    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed)
        fail(out_path, out_path, "writing failed");
    return 0;
}
