// SPDX-License-Identifier: Apache-2.0
//
// As much XML as the answers of EC2 and Route 53 and one request of Route 53 need. The loop's
// thread only.
#include "emulator/xml.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void xml_begin(struct xml *xml, struct evbuffer *out)
{
    *xml = (struct xml){ .out = out };
    evbuffer_add_printf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

static void push(struct xml *xml, const char *name)
{
    if (xml->depth == XML_DEPTH_MAX)
        abort();
    xml->open[xml->depth++] = name;
}

void xml_open(struct xml *xml, const char *name)
{
    push(xml, name);
    evbuffer_add_printf(xml->out, "<%s>", name);
}

void xml_open_in(struct xml *xml, const char *name, const char *name_space)
{
    push(xml, name);
    evbuffer_add_printf(xml->out, "<%s xmlns=\"%s\">", name, name_space);
}

void xml_close(struct xml *xml)
{
    evbuffer_add_printf(xml->out, "</%s>", xml->open[--xml->depth]);
}

static const char *entity(char byte)
{
    return byte == '&' ? "&amp;" : byte == '<' ? "&lt;" : byte == '>' ? "&gt;" : "&quot;";
}

void xml_text(struct xml *xml, const char *name, const char *text)
{
    evbuffer_add_printf(xml->out, "<%s>", name);
    while (*text) {
        size_t plain = strcspn(text, "&<>\"");
        evbuffer_add(xml->out, text, plain);
        text += plain;
        if (*text)
            evbuffer_add_printf(xml->out, "%s", entity(*text++));
    }
    evbuffer_add_printf(xml->out, "</%s>", name);
}

void xml_bool(struct xml *xml, const char *name, bool value)
{
    xml_text(xml, name, value ? "true" : "false");
}

void xml_int(struct xml *xml, const char *name, int64_t value)
{
    evbuffer_add_printf(xml->out, "<%s>%" PRId64 "</%s>", name, value, name);
}

bool xml_find(const char *document, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);
    for (const char *at = strchr(document, '<'); at; at = strchr(at + 1, '<')) {
        if (strncmp(at + 1, name, len) != 0 || at[len + 1] != '>')
            continue;
        const char *text = at + len + 2;
        size_t text_len = strcspn(text, "<");
        if (text_len >= size)
            return false;
        memcpy(out, text, text_len);
        out[text_len] = '\0';
        return true;
    }
    return false;
}
