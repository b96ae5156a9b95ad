// SPDX-License-Identifier: Apache-2.0
//
// Go's driver and what is built on it. Data only. The DSN is read by ParseDSN of
// github.com/go-sql-driver/mysql (dsn.go): from the last '/' back to the last '@', the user up to
// the first ':'. Nothing before that '/' is decoded; the database is percent-decoded (from 1.8 on),
// parameters are query-unescaped.
#include "strings/client.h"

#include "base/defs.h"

static const struct string_limit limits[] = {
    { STRING_USER, ":", "its DSN ends the user there: use mysql.Config instead of a DSN" },
    { STRING_SOCKET, "@", "its DSN looks for the last '@' in front of the database" },
    { 0 },
};

#define REGISTER_TLS                                                                               \
    "roots := x509.NewCertPool()\n"                                                                \
    "pem, err := os.ReadFile($json(ca))\n"                                                         \
    "if err != nil {\n"                                                                            \
    "\tlog.Fatal(err)\n"                                                                           \
    "}\n"                                                                                          \
    "if !roots.AppendCertsFromPEM(pem) {\n"                                                        \
    "\tlog.Fatal(\"no certificate in the CA file\")\n"                                             \
    "}\n"                                                                                          \
    "err = mysql.RegisterTLSConfig(\"tidb\", &tls.Config{\n"                                       \
    "\tMinVersion: tls.VersionTLS12,\n"                                                            \
    "\tRootCAs:    roots,\n"                                                                       \
    "\tServerName: $json(tls_name),\n"                                                             \
    "})\n"                                                                                         \
    "if err != nil {\n"                                                                            \
    "\tlog.Fatal(err)\n"                                                                           \
    "}"

#define VERIFY_CA                                                                                  \
    "crypto/tls checks the name as well: use verify-identity and name the certificate's host"
#define TLS                                                                                        \
    {                                                                                              \
        [STRING_TLS_VERIFY_IDENTITY] = { .piece = "&tls=tidb", .setup = REGISTER_TLS },            \
        [STRING_TLS_VERIFY_CA] = {                                                                 \
            .why_not = VERIFY_CA                                                                   \
        }                                                                                          \
    }
#define DATABASE "$?database{$percent(database)$}"
#define TCP(PARAMETERS) "$user:$password@tcp($authority)/" DATABASE "?" PARAMETERS "$tls"
#define SOCKET(PARAMETERS) "$user:$password@unix($socket)/" DATABASE "?" PARAMETERS "$tls"
#define RAW_NOTE                                                                                   \
    "The password is not decoded: it stands in the DSN as it is, whatever it holds.\n"             \
    "This is the DSN itself: inside Go source quote it (strconv.Quote)."

// What needs more imports than the plain string comes with them.
#define IMPORTS(MORE)                                                                              \
    "package main\n\n"                                                                             \
    "import (\n"                                                                                   \
    "$?setup{\t\"crypto/tls\"\n"                                                                   \
    "\t\"crypto/x509\"\n$}"                                                                        \
    "\t\"database/sql\"\n"                                                                         \
    "\t\"fmt\"\n"                                                                                  \
    "\t\"log\"\n"                                                                                  \
    "$?setup{\t\"os\"\n$}"                                                                         \
    "\t\"strings\"\n"                                                                              \
    "\n"                                                                                           \
    "\t\"github.com/go-sql-driver/mysql\"\n" MORE ")\n\n"                                          \
    "func main() {\n"                                                                              \
    "$?setup{$setup\n$}"                                                                           \
    "\tconfig, err := mysql.ParseDSN($json(string))\n"                                             \
    "\tif err != nil {\n"                                                                          \
    "\t\tlog.Fatal(err)\n"                                                                         \
    "\t}\n"

#define POOL                                                                                       \
    "\tconnector, err := mysql.NewConnector(config)\n"                                             \
    "\tif err != nil {\n"                                                                          \
    "\t\tlog.Fatal(err)\n"                                                                         \
    "\t}\n"                                                                                        \
    "\tpool := sql.OpenDB(connector)\n"

#define QUERIES(POOL)                                                                              \
    "\tvar one, size int\n"                                                                        \
    "\tif err := " POOL ".QueryRow(\"SELECT 1\").Scan(&one); err != nil {\n"                       \
    "\t\tlog.Fatal(err)\n"                                                                         \
    "\t}\n"                                                                                        \
    "\tvalue := strings.Repeat(\"x\", 65536)\n"                                                    \
    "\tif err := " POOL ".QueryRow(\"SELECT LENGTH(?)\", value).Scan(&size); err != nil {\n"       \
    "\t\tlog.Fatal(err)\n"                                                                         \
    "\t}\n"                                                                                        \
    "\tfmt.Println(one, size)\n"                                                                   \
    "}"

