/* link: codec */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/limits.h"
#include "codec/file.h"
#include "codec/text_input.h"
#include "../support/folder.h"

static struct text_input *open_text(struct arena *arena, struct str content, const char *encoding)
{
    struct text_input *input = NULL;
    struct str path = folder_put(arena, content);
    const struct err *err = text_input_open(arena, path, str_c(encoding), &input);
    assert_null(err);
    return input;
}

/* Reads all lines; lines are compared with those of `expected`, which are joined by LF. */
static void assert_lines(struct text_input *input, struct str expected)
{
    struct text_line line;
    int64_t number = 0;
    while (expected.p) {
        struct str want = str_cut(expected, '\n', &expected);
        assert_null(text_input_next(input, &line));
        assert_false(line.end);
        assert_int_equal(line.number, ++number);
        assert_int_equal(line.text.n, want.n);
        assert_memory_equal(line.text.p, want.p, want.n);
    }
    assert_null(text_input_next(input, &line));
    assert_true(line.end);
    assert_null(line.text.p);
    assert_null(text_input_next(input, &line));
    assert_true(line.end);
}

/* The error that ends the reading, after good_lines good lines. */
static const struct err *error_after(struct text_input *input, int good_lines)
{
    struct text_line line;
    for (int i = 0; i < good_lines; i++) {
        assert_null(text_input_next(input, &line));
        assert_false(line.end);
    }
    const struct err *err = text_input_next(input, &line);
    assert_non_null(err);
    assert_ptr_equal(text_input_next(input, &line), err);
    return err;
}

static void assert_field_ends(const struct err *err, const char *end)
{
    assert_true(str_ends(err->field, str_c(end)));
}

static struct str gzip(struct arena *arena, struct str content)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t capacity = deflateBound(&z, content.n);
    char *out = arena_alloc(arena, capacity);
    char *in = arena_alloc(arena, content.n);
    memcpy(in, content.p, content.n);
    z.next_in = (Bytef *)in;
    z.avail_in = (uInt)content.n;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)capacity;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = capacity - z.avail_out;
    deflateEnd(&z);
    return (struct str){out, n};
}

static struct str join(struct arena *arena, struct str a, struct str b)
{
    struct str parts[] = {a, b};
    return str_join(arena, parts, 2, STR(""));
}

static struct str repeat(struct arena *arena, char c, size_t n)
{
    char *p = arena_alloc(arena, n);
    memset(p, c, n);
    return (struct str){p, n};
}

static void test_line_ends(void **state)
{
    struct arena *arena = *state;
    assert_lines(open_text(arena, STR("a\nb\r\n\n\r\nc\rd\n"), "utf-8"), STR("a\nb\n\n\nc\rd"));
    assert_lines(open_text(arena, STR("a\nlast"), "utf-8"), STR("a\nlast"));
    assert_lines(open_text(arena, STR("\n"), "utf-8"), STR(""));
    assert_lines(open_text(arena, STR(""), "utf-8"), STR_NONE);
    assert_lines(open_text(arena, STR("x"), "UTF-8"), STR("x"));
    /* A CR that no LF follows belongs to the line. */
    assert_lines(open_text(arena, STR("x\r"), "utf-8"), STR("x\r"));
}

/* Bytes of the character sets below are from Python's codecs. */
static void test_encodings(void **state)
{
    struct arena *arena = *state;
    struct str chinese = STR("订单号,买家\n😀é€");
    struct str gb =
        STR("\xB6\xA9\xB5\xA5\xBA\xC5,\xC2\xF2\xBC\xD2\n\x94\x39\xFC\x36\xA8\xA6\xA2\xE3");
    assert_lines(open_text(arena, gb, "gb18030"), chinese);
    assert_lines(open_text(arena, gb, "GB18030"), chinese);
    assert_lines(open_text(arena, STR("\xE9t\xE9\r\n"), "iso-8859-1"), STR("été"));
    assert_lines(open_text(arena, STR("\xEF\xBB\xBF订单\n"), "utf-8"), STR("订单"));
    assert_lines(open_text(arena, STR("\xEF\xBB\xBF"), "utf-8"), STR_NONE);
    /* Only the first one is a mark. */
    assert_lines(open_text(arena, STR("\xEF\xBB\xBF\xEF\xBB\xBFx\n"), "utf-8"),
                 STR("\xEF\xBB\xBFx"));
    assert_lines(open_text(arena, STR("a\n\xEF\xBB\xBFx\n"), "utf-8"), STR("a\n\xEF\xBB\xBFx"));
    struct str utf16 = {"\xFF\xFE\xA2\x8B\n\0x\0", 8};
    assert_lines(open_text(arena, utf16, "utf-16"), STR("订\nx"));
}

