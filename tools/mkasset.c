/* Makes a folder of a web page into C: mkasset OUT.c FOLDER
 * OUT.c gets `http_assets` and `http_asset_count` (http/http_asset.h): every file below FOLDER,
 * packed with gzip, by the path that a browser asks for; index.html is "/". Files below assets/
 * carry a hash of their content in their name (Vite) and are marked immutable. Files in the order
 * of their paths and gzip without a time, so that the same folder always gives the same C. Fails
 * with a message, and leaves no OUT.c, rather than skip anything. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zlib.h>

#define FILES_MAX 1000
#define FILE_BYTES_MAX (16u << 20)
#define WINDOW_GZIP (15 + 16) /* zlib: 16 more asks for gzip's frame */

struct output {
    const char *path;
    FILE *file;
};
struct paths {
    char *items[FILES_MAX];
    size_t count;
};

static _Noreturn void fail(const struct output *out, const char *what, const char *why)
{
    fprintf(stderr, "mkasset: %s: %s\n", what, why);
    if (out)
        remove(out->path);
    exit(1);
}

static char *join(const char *folder, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        fail(NULL, name, "no memory");
    return path;
}

/* Paths of all files below `folder`. */
static void collect(const struct output *out, const char *folder, struct paths *paths)
{
    DIR *directory = opendir(folder);
    if (!directory)
        fail(out, folder, strerror(errno));
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = join(folder, entry->d_name);
        struct stat status;
        if (stat(path, &status) != 0)
            fail(out, path, strerror(errno));
        if (S_ISDIR(status.st_mode)) {
            collect(out, path, paths);
            free(path);
            continue;
        }
        if (paths->count == FILES_MAX)
            fail(out, folder, "too many files");
        paths->items[paths->count++] = path;
    }
    closedir(directory);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *content_type(const struct output *out, const char *path)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".json", "application/json"},
        {".txt", "text/plain; charset=utf-8"},
        {".woff2", "font/woff2"},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i][0], dot) == 0)
            return types[i][1];
    fail(out, path, "has an ending that mkasset does not know; add its content type");
}

static unsigned char *read_file(const struct output *out, const char *path, size_t *n)
{
    FILE *in = fopen(path, "rb");
    unsigned char *bytes = malloc(FILE_BYTES_MAX);
    if (!in || !bytes)
        fail(out, path, strerror(errno));
    *n = fread(bytes, 1, FILE_BYTES_MAX, in);
    if (ferror(in) || *n == FILE_BYTES_MAX)
        fail(out, path, "cannot be read, or is too large");
    fclose(in);
    return bytes;
}

static void put_packed(const struct output *out, size_t index, const char *path)
{
    size_t n;
    unsigned char *plain = read_file(out, path, &n);
    z_stream stream = {0};
    if (deflateInit2(&stream, 9, Z_DEFLATED, WINDOW_GZIP, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        fail(out, path, "no memory");
    uLong bound = deflateBound(&stream, (uLong)n);
    unsigned char *packed = malloc(bound);
    stream.next_in = plain;
    stream.avail_in = (uInt)n;
    stream.next_out = packed;
    stream.avail_out = (uInt)bound;
    if (!packed || deflate(&stream, Z_FINISH) != Z_STREAM_END)
        fail(out, path, "cannot be packed");
    fprintf(out->file, "static const unsigned char bytes_%zu[] = {", index);
    for (uLong i = 0; i < stream.total_out; i++)
        fprintf(out->file, "%s%u,", i % 24 == 0 ? "\n    " : "", packed[i]);
    fprintf(out->file, "\n};\n");
    deflateEnd(&stream);
    free(packed);
    free(plain);
}

static void put_table(const struct output *out, const struct paths *paths, size_t folder_length)
{
    fprintf(out->file, "\nconst struct http_asset http_assets[] = {\n");
    for (size_t i = 0; i < paths->count; i++) {
        const char *path = paths->items[i] + folder_length;
        if (strpbrk(path, "\"\\?\n"))
            fail(out, path, "has a character that a path of an asset may not have");
        fprintf(out->file, "    {\"%s\", \"%s\", bytes_%zu, sizeof(bytes_%zu), %s},\n",
                strcmp(path, "/index.html") == 0 ? "/" : path, content_type(out, path), i, i,
                strncmp(path, "/assets/", 8) == 0 ? "true" : "false");
    }
    fprintf(out->file, "};\nconst int http_asset_count = %zu;\n", paths->count);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        fail(NULL, "usage", "mkasset OUT.c FOLDER");
    struct output out = {argv[1], fopen(argv[1], "wb")};
    if (!out.file)
        fail(NULL, out.path, strerror(errno));
    static struct paths paths;
    collect(&out, argv[2], &paths);
    if (paths.count == 0)
        fail(&out, argv[2], "has no files");
    qsort(paths.items, paths.count, sizeof(paths.items[0]), by_path);

    fprintf(out.file,
            "/* Made by tools/mkasset; do not edit. */\n#include \"http/http_asset.h\"\n\n");
    for (size_t i = 0; i < paths.count; i++)
        put_packed(&out, i, paths.items[i]);
    put_table(&out, &paths, strlen(argv[2]));
    for (size_t i = 0; i < paths.count; i++)
        free(paths.items[i]);

    bool failed = ferror(out.file) != 0;
    if (fclose(out.file) != 0 || failed)
        fail(&out, out.path, "writing failed");
    return 0;
}