static const struct string_client clients[] = {
    {
        .id = "go",
        .also = "go_mysql_driver go-sql-driver golang sqlc sqlx-go",
        .name = "go-sql-driver/mysql",
        .language = "Go",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_RAW,
        .tcp = TCP("parseTime=true"),
        .socket = SOCKET("parseTime=true"),
        .any_tls_name = true,
        .tls = TLS,
        .limits = limits,
        .notes = RAW_NOTE "\nBefore 1.8 the database's name was not decoded either.",
        .example = IMPORTS("") POOL QUERIES("pool"),
    },
    {
        .id = "gorm",
        .also = "",
        .name = "GORM",
        .language = "Go",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_RAW,
        .tcp = TCP("charset=utf8mb4&parseTime=true&loc=UTC"),
        .socket = SOCKET("charset=utf8mb4&parseTime=true&loc=UTC"),
        .any_tls_name = true,
        .tls = TLS,
        .limits = limits,
        .notes = RAW_NOTE,
        .example = IMPORTS(
            "\tgormmysql \"gorm.io/driver/mysql\"\n\t\"gorm.io/gorm\"\n") "\tdialector := "
                                                                          "gormmysql.New(gormmysql."
                                                                          "Config{DSNConfig: "
                                                                          "config})\n"
                                                                          "\tdb, err := "
                                                                          "gorm.Open(dialector, "
                                                                          "&gorm.Config{})\n"
                                                                          "\tif err != nil {\n"
                                                                          "\t\tlog.Fatal(err)\n"
                                                                          "\t}\n"
                                                                          "\tvar pool *sql.DB\n"
                                                                          "\tif pool, err = "
                                                                          "db.DB(); err != nil {\n"
                                                                          "\t\tlog.Fatal(err)\n"
                                                                          "\t}\n" QUERIES("pool"),
    },
    {
        .id = "ent",
        .also = "",
        .name = "ent",
        .language = "Go",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_RAW,
        .tcp = TCP("parseTime=true"),
        .socket = SOCKET("parseTime=true"),
        .any_tls_name = true,
        .tls = TLS,
        .limits = limits,
        .notes = RAW_NOTE,
        .example = IMPORTS("\t\"entgo.io/ent/dialect\"\n\tentsql \"entgo.io/ent/dialect/sql\"\n")
            POOL "\tvar driver *entsql.Driver = entsql.OpenDB(dialect.MySQL, pool)\n"
                 "\tvar db *sql.DB = driver.DB()\n" QUERIES("db"),
    },
    {
        .id = "bun-go",
        .also = "uptrace-bun",
        .name = "Bun (uptrace)",
        .language = "Go",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_RAW,
        .tcp = TCP("parseTime=true"),
        .socket = SOCKET("parseTime=true"),
        .any_tls_name = true,
        .tls = TLS,
        .limits = limits,
        .notes = RAW_NOTE,
        .example = IMPORTS(
            "\t\"github.com/uptrace/bun\"\n\t\"github.com/uptrace/bun/dialect/mysqldialect\"\n")
            POOL "\tdb := bun.NewDB(pool, mysqldialect.New())\n" QUERIES("db"),
    },
    {
        .id = "xorm",
        .also = "",
        .name = "xorm",
        .language = "Go",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_RAW,
        .tcp = TCP("charset=utf8mb4&parseTime=true"),
        .socket = SOCKET("charset=utf8mb4&parseTime=true"),
        .any_tls_name = true,
        .tls = TLS,
        .limits = limits,
        .notes = RAW_NOTE "\nxorm reads the DSN itself too, to find the database's name.",
        .example =
            IMPORTS("\t\"xorm.io/xorm\"\n") "\tengine, err := xorm.NewEngine(\"mysql\", "
                                            "config.FormatDSN())\n"
                                            "\tif err != nil {\n"
                                            "\t\tlog.Fatal(err)\n"
                                            "\t}\n"
                                            "\tvar pool *sql.DB = engine.DB().DB\n" QUERIES("pool"),
    },
};

const struct string_shelf go_shelf = { clients, ARRAY_LEN(clients) };
