/* Text for a reader: a buffer that knows the language, the width to fit and whether colours may be used. What comes from
 * files is cleaned of control characters before it is laid out. Owner: the caller. Threads: one. Errors: none. */
#ifndef HUITOU_CLI_CLI_PAGE_H
#define HUITOU_CLI_CLI_PAGE_H

#include <stdio.h>

#include "base/arena.h"
#include "base/lang.h"
#include "base/str.h"

#define PAGE_BYTES_MAX ((size_t)1 << 32)
#define PAGE_SHADE_COUNT 7

enum page_style { PAGE_PLAIN, PAGE_BOLD, PAGE_DIM, PAGE_FIRST, PAGE_SECOND };

struct page {
    struct arena *arena;
    struct buf out;
    FILE *file; /* where page_flush writes to; NULL: all stays in out */
    enum lang lang;
    int columns; /* terminal columns to fit */
    bool colour; /* a terminal that shows 256 colours */
};

struct page page_new(struct arena *arena, FILE *file, enum lang lang, int columns, bool colour);
/* Writes what is there to the file and empties the buffer. */
void page_flush(struct page *page);

void page_str(struct page *page, struct str s);
void page_char(struct page *page, char c);
void page_repeat(struct page *page, const char *piece, int count);
/* s in exactly `width` columns: padded at the left (right-aligned) or right, cut with … where it is longer. */
void page_cell(struct page *page, struct str s, int width, bool right);
/* A whole line, cut to the page's width. */
void page_line(struct page *page, struct str s);
void page_style(struct page *page, enum page_style style);
/* Background shade 0 (lightest) … PAGE_SHADE_COUNT - 1, with text that can be read on it; page_style ends it. */
void page_shade(struct page *page, int shade);

/* A text in a language, {0}…{9} filled in. */
struct str text_fill(struct arena *arena, struct text text, enum lang lang, const struct str *args, int count);
#define TEXT_FILL(arena, lang, en, zh, ...)                                       \
    text_fill((arena), (struct text)TEXT(en, zh), (lang),                         \
              (const struct str[]){STR_NONE, ##__VA_ARGS__} + 1,                  \
              (int)(sizeof((const struct str[]){STR_NONE, ##__VA_ARGS__}) / sizeof(struct str)) - 1)
/* Writes it on the page, wrapped to its width at spaces (or between wide characters). */
void page_paragraph(struct page *page, struct str s, int indent);
#define PAGE_SAY(page, en, zh, ...) \
    page_paragraph((page), TEXT_FILL((page)->arena, (page)->lang, en, zh, ##__VA_ARGS__), 0)

/* s with control characters (terminal escapes among them) replaced; s itself where there are none. */
struct str text_clean(struct arena *arena, struct str s);
/* Greedy line breaking: at spaces, and between wide characters except beside a bracket or mark that must not stand
 * alone. Returns the number of lines; at most max are stored, the last of them then holds the whole rest. */
int text_wrap(struct str s, int width, struct str *lines, int max);
/* The widest piece of s that text_wrap does not break. */
int text_piece_width_max(struct str s);
/* 1234567 as 1,234,567. */
struct str text_count(struct arena *arena, int64_t n);

#endif
