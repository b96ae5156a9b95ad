// SPDX-License-Identifier: Apache-2.0
//
// What a single value must look like beyond its type, so that an error names the place of the value
// itself: file and line, variable or flag. What depends on several values is in settings_check.c.
#include "app/settings.h"

#include "base/addr.h"
#include "base/cidr.h"
#include "base/err.h"

#include <string.h>

enum { SHOWN = 60 };

static bool refuse(const char *text, const char *origin, const char *expected, struct err *err)
{
    return err_set(
        err, ERR_OPTION, "%s: \"%.*s\" is not valid: expected %s", origin, SHOWN, text, expected);
}

static bool begins(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(text, prefix, len) == 0 && text[len];
}

static bool check_api_url(const char *text, const char *origin, struct err *err)
{
    // http:// is for loopback; control/api.c, which parses the URL, sees to that.
    return begins(text, "https://") || begins(text, "http://") ||
           refuse(text, origin, "https://HOST[:PORT]", err);
}

static bool check_state_source(const char *text, const char *origin, struct err *err)
{
    return strcmp(text, "api") == 0 || strcmp(text, "none") == 0 || begins(text, "file:") ||
           refuse(text, origin, "api, file:PATH or none", err);
}

static bool check_dns_server(const char *text, const char *origin, struct err *err)
{
    struct addr addr;
    return addr_from_ip(text, 0, &addr) ||
           (addr_parse(text, &addr, NULL) && addr.any.sa_family != AF_UNIX) ||
           refuse(text, origin, "an IP address, or IP:PORT", err);
}

static bool check_ip(const char *text, const char *origin, struct err *err)
{
    struct addr addr;
    return addr_from_ip(text, 0, &addr) || refuse(text, origin, "an IP address", err);
}

static bool check_cidr(const char *text, const char *origin, struct err *err)
{
    struct cidr cidr;
    return cidr_parse(text, &cidr, err) || err_prefix(err, "%s", origin);
}

static bool check_listen(const char *text, const char *origin, struct err *err)
{
    struct addr addr;
    return addr_parse(text, &addr, err) || err_prefix(err, "%s", origin);
}

static bool check_admin_listen(const char *text, const char *origin, struct err *err)
{
    struct addr addr;
    return strcmp(text, "off") == 0 ||
           (addr_parse(text, &addr, NULL) && addr.any.sa_family != AF_UNIX) ||
           refuse(text, origin, "IP:PORT or off (the unix socket is admin-socket)", err);
}

static bool check_absolute(const char *text, const char *origin, struct err *err)
{
    return text[0] == '/' || strcmp(text, "off") == 0 ||
           refuse(text, origin, "a path from the root, or off", err);
}

static bool check_cluster_id(const char *text, const char *origin, struct err *err)
{
    return text[strspn(text, "0123456789")] == '\0' ||
           refuse(text, origin, "digits, as tidblink clusters shows them", err);
}

// AWS's; a name or a number of Google Cloud's; Azure's resource ID.
static bool check_endpoint_id(const char *text, const char *origin, struct err *err)
{
    enum { NUMBER_MIN = 10 };
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t len = strspn(text, plain);
    bool is_word = text[len] == '\0' && ((*text >= 'a' && *text <= 'z') || len >= NUMBER_MIN);
    return is_word || begins(text, "/subscriptions/") ||
           refuse(text, origin, "vpce-..., a name on Google Cloud, a resource ID on Azure", err);
}

static const struct {
    const char *name;
    bool (*check)(const char *text, const char *origin, struct err *err); // each item of a list
} checks[] = {
    { "api-url", check_api_url },
    { "state-source", check_state_source },
    { "state-dir", check_absolute },
    { "dns-servers", check_dns_server },
    { "allowed-cidrs", check_cidr },
    { "source", check_ip },
    { "admin-listen", check_admin_listen },
    { "admin-socket", check_absolute },
    { "cluster-id", check_cluster_id },
    { "endpoint-id", check_endpoint_id },
    { "listen", check_listen },
    { "via", settings_via_fits },
};

static bool check_value(
    const struct option_row *row, const void *target, const char *origin, struct err *err)
{
    const void *value = (const char *)target + row->offset;
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        if (strcmp(checks[i].name, row->name) != 0)
            continue;
        if (row->type == OPTION_TEXT) {
            const char *text = *(char *const *)value;
            return !text || checks[i].check(text, origin, err);
        }
        const struct option_list *list = value;
        for (size_t item = 0; item < list->count; item++) {
            if (!checks[i].check(list->items[item], origin, err))
                return false;
        }
    }
    return true;
}

bool settings_assign(const struct option_row *row, void *target, const char *text,
    const char *origin, struct err *err)
{
    return option_assign(row, target, text, origin, err) && check_value(row, target, origin, err);
}

bool settings_environment(const struct option_table *table, void *target, struct err *err)
{
    for (size_t i = 0; i < table->count; i++) {
        char name[OPTION_VARIABLE_BYTES];
        const char *text = option_variable(&table->rows[i], "TIDBLINK", name);
        if (text && !settings_assign(&table->rows[i], target, text, name, err))
            return false;
    }
    return true;
}
