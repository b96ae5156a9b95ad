// SPDX-License-Identifier: Apache-2.0
//
// Checks requests for connection strings: first against what no client could carry, then against
// the limits of one client. Everything that a string could only say wrongly ends here, with the
// reason. Pure; called by strings.c.
#include "strings/request.h"

#include "strings/template.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

enum { HOST_BYTES = 253, USER_BYTES = 128, DATABASE_BYTES = 256, PATH_BYTES = 4095 };

static bool is_text(const char *what, const char *text, size_t max_bytes, struct err *err)
{
    size_t len = strlen(text);
    if (!len)
        return err_set(err, ERR_USAGE, "the %s is empty", what);
    if (len > max_bytes)
        return err_set(err, ERR_USAGE, "the %s has %zu bytes: at most %zu", what, len, max_bytes);
    if (!encode_is_utf8(text, len))
        return err_set(err, ERR_USAGE, "the %s is not valid UTF-8", what);
    if (encode_has_control(text))
        return err_set(err, ERR_USAGE, "the %s holds control characters", what);
    return true;
}

static bool is_path(const char *what, const char *path, size_t max_bytes, struct err *err)
{
    if (!is_text(what, path, max_bytes, err))
        return false;
    // Clients change directory; some take a relative name for a host.
    return *path == '/' ||
           err_set(err, ERR_USAGE, "the %s must be an absolute path: \"%s\"", what, path);
}

