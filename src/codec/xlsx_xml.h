/* The XML of one part of a workbook, by expat, as a stream that can be paused. Prefixes of names are passed over (a handler
 * knows elements by their depth and local name), so that transitional and strict files, prefixed or not, read alike.
 * Memory is bounded: a tag's bytes, the depth, the number of different names meet limits, and a document type, without
 * which there are no entities to expand, is refused. Owner: closes with the arena. */
#ifndef HUITOU_CODEC_XLSX_XML_H
#define HUITOU_CODEC_XLSX_XML_H

#include "codec/xlsx_zip.h"

struct xlsx_xml;
struct xlsx_xml_handler {
    /* depth: of the root element 1. name: without its prefix. Attributes: name, value, …, NULL. */
    void (*start)(void *arg, int depth, const char *name, const char **attributes);
    void (*end)(void *arg, int depth, const char *name);
    void (*text)(void *arg, const char *bytes, size_t n); /* NULL: not wanted; may come in pieces */
    void *arg;
};

/* Errors: as xlsx_part_open, MEMORY_OUT. */
ERR_RESULT xlsx_xml_open(struct arena *arena, struct xlsx_zip *zip, struct str part, int64_t bytes_max,
                         const struct xlsx_xml_handler *handler, struct xlsx_xml **out);
/* Reads one block, or what a pause left of it, and calls the handlers. *end: the part is at its end. Errors: as
 * xlsx_part_read, XML_BAD, XML_DOCTYPE, MEMORY_OUT, and that of xlsx_xml_fail; it comes again. */
ERR_RESULT xlsx_xml_step(struct xlsx_xml *xml, bool *end);
/* For the end handler: xlsx_xml_step returns behind this element. */
void xlsx_xml_pause(struct xlsx_xml *xml);
/* For a handler: the reading ends with this error. */
void xlsx_xml_fail(struct xlsx_xml *xml, const struct err *err);
const struct xlsx_part *xlsx_xml_part(const struct xlsx_xml *xml);
void xlsx_xml_close(struct xlsx_xml *xml);

/* The value of an attribute, NULL where it is absent: one without a prefix, or one with whatever prefix (r:id). */
const char *xlsx_attribute(const char **attributes, const char *name);
const char *xlsx_attribute_prefixed(const char **attributes, const char *local_name);

#endif