static void test_encoding_auto(void **state)
{
    struct arena *arena = *state;
    struct text_input *input = open_text(arena, STR("plain\n"), "auto");
    assert_true(str_eq(text_input_encoding(input), STR("utf-8")));
    assert_lines(input, STR("plain"));
    input = open_text(arena, STR("\xEF\xBB\xBFx\n"), "auto");
    assert_true(str_eq(text_input_encoding(input), STR("utf-8")));
    input = open_text(arena, STR("订单\n"), "AUTO");
    assert_true(str_eq(text_input_encoding(input), STR("utf-8")));
    assert_lines(input, STR("订单"));
    input = open_text(arena, (struct str){"\xFF\xFEx\0\n\0", 6}, "auto");
    assert_lines(input, STR("x"));
    input = open_text(arena, (struct str){"\xFE\xFF\x8B\xA2\0\n", 6}, "auto");
    assert_lines(input, STR("订"));
    assert_true(str_eq(text_input_encoding(input), STR("utf-16")));
    input = open_text(arena, (struct str){"\xFF\xFE\0\0\xA2\x8B\0\0\n\0\0\0", 12}, "auto");
    assert_lines(input, STR("订"));
    input = open_text(arena, (struct str){"\0\0\xFE\xFF\0\0\x8B\xA2\0\0\0\n", 12}, "auto");
    assert_lines(input, STR("订"));
    assert_true(str_eq(text_input_encoding(input), STR("utf-32")));

    /* One GB18030 character behind 3 MB of ASCII decides. */
    struct str ascii = repeat(arena, 'x', (size_t)3 << 20);
    char *bytes = arena_alloc(arena, ascii.n);
    memcpy(bytes, ascii.p, ascii.n);
    for (size_t i = 99; i < ascii.n; i += 100)
        bytes[i] = '\n';
    ascii = (struct str){bytes, ascii.n};
    input = open_text(arena, join(arena, ascii, STR("\n\xB6\xA9")), "auto");
    assert_true(str_eq(text_input_encoding(input), STR("gb18030")));
    assert_lines(input, join(arena, ascii, STR("\n订")));
    input = open_text(arena, gzip(arena, join(arena, ascii, STR("\n\xB6\xA9"))), "auto");
    assert_true(str_eq(text_input_encoding(input), STR("gb18030")));
    assert_lines(input, join(arena, ascii, STR("\n订")));
}

static void test_encoding_bad(void **state)
{
    struct arena *arena = *state;
    const struct err *err = error_after(open_text(arena, STR("ok\nab\xFF\nx\n"), "utf-8"), 1);
    assert_int_equal(err->code, ERR_ENCODING_BAD);
    assert_field_ends(err, "/t:2");
    assert_true(str_eq(err->arg[0], STR("6"))); /* o k LF a b: the sixth byte */
    assert_true(str_eq(err->arg[1], STR("FF")));
    /* With a BOM, and behind a good character of three bytes. */
    err = error_after(open_text(arena, STR("\xEF\xBB\xBF订\xE8\xAE"), "utf-8"), 0);
    assert_true(str_eq(err->arg[0], STR("7")));
    assert_field_ends(err, "/t:1");
    /* Overlong, surrogate, beyond U+10FFFF (RFC 3629). */
    assert_int_equal(error_after(open_text(arena, STR("\xC0\x80"), "utf-8"), 0)->code,
                     ERR_ENCODING_BAD);
    assert_int_equal(error_after(open_text(arena, STR("\xED\xA0\x80"), "utf-8"), 0)->code,
                     ERR_ENCODING_BAD);
    assert_int_equal(error_after(open_text(arena, STR("\xF4\x90\x80\x80"), "utf-8"), 0)->code,
                     ERR_ENCODING_BAD);

    err = error_after(open_text(arena, STR("ok\n\xB6\xA9\xB5\xFF\nx\n"), "gb18030"), 1);
    assert_int_equal(err->code, ERR_ENCODING_BAD);
    assert_field_ends(err, "/t:2");
    assert_true(str_eq(err->arg[0], STR("6")));
    assert_true(str_eq(err->arg[1], STR("B5")));
    assert_true(str_eq(err->arg[2], STR("gb18030")));
    /* "auto": neither UTF-8 nor GB18030. */
    err = error_after(open_text(arena, STR("ok\n\xB6\xA9\xB5\xFF\nx\n"), "auto"), 1);
    assert_int_equal(err->code, ERR_ENCODING_BAD);
    assert_field_ends(err, "/t:2");
    /* A character cut off by the file's end. */
    err = error_after(open_text(arena, STR("ok\n\xB6\xA9\xB5"), "gb18030"), 1);
    assert_int_equal(err->code, ERR_ENCODING_BAD);
    assert_true(str_eq(err->arg[0], STR("6")));

    struct text_input *input;
    const char *unknown[] = {"no-such-set", "utf-8//IGNORE", "gb18030//TRANSLIT", ""};
    for (size_t i = 0; i < 4; i++) {
        err = text_input_open(arena, folder_put(arena, STR("x")), str_c(unknown[i]), &input);
        assert_non_null(err);
        assert_int_equal(err->code, ERR_ENCODING_UNKNOWN);
    }
}

