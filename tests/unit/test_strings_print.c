// SPDX-License-Identifier: Apache-2.0
//
// Golden strings of every client for both targets, the refusals with their reasons, and what must
// hold for each row of the catalogue.
#include "base/os.h"
#include "strings/strings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HOST "privatelink-19.abc.clusters.tidb-cloud.com"
#define PROXY                                                                                      \
    {                                                                                              \
        .host = "localhost", .port = 4000, .user = "root", .database = "test"                      \
    }
#define SOCKET                                                                                     \
    {                                                                                              \
        .socket = "/run/tidblink/c1.sock", .user = "root", .database = "test"                      \
    }
#define DIRECT(MODE)                                                                               \
    {                                                                                              \
        .host = HOST, .port = 4000, .user = "root", .database = "test", .direct = true,            \
        .tls = STRING_TLS_##MODE, .ca_path = "/etc/tidb/ca.pem"                                    \
    }
#define WITH_PASSWORD(TEXT)                                                                        \
    {                                                                                              \
        .host = "127.0.0.1", .port = 4000, .user = "root", .password = (TEXT)                      \
    }

// clang-format off
static const struct {
    const char *client;
    struct string_request request;
    const char *text;
} golden[] = {
    { "params", PROXY, "HOST      127.0.0.1\nPORT      4000\nUSERNAME  root\nPASSWORD  <PASSWORD>\nDATABASE  test\nTLS       off" },
    { "params", SOCKET, "SOCKET    /run/tidblink/c1.sock\nUSERNAME  root\nPASSWORD  <PASSWORD>\nDATABASE  test\nTLS       off" },
    { "params", DIRECT(VERIFY_CA), "HOST      " HOST "\nPORT      4000\nUSERNAME  root\nPASSWORD  <PASSWORD>\nDATABASE  test\nTLS       verify the certificate, not its name\nCA        /etc/tidb/ca.pem" },
    { "url", PROXY, "mysql://root:<PASSWORD>@127.0.0.1:4000/test" },
    { "url", DIRECT(VERIFY_IDENTITY), "mysql://root:<PASSWORD>@" HOST ":4000/test?ssl-mode=VERIFY_IDENTITY&ssl-ca=%2Fetc%2Ftidb%2Fca.pem" },
    { "mysql", PROXY, "mysql --comments -u root -h 127.0.0.1 -P 4000 -D test --ssl-mode=DISABLED --get-server-public-key -p" },
    { "mysql", SOCKET, "mysql --comments -u root -S /run/tidblink/c1.sock -D test --ssl-mode=DISABLED --get-server-public-key -p" },
    { "mysql", DIRECT(VERIFY_IDENTITY), "mysql --comments -u root -h " HOST " -P 4000 -D test --ssl-mode=VERIFY_IDENTITY --ssl-ca=/etc/tidb/ca.pem -p" },
    { "mysql", DIRECT(CLIENT), "mysql --comments -u root -h " HOST " -P 4000 -D test -p" },
    { "mariadb", PROXY, "mariadb --comments -u root -h 127.0.0.1 -P 4000 -D test --skip-ssl -p" },
    { "mariadb", SOCKET, "mariadb --comments -u root -S /run/tidblink/c1.sock -D test --skip-ssl -p" },
    { "mariadb", DIRECT(VERIFY_IDENTITY), "mariadb --comments -u root -h " HOST " -P 4000 -D test --ssl-verify-server-cert --ssl-ca=/etc/tidb/ca.pem -p" },
    { "jdbc", PROXY, "jdbc:mysql://127.0.0.1:4000/test?user=root&password=<PASSWORD>&sslMode=DISABLED&allowPublicKeyRetrieval=true" },
    { "jdbc", DIRECT(VERIFY_IDENTITY), "jdbc:mysql://" HOST ":4000/test?user=root&password=<PASSWORD>&sslMode=VERIFY_IDENTITY&trustCertificateKeyStoreUrl=file:/etc/tidb/ca.pem.p12&trustCertificateKeyStoreType=PKCS12&trustCertificateKeyStorePassword=changeit" },
    { "jdbc-mariadb", PROXY, "jdbc:mariadb://127.0.0.1:4000/test?user=root&password=<PASSWORD>&sslMode=disable&allowPublicKeyRetrieval=true" },
    { "jdbc-mariadb", SOCKET, "jdbc:mariadb://localhost/test?localSocket=/run/tidblink/c1.sock&user=root&password=<PASSWORD>&sslMode=disable&allowPublicKeyRetrieval=true" },
    { "jdbc-mariadb", DIRECT(VERIFY_IDENTITY), "jdbc:mariadb://" HOST ":4000/test?user=root&password=<PASSWORD>&sslMode=verify-full&useSsl=true&serverSslCert=/etc/tidb/ca.pem" },
    { "go", PROXY, "root:<PASSWORD>@tcp(127.0.0.1:4000)/test?parseTime=true" },
    { "go", SOCKET, "root:<PASSWORD>@unix(/run/tidblink/c1.sock)/test?parseTime=true" },
    { "go", DIRECT(VERIFY_IDENTITY), "root:<PASSWORD>@tcp(" HOST ":4000)/test?parseTime=true&tls=tidb" },
    { "pymysql", PROXY, "pymysql.connect(host=\"127.0.0.1\", port=4000, user=\"root\", password=\"<PASSWORD>\", database=\"test\", ssl_disabled=True)" },
    { "pymysql", SOCKET, "pymysql.connect(unix_socket=\"/run/tidblink/c1.sock\", user=\"root\", password=\"<PASSWORD>\", database=\"test\", ssl_disabled=True)" },
    { "pymysql", DIRECT(VERIFY_CA), "pymysql.connect(host=\"" HOST "\", port=4000, user=\"root\", password=\"<PASSWORD>\", database=\"test\", ssl_ca=\"/etc/tidb/ca.pem\", ssl_verify_cert=True, ssl_verify_identity=False)" },
    { "pymysql", WITH_PASSWORD("pässwörd"), "pymysql.connect(host=\"127.0.0.1\", port=4000, user=\"root\", password=\"pässwörd\".encode(), ssl_disabled=True)" },
    { "mysql2", PROXY, "mysql.createConnection({ host: \"127.0.0.1\", port: 4000, user: \"root\", password: \"<PASSWORD>\", database: \"test\" })" },
    { "mysql2", SOCKET, "mysql.createConnection({ socketPath: \"/run/tidblink/c1.sock\", user: \"root\", password: \"<PASSWORD>\", database: \"test\" })" },
    { "mysql2", DIRECT(VERIFY_IDENTITY), "mysql.createConnection({ host: \"" HOST "\", port: 4000, user: \"root\", password: \"<PASSWORD>\", database: \"test\", ssl: { ca: fs.readFileSync(\"/etc/tidb/ca.pem\"), rejectUnauthorized: true, verifyIdentity: true } })" },
    { "mysql2-url", SOCKET, "mysql://root:<PASSWORD>@localhost/test?socketPath=%2Frun%2Ftidblink%2Fc1.sock" },
    { "mysql2-url", DIRECT(VERIFY_IDENTITY), "mysql://root:<PASSWORD>@" HOST ":4000/test?ssl=%7B%22rejectUnauthorized%22%3Atrue%2C%22verifyIdentity%22%3Atrue%7D" },
    { "url", { .host = "::", .port = 4000, .user = "a b" }, "mysql://a%20b:<PASSWORD>@[::1]:4000/" },
    { "url", WITH_PASSWORD(""), "mysql://root:@127.0.0.1:4000/" },
    { "mysql", { .host = "0.0.0.0", .port = 1, .user = "it's" }, "mysql --comments -u 'it'\\''s' -h 127.0.0.1 -P 1 --ssl-mode=DISABLED --get-server-public-key -p" },
};

