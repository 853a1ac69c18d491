/* Shapes: the fields of a request, a map, an import row or a command's flags, declared once. From a shape come the C
 * struct's decoding with every error at once and its JSON pointer, the flags and help of a command line, and which
 * fields are personal. No behaviour of any room lives here. */
#ifndef HUITOU_CONTRACT_SHAPE_H
#define HUITOU_CONTRACT_SHAPE_H

#include "codec/json.h"

enum field_kind {
    FIELD_TEXT,   /* struct str */
    FIELD_I64,    /* int64_t */
    FIELD_BOOL,   /* bool */
    FIELD_DAY,    /* int32_t, YYYY-MM-DD; absent is DAY_NONE */
    FIELD_TIME,   /* int64_t microseconds UTC; RFC 3339, or YYYY-MM-DD in UTC; absent is INT64_MIN */
    FIELD_ENUM,   /* int: index into values; absent is -1 */
    FIELD_OBJECT, /* the sub-shape's struct, in place */
    FIELD_LIST,   /* struct shape_list of sub-shape structs, or of struct str where sub is NULL */
    FIELD_MAP,    /* struct shape_map: any key to text */
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
    int64_t min, max; /* of a number; of a text's or list's length; 0,0: the field's default limit */
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
#define SHAPE_FIELDS(array) .fields = (array), .field_count = (int)(sizeof(array) / sizeof((array)[0]))

/* Sets out to absent values and fallbacks. */
void shape_clear(const struct shape *shape, void *out);
/* Decodes an object; unknown members, wrong kinds, missing fields and bounds are all collected, each with its JSON
 * pointer in err->field. Returns the first (the rest follow by ->next), NULL if there was none. */
ERR_RESULT shape_read_json(struct arena *arena, const struct shape *shape, const struct json_value *value,
                           void *out);
/* Decodes flags "--name value", "--name=value" and, for FIELD_BOOL, "--name". What is no flag goes to rest, as does all
 * behind "--". Errors: FLAG_UNKNOWN (with the nearest known name), FLAG_VALUE, FIELD_*; all at once. */
ERR_RESULT shape_read_flags(struct arena *arena, const struct shape *shape, int argc, char **argv, void *out,
                            struct str *rest, int *rest_count);
/* The flags with their docs, a line each, for --help. */
struct str shape_flags_help(struct arena *arena, const struct shape *shape, enum lang lang);

#endif
