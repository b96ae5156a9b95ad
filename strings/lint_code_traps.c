// SPDX-License-Identifier: Apache-2.0
//
// What the parameters of drivers that are called from code mean for TLS, and the traps of their
// calls. Data only; lint_rules.c says how a row is read. From the drivers' sources, named above
// each list. The first row of a TLS list that holds counts.
#include "strings/lint_code.h"
#include "strings/lint_macros.h"

#define PLAIN(WHEN)                                                                                \
    {                                                                                              \
        .when = (WHEN), .tls = LINT_TLS_OFF                                                        \
    }
#define MEANS(WHEN, TLS)                                                                           \
    {                                                                                              \
        .when = (WHEN), .tls = (TLS)                                                               \
    }
#define NAME_NOT_CHECKED(WHEN, WHAT, WHY)                                                          \
    {                                                                                              \
        WHEN, LINT_TLS_CA, LINT_WARNING, NOT_VERIFIED, "ssl", WHAT, WHY, NULL                      \
    }
#define NO_PROFILE(WHY)                                                                            \
    {                                                                                              \
        "ssl", LINT_TLS_CLIENT, LINT_ERROR, "tls-profile", "ssl", "ssl is no object", WHY, NULL    \
    }

// mysql2: lib/connection_config.js and lib/base/connection.js, startTLS: rejectUnauthorized is true
// by itself there; the name is looked at only with verifyIdentity.
const struct lint_rule lint_tls_mysql2_code[] = {
    UNVERIFIED("ssl.rejectUnauthorized=false", "ssl.rejectUnauthorized",
        "rejectUnauthorized is false", "itself leave it out and add verifyIdentity: true", NULL,
        NULL),
    MEANS("ssl.verifyIdentity=true", LINT_TLS_IDENTITY),
    MEANS("ssl.verifyIdentity=false", LINT_TLS_CA),
    NAME_NOT_CHECKED("ssl.rejectUnauthorized=true",
        "rejectUnauthorized alone does not check the name",
        "any certificate of the same authority passes, whatever its name; to the cluster itself "
        "add verifyIdentity: true"),
    NAME_NOT_CHECKED("ssl={}", "ssl: {} does not check the name",
        "it trusts the public authorities, which have not signed the cluster's certificate, and "
        "looks at no name: add ca, and to the cluster itself verifyIdentity: true"),
    NAME_NOT_CHECKED("ssl={...}", "the name is not checked",
        "any certificate of the same authority passes; to the cluster itself add verifyIdentity: "
        "true"),
    PLAIN("ssl=false"),
    MEANS("ssl=(expression)", LINT_TLS_CUSTOM),
    NO_PROFILE("a text names one of the driver's own profiles, anything else but an object is "
               "refused: write ssl: { ca, rejectUnauthorized: true, verifyIdentity: true }"),
    PLAIN("!ssl"),
    END,
};

// mysqljs/mysql: lib/ConnectionConfig.js (rejectUnauthorized is true by itself) and
// lib/Connection.js, _startTLS, which has no check of the name.
const struct lint_rule lint_tls_mysqljs_code[] = {
    UNVERIFIED("ssl.rejectUnauthorized=false", "ssl.rejectUnauthorized",
        "rejectUnauthorized is false", "itself leave it out, and give ca", NULL, NULL),
    MEANS("ssl={...}", LINT_TLS_CA),
    MEANS("ssl={}", LINT_TLS_CA),
    PLAIN("ssl=false"),
    MEANS("ssl=(expression)", LINT_TLS_CUSTOM),
    NO_PROFILE("a text names one of the driver's own profiles, anything else but an object is "
               "refused: write ssl: { ca }"),
    PLAIN("!ssl"),
    END,
};