static const struct {
    const char *client;
    struct string_request request;
    const char *reason; // a part of the error's text
} refused[] = {
    { "go", { .host = "h", .port = 1, .user = "a:b" }, "cannot carry a user with ':'" },
    { "go", { .socket = "/run/@x", .user = "root" }, "last '@'" },
    { "go", DIRECT(VERIFY_CA), "crypto/tls" },
    { "jdbc-mariadb", WITH_PASSWORD("a&b"), "java.util.Properties" },
    { "jdbc-mariadb", { .host = "h", .port = 1, .user = "a", .database = "a?b" }, "cannot carry a database with '?'" },
    { "jdbc", SOCKET, "no unix sockets" },
    { "url", SOCKET, "no common form" },
    { "mariadb", DIRECT(VERIFY_CA), "use verify-identity" },
    { "mysql2-url", { .host = "::1", .port = 4000, .user = "root" }, "brackets" },
    { "mysql2", { .host = "10.0.0.1", .port = 4000, .user = "root", .direct = true, .tls = STRING_TLS_VERIFY_IDENTITY }, "IP address" },
    { "mysql", { .host = "127.0.0.1", .port = 4000, .user = "root", .tls = STRING_TLS_VERIFY_IDENTITY, .tls_name = HOST }, "verify only the CA" },
    { "hibernate", WITH_PASSWORD(" a"), "trims what stands between the tags" },
    { "flyway", WITH_PASSWORD("a "), "trims its settings" },
    { "flyway", WITH_PASSWORD("a${b.c}"), "with '${'" },
    { "params", WITH_PASSWORD("a\nb"), "the password: control characters" },
    { "mysql", WITH_PASSWORD("\xff"), "not valid UTF-8" },
    { "mysql", { .host = "h", .port = 1 }, "user is missing" },
    { "mysql", { .host = "h", .port = 1, .user = "" }, "user is empty" },
    { "mysql", { .host = "h", .port = 1, .user = "a\x1b[2J" }, "user holds control characters" },
    { "mysql", { .host = "h", .port = 1, .user = "\xc3" }, "user is not valid UTF-8" },
    { "mysql", { .host = "h", .port = 1, .user = "a", .database = "test " }, "begins or ends with a blank" },
    { "mysql", { .host = "h", .port = 1, .user = "a", .database = "" }, "database is empty" },
    { "mysql", { .host = "h", .user = "a" }, "port is missing" },
    { "mysql", { .user = "a" }, "a host or a unix socket" },
    { "mysql", { .host = "a;rm", .port = 1, .user = "a" }, "neither a name nor an IP address" },
    { "mysql", { .host = "-h", .port = 1, .user = "a" }, "neither a name nor an IP address" },
    { "mysql", { .host = "[::1]", .port = 1, .user = "a" }, "neither a name nor an IP address" },
    { "mysql", { .host = "LOCALHOST", .port = 1, .user = "a", .direct = true }, "give the address" },
    { "mysql", { .socket = "x.sock", .user = "a" }, "absolute path" },
    { "mysql", { .socket = "/x", .user = "a", .direct = true }, "leads to the proxy" },
    { "mysql", { .socket = "/x", .user = "a", .tls = STRING_TLS_VERIFY_CA }, "TCP listener" },
};
// clang-format on

