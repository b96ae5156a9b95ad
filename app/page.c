// SPDX-License-Identifier: Apache-2.0
//
// Puts the states between the two halves of the document. Used by admin.c.
#include "app/page.h"

#include "app/admin.h"
#include "app/page_html.h"
#include "app/page_parts.h"
#include "app/program.h"
#include "app/status_json.h"
#include "base/clock.h"

#include <cjson/cJSON.h>
#include <event2/http.h>
#include <stdlib.h>

// Nothing is loaded from anywhere, nothing inline runs but our own script and style (by their
// hashes), no other page may frame this one.
static void add_headers(struct evhttp_request *request)
{
    static const char *const headers[][2] = {
        { "Content-Security-Policy", page_policy },
        { "Referrer-Policy", "no-referrer" },
        { "Cross-Origin-Opener-Policy", "same-origin" },
        { "Cross-Origin-Resource-Policy", "same-origin" },
        { "X-Frame-Options", "DENY" },
    };
    struct evkeyvalq *out = evhttp_request_get_output_headers(request);
    bool whole = true;
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        whole = whole && evhttp_add_header(out, headers[i][0], headers[i][1]) == 0;
    (void)whole; // false without memory only; then there is no page either
}

void page_answer(struct program *program, struct evhttp_request *request)
{
    char *status = status_json(program);
    cJSON *root = status ? cJSON_Parse(status) : NULL;
    char *page = root ? page_html(root, clock_wall_s()) : NULL;
    cJSON_Delete(root);
    free(status);
    if (page) {
        add_headers(request);
        admin_reply(request, HTTP_OK, "text/html; charset=utf-8", page);
    } else {
        admin_reply(request, HTTP_INTERNAL, "text/plain; charset=utf-8", "out of memory\n");
    }
    free(page);
}