static void test_nul(void **state)
{
    const struct err *err =
        error_after(open_text(*state, (struct str){"a\nb\nc\0d\n", 8}, "utf-8"), 2);
    assert_int_equal(err->code, ERR_TEXT_NUL);
    assert_field_ends(err, "/t:3");
}

static void test_long_lines(void **state)
{
    struct arena *arena = *state;
    struct arena_mark mark = arena_mark(arena);
    struct str longest = repeat(arena, 'x', LIMIT_LINE_BYTES_MAX);
    const char *ends[] = {"", "\n", "\r\n", "\ny\n"};
    for (size_t i = 0; i < 4; i++) {
        struct str good = join(arena, join(arena, STR("a\n"), longest), str_c(ends[i]));
        struct str expected = join(arena, join(arena, STR("a\n"), longest), STR(""));
        if (i == 3)
            expected = join(arena, expected, STR("\ny"));
        assert_lines(open_text(arena, good, "utf-8"), expected);
        assert_lines(open_text(arena, good, "gb18030"), expected);
        struct str bad =
            join(arena, join(arena, STR("a\n"), longest), join(arena, STR("z"), str_c(ends[i])));
        const struct err *err = error_after(open_text(arena, bad, "utf-8"), 1);
        assert_int_equal(err->code, ERR_LINE_TOO_LONG);
        assert_field_ends(err, "/t:2");
    }
    /* The read that brings the CR ends before the LF: reads are of 64 KiB. */
    struct str first = join(arena, repeat(arena, 'p', 65534), STR("\n"));
    struct str split = join(arena, first, join(arena, longest, STR("\r\n")));
    assert_lines(open_text(arena, split, "utf-8"), join(arena, first, longest));
    arena_rewind(arena, mark);
    /* Text that never has a line end is refused after one buffer, not read to its end. */
    struct text_input *input = open_text(arena, repeat(arena, 'x', (size_t)8 << 20), "utf-8");
    assert_int_equal(error_after(input, 0)->code, ERR_LINE_TOO_LONG);
    int64_t read_bytes, total_bytes;
    text_input_progress(input, &read_bytes, &total_bytes);
    assert_true(read_bytes < (2 << 20));
    assert_int_equal(total_bytes, 8 << 20);
}

static void test_gzip(void **state)
{
    struct arena *arena = *state;
    struct str one = gzip(arena, STR("a\nb"));
    assert_lines(open_text(arena, one, "utf-8"), STR("a\nb"));
    assert_lines(open_text(arena, gzip(arena, STR("")), "utf-8"), STR_NONE);
    assert_lines(open_text(arena, gzip(arena, STR("\xEF\xBB\xBF订\r\n")), "utf-8"), STR("订"));
    /* Two members, as `cat a.gz b.gz` makes them. */
    assert_lines(open_text(arena, join(arena, one, gzip(arena, STR("c\nd\n"))), "utf-8"),
                 STR("a\nbc\nd"));

    for (size_t n = 2; n < one.n; n++) {
        struct text_input *input = open_text(arena, str_slice(one, 0, n), "utf-8");
        struct text_line line = {.end = false};
        const struct err *err = NULL;
        while (!err && !line.end)
            err = text_input_next(input, &line);
        assert_non_null(err);
        assert_int_equal(err->code, ERR_GZIP_BAD);
    }
    const char *garbage[] = {"x", "\x1f", "\x1f\x8b", "garbage"};
    for (size_t i = 0; i < 4; i++) {
        struct text_input *input = open_text(arena, join(arena, one, str_c(garbage[i])), "utf-8");
        struct text_line line = {.end = false};
        const struct err *err = NULL;
        while (!err && !line.end)
            err = text_input_next(input, &line);
        assert_non_null(err);
        assert_int_equal(err->code, ERR_GZIP_BAD);
    }
    char *flipped = arena_alloc(arena, one.n);
    memcpy(flipped, one.p, one.n);
    flipped[one.n - 5] ^= 1; /* in the CRC */
    struct text_input *input = open_text(arena, (struct str){flipped, one.n}, "utf-8");
    assert_int_equal(error_after(input, 0)->code, ERR_GZIP_BAD);
}