// MariaDB Connector/Node.js: documentation/connection-options.md, "SSL".
const struct lint_rule lint_tls_mariadb_code[] = {
    UNVERIFIED("ssl.rejectUnauthorized=false", "ssl.rejectUnauthorized",
        "rejectUnauthorized is false", "itself leave it out, and give ca", NULL, NULL),
    MEANS("ssl.checkServerIdentity", LINT_TLS_CA),
    MEANS("ssl={...}", LINT_TLS_IDENTITY),
    MEANS("ssl={}", LINT_TLS_IDENTITY),
    MEANS("ssl=true", LINT_TLS_IDENTITY),
    PLAIN("ssl=false"),
    MEANS("ssl=(expression)", LINT_TLS_CUSTOM),
    PLAIN("!ssl"),
    END,
};

const struct lint_rule lint_trap_mariadb_node[] = {
    { "@tls=off !allowPublicKeyRetrieval=true !cachingRsaPublicKey !rsaPublicKey", 0, LINT_WARNING,
        "public-key", NULL, "no allowPublicKeyRetrieval: true",
        "without TLS a user of caching_sha2_password is refused: RSA public key is not available "
        "client side",
        "allowPublicKeyRetrieval=true" },
    END,
};

// Bun: docs/runtime/sql, "TLS".
const struct lint_rule lint_tls_bun_code[] = {
    UNVERIFIED("tls.rejectUnauthorized=false", "tls.rejectUnauthorized",
        "rejectUnauthorized is false", "itself leave it out, and give ca", NULL, NULL),
    MEANS("tls.checkServerIdentity", LINT_TLS_CA),
    MEANS("tls={...}", LINT_TLS_IDENTITY),
    MEANS("tls=true", LINT_TLS_IDENTITY),
    PLAIN("tls=false"),
    MEANS("tls=(expression)", LINT_TLS_CUSTOM),
    END,
};

// PyMySQL: pymysql/connections.py, __init__ and _create_ssl_ctx.
const struct lint_rule lint_tls_pymysql_code[] = {
    PLAIN("ssl_disabled=true"),
    MEANS("ssl_ca ssl_verify_cert=true ssl_verify_identity=true", LINT_TLS_IDENTITY),
    { "ssl_verify_identity=true !ssl_verify_cert=true", LINT_TLS_CLIENT, LINT_ERROR, NOT_VERIFIED,
        "ssl_verify_identity", "ssl_verify_identity without ssl_verify_cert",
        "Python refuses to check a name without a certificate: write ssl_ca, ssl_verify_cert=True "
        "and ssl_verify_identity=True",
        NULL },
    MEANS("ssl_ca ssl_verify_cert=true", LINT_TLS_CA),
    UNVERIFIED("ssl_ca", "ssl_ca", "ssl_ca without ssl_verify_cert verifies nothing",
        "itself write ssl_verify_cert=True and ssl_verify_identity=True", NULL, NULL),
    UNVERIFIED("ssl_verify_cert=true", "ssl_verify_cert", "ssl_verify_cert without ssl_ca",
        "itself name its CA: it is private, and none of the system's knows it", NULL, NULL),
    MEANS("ssl.ca ssl.check_hostname=false", LINT_TLS_CA),
    UNVERIFIED("ssl.verify_mode=false|none|CERT_NONE", "ssl.verify_mode",
        "verify_mode turns verification off", "itself leave it out", NULL, NULL),
    MEANS("ssl.ca", LINT_TLS_IDENTITY),
    { "ssl={}", LINT_TLS_OFF, LINT_ERROR, NOT_VERIFIED, "ssl", "ssl={} turns TLS off",
        "an empty dictionary is false to Python; write ssl_ca, ssl_verify_cert=True and "
        "ssl_verify_identity=True",
        NULL },
    UNVERIFIED("ssl={...}", "ssl", "ssl without ca verifies nothing",
        "itself give it \"ca\": its path", NULL, NULL),
    MEANS("ssl=(expression)", LINT_TLS_CUSTOM),
    UNVERIFIED("ssl=true", "ssl", "ssl=True verifies nothing",
        "itself write ssl_ca, ssl_verify_cert=True and ssl_verify_identity=True", NULL, NULL),
    PLAIN("!ssl"),
    END,
};