static const struct string_client *client_of(const char *id)
{
    const struct string_client *client = strings_find(id);
    if (!client)
        fail_msg("no client %s", id);
    return client;
}

static void test_golden_strings(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(golden); i++) {
        struct string_output out;
        struct err err;
        if (!strings_print(client_of(golden[i].client), &golden[i].request, &out, &err))
            fail_msg("row %zu, %s: %s", i, golden[i].client, err.text);
        assert_string_equal(out.text, golden[i].text);
        strings_output_done(&out);
    }
}

static void test_refusals_say_why(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct string_output out;
        struct err err;
        if (strings_print(client_of(refused[i].client), &refused[i].request, &out, &err))
            fail_msg("row %zu, %s: printed %s", i, refused[i].client, out.text);
        assert_int_equal(err.code, ERR_USAGE);
        if (!strstr(err.text, refused[i].reason))
            fail_msg("row %zu, %s: \"%s\" instead of \"%s\"", i, refused[i].client, err.text,
                refused[i].reason);
    }
}

static void test_setup_names_the_ca_and_the_server(void **state)
{
    struct string_request request = DIRECT(VERIFY_IDENTITY);
    struct string_output out;
    struct err err;
    request.tls_name = "other.example";
    request.ca_path = "/my ca.pem";
    assert_true(strings_print(client_of("go"), &request, &out, &err));
    assert_non_null(strstr(out.setup, "ServerName: \"other.example\","));
    assert_non_null(strstr(out.setup, "os.ReadFile(\"/my ca.pem\")"));
    assert_false(out.has_ca_placeholder);
    strings_output_done(&out);

    request.tls_name = NULL;
    assert_true(strings_print(client_of("jdbc"), &request, &out, &err));
    assert_non_null(strstr(out.text, "Url=file:/my%2520ca.pem.p12&"));
    assert_non_null(strstr(out.setup, "-file '/my ca.pem' -keystore '/my ca.pem'.p12 "));
    strings_output_done(&out);

    request.ca_path = NULL;
    assert_true(strings_print(client_of("mysql2-url"), &request, &out, &err));
    assert_string_equal(out.setup, "export NODE_EXTRA_CA_CERTS='<CA_PATH>'");
    assert_true(out.has_ca_placeholder);
    strings_output_done(&out);
}

