// SPDX-License-Identifier: Apache-2.0
//
// Composes refusal texts for verdict.c. 380 bytes, because client wrappers cut the end off; the
// next step stands at the end, so what is too long is cut before it.
#include "control/verdict_text.h"

#include <stdio.h>
#include <string.h>

// Blanks for control characters, one '?' for each character beyond ASCII (the continuation bytes of
// UTF-8, RFC 3629 section 3, are dropped).
static void make_ascii(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        unsigned char c = (unsigned char)*from;
        if ((c & 0xc0) == 0x80)
            continue;
        *to++ = c >= 0x80 ? '?' : (char)(c < 0x20 || c == 0x7f ? ' ' : c);
    }
    *to = '\0';
}

static void expand(char *out, size_t size, const char *words, const char *alias)
{
    const char *place = strstr(words, "CLUSTER");
    if (place == NULL) {
        snprintf(out, size, "%s", words);
        return;
    }
    const char *rest = place + strlen("CLUSTER");
    snprintf(out, size, "%.*s%.64s%s", (int)(place - words), words, alias, rest);
}

void verdict_text_set(
    struct verdict *out, const char *alias, const char *wrong, const char *state, const char *next)
{
    char head[160];
    char middle[VERDICT_TEXT_BYTES];
    char tail[160];
    char step[sizeof(tail) - 4];
    snprintf(head, sizeof(head), "tidblink: %s: ", wrong);
    snprintf(middle, sizeof(middle), "%s", state);
    expand(step, sizeof(step), next, alias);
    snprintf(tail, sizeof(tail), "%s%s", step[0] != '\0' ? ". " : ".", step);
    size_t len = strlen(middle);
    if (len > 0 && middle[len - 1] == '.') // of the API's own words; the tail brings one
        middle[len - 1] = '\0';
    make_ascii(head);
    make_ascii(middle);
    make_ascii(tail);
    size_t room = sizeof(out->text) - 1 - strlen(head) - strlen(tail);
    if (strlen(middle) > room)
        memcpy(middle + room - 2, "..", 3); // the full stop of the tail is the third
    snprintf(out->text, sizeof(out->text), "%s%s%s", head, middle, tail);
    snprintf(out->next_step, sizeof(out->next_step), "%s", step);
    make_ascii(out->next_step);
}