// mysqlclient: src/MySQLdb/_mysql.c: ssl and ssl_mode go to mysql_options as they are.
const struct lint_rule lint_tls_mysqlclient_code[] = {
    MODES("ssl_mode", "ssl"),
    UNVERIFIED("ssl.ca", "ssl.ca", "ssl without ssl_mode verifies nothing",
        "itself write ssl_mode=\"VERIFY_IDENTITY\"", NULL, NULL),
    { "!@host=loopback @host", LINT_TLS_CLIENT, LINT_WARNING, "tls-preferred", NULL,
        "nothing is said about TLS", "by itself it asks for TLS; " FALLS_BACK, NULL },
    END,
};

// docs.djangoproject.com, "Persistent connections".
const struct lint_rule lint_trap_django[] = {
    IDLE_CUT("CONN_MAX_AGE>349 !CONN_HEALTH_CHECKS=true", "CONN_MAX_AGE",
        "CONN_MAX_AGE is above 350 seconds", "make it less, or CONN_HEALTH_CHECKS True"),
    IDLE_CUT("CONN_MAX_AGE=None !CONN_HEALTH_CHECKS=true", "CONN_MAX_AGE", "CONN_MAX_AGE is None",
        "make it less than 350, or CONN_HEALTH_CHECKS True"),
    END,
};

// MySQL Connector/Python: mysql/connector/abstracts.py and network.py.
const struct lint_rule lint_tls_connector_python_code[] = {
    PLAIN("ssl_disabled=true"),
    MEANS("ssl_ca ssl_verify_cert=true ssl_verify_identity=true", LINT_TLS_IDENTITY),
    MEANS("ssl_ca ssl_verify_cert=true", LINT_TLS_CA),
    UNVERIFIED("ssl_ca", "ssl_ca", "ssl_ca without ssl_verify_cert verifies nothing",
        "itself write ssl_verify_cert=True and ssl_verify_identity=True", NULL, NULL),
    { "ssl_verify_cert=true", LINT_TLS_UNVERIFIED, LINT_ERROR, NOT_VERIFIED, "ssl_verify_cert",
        "ssl_verify_cert without ssl_ca", "there is no CA to verify it with: name it by ssl_ca",
        NULL },
    { "!@host=loopback @host", LINT_TLS_CLIENT, LINT_WARNING, "tls-preferred", NULL,
        "nothing is said about TLS", "by itself it asks for TLS; " FALLS_BACK, NULL },
    END,
};

// aiomysql, asyncmy: an SSLContext or nothing.
const struct lint_rule lint_tls_context_code[] = {
    MEANS("ssl=(expression)", LINT_TLS_CUSTOM),
    { "ssl=true|{...}|{}", LINT_TLS_CLIENT, LINT_ERROR, "tls-profile", "ssl",
        "ssl is no SSLContext",
        "this driver takes ssl.create_default_context(cafile=...) and nothing else", NULL },
    PLAIN("!ssl"),
    PLAIN("ssl=false|None"),
    END,
};

// PHP: ext/mysqlnd/mysqlnd_vio.c; the manual's mysqli::real_connect and mysqli::options.
const struct lint_rule lint_tls_mysqli_code[] = {
    UNVERIFIED("flags=MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT", "flags",
        "MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT", "itself write MYSQLI_CLIENT_SSL", NULL, NULL),
    UNVERIFIED("MYSQLI_OPT_SSL_VERIFY_SERVER_CERT=false", "MYSQLI_OPT_SSL_VERIFY_SERVER_CERT",
        "MYSQLI_OPT_SSL_VERIFY_SERVER_CERT is false", "itself set it to true", NULL, NULL),
    MEANS("MYSQLI_OPT_SSL_VERIFY_SERVER_CERT=true ssl_ca", LINT_TLS_IDENTITY),
    MEANS("ssl_ca", LINT_TLS_CUSTOM),
    MEANS("flags=MYSQLI_CLIENT_SSL", LINT_TLS_CUSTOM),
    MEANS("MYSQL_CLIENT_FLAGS", LINT_TLS_CUSTOM),
    MEANS("flags=(expression)", LINT_TLS_CUSTOM),
    PLAIN("@host"),
    END,
};

