// SPDX-License-Identifier: Apache-2.0
//
// Files of TLS, read and watched. Made by proxy.c, asked by target.c.
#include "proxy/tls_store.h"

#include "base/confine.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/loop.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STORE_LOOK_MS = 2000 };

struct target_tls {
    char *alias;
    enum tls_mode mode;
    enum client_tls client;
    char *ca;
    char **names;
    size_t name_count;
    struct tls_trust *trust; // NULL: the mode needs none
    uint64_t stamp;          // of the files that it was read from
};

// What the plan says, with what was read for it.
struct content {
    struct target_tls *targets;
    size_t target_count;
    char *cert, *key, *rsa_key;
    bool rsa_key_may_fail;
    struct tls_identity *identity;
    uint64_t stamp, rsa_stamp; // of cert and key; of rsa_key
};

struct tls_store {
    struct timer timer;
    void (*on_change)(void *arg, size_t target);
    void *arg;
    struct content content;
};

// ---- has a file changed? ------------------------------------------------------------------------

static void stamp_add(uint64_t *stamp, uint64_t value)
{
    *stamp = hash_bytes(*stamp, &value, sizeof(value));
}

// A file that was replaced has another inode, one that was written another time.
static void stamp_file(uint64_t *stamp, const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return;
    stamp_add(stamp, status.st_ino);
    stamp_add(stamp, (uint64_t)status.st_size);
    stamp_add(stamp, (uint64_t)status.st_mtim.tv_sec);
    stamp_add(stamp, (uint64_t)status.st_mtim.tv_nsec);
}

// A file, or a folder with all that is in it. NULL: none.
static uint64_t stamp_of(const char *path)
{
    uint64_t stamp = HASH_START;
    if (!path)
        return stamp;
    stamp_file(&stamp, path);
    DIR *folder = opendir(path);
    if (!folder)
        return stamp;
    uint64_t sum = 0; // in whatever order
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char file[PATH_MAX];
        uint64_t own = HASH_START;
        if (entry->d_name[0] == '.' ||
            snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) >= (int)sizeof(file))
            continue;
        stamp_file(&own, file);
        sum += own;
    }
    closedir(folder);
    stamp_add(&stamp, sum);
    return stamp;
}

// ---- reading ------------------------------------------------------------------------------------

static char *copy_text(const char *text)
{
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        abort();
    return copy;
}

static struct tls_trust *open_trust(const struct target_tls *target, struct err *err)
{
    const struct tls_trust_plan plan = {
        .ca = target->ca,
        .names = (const char *const *)target->names,
        .name_count = target->name_count,
        .any_name = target->mode == TLS_VERIFY_CA,
    };
    struct tls_trust *trust = tls_trust_open(&plan, err);
    if (!trust)
        err_prefix(err, "cluster %s: tls-ca", target->alias);
    return trust;
}

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

// Whether what was read for one holds for the other.
static bool is_same_trust(const struct target_tls *a, const struct target_tls *b)
{
    bool same = a->mode == b->mode && a->stamp == b->stamp && is_same_text(a->ca, b->ca) &&
                a->name_count == b->name_count;
    for (size_t i = 0; same && i < a->name_count; i++)
        same = strcmp(a->names[i], b->names[i]) == 0;
    return same;
}

// What has not changed stays the same object: sessions to resume and spares stay good. `old`:
// before a reload, or NULL.
static bool read_target(struct target_tls *out, const struct proxy_target *plan,
    const struct target_tls *old, struct err *err)
{
    *out = (struct target_tls){
        .alias = copy_text(plan->control.alias),
        .mode = plan->tls,
        .client = plan->client_tls,
        .ca = copy_text(plan->trust.ca),
        .names = calloc(plan->trust.name_count + 1, sizeof(char *)),
    };
    if (!out->names)
        abort();
    for (; out->name_count < plan->trust.name_count; out->name_count++)
        out->names[out->name_count] = copy_text(plan->trust.names[out->name_count]);
    if (!tls_is_verified(plan->tls))
        return true;
    out->stamp = stamp_of(out->ca); // before the file is read: a change in between is seen
    if (old && old->trust && is_same_trust(out, old))
        out->trust = tls_trust_ref(old->trust);
    else
        out->trust = open_trust(out, err);
    return out->trust != NULL;
}

