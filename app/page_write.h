// SPDX-License-Identifier: Apache-2.0
//
// Writes HTML: tags as they are, texts escaped. Pure; used by page_html.c and page_card.c.
#pragma once

#include "base/buf.h"

#include <stdint.h>

struct cJSON;

struct page {
    struct buf out;
    bool failed; // out of memory
    int64_t now; // wall clock
};

void page_tags(struct page *page, const char *html); // our own
// Escaped; a control character, which HTML could not show, becomes U+FFFD. NULL is nothing.
void page_text(struct page *page, const char *text);
void page_number(struct page *page, double number);
// <tag class="name">text</tag>, `name` NULL: no class; nothing at all when text is NULL or empty.
void page_element(struct page *page, const char *tag, const char *name, const char *text);
// What came from elsewhere, so that its direction changes nothing around it.
void page_name(struct page *page, const char *text);
// The shape that stands beside a state's word.
void page_mark(struct page *page, const char *effect);
// "<time>3 min</time>" since a time of the document, or nothing.
void page_age(struct page *page, const char *before, const char *time, const char *behind);
// A command, with the button that copies it.
void page_command(struct page *page, const char *command);

// The members of an object. No text is NULL, no number 0.
const char *page_get(const struct cJSON *object, const char *name);
double page_get_number(const struct cJSON *object, const char *name);
const struct cJSON *page_member(const struct cJSON *object, const char *name);

// page_card.c: everything about one cluster.
void page_card(struct page *page, const struct cJSON *cluster, int index);
// The word of its state, and what it does to new connections: "allow", "unchecked", "hold",
// "refuse", "wait".
const char *page_card_word(const struct cJSON *cluster);
const char *page_card_effect(const struct cJSON *cluster);
