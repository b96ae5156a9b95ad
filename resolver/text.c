// SPDX-License-Identifier: Apache-2.0
//
// See text.h. NXDOMAIN, NODATA, SERVFAIL and silence are four different things to the one who has
// to repair them. The causes named are possibilities and are called so.
#include "resolver/text.h"

#include "base/err.h"
#include "resolver/cares.h"

#include <string.h>

const char *text_host(const char *host, char out[TEXT_HOST_BYTES])
{
    static const char more[] = "...";
    const size_t room = TEXT_HOST_BYTES - 1;
    size_t len = strlen(host);
    if (len > 1 && host[len - 1] == '.')
        len--;
    bool fits = len <= room;
    size_t kept = fits ? len : room - (sizeof(more) - 1);
    for (size_t i = 0; i < kept; i++)
        out[i] = host[i] > ' ' && host[i] < 0x7f ? host[i] : '?';
    memcpy(out + kept, fits ? "" : more, fits ? 1 : sizeof(more));
    return out;
}

static const char *answer_name(int status)
{
    switch (status) {
    case ARES_ESERVFAIL:
        return "SERVFAIL";
    case ARES_EREFUSED:
        return "REFUSED";
    case ARES_EFORMERR:
        return "FORMERR";
    case ARES_ENOTIMP:
        return "NOTIMP";
    default:
        return "with a message that makes no sense";
    }
}

void text_failure(
    int status, const char *server, const char *host, uint64_t timeout_ms, struct err *err)
{
    char shown[TEXT_HOST_BYTES];
    text_host(host, shown);
    switch (status) {
    case ARES_ENOTFOUND:
        err_set(err, ERR_DNS_NXDOMAIN,
            "DNS server %s says that %s does not exist (NXDOMAIN). Possible causes: private DNS is "
            "not enabled on the endpoint; this host is in another VPC, region or network; this is "
            "not the VPC's resolver. Run `tidblink doctor`",
            server, shown);
        return;
    case ARES_EBADNAME:
        err_set(err, ERR_DNS_NXDOMAIN, "\"%s\" is not a valid host name. Check the configuration",
            shown);
        return;
    case ARES_ENODATA:
        err_set(err, ERR_DNS_NODATA,
            "DNS server %s knows %s but has no address for it (no A and no AAAA record). "
            "Run `tidblink doctor`",
            server, shown);
        return;
    case ARES_ECONNREFUSED:
        err_set(err, ERR_DNS_TIMEOUT,
            "DNS server %s cannot be reached (connection refused), so %s could not be resolved. "
            "Check resolv.conf or dns-servers, or run `tidblink doctor`",
            server, shown);
        return;
    case ARES_ETIMEOUT:
    case ARES_EDESTRUCTION: // the list of servers was replaced; lookup.c asks a new one
        err_set(err, ERR_DNS_TIMEOUT,
            "DNS server %s did not answer for %s within %llu ms. Check that this host can reach "
            "it, or run `tidblink doctor`",
            server, shown, (unsigned long long)timeout_ms);
        return;
    case ARES_ENOMEM:
        err_set(err, ERR_MEMORY, "out of memory while resolving %s", shown);
        return;
    default:
        err_set(err, ERR_DNS_SERVFAIL,
            "DNS server %s failed to resolve %s: it answered %s. Try again; if it stays so, run "
            "`tidblink doctor`",
            server, shown, answer_name(status));
    }
}

void text_all_silent(const char *servers, const char *host, uint64_t timeout_ms, struct err *err)
{
    char shown[TEXT_HOST_BYTES];
    err_set(err, ERR_DNS_TIMEOUT,
        "none of the DNS servers (%s) answered for %s within %llu ms. Check that this host can "
        "reach them, or run `tidblink doctor`",
        servers, text_host(host, shown), (unsigned long long)timeout_ms);
}