// Both may be the same file.
static uint64_t identity_stamp(const struct content *content)
{
    uint64_t stamp = HASH_START;
    stamp_add(&stamp, stamp_of(content->cert));
    stamp_add(&stamp, stamp_of(content->key));
    return stamp;
}

static struct tls_identity *open_identity(const struct content *content, struct err *err)
{
    struct tls_identity_plan plan = { content->cert, content->key, content->rsa_key };
    struct tls_identity *identity = tls_identity_open(&plan, err);
    if (identity || !content->rsa_key_may_fail || err->code != ERR_FILE)
        return identity;
    log_facts(LOG_WARN, "client-rsa-key is not kept: it ends with this program", "reason",
        err->text, NULL);
    plan.rsa_key = NULL;
    return tls_identity_open(&plan, err);
}

static bool is_same_identity(const struct content *a, const struct content *b)
{
    return a->stamp == b->stamp && is_same_text(a->cert, b->cert) && is_same_text(a->key, b->key) &&
           is_same_text(a->rsa_key, b->rsa_key) && a->rsa_stamp == b->rsa_stamp;
}

static bool read_identity(
    struct content *out, const struct proxy_plan *plan, const struct content *old, struct err *err)
{
    out->cert = copy_text(plan->identity.cert);
    out->key = copy_text(plan->identity.key);
    out->rsa_key = copy_text(plan->identity.rsa_key);
    out->rsa_key_may_fail = plan->rsa_key_may_fail;
    bool is_needed = false;
    for (size_t i = 0; i < out->target_count; i++)
        is_needed = is_needed || out->targets[i].mode != TLS_PASSTHROUGH;
    if (!is_needed)
        return true;
    out->stamp = identity_stamp(out);
    out->rsa_stamp = stamp_of(out->rsa_key);
    if (old && old->identity && is_same_identity(out, old)) {
        out->identity = tls_identity_ref(old->identity);
        return true;
    }
    out->identity = open_identity(out, err);
    out->rsa_stamp = stamp_of(out->rsa_key); // it may have been made
    return out->identity != NULL;
}

static void content_done(struct content *content)
{
    for (size_t i = 0; i < content->target_count; i++) {
        struct target_tls *target = &content->targets[i];
        tls_trust_unref(target->trust);
        for (size_t n = 0; n < target->name_count; n++)
            free(target->names[n]);
        free(target->names);
        free(target->ca);
        free(target->alias);
    }
    tls_identity_unref(content->identity);
    free(content->targets);
    free(content->cert);
    free(content->key);
    free(content->rsa_key);
}

static bool read_all(
    struct content *out, const struct proxy_plan *plan, const struct content *old, struct err *err)
{
    *out = (struct content){ .targets = calloc(plan->target_count + 1, sizeof(*out->targets)) };
    if (!out->targets)
        abort();
    bool fine = true;
    for (size_t i = 0; fine && i < plan->target_count; i++) {
        out->target_count++;
        fine = read_target(&out->targets[i], &plan->targets[i], old ? &old->targets[i] : NULL, err);
    }
    if (fine && read_identity(out, plan, old, err))
        return true;
    content_done(out);
    return false;
}

// ---- a look at the files ------------------------------------------------------------------------

static void log_change(const char *alias, const char *path, struct err *why)
{
    struct log_line line;
    if (why)
        confine_explain(why);
    log_start(&line, why ? LOG_ERROR : LOG_INFO, "%s",
        why ? "a changed TLS file is not usable: what was read before stays"
            : "a changed TLS file was read");
    if (alias)
        log_str(&line, "cluster", alias);
    log_str(&line, "path", path);
    if (why)
        log_err(&line, why);
    log_write(&line);
}

