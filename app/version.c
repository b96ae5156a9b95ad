// SPDX-License-Identifier: Apache-2.0
//
// Library versions as the loaded libraries tell them, not as the headers did: what a bug report
// needs. Used by --version and the proxy's first log line.
#include "app/version.h"

#include "base/defs.h"
#include "base/log.h"
#include "base/os.h"
#include "resolver/cares.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <openssl/crypto.h>

static const char *cares_version(void)
{
    return ares_version(NULL);
}

static const char *openssl_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

static const char *libcurl_version(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}

static const struct {
    const char *name;
    const char *(*version)(void);
} libraries[] = {
    { "libevent", event_get_version },
    { "openssl", openssl_version },
    { "c-ares", cares_version },
    { "libcurl", libcurl_version },
    { "cjson", cJSON_Version },
};

void version_print(FILE *out)
{
    fprintf(out, "tidblink %s%s%s\n", TIDBLINK_VERSION, *os_build ? " " : "", os_build);
    for (size_t i = 0; i < ARRAY_LEN(libraries); i++)
        fprintf(out, "%s %s\n", libraries[i].name, libraries[i].version());
}

void version_log(struct log_line *line)
{
    log_str(line, "version", TIDBLINK_VERSION);
    if (*os_build)
        log_str(line, "build", os_build);
    for (size_t i = 0; i < ARRAY_LEN(libraries); i++)
        log_str(line, libraries[i].name, libraries[i].version());
}