// mysql2 (Ruby): lib/mysql2/client.rb.
const struct lint_rule lint_tls_ruby_code[] = {
    MODES("ssl_mode", "sslca"),
    MODES("tls_mode", "tls_ca"),
    UNVERIFIED("sslca", "sslca", "sslca without ssl_mode verifies nothing",
        "itself write ssl_mode: :verify_identity", NULL, NULL),
    UNVERIFIED("sslverify=true", "sslverify", "sslverify without sslca",
        "itself write ssl_mode: :verify_identity and sslca", NULL, NULL),
    { "!@host=loopback @host", LINT_TLS_CLIENT, LINT_WARNING, "tls-preferred", NULL,
        "nothing is said about TLS", "by itself it asks for TLS; " FALLS_BACK, NULL },
    END,
};

// trilogy: contrib/ruby/ext/trilogy-ruby/cext.c, rb_trilogy_connect.
const struct lint_rule lint_tls_trilogy_code[] = {
    MEANS("ssl_mode=SSL_VERIFY_IDENTITY|4", LINT_TLS_IDENTITY),
    MEANS("ssl_mode=SSL_VERIFY_CA|3", LINT_TLS_CA),
    MEANS("ssl_mode=SSL_DISABLED|1", LINT_TLS_OFF),
    UNVERIFIED("ssl_mode", "ssl_mode", "this ssl_mode does not verify the server",
        "itself write Trilogy::SSL_VERIFY_IDENTITY", NULL, NULL),
    UNVERIFIED("ssl=true", "ssl", "ssl: true alone verifies nothing",
        "itself write ssl_mode: Trilogy::SSL_VERIFY_IDENTITY and ssl_ca", NULL, NULL),
    PLAIN("@host"),
    END,
};

#define C_MODES(NAME)                                                                              \
    MEANS(NAME "=SSL_MODE_DISABLED", LINT_TLS_OFF),                                                \
        MEANS(NAME "=SSL_MODE_VERIFY_IDENTITY", LINT_TLS_IDENTITY),                                \
        MEANS(NAME "=SSL_MODE_VERIFY_CA", LINT_TLS_CA),                                            \
        UNVERIFIED(NAME "=SSL_MODE_REQUIRED", NAME,                                                \
            "SSL_MODE_REQUIRED does not verify the server",                                        \
            "itself write SSL_MODE_VERIFY_IDENTITY", NULL, NULL),                                  \
        MEANS(NAME "=(expression)", LINT_TLS_CUSTOM)
#define C_PREFERRED                                                                                \
    {                                                                                              \
        "!@host=loopback @host", LINT_TLS_CLIENT, LINT_WARNING, "tls-preferred", NULL,             \
            "nothing is said about TLS", "by itself it asks for TLS; " FALLS_BACK, NULL            \
    }

