// SPDX-License-Identifier: Apache-2.0
//
// Used by page_html.c and page_card.c.
#include "app/page_write.h"

#include "base/clock.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_BYTES = 32 };

static void put(struct page *page, const char *bytes, size_t len)
{
    page->failed = page->failed || (len > 0 && !buf_append(&page->out, bytes, len));
}

void page_tags(struct page *page, const char *html)
{
    put(page, html, strlen(html));
}

// What stands for a byte in text and in an attribute's quotes; NULL: the byte itself.
static const char *escape(unsigned char byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\n':
        return "&#10;";
    default:
        return byte < ' ' || byte == 0x7f ? "&#65533;" : NULL;
    }
}

void page_text(struct page *page, const char *text)
{
    while (text && *text) {
        size_t len = 0;
        const char *instead = NULL;
        while (text[len] && !(instead = escape((unsigned char)text[len])))
            len++;
        put(page, text, len);
        if (instead)
            page_tags(page, instead);
        text += len + (instead != NULL);
    }
}

void page_number(struct page *page, double number)
{
    char text[NUMBER_BYTES];
    snprintf(text, sizeof(text), "%.0f", number);
    page_text(page, text);
}

static void open_tag(struct page *page, const char *tag, const char *name)
{
    page_tags(page, "<");
    page_tags(page, tag);
    page_tags(page, name ? " class=\"" : "");
    page_tags(page, name ? name : "");
    page_tags(page, name ? "\">" : ">");
}

static void close_tag(struct page *page, const char *tag)
{
    page_tags(page, "</");
    page_tags(page, tag);
    page_tags(page, ">");
}

void page_element(struct page *page, const char *tag, const char *name, const char *text)
{
    if (!text || !*text)
        return;
    open_tag(page, tag, name);
    page_text(page, text);
    close_tag(page, tag);
}

void page_name(struct page *page, const char *text)
{
    page_element(page, "bdi", NULL, text);
}

void page_mark(struct page *page, const char *effect)
{
    page_tags(page, "<svg class=\"mark\" aria-hidden=\"true\"><use href=\"#mark-");
    page_text(page, effect);
    page_tags(page, "\"></use></svg>");
}

void page_age(struct page *page, const char *before, const char *time, const char *behind)
{
    int64_t seen;
    char age[CLOCK_TEXT_BYTES];
    if (!time || !clock_parse(time, &seen))
        return;
    page_text(page, before);
    page_tags(page, "<time datetime=\"");
    page_text(page, time);
    page_tags(page, "\">");
    page_text(page, clock_age(page->now > seen ? page->now - seen : seen - page->now, age));
    page_tags(page, "</time>");
    page_text(page, behind);
}

void page_command(struct page *page, const char *command)
{
    if (!command || !*command)
        return;
    page_tags(page, "<div class=\"command\">");
    page_element(page, "code", NULL, command);
    page_tags(page, "<button type=\"button\" class=\"copy\" aria-label=\"Copy the command\">Copy"
                    "</button></div>");
}

const char *page_get(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
    return text && *text ? text : NULL;
}

double page_get_number(const cJSON *object, const char *name)
{
    const cJSON *number = cJSON_GetObjectItem(object, name);
    return cJSON_IsNumber(number) ? cJSON_GetNumberValue(number) : 0;
}

const cJSON *page_member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItem(object, name);
}
