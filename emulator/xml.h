// SPDX-License-Identifier: Apache-2.0
//
// Writes XML: elements in elements, texts escaped. The loop's thread only.
#pragma once

#include <event2/buffer.h>
#include <stdbool.h>
#include <stdint.h>

enum { XML_DEPTH_MAX = 16 };

struct xml {
    struct evbuffer *out; // the caller's
    const char *open[XML_DEPTH_MAX];
    unsigned depth;
};

void xml_begin(struct xml *xml, struct evbuffer *out); // with the declaration
void xml_open(struct xml *xml, const char *name);
void xml_open_in(struct xml *xml, const char *name, const char *name_space);
void xml_close(struct xml *xml); // what was opened last
void xml_text(struct xml *xml, const char *name, const char *text);
void xml_bool(struct xml *xml, const char *name, bool value);
void xml_int(struct xml *xml, const char *name, int64_t value);
// The first text of an element of this name, decoded by no more than this needs; false if there is
// none or it does not fit.
bool xml_find(const char *document, const char *name, char *out, size_t size);