// dev.mysql.com, C API, mysql_options.
const struct lint_rule lint_tls_c_code[] = {
    C_MODES("MYSQL_OPT_SSL_MODE"),
    UNVERIFIED("MYSQL_OPT_SSL_CA", "MYSQL_OPT_SSL_CA",
        "MYSQL_OPT_SSL_CA without MYSQL_OPT_SSL_MODE verifies nothing",
        "itself set SSL_MODE_VERIFY_IDENTITY", NULL, NULL),
    C_PREFERRED,
    END,
};
const struct lint_rule lint_trap_c[] = {
    { "@tls=off !MYSQL_OPT_GET_SERVER_PUBLIC_KEY !MYSQL_SERVER_PUBLIC_KEY", 0, LINT_WARNING,
        "public-key", NULL, "no MYSQL_OPT_GET_SERVER_PUBLIC_KEY",
        "without TLS a user of caching_sha2_password is refused: Authentication requires secure "
        "connection",
        "MYSQL_OPT_GET_SERVER_PUBLIC_KEY=true" },
    { "@tls=client @host=loopback !MYSQL_OPT_GET_SERVER_PUBLIC_KEY !MYSQL_SERVER_PUBLIC_KEY", 0,
        LINT_WARNING, "public-key", NULL, "no MYSQL_OPT_GET_SERVER_PUBLIC_KEY", LEG_IS_PLAIN,
        "MYSQL_OPT_GET_SERVER_PUBLIC_KEY=true" },
    END,
};
const struct lint_rule lint_tls_cpp_code[] = {
    C_MODES("OPT_SSL_MODE"),
    UNVERIFIED("OPT_SSL_CA", "OPT_SSL_CA", "OPT_SSL_CA without OPT_SSL_MODE verifies nothing",
        "itself set SSL_MODE_VERIFY_IDENTITY", NULL, NULL),
    C_PREFERRED,
    END,
};
const struct lint_rule lint_trap_cpp[] = {
    { "@tls=off !OPT_GET_SERVER_PUBLIC_KEY", 0, LINT_WARNING, "public-key", NULL,
        "no OPT_GET_SERVER_PUBLIC_KEY",
        "without TLS a user of caching_sha2_password is refused: Authentication requires secure "
        "connection",
        "OPT_GET_SERVER_PUBLIC_KEY=true" },
    { "@tls=client @host=loopback !OPT_GET_SERVER_PUBLIC_KEY", 0, LINT_WARNING, "public-key", NULL,
        "no OPT_GET_SERVER_PUBLIC_KEY", LEG_IS_PLAIN, "OPT_GET_SERVER_PUBLIC_KEY=true" },
    END,
};
// MariaDB Connector/C: include/mysql.h, mysql_optionsv.
const struct lint_rule lint_tls_mariadb_c_code[] = {
    MEANS("MYSQL_OPT_SSL_VERIFY_SERVER_CERT=1|true", LINT_TLS_IDENTITY),
    UNVERIFIED("MYSQL_OPT_SSL_CA", "MYSQL_OPT_SSL_CA",
        "MYSQL_OPT_SSL_CA alone verifies nothing before 3.4",
        "itself set MYSQL_OPT_SSL_VERIFY_SERVER_CERT", NULL, NULL),
    PLAIN("MYSQL_OPT_SSL_ENFORCE=0|false"),
    { "@host=loopback", LINT_TLS_CLIENT, LINT_WARNING, "tls-demanded", NULL,
        "nothing turns TLS off",
        "from 3.4 on the library demands TLS, which the proxy's listener has only with client-tls",
        NULL },
    C_PREFERRED,
    END,
};

// RMariaDB: R/MariaDBDriver.R: paths only, no mode; MariaDB's library behind it.
const struct lint_rule lint_tls_r_code[] = {
    MEANS("ssl.ca", LINT_TLS_CA),
    C_PREFERRED,
    END,
};

// MySQL.jl: src/MySQL.jl, setoptions!
const struct lint_rule lint_tls_julia_code[] = {
    MEANS("ssl_verify_server_cert=true", LINT_TLS_IDENTITY),
    UNVERIFIED("ssl_ca", "ssl_ca", "ssl_ca alone verifies nothing",
        "itself write ssl_enforce = true and ssl_verify_server_cert = true", NULL, NULL),
    UNVERIFIED("ssl_enforce=true", "ssl_enforce", "ssl_enforce alone verifies nothing",
        "itself write ssl_verify_server_cert = true and ssl_ca", NULL, NULL),
    PLAIN("ssl_enforce=false"),
    C_PREFERRED,
    END,
};

// vapor/mysql-kit: MySQLConfiguration.swift.
const struct lint_rule lint_tls_swift_code[] = {
    PLAIN("tlsConfiguration=nil"),
    MEANS("tlsConfiguration", LINT_TLS_CUSTOM),
    END,
};

