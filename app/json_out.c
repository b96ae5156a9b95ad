// SPDX-License-Identifier: Apache-2.0
//
// JSON, written value by value. Used by the admin's larger answers.
#include "app/json_out.h"

#include "base/clock.h"

#include <inttypes.h>

// Bytes from 0x80 on pass as they are: texts here are UTF-8 or ASCII.
static void put_string(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\')
            putc('\\', out);
        if (byte < 0x20 || byte == 0x7f)
            fprintf(out, "\\u%04x", byte);
        else
            putc(byte, out);
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
