// SPDX-License-Identifier: Apache-2.0
//
// JSON, written value by value. Used by the admin's larger answers.
#include "app/json_out.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

// A text may be cut in a character or come from a name of any bytes; JSON is UTF-8.
static void put_string(FILE *out, const char *text)
{
    size_t left = strlen(text), step;
    putc('"', out);
    for (; left > 0; text += step, left -= step) {
        const unsigned char *bytes = (const unsigned char *)text;
        size_t len = text_utf8_len(bytes, left);
        step = len ? len : 1;
        if (*bytes == '"' || *bytes == '\\')
            putc('\\', out);
        if (!len)
            putc('?', out);
        else if (*bytes < 0x20 || *bytes == 0x7f)
            fprintf(out, "\\u%04x", *bytes);
        else
            fwrite(text, 1, len, out);
    }
    putc('"', out);
}

static void begin(struct json_out *json, const char *name)
{
    if (json->follows)
        putc(',', json->out);
    json->follows = true;
    if (!name)
        return;
    put_string(json->out, name);
    putc(':', json->out);
}

void json_out_open(struct json_out *json, const char *name, char bracket)
{
    begin(json, name);
    putc(bracket, json->out);
    json->follows = false;
}

void json_out_close(struct json_out *json, char bracket)
{
    putc(bracket, json->out);
    json->follows = true;
}

void json_out_text(struct json_out *json, const char *name, const char *text)
{
    if (!text || !*text)
        return;
    begin(json, name);
    put_string(json->out, text);
}

void json_out_uint(struct json_out *json, const char *name, uint64_t number)
{
    begin(json, name);
    fprintf(json->out, "%" PRIu64, number);
}

void json_out_bool(struct json_out *json, const char *name, bool value)
{
    begin(json, name);
    fputs(value ? "true" : "false", json->out);
}

void json_out_time(struct json_out *json, const char *name, int64_t wall_s)
{
    char text[CLOCK_TEXT_BYTES];
    if (wall_s)
        json_out_text(json, name, clock_format(wall_s, text));
}