// MyXQL: lib/myxql.ex, :ssl; Erlang's ssl.
const struct lint_rule lint_tls_elixir_code[] = {
    UNVERIFIED("ssl.verify=verify_none", "ssl.verify", "verify: :verify_none",
        "itself write verify: :verify_peer with cacertfile", NULL, NULL),
    MEANS("ssl.verify=verify_peer ssl.server_name_indication=disable", LINT_TLS_CA),
    MEANS("ssl.verify=verify_peer", LINT_TLS_IDENTITY),
    { "ssl=true", LINT_TLS_UNVERIFIED, LINT_ERROR, NOT_VERIFIED, "ssl",
        "ssl: true verifies nothing before OTP 26",
        "write ssl: [cacertfile: ..., verify: :verify_peer]", NULL },
    UNVERIFIED("ssl={...}", "ssl",
        "ssl without verify: :verify_peer verifies nothing before OTP 26",
        "itself write it, with cacertfile", NULL, NULL),
    PLAIN("ssl=false"),
    PLAIN("!ssl"),
    END,
};

// DuckDB's mysql extension: duckdb.org/docs, "MySQL Extension", and src/mysql_utils.cpp.
const struct lint_rule lint_tls_duckdb_code[] = {
    MODES("SSL_MODE", "SSL_CA"),
    UNVERIFIED("SSL_CA", "SSL_CA", "SSL_CA without SSL_MODE verifies nothing",
        "itself write SSL_MODE 'verify_identity'", NULL, NULL),
    C_PREFERRED,
    END,
};

// What a window calls its modes (read_window.c) in the words of MySQL's library.
const struct lint_rule lint_tls_window[] = {
    MEANS("ssl-mode=DISABLED", LINT_TLS_OFF),
    MEANS("ssl-mode=VERIFY_IDENTITY", LINT_TLS_IDENTITY),
    MEANS("ssl-mode=VERIFY_CA", LINT_TLS_CA),
    MEANS("ssl-mode=REQUIRED ca", LINT_TLS_CA),
    UNVERIFIED("ssl-mode=REQUIRED", "ssl-mode", "TLS without verification",
        "itself choose the verification of the certificate and its name, and give the CA's file",
        NULL, NULL),
    { "ssl-mode=PREFERRED", LINT_TLS_CLIENT, LINT_WARNING, NOT_VERIFIED, "ssl-mode",
        "TLS if it is available", FALLS_BACK, NULL },
    END,
};

// grafana.com/docs, "MySQL data source", provisioning: jsonData.
const struct lint_rule lint_tls_grafana[] = {
    UNVERIFIED("tlsSkipVerify=true", "tlsSkipVerify", "tlsSkipVerify accepts every certificate",
        "itself write tlsAuthWithCACert: true and tlsCACert", NULL, NULL),
    MEANS("tlsAuthWithCACert=true", LINT_TLS_IDENTITY),
    PLAIN("@host"),
    END,
};

// vscode-sqltools, packages/driver.mysql: mysqlOptions.ssl goes to the driver as it is.
const struct lint_rule lint_tls_vscode_code[] = {
    UNVERIFIED("ssl.rejectUnauthorized=false", "ssl.rejectUnauthorized",
        "rejectUnauthorized is false", "itself leave it out, and give ca", NULL, NULL),
    MEANS("ssl.ca", LINT_TLS_CA),
    PLAIN("enableSsl=Disabled"),
    END,
};

// TiDB Lightning: docs.pingcap.com, "TiDB Lightning Configuration", tidb.tls.
const struct lint_rule lint_tls_lightning_code[] = {
    PLAIN("tls=false"),
    UNVERIFIED("tls=skip-verify", "tls", "tls = \"skip-verify\" accepts every certificate",
        "itself write tls = \"cluster\" and ca-path", NULL, NULL),
    { "tls=preferred", LINT_TLS_CLIENT, LINT_WARNING, NOT_VERIFIED, "tls",
        "tls = \"preferred\" does not insist on TLS", FALLS_BACK, NULL },
    MEANS("tls=cluster", LINT_TLS_IDENTITY),
    END,
};