// True: there is another trust.
static bool look_at_target(struct target_tls *target)
{
    struct err err;
    uint64_t stamp = target->trust ? stamp_of(target->ca) : 0;
    if (stamp == target->stamp)
        return false;
    target->stamp = stamp;
    struct tls_trust *trust = open_trust(target, &err);
    log_change(target->alias, target->ca, trust ? NULL : &err);
    if (!trust)
        return false;
    tls_trust_unref(target->trust);
    target->trust = trust;
    return true;
}

static bool look_at_identity(struct content *content)
{
    struct err err;
    uint64_t stamp = content->identity ? identity_stamp(content) : 0;
    if (stamp == content->stamp)
        return false;
    content->stamp = stamp;
    struct tls_identity *identity = open_identity(content, &err);
    log_change(NULL, content->cert, identity ? NULL : &err);
    if (!identity)
        return false;
    tls_identity_unref(content->identity);
    content->identity = identity;
    return true;
}

static void on_look(struct timer *timer)
{
    struct tls_store *store = CONTAINER_OF(timer, struct tls_store, timer);
    struct content *content = &store->content;
    bool all = look_at_identity(content);
    for (size_t i = 0; i < content->target_count; i++)
        if (look_at_target(&content->targets[i]) || all)
            store->on_change(store->arg, i);
    timer_start(&store->timer, STORE_LOOK_MS);
}

static void watch_files(struct tls_store *store)
{
    bool has_files = store->content.identity && store->content.cert;
    for (size_t i = 0; i < store->content.target_count; i++)
        has_files = has_files || store->content.targets[i].trust;
    if (has_files)
        timer_start(&store->timer, STORE_LOOK_MS);
    else
        timer_stop(&store->timer);
}

// ---- life ---------------------------------------------------------------------------------------

struct tls_store *tls_store_new(struct loop *loop, const struct proxy_plan *plan,
    void (*on_change)(void *arg, size_t target), void *arg, struct err *err)
{
    struct tls_store *store = calloc(1, sizeof(*store));
    if (!store)
        abort();
    store->on_change = on_change;
    store->arg = arg;
    timer_init(&store->timer, loop, on_look);
    if (!read_all(&store->content, plan, NULL, err)) {
        free(store);
        return NULL;
    }
    watch_files(store);
    return store;
}

static bool can_be_made(const char *path, struct err *err)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    const char *name = slash ? folder : ".";
    return access(name, W_OK | X_OK) == 0 ||
           err_sys(err, ERR_OPTION, errno, "client-rsa-key: cannot write into %s", name);
}

bool tls_store_check(const struct proxy_plan *plan, struct err *err)
{
    struct content content;
    struct proxy_plan copy = *plan;
    if (copy.identity.rsa_key && access(copy.identity.rsa_key, F_OK) < 0) {
        if (!copy.rsa_key_may_fail && !can_be_made(copy.identity.rsa_key, err))
            return false;
        copy.identity.rsa_key = NULL; // a start would make it
    }
    bool fine = read_all(&content, &copy, NULL, err);
    if (fine)
        content_done(&content);
    return fine;
}

void tls_store_free(struct tls_store *store)
{
    if (!store)
        return;
    timer_stop(&store->timer);
    content_done(&store->content);
    free(store);
}

bool tls_store_reload(struct tls_store *store, const struct proxy_plan *plan, struct err *err)
{
    struct content fresh;
    if (!read_all(&fresh, plan, &store->content, err))
        return false;
    content_done(&store->content);
    store->content = fresh;
    watch_files(store);
    return true;
}

// ---- what is in force ---------------------------------------------------------------------------

enum tls_mode tls_store_mode(const struct tls_store *store, size_t target)
{
    return store->content.targets[target].mode;
}

enum client_tls tls_store_client(const struct tls_store *store, size_t target)
{
    return store->content.targets[target].client;
}

struct tls_trust *tls_store_trust(const struct tls_store *store, size_t target)
{
    return store->content.targets[target].trust;
}

struct tls_identity *tls_store_identity(const struct tls_store *store, size_t target)
{
    return store->content.targets[target].mode == TLS_PASSTHROUGH ? NULL : store->content.identity;
}
