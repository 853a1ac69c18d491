/* link: codec */
/* First byte: the encoding. The rest is a file, maybe gzip. Every line is valid UTF-8 without line
 * ends, numbers grow by one, and the hash is that of the file. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/limits.h"
#include "codec/text_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_file(struct arena *arena, struct str path, struct str encoding, struct str content)
{
    struct text_input *input;
    if (text_input_open(arena, path, encoding, &input))
        return;
    struct text_line line;
    for (int64_t number = 1;; number++) {
        const struct err *err = text_input_next(input, &line);
        if (err) {
            CHECK(str_is_utf8(err_text(arena, err, LANG_EN)));
            return;
        }
        CHECK(line.number == number);
        if (line.end)
            break;
        CHECK(line.text.n <= LIMIT_LINE_BYTES_MAX && str_is_utf8(line.text));
        CHECK(!memchr(line.text.p, '\n', line.text.n) && !memchr(line.text.p, 0, line.text.n));
    }
    uint8_t hash[SECRET_HASH_BYTES], expected[SECRET_HASH_BYTES];
    text_input_hash(input, hash);
    secret_content_hash(content, expected);
    CHECK(memcmp(hash, expected, sizeof(hash)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str encodings[] = {STR_INIT("auto"), STR_INIT("utf-8"), STR_INIT("gb18030"),
                                           STR_INIT("utf-16"), STR_INIT("iso-2022-cn-ext")};
    if (size == 0)
        return 0;
    secret_init();
    struct str encoding = encodings[data[0] % (sizeof(encodings) / sizeof(encodings[0]))];
    struct str content = {(const char *)data + 1, size - 1};
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, content.p, content.n) == (ssize_t)content.n);
    struct arena *arena = arena_new("fuzz", (size_t)64 << 20);
    read_file(arena, str_fmt(arena, "/proc/self/fd/%d", fd), encoding, content);
    arena_free(arena);
    close(fd);
    return 0;
}