// An example that reads the string from a file holds none of its placeholders.
static void test_an_example_tells_what_it_holds_itself(void **state)
{
    struct string_request request = DIRECT(VERIFY_IDENTITY);
    struct string_output out;
    struct err err;
    request.ca_path = NULL;
    assert_true(strings_example(client_of("hikari"), &request, &out, &err));
    assert_true(out.has_password_placeholder && out.has_ca_placeholder && out.password_advice);
    strings_output_done(&out);

    assert_true(strings_example(client_of("spring-boot"), &request, &out, &err));
    assert_false(out.has_password || out.has_password_placeholder || out.password_advice);
    assert_true(out.has_ca_placeholder && strstr(out.setup, STRINGS_CA_PLACEHOLDER));
    strings_output_done(&out);

    request.tls = STRING_TLS_OFF;
    assert_true(strings_example(client_of("spring-boot"), &request, &out, &err));
    assert_false(out.has_ca_placeholder || out.setup);
    strings_output_done(&out);
}

static void test_the_output_tells_what_the_client_will_read(void **state)
{
    struct string_request request = PROXY;
    struct string_output out;
    struct err err;
    request.ca_path = "/etc/tidb/ca.pem"; // of no use without TLS
    assert_true(strings_print(client_of("pymysql"), &request, &out, &err));
    assert_string_equal(out.fields.host, "127.0.0.1");
    assert_null(out.fields.ca_path);
    assert_true(out.has_password && out.has_password_placeholder);
    assert_non_null(strstr(out.password_advice, ".encode()"));
    strings_output_done(&out);

    request.password = "x";
    assert_true(strings_print(client_of("pymysql"), &request, &out, &err));
    assert_true(out.has_password && !out.has_password_placeholder && !out.password_advice);
    strings_output_done(&out);

    assert_true(strings_print(client_of("mysql"), &request, &out, &err));
    assert_false(out.has_password || out.has_password_placeholder);
    strings_output_done(&out);
}

static void test_clients_are_found_by_all_their_names(void **state)
{
    assert_string_equal(client_of("JDBC")->id, "jdbc");
    assert_string_equal(client_of("mysqlconnectorj")->id, "jdbc");
    assert_string_equal(client_of("generalstring")->id, "url");
    assert_string_equal(client_of("golang")->id, "go");
    assert_null(strings_find(""));
    assert_null(strings_find("general generalparams"));
    assert_null(strings_find("jdb"));
}

// Every combination ends in a string or in a refusal; never in ERR_INTERNAL, which is a malformed
// shape. Where there is a string there is an example, if the client has one.
static void check_row(const struct string_client *client)
{
    for (int mode = 0; mode < STRING_TLS_MODES; mode++) {
        for (int which = 0; which < 4; which++) {
            struct string_request request = { .host = "h.example",
                .port = 4000,
                .user = "u",
                .database = which & 1 ? "d" : NULL,
                .socket = which & 2 ? "/s" : NULL,
                .tls = (enum string_tls)mode };
            struct string_output out, example;
            struct err err;
            if (!strings_print(client, &request, &out, &err)) {
                assert_int_equal(err.code, ERR_USAGE);
                continue;
            }
            assert_true(out.text[0] && out.text[strlen(out.text) - 1] != '\n');
            strings_output_done(&out);
            bool ok = strings_example(client, &request, &example, &err);
            if (ok != (client->example != NULL))
                fail_msg("%s: %s", client->id, ok ? "an example from nothing" : err.text);
            if (ok)
                strings_output_done(&example);
        }
    }
}

