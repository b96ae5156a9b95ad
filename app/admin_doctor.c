// SPDX-License-Identifier: Apache-2.0
//
// Takes of a document only the texts that it knows, so that nothing else is kept or shown. Used by
// admin.c.
#include "app/admin_doctor.h"

#include "app/admin.h"
#include "app/facts_json.h"
#include "base/clock.h"

#include <cjson/cJSON.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

enum { HOPS_MAX = 64, TEXT_BYTES = 8192 };

struct admin_doctor {
    cJSON *clusters; // an array of objects with "alias"
};

struct admin_doctor *admin_doctor_new(void)
{
    struct admin_doctor *doctor = calloc(1, sizeof(*doctor));
    if (doctor)
        doctor->clusters = cJSON_CreateArray();
    if (!doctor || doctor->clusters)
        return doctor;
    free(doctor);
    return NULL;
}

void admin_doctor_free(struct admin_doctor *doctor)
{
    if (!doctor)
        return;
    cJSON_Delete(doctor->clusters);
    free(doctor);
}

void admin_doctor_get(const struct admin_doctor *doctor, struct evhttp_request *request)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddItemReferenceToObject(root, "clusters", doctor->clusters);
    admin_reply_tree(request, HTTP_OK, root);
    cJSON_Delete(root);
}

// ---- handed over --------------------------------------------------------------------------------

static void copy_text(cJSON *to, const cJSON *from, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(from, name));
    if (text && strlen(text) < TEXT_BYTES)
        facts_json_text(to, name, text);
}

static void copy_bool(cJSON *to, const cJSON *from, const char *name)
{
    cJSON_AddBoolToObject(to, name, cJSON_IsTrue(cJSON_GetObjectItem(from, name)));
}

static cJSON *copy_cluster(const cJSON *given)
{
    static const char *const texts[] = { "hop", "title", "status", "saw", "why", "fix" };
    const cJSON *hop;
    int count = 0;
    cJSON *object = cJSON_CreateObject();
    copy_text(object, given, "alias");
    facts_json_time(object, "at", clock_wall_s());
    copy_bool(object, given, "ok");
    copy_text(object, given, "first");
    cJSON *hops = cJSON_AddArrayToObject(object, "hops");
    cJSON_ArrayForEach(hop, cJSON_GetObjectItem(given, "hops")) {
        if (!cJSON_IsObject(hop) || count++ == HOPS_MAX)
            break;
        cJSON *copy = cJSON_CreateObject();
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
            copy_text(copy, hop, texts[i]);
        copy_bool(copy, hop, "fix_is_command");
        cJSON_AddItemToArray(hops, copy);
    }
    return object;
}

static void forget(struct admin_doctor *doctor, const char *alias)
{
    for (int i = 0; i < cJSON_GetArraySize(doctor->clusters); i++) {
        const cJSON *known = cJSON_GetArrayItem(doctor->clusters, i);
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(known, "alias"));
        if (name && strcmp(name, alias) == 0)
            cJSON_DeleteItemFromArray(doctor->clusters, i--);
    }
}

static int keep(struct admin_doctor *doctor, const struct program *program, const cJSON *clusters)
{
    int kept = 0;
    const cJSON *given;
    cJSON_ArrayForEach(given, clusters) {
        const char *alias = cJSON_GetStringValue(cJSON_GetObjectItem(given, "alias"));
        if (!alias || !admin_serves(program, alias))
            continue;
        forget(doctor, alias);
        kept += cJSON_AddItemToArray(doctor->clusters, copy_cluster(given));
    }
    return kept;
}

void admin_doctor_post(
    struct admin_doctor *doctor, const struct program *program, struct evhttp_request *request)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(body);
    const char *text = len > 0 ? (const char *)evbuffer_pullup(body, -1) : NULL;
    cJSON *given = text ? cJSON_ParseWithLength(text, len) : NULL;
    cJSON *answer = cJSON_CreateObject();
    const cJSON *clusters = cJSON_GetObjectItem(given, "clusters");
    bool fits = cJSON_IsArray(clusters);
    if (fits) {
        cJSON_AddNumberToObject(answer, "kept", keep(doctor, program, clusters));
    } else {
        facts_json_text(answer, "error", "usage");
        facts_json_text(answer, "reason", "expected the document of tidblink doctor --json");
    }
    admin_reply_tree(request, fits ? HTTP_OK : HTTP_BADREQUEST, answer);
    cJSON_Delete(answer);
    cJSON_Delete(given);
}