/* Characters of one to four bytes and line ends fall on every place of a block's border. */
static void test_block_borders(void **state)
{
    struct arena *arena = *state;
    static const struct str parts[] = {STR_INIT("x"), STR_INIT("é"), STR_INIT("订单"),
                                       STR_INIT("😀"), STR_INIT("\n")};
    static const struct str gb_parts[] = {STR_INIT("x"), STR_INIT("\xA8\xA6"),
                                          STR_INIT("\xB6\xA9\xB5\xA5"),
                                          STR_INIT("\x94\x39\xFC\x36"), STR_INIT("\n")};
    for (int shift = 0; shift < 8; shift++) {
        struct arena_mark mark = arena_mark(arena);
        struct buf utf8 = buf_new(arena, 8 << 20);
        struct buf gb = buf_new(arena, 8 << 20);
        uint32_t seed = 1;
        for (int i = 0; i < 100000 + shift; i++) {
            seed = seed * 1664525 + 1013904223;
            size_t which = i < shift ? 0 : (seed >> 24) % 5;
            buf_str(&utf8, parts[which]);
            buf_str(&gb, gb_parts[which]);
        }
        buf_char(&utf8, 'x');
        buf_char(&gb, 'x');
        assert_lines(open_text(arena, buf_view(&utf8), "utf-8"), buf_view(&utf8));
        assert_lines(open_text(arena, buf_view(&gb), "gb18030"), buf_view(&utf8));
        assert_lines(open_text(arena, gzip(arena, buf_view(&gb)), "auto"), buf_view(&utf8));
        arena_rewind(arena, mark);
    }
}

static void assert_hash_and_progress(struct arena *arena, struct str content, struct str lines)
{
    struct text_input *input = open_text(arena, content, "utf-8");
    assert_lines(input, lines);
    uint8_t hash[SECRET_HASH_BYTES], expected[SECRET_HASH_BYTES];
    text_input_hash(input, hash);
    secret_content_hash(content, expected);
    assert_memory_equal(hash, expected, SECRET_HASH_BYTES);
    int64_t read_bytes, total_bytes;
    text_input_progress(input, &read_bytes, &total_bytes);
    assert_int_equal(read_bytes, content.n);
    assert_int_equal(total_bytes, content.n);
    assert_true(str_ends(text_input_path(input), STR("/t")));
    text_input_close(input);
}

static void test_hash_and_progress(void **state)
{
    assert_hash_and_progress(*state, STR("a\nb\n"), STR("a\nb"));
    assert_hash_and_progress(*state, gzip(*state, STR("a\nb\n")), STR("a\nb"));
    assert_hash_and_progress(*state, STR(""), STR_NONE);
}

static void test_open_errors(void **state)
{
    struct text_input *input;
    const struct err *err =
        text_input_open(*state, STR("/nonexistent/x.csv"), STR("utf-8"), &input);
    assert_int_equal(err->code, ERR_FILE_OPEN);
    assert_true(str_eq(err->field, STR("/nonexistent/x.csv")));
    err = text_input_open(*state, STR("/nonexistent/x.csv"), STR("auto"), &input);
    assert_int_equal(err->code, ERR_FILE_OPEN);
    assert_true(str_eq(err->field, STR("/nonexistent/x.csv")));
    assert_int_equal(text_input_open(*state, STR("/tmp"), STR("utf-8"), &input)->code,
                     ERR_FILE_OPEN);
    assert_int_equal(text_input_open(*state, STR("/dev/null"), STR("utf-8"), &input)->code,
                     ERR_FILE_OPEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_encoding_auto),
        cmocka_unit_test(test_encoding_bad),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_block_borders),
        cmocka_unit_test(test_hash_and_progress),
        cmocka_unit_test(test_open_errors),
    };
    return cmocka_run_group_tests(tests, folder_open, folder_close);
}
