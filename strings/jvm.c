// SPDX-License-Identifier: Apache-2.0
//
// JDBC drivers. Data only.
#include "strings/client.h"

#include "base/defs.h"

#define MARIADB_PLAIN "its URL is read without decoding, so a value ends there"
#define MARIADB_ADDRESS "it looks for address lists in the whole URL"

// Neither driver decodes a URL like the other: Connector/J passes every value through
// java.net.URLDecoder (ConnectionUrlParser), MariaDB's takes them as they stand (Configuration).
static const struct string_limit mariadb_limits[] = {
    { STRING_PASSWORD, "&", MARIADB_PLAIN ": pass the password by java.util.Properties" },
    { STRING_USER, "&", MARIADB_PLAIN ": pass the user by java.util.Properties" },
    { STRING_DATABASE, "?", MARIADB_PLAIN },
    { STRING_CA, "&", MARIADB_PLAIN },
    { STRING_SOCKET, "&", MARIADB_PLAIN },
    { STRING_PASSWORD, "address=(", MARIADB_ADDRESS ": pass the password by java.util.Properties" },
    { STRING_USER, "address=(", MARIADB_ADDRESS ": pass the user by java.util.Properties" },
    { STRING_DATABASE, "address=(", MARIADB_ADDRESS },
    { STRING_CA, "address=(", MARIADB_ADDRESS },
    { STRING_SOCKET, "address=(", MARIADB_ADDRESS },
    { 0 },
};

// The trust store holds certificates only; its password keeps nothing secret, but Connector/J
// cannot open a store without one.
#define TRUST_STORE                                                                                \
    "&trustCertificateKeyStoreUrl=file:$fileurl(ca).p12&trustCertificateKeyStoreType=PKCS12"       \
    "&trustCertificateKeyStorePassword=changeit"
#define TRUST_STORE_SETUP                                                                          \
    "keytool -importcert -noprompt -alias tidb -file $shell(ca) -keystore $shell(ca).p12"          \
    " -storetype PKCS12 -storepass changeit"

// MariaDB Connector/J 2 (Debian 12's libmariadb-java) ignores sslMode without a word and goes on in
// plaintext; version 3 takes both spellings to mean the same.
#define MARIADB_2_TLS "&useSsl=true"

static const struct string_client clients[] = {
    {
        .id = "jdbc",
        .also = "mysqlconnectorj mysql_connector_java connector-j datagrip",
        .name = "MySQL Connector/J",
        .language = "Java",
        .kind = STRING_DRIVER,
        .encoding = ENCODING_PERCENT,
        .tcp = "jdbc:mysql://$authority/$?database{$database$}?user=$user&password=$password$tls",
        .no_socket = "it has no unix sockets of its own: use the TCP listener",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "&sslMode=DISABLED&allowPublicKeyRetrieval=true" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "&sslMode=VERIFY_IDENTITY" TRUST_STORE,
                                             .setup = TRUST_STORE_SETUP },
            [STRING_TLS_VERIFY_CA] = { .piece = "&sslMode=VERIFY_CA" TRUST_STORE,
                                       .setup = TRUST_STORE_SETUP },
        },
        .notes = "Values are URL-decoded: + becomes a blank, a lone % is an error.\n"
                 "It reads Java key stores only, no PEM: import the CA first.\n"
                 "In XML write every & as &amp;.",
    },
    {
        .id = "jdbc-mariadb",
        .also = "mariadbconnectorj mariadb-java",
        .name = "MariaDB Connector/J",
        .language = "Java",
        .kind = STRING_DRIVER,
        .encoding = ENCODING_RAW,
        .tcp = "jdbc:mariadb://$authority/$?database{$database$}?user=$user&password=$password$tls",
        .socket = "jdbc:mariadb://localhost/$?database{$database$}"
                  "?localSocket=$socket&user=$user&password=$password$tls",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "&sslMode=disable&allowPublicKeyRetrieval=true" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "&sslMode=verify-full" MARIADB_2_TLS
                                                      "&serverSslCert=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "&sslMode=verify-ca" MARIADB_2_TLS
                                                "&disableSslHostnameVerification=true"
                                                "&serverSslCert=$ca" },
        },
        .limits = mariadb_limits,
        .notes = "It does not decode its URL: values stand in it as they are.\n"
                 "A unix socket needs the library net.java.dev.jna:jna-platform in the class path.\n"
                 "In XML write every & as &amp;.",
    },
};

const struct string_shelf jvm_shelf = { clients, ARRAY_LEN(clients) };
