/* Shapes: the fields of a request, a map, an import row or a command's flags, declared once. From a shape come the C
 * struct's decoding with every error at once and its JSON pointer, the flags and help of a command line, and which
 * fields are personal. No behaviour of any room lives here. */
#ifndef HUITOU_CONTRACT_SHAPE_H
#define HUITOU_CONTRACT_SHAPE_H

#include "codec/json.h"

#define SHAPE_TEXT_BYTES_MAX 4096 /* of a text whose field names no limit, and of a map's key and value */
#define SHAPE_ITEMS_MAX 1000      /* of a list whose field names no limit, and of a map */
#define SHAPE_ERRORS_MAX 100      /* errors told at once; the rest is left for the next try */

enum field_kind {
    FIELD_TEXT,   /* struct str */
    FIELD_I64,    /* int64_t; absent is 0: give a fallback where that means something else */
    FIELD_BOOL,   /* bool */
    FIELD_DAY,    /* int32_t, YYYY-MM-DD; absent is DAY_NONE */
    FIELD_TIME,   /* int64_t microseconds UTC; RFC 3339, or YYYY-MM-DD in UTC; absent is INT64_MIN */
    FIELD_ENUM,   /* int: index into values; absent is -1 */
    FIELD_OBJECT, /* the sub-shape's struct, in place */
    FIELD_LIST,   /* struct shape_list of sub-shape structs, or of struct str where sub is NULL */
    FIELD_MAP,    /* struct shape_map: any key to text */
    FIELD_ID,     /* int64_t above 0, in JSON a string of digits; absent is 0 */
    FIELD_DECIMAL, /* struct str: an exact decimal number, in JSON a string ("8911407.90") */
    FIELD_F64,    /* double; absent is NaN. Written only */
    FIELD_JSON,   /* struct str: JSON text that is written as it stands, an object of the shape sub (NULL: with whatever
                   * members); null where absent. Written only */
    FIELD_JSON_LIST, /* struct str: the same, a list of objects of sub */
    FIELD_JSON_ROWS, /* struct str: the same, a report's sections: by name lists of rows, a row its cells by column's name */
};

struct shape_list {
    void *items; /* sub->size apart (or struct str) */
    size_t count;
};
struct shape_pair {
    struct str key, value;
};
struct shape_map {
    struct shape_pair *pairs;
    size_t count;
};

struct shape;
struct field {
    const char *name; /* snake_case; a flag of the command line is --snake-case */
    enum field_kind kind;
    size_t offset;
    bool required;
    bool personal; /* redacted in logs */
    bool secret;   /* a password or key: never shown again, kept out of every record */
    int64_t min, max; /* of a number, day, time; of a text's bytes, a list's items; 0,0: the default limit. For days and
                       * times that is LIMIT_DAY_MIN to LIMIT_DAY_MAX, for numbers all of int64 */
    const char *const *values; /* FIELD_ENUM: NULL-terminated */
    const struct shape *sub;
    const char *fallback; /* default as text, NULL for none */
    struct text doc;
};
struct shape {
    const char *name;
    size_t size; /* of the C struct */
    const struct field *fields;
    int field_count;
    struct text doc;
};
/* A field that is called in JSON as in C, and one that is not; further members may follow. */
#define SHAPE_FIELD(type, member, field_kind, en, zh, ...) \
    SHAPE_FIELD_AS(type, member, #member, field_kind, en, zh, ##__VA_ARGS__)
#define SHAPE_FIELD_AS(type, member, json_name, field_kind, en, zh, ...) \
    {.name = json_name, .kind = FIELD_##field_kind, .offset = offsetof(type, member), .doc = TEXT(en, zh), ##__VA_ARGS__}
/* A field of a shape that only says how a JSON text looks that is written elsewhere: there is no struct, its size is 0. */
#define SHAPE_TOLD(json_name, field_kind, en, zh, ...) \
    {.name = json_name, .kind = FIELD_##field_kind, .doc = TEXT(en, zh), ##__VA_ARGS__}
#define SHAPE_FIELDS(array) .fields = (array), .field_count = (int)(sizeof(array) / sizeof((array)[0]))

/* Sets out to absent values and fallbacks. */
void shape_clear(const struct shape *shape, void *out);
/* Decodes an object; unknown members, wrong kinds, missing fields and bounds are all collected, each with its JSON
 * pointer (RFC 6901) in err->field. Returns the first (the rest follow by ->next), NULL if there was none. A member that
 * is null counts as missing. Texts borrow from the value. out is filled as far as it could be, errors or not.
 * Errors: FIELD_*; DOCUMENT_NOT_OBJECT. */
ERR_RESULT shape_read_json(struct arena *arena, const struct shape *shape, const struct json_value *value,
                           void *out);
/* Decodes flags "--name value", "--name=value" and, for FIELD_BOOL, "--name" (or "--name=false"). A value that begins with
 * "--" must be given with "=". What is no flag goes to rest (room for argc), as does "-" and all behind "--"; "-x" is an
 * unknown flag. A FIELD_LIST of texts may be given several times; objects and maps cannot be flags. argv begins with the
 * first argument, not with the program's name. out is filled as far as it could be, errors or not.
 * Errors: FLAG_UNKNOWN (with the nearest known name), FLAG_VALUE, FLAG_TWICE, FIELD_*; all at once, field "--name". */
ERR_RESULT shape_read_flags(struct arena *arena, const struct shape *shape, int argc, char **argv, void *out,
                            struct str *rest, int *rest_count);
/* Decodes name=value pairs, as of a query or a path. Unknown names, wrong kinds, missing fields and bounds are all
 * collected, field "?name". A FIELD_LIST of texts may be given several times; objects and maps cannot be given. An empty
 * value counts as missing. Errors: FIELD_*, FIELD_TWICE. */
ERR_RESULT shape_read_pairs(struct arena *arena, const struct shape *shape, const struct shape_pair *pairs,
                            size_t count, void *out);
/* Writes the struct as an object. Absent texts, days, times, choices, ids and NaN are null; every field is there. */
void shape_write_json(struct json_writer *w, const struct shape *shape, const void *in);
/* Writes the shape as a JSON Schema (2020-12, as OpenAPI 3.1 takes it) object. as_output: as shape_write_json writes it
 * (every field is there, those not `required` may be null); else as shape_read_json reads it. Sub-shapes are
 * references "#/components/schemas/NAME", with shape_schema_name. */
void shape_write_schema(struct json_writer *w, const struct shape *shape, bool as_output, enum lang lang);
/* The schema of one field alone, as of a parameter. */
void shape_write_field_schema(struct json_writer *w, const struct field *field, bool as_output, enum lang lang);
/* "merge_proposal" → "MergeProposal", of an input "MergeProposalInput". */
struct str shape_schema_name(struct arena *arena, const struct shape *shape, bool as_output);

/* The candidate that takes the fewest edits (a letter more, less or other; '-' and '_' are the same) to become word: for
 * "did you mean". STR_NONE where there are no candidates. */
struct str nearest_word(struct str word, const struct str *candidates, int count);
/* The flag of a field's name: --as-of of as_of. */
struct str shape_flag_name(struct arena *arena, struct str name);
/* The flags with their docs, a line each, for --help. */
struct str shape_flags_help(struct arena *arena, const struct shape *shape, enum lang lang);

#endif
