// SPDX-License-Identifier: Apache-2.0
//
// The note is a JSON object of three members beside a lock file: the note itself is replaced by
// rename, so it cannot carry the lock. Used by steps_endpoint.c.
#include "guide/token.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { NOTE_BYTES_MAX = 4096, NOTE_MODE = 0600, RANDOM_BYTES = 16 };

// ---- names --------------------------------------------------------------------------------------

// Service names and VPC IDs are letters, digits, dots and dashes; anything else has no business in
// a file name.
static void add_plain(char *name, size_t size, const char *text)
{
    size_t len = strlen(name);
    for (; *text && len + 1 < size; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_';
        name[len++] = plain ? (char)c : '_';
    }
    name[len] = '\0';
}

static char *note_path(const char *dir, const char *service_name, const char *vpc_id)
{
    char name[200] = "setup-";
    char *path = NULL;
    const char *last = strrchr(service_name, '.'); // "vpce-svc-…" tells them apart
    add_plain(name, sizeof(name), last ? last + 1 : service_name);
    add_plain(name, sizeof(name), "-");
    add_plain(name, sizeof(name), vpc_id);
    if (os_asprintf(&path, "%s/%s.json", dir, name) < 0)
        abort();
    return path;
}

// ---- reading and writing ------------------------------------------------------------------------

static void take(const cJSON *object, const char *member, char *out, size_t size)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, member));
    if (text && strlen(text) < size)
        snprintf(out, size, "%s", text);
}

// A note that cannot be read must not be overwritten: the token in it may have made an endpoint.
static bool read_note(struct token *token, struct err *err)
{
    struct err failure = { 0 };
    char *text = file_read(token->path, NOTE_BYTES_MAX, NULL, &failure);
    if (!text && failure.sys == ENOENT)
        return true;
    cJSON *object = text ? cJSON_Parse(text) : NULL;
    free(text);
    if (object) {
        char asked[CLOCK_TEXT_BYTES] = "";
        take(object, "client_token", token->client_token, sizeof(token->client_token));
        take(object, "endpoint_id", token->endpoint_id, sizeof(token->endpoint_id));
        take(object, "asked", asked, sizeof(asked));
        if (!clock_parse(asked, &token->asked))
            token->asked = 0;
    }
    bool usable = object && *token->client_token;
    cJSON_Delete(object);
    return usable ||
           err_set(err, ERR_FILE,
               "%s is not readable (%.160s). It may stand for an endpoint that AWS is creating: "
               "look with aws ec2 describe-vpc-endpoints, then remove the file",
               token->path, failure.code != ERR_NONE ? failure.text : "not what setup wrote");
}

static bool write_note(const struct token *token, struct err *err)
{
    char asked[CLOCK_TEXT_BYTES];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "client_token", token->client_token);
    cJSON_AddStringToObject(object, "endpoint_id", token->endpoint_id);
    cJSON_AddStringToObject(object, "asked", clock_format(token->asked, asked));
    char *text = cJSON_Print(object);
    cJSON_Delete(object);
    bool done = text ? file_replace(token->path, text, strlen(text), NOTE_MODE, err)
                     : err_set(err, ERR_MEMORY, "out of memory");
    cJSON_free(text);
    return done;
}

// ---- life ---------------------------------------------------------------------------------------

static bool lock(struct token *token, struct err *err)
{
    char path[FILE_PATH_BYTES];
    snprintf(path, sizeof(path), "%s.lock", token->path);
    token->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, NOTE_MODE);
    if (token->lock_fd < 0)
        return err_sys(err, ERR_FILE, errno, "state-dir: cannot open %s", path);
    if (flock(token->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    return err_set(err, ERR_FILE,
        "another tidblink is setting up this cluster in this VPC (it holds %s): wait until it ends",
        path);
}

bool token_open(struct token *token, const char *state_dir, const char *service_name,
    const char *vpc_id, struct err *err)
{
    *token = (struct token){ .lock_fd = -1 };
    if (!state_dir)
        return err_set(err, ERR_FILE,
            "setup must remember what it asks AWS for, and there is no state-dir: expected a "
            "directory of yours, --state-dir DIR");
    if (!file_make_folder(state_dir, err))
        return err_prefix(err, "state-dir");
    token->path = note_path(state_dir, service_name, vpc_id);
    if (lock(token, err) && read_note(token, err))
        return true;
    token_close(token);
    return false;
}

void token_close(struct token *token)
{
    if (token->path && token->lock_fd >= 0)
        close(token->lock_fd);
    free(token->path);
    *token = (struct token){ .lock_fd = -1 };
}

bool token_need(struct token *token, struct err *err)
{
    unsigned char random[RANDOM_BYTES];
    if (*token->client_token)
        return true;
    if (!os_random(random, sizeof(random)))
        return err_sys(err, ERR_INTERNAL, errno, "getrandom");
    size_t len = (size_t)snprintf(token->client_token, sizeof(token->client_token), "tidblink-");
    for (size_t i = 0; i < sizeof(random); i++)
        len += (size_t)snprintf(
            token->client_token + len, sizeof(token->client_token) - len, "%02x", random[i]);
    token->asked = clock_wall_s();
    if (write_note(token, err))
        return true;
    *token->client_token = '\0';
    return false;
}

bool token_answered(struct token *token, const char *endpoint_id, struct err *err)
{
    snprintf(token->endpoint_id, sizeof(token->endpoint_id), "%s", endpoint_id);
    return write_note(token, err);
}

bool token_forget(struct token *token, struct err *err)
{
    *token->client_token = *token->endpoint_id = '\0';
    token->asked = 0;
    return unlink(token->path) == 0 || errno == ENOENT ||
           err_sys(err, ERR_FILE, errno, "cannot remove %s", token->path);
}