bool request_host_is_address(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

// Strict, because the host stands unencoded in every format.
static bool is_host(const char *what, const char *host, struct err *err)
{
    if (!is_text(what, host, HOST_BYTES, err))
        return false;
    if (request_host_is_address(host))
        return true;
    size_t len = strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._");
    return (!host[len] && *host != '-') ||
           err_set(
               err, ERR_USAGE, "the %s is neither a name nor an IP address: \"%s\"", what, host);
}

// 127.0.0.1 and never localhost, which means the unix socket to libmysqlclient and its kin, and ::1
// to others; a wildcard is where a proxy listens, not where a client can connect on every system.
static bool settle_host(struct string_request *out, struct err *err)
{
    if (!out->host)
        return err_set(err, ERR_USAGE, "a host or a unix socket is needed");
    if (!is_host("host", out->host, err))
        return false;
    if (!out->port)
        return err_set(err, ERR_USAGE, "the port is missing");
    bool is_localhost = !strcasecmp(out->host, "localhost");
    if (out->direct)
        return !is_localhost ||
               err_set(err, ERR_USAGE,
                   "\"localhost\" means a unix socket to many clients: give the address instead");
    if (is_localhost || !strcmp(out->host, "0.0.0.0"))
        out->host = "127.0.0.1";
    if (!strcmp(out->host, "::"))
        out->host = "::1";
    return true;
}

// Behind settle_host.
static bool settle_tls(struct string_request *out, struct err *err)
{
    if (out->tls != STRING_TLS_VERIFY_IDENTITY && out->tls != STRING_TLS_VERIFY_CA) {
        out->ca_path = NULL;
        out->tls_name = NULL;
        return true;
    }
    if (out->ca_path && !is_text("CA path", out->ca_path, PATH_BYTES, err))
        return false;
    if (out->tls == STRING_TLS_VERIFY_CA || !out->tls_name)
        out->tls_name = out->host;
    return is_host("TLS name", out->tls_name, err);
}

static bool settle_tcp(struct string_request *out, struct err *err)
{
    return settle_host(out, err) && settle_tls(out, err);
}

static bool settle_socket(struct string_request *out, struct err *err)
{
    struct sockaddr_un address;
    if (!is_path("unix socket", out->socket, sizeof(address.sun_path) - 1, err))
        return false;
    if (out->direct)
        return err_set(
            err, ERR_USAGE, "a unix socket leads to the proxy, never straight to a cluster");
    if (out->tls == STRING_TLS_VERIFY_IDENTITY || out->tls == STRING_TLS_VERIFY_CA)
        return err_set(err, ERR_USAGE,
            "a unix socket ends on this machine and its clients verify no certificate there: "
            "turn TLS off, or use the TCP listener");
    out->host = NULL;
    out->port = 0;
    out->ca_path = NULL;
    out->tls_name = NULL;
    return true;
}

// MySQL trims blanks behind a name, Java's drivers on both sides of it.
static bool is_database(const char *name, struct err *err)
{
    if (!is_text("database", name, DATABASE_BYTES, err))
        return false;
    return (*name != ' ' && name[strlen(name) - 1] != ' ') ||
           err_set(err, ERR_USAGE, "the database's name begins or ends with a blank: \"%s\"", name);
}

bool request_settle(const struct string_request *asked, struct string_request *out, struct err *err)
{
    struct string_request settled = *asked;
    if (!settled.user)
        return err_set(err, ERR_USAGE, "the user is missing");
    if (!is_text("user", settled.user, USER_BYTES, err))
        return false;
    if (settled.password &&
        !strings_check_password(settled.password, strlen(settled.password), err))
        return false;
    if (settled.database && !is_database(settled.database, err))
        return false;
    if (!(settled.socket ? settle_socket(&settled, err) : settle_tcp(&settled, err)))
        return false;
    *out = settled;
    return true;
}

static const char *field_value(const struct string_request *request, enum string_field field)
{
    const char *const values[STRING_FIELDS] = {
        [STRING_HOST] = request->host,
        [STRING_SOCKET] = request->socket,
        [STRING_USER] = request->user,
        [STRING_PASSWORD] = request->password,
        [STRING_DATABASE] = request->database,
        [STRING_CA] = request->ca_path,
        [STRING_TLS_NAME] = request->tls_name,
    };
    return values[field];
}

// Of a name they are refused for every client.
static bool keeps_blanks(
    const struct string_client *client, const struct string_request *request, struct err *err)
{
    const char *password = request->password;
    if (!client->trims || !password || !*password ||
        (*password != ' ' && password[strlen(password) - 1] != ' '))
        return true;
    return err_set(err, ERR_USAGE,
        "%s: its string cannot carry a password with blanks at its ends: %s: set the password in "
        "code",
        client->name, client->trims);
}

static bool keeps_limits(
    const struct string_client *client, const struct string_request *request, struct err *err)
{
    for (const struct string_limit *limit = client->limits; limit && limit->text; limit++) {
        const char *value = field_value(request, limit->field);
        if (value && strstr(value, limit->text))
            return err_set(err, ERR_USAGE, "%s: its string cannot carry a %s with '%s': %s",
                client->name, template_field_name(limit->field), limit->text, limit->why);
    }
    return true;
}

static bool can_verify(
    const struct string_client *client, const struct string_request *request, struct err *err)
{
    if (request->tls != STRING_TLS_VERIFY_IDENTITY)
        return true;
    if (strcasecmp(request->tls_name, request->host) != 0 && !client->any_tls_name)
        return err_set(err, ERR_USAGE,
            "%s: it compares the certificate with the name that it dials (%s), the server's is for "
            "%s: verify only the CA, or let the proxy speak TLS to the cluster",
            client->name, request->host, request->tls_name);
    if (client->no_ip_identity && request_host_is_address(request->tls_name))
        return err_set(err, ERR_USAGE, "%s: %s", client->name, client->no_ip_identity);
    return true;
}

bool request_suits(
    const struct string_client *client, const struct string_request *request, struct err *err)
{
    if (request->socket && !client->socket)
        return err_set(err, ERR_USAGE, "%s: %s", client->name, client->no_socket);
    const char *why_not = client->tls[request->tls].why_not;
    if (why_not)
        return err_set(err, ERR_USAGE, "%s: %s", client->name, why_not);
    return can_verify(client, request, err) && keeps_limits(client, request, err) &&
           keeps_blanks(client, request, err);
}

void request_authority(const struct string_request *request, char out[REQUEST_AUTHORITY_BYTES])
{
    const char *host = request->host ? request->host : "";
    bool is_ipv6 = strchr(host, ':');
    snprintf(out, REQUEST_AUTHORITY_BYTES, is_ipv6 ? "[%s]:%u" : "%s:%u", host, request->port);
}