static void check_names(const struct string_client *client)
{
    char names[256], *rest = names;
    const char *name;
    snprintf(names, sizeof(names), "%s %s", client->id, client->also);
    while ((name = os_strsep(&rest, " "))) {
        if (*name && strings_find(name) != client)
            fail_msg("%s of %s is another client's", name, client->id);
    }
}

// tidblink dsn --list fits 80 columns.
static void check_widths(const struct string_client *client)
{
    if (strlen(client->id) > 22 || strlen(client->name) > 26 || strlen(client->language) > 8)
        fail_msg("%s: too long for the list", client->id);
}

static void test_every_row_is_complete(void **state)
{
    const struct string_client *client;
    size_t count = 0;
    for (; (client = strings_at(count)); count++) {
        check_names(client);
        check_widths(client);
        if (!*client->name || !*client->notes || !client->language || !client->tcp ||
            !client->socket == !client->no_socket)
            fail_msg("%s: a field is missing", client->id);
        assert_non_null(strings_kind_name(client->kind));
        assert_non_null(strings_proof_name(client->proof));
        for (int mode = STRING_TLS_VERIFY_IDENTITY; mode <= STRING_TLS_VERIFY_CA; mode++) {
            if (!client->tls[mode].piece == !client->tls[mode].why_not)
                fail_msg("%s: %s is neither there nor refused", client->id,
                    strings_tls_name((enum string_tls)mode));
        }
        check_row(client);
    }
    assert_true(count >= 60);
}

// What TiDB Cloud's Connect dialog and the old `ticloud connect-info` call their clients.
static void test_the_names_of_tidb_cloud_are_known(void **state)
{
    static const char *const names[] = { "generalparams", "generalstring", "dotenv", "mysqlcli",
        "mariadbcli", "mysqlconnectorj", "dbeaver", "mariadbconnectorj", "datagrip",
        "pythonmysqlclient", "pythonpymysql", "pythonmysqlconnector", "sqlalchemymysqlclient",
        "sqlalchemypymysql", "sqlalchemymysqlconnector", "django", "nodemysql2", "prisma",
        "serverlessjs", "go", "rails", "wordpress", "vscode", "mysqlworkbench", "navicat",
        "general", "mysql_cli", "mycli", "libmysqlclient", "python_mysqlclient", "pymysql",
        "mysql_connector_python", "mysql_connector_java", "go_mysql_driver", "node_mysql2",
        "ruby_mysql2", "php_mysqli", "rust_mysql", "mybatis", "hibernate", "spring_boot", "gorm",
        "sequelize_mysql2", "django_tidb", "sqlalchemy_mysqlclient", "active_record" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        client_of(names[i]);
}

static void test_tls_modes_have_names(void **state)
{
    enum string_tls mode;
    assert_true(strings_tls_find("verify-identity", &mode));
    assert_int_equal(mode, STRING_TLS_VERIFY_IDENTITY);
    assert_string_equal(strings_tls_name(STRING_TLS_CLIENT), "client");
    assert_false(strings_tls_find("", &mode));
}

static void test_passwords_from_files(void **state)
{
    struct err err;
    assert_true(strings_check_password("", 0, &err));
    assert_true(strings_check_password("pässwörd\n", strlen("pässwörd\n"), &err));
    assert_false(strings_check_password("a\0b", 3, &err));
    assert_non_null(strstr(err.text, "NUL"));
    assert_false(strings_check_password("p\xe4", 2, &err));
    assert_null(strstr(err.text, "p\xe4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_strings),
        cmocka_unit_test(test_refusals_say_why),
        cmocka_unit_test(test_setup_names_the_ca_and_the_server),
        cmocka_unit_test(test_an_example_tells_what_it_holds_itself),
        cmocka_unit_test(test_the_output_tells_what_the_client_will_read),
        cmocka_unit_test(test_clients_are_found_by_all_their_names),
        cmocka_unit_test(test_every_row_is_complete),
        cmocka_unit_test(test_the_names_of_tidb_cloud_are_known),
        cmocka_unit_test(test_tls_modes_have_names),
        cmocka_unit_test(test_passwords_from_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
