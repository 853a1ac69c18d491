/* Makes a file into C: mkbytes OUT.c NAME FILE
 * OUT.c gets `const unsigned char NAME[]` and `const size_t NAME_n`, the file's bytes as they
 * stand. Fails with a message, and leaves no OUT.c, where anything goes wrong. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void fail(const char *out, const char *what, const char *why)
{
    fprintf(stderr, "mkbytes: %s: %s\n", what, why);
    if (out)
        remove(out);
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        fail(NULL, "usage", "mkbytes OUT.c NAME FILE");
    const char *name = argv[2];
    FILE *in = fopen(argv[3], "rb");
    if (!in)
        fail(NULL, argv[3], strerror(errno));
    FILE *out = fopen(argv[1], "wb");
    if (!out)
        fail(NULL, argv[1], strerror(errno));
    fprintf(out, "/* Made by tools/mkbytes; do not edit. */\n#include <stddef.h>\n\n");
    fprintf(out, "extern const unsigned char %s[];\nextern const size_t %s_n;\n", name, name);
    fprintf(out, "const unsigned char %s[] = {", name);
    size_t n = 0;
    for (int byte = getc(in); byte != EOF; byte = getc(in))
        fprintf(out, "%s%d,", n++ % 24 == 0 ? "\n    " : "", byte);
    fprintf(out, "\n};\nconst size_t %s_n = %zu;\n", name, n);
    if (ferror(in) || n == 0)
        fail(argv[1], argv[3], "cannot be read, or is empty");
    fclose(in);
    int failed = ferror(out);
    if (fclose(out) != 0 || failed)
        fail(argv[1], argv[1], "writing failed");
    return 0;
}
