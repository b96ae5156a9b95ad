// SPDX-License-Identifier: Apache-2.0
//
// Python's toolkits, frameworks and programs. Data only.
//
// SQLAlchemy's URL is read by make_url (lib/sqlalchemy/engine/url.py): user, password, host and
// database are unquoted, in the query a + is a blank. What PyMySQL makes of it then is Latin-1.
#include "strings/client.h"

#include "base/defs.h"

#define AT_TCP "$authority/$?database{$database$}"
#define AT_SOCKET "localhost/$?database{$database$}?unix_socket=$socket"
#define PYMYSQL_URL "mysql+pymysql://$user:$percentlatin(password)@"
#define LATIN_NOTE                                                                                 \
    "PyMySQL sends the password as Latin-1: one that is not ASCII must be its UTF-8 taken for "    \
    "Latin-1, as it is here."

#define ENGINE_QUERIES                                                                             \
    "from sqlalchemy import create_engine, text\n\n"                                               \
    "engine = create_engine(\"$string\")\n"                                                        \
    "with engine.connect() as conn:\n"                                                             \
    "    one = conn.execute(text(\"SELECT 1\")).scalar()\n"                                        \
    "    length = text(\"SELECT LENGTH(:value)\")\n"                                               \
    "    print(one, conn.execute(length, {\"value\": \"x\" * 65536}).scalar())"

#define DJANGO_QUERIES                                                                             \
    "import django\n"                                                                              \
    "from django.conf import settings\n"                                                           \
    "from django.db import connection\n\n"                                                         \
    "$string\n"                                                                                    \
    "settings.configure(DATABASES=DATABASES)\n"                                                    \
    "django.setup()\n"                                                                             \
    "with connection.cursor() as cursor:\n"                                                        \
    "    cursor.execute(\"SELECT 1\")\n"                                                           \
    "    one = cursor.fetchone()[0]\n"                                                             \
    "    cursor.execute(\"SELECT LENGTH(%s)\", [\"x\" * 65536])\n"                                 \
    "    print(one, cursor.fetchone()[0])"

#define DJANGO(ENGINE, PLACE)                                                                      \
    "DATABASES = {\n"                                                                              \
    "    \"default\": {\n"                                                                         \
    "        \"ENGINE\": \"" ENGINE "\",\n" PLACE "        \"USER\": $user,\n"                     \
    "        \"PASSWORD\": $password,\n"                                                           \
    "$?database{        \"NAME\": $database,\n$}"                                                  \
    "        \"CONN_MAX_AGE\": 300,\n"                                                             \
    "        \"CONN_HEALTH_CHECKS\": True,$tls\n"                                                  \
    "    }\n"                                                                                      \
    "}"
#define DJANGO_TCP "        \"HOST\": $host,\n        \"PORT\": $port,\n"
#define DJANGO_SOCKET "        \"HOST\": $socket,\n"
#define DJANGO_OPTIONS(TEXT) "\n        \"OPTIONS\": {" TEXT "},"

// Each part of Airflow's query is a text; ssl is JSON inside of it.
static const struct string_limit airflow_limits[] = {
    { STRING_CA, "\"", "the path stands in JSON in a URL" },
    { STRING_CA, "\\", "the path stands in JSON in a URL" },
    { 0 },
};

#define AIRFLOW_SSL "&ssl=%7B%22ca%22%3A%22$ca%22%7D"
#define JINJA "dbt renders Jinja in the file: use \"{{ env_var('DBT_PASSWORD') }}\""
#define NO_DBT_TLS                                                                                 \
    "its profile has no TLS options: connect through the proxy, which speaks TLS to the cluster"

static const struct string_limit dbt_limits[] = {
    { STRING_PASSWORD, "{{", JINJA },
    { STRING_PASSWORD, "{%", JINJA },
    { STRING_PASSWORD, "{#", JINJA },
    { STRING_USER, "{{", JINJA },
    { STRING_USER, "{%", JINJA },
    { STRING_USER, "{#", JINJA },
    { STRING_DATABASE, "{{", JINJA },
    { STRING_DATABASE, "{%", JINJA },
    { STRING_DATABASE, "{#", JINJA },
    { 0 },
};

static const struct string_client clients[] = {
    {
        .id = "sqlalchemy-pymysql",
        .also = "sqlalchemypymysql sqlalchemy flask-sqlalchemy sqlmodel",
        .name = "SQLAlchemy, PyMySQL",
        .language = "Python",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = PYMYSQL_URL AT_TCP "$tls",
        .socket = PYMYSQL_URL AT_SOCKET "&ssl_disabled=true",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "?ssl_disabled=true" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?ssl_ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "?ssl_ca=$ca&ssl_check_hostname=false" },
        },
        .notes = "ssl_ca alone verifies the name too. With ssl_verify_cert or ssl_verify_identity beside "
                 "it, as TiDB Cloud's dialog prints them, PyMySQL loses the CA.\n"
                 LATIN_NOTE,
        .example = ENGINE_QUERIES,
    },
    {
        .id = "sqlalchemy-mysqlclient",
        .also = "sqlalchemymysqlclient sqlalchemy_mysqlclient",
        .name = "SQLAlchemy, mysqlclient",
        .language = "Python",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = "mysql+mysqldb://$user:$password@" AT_TCP "$tls",
        .socket = "mysql+mysqldb://$user:$password@" AT_SOCKET "&ssl_mode=DISABLED",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "?ssl_mode=DISABLED" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?ssl_mode=VERIFY_IDENTITY&ssl_ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "?ssl_mode=VERIFY_CA&ssl_ca=$ca" },
        },
        .notes = "Built with MariaDB's library mysqlclient takes VERIFY_CA for VERIFY_IDENTITY.",
        .example = ENGINE_QUERIES,
    },
    {
        .id = "sqlalchemy-connector",
        .also = "sqlalchemymysqlconnector sqlalchemy-mysqlconnector",
        .name = "SQLAlchemy, Connector/Py",
        .language = "Python",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = "mysql+mysqlconnector://$user:$password@" AT_TCP "$tls",
        .socket = "mysql+mysqlconnector://$user:$password@" AT_SOCKET "&ssl_disabled=true",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "?ssl_disabled=true" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?ssl_ca=$ca&ssl_verify_cert=true"
                                                      "&ssl_verify_identity=true" },
            [STRING_TLS_VERIFY_CA] = { .piece = "?ssl_ca=$ca&ssl_verify_cert=true" },
        },
        .notes = "For the driver any text behind ssl_disabled or ssl_verify_identity is true, \"false\" too.",
        .example = ENGINE_QUERIES,
    },
    {
        .id = "alembic",
        .also = "",
        .name = "Alembic, in alembic.ini",
        .language = "Python",
        .kind = STRING_TOOL,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT_INI,
        .tcp = "sqlalchemy.url = mysql+mysqldb://$user:$password@" AT_TCP "$tls",
        .socket = "sqlalchemy.url = mysql+mysqldb://$user:$password@" AT_SOCKET "&ssl_mode=DISABLED",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "?ssl_mode=DISABLED" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?ssl_mode=VERIFY_IDENTITY&ssl_ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "?ssl_mode=VERIFY_CA&ssl_ca=$ca" },
        },
        .notes = "configparser reads the file: every % of the URL is doubled there, and only there.",
    },
    {
        .id = "django",
        .also = "django_tidb django-tidb",
        .name = "Django",
        .language = "Python",
        .kind = STRING_FRAMEWORK,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PYTHON,
        .tcp = DJANGO("django.db.backends.mysql", DJANGO_TCP),
        .socket = DJANGO("django.db.backends.mysql", DJANGO_SOCKET),
        .tls = {
            [STRING_TLS_OFF] = { .piece = DJANGO_OPTIONS("\"ssl_mode\": \"DISABLED\"") },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = DJANGO_OPTIONS(
                "\"ssl_mode\": \"VERIFY_IDENTITY\", \"ssl\": {\"ca\": $ca}") },
            [STRING_TLS_VERIFY_CA] = { .piece = DJANGO_OPTIONS(
                "\"ssl_mode\": \"VERIFY_CA\", \"ssl\": {\"ca\": $ca}") },
        },
        .notes = "For mysqlclient. With the package django-tidb ENGINE is \"django_tidb\".\n"
                 "CONN_MAX_AGE stays below 350 seconds, when private endpoints drop idle connections.",
        .example = DJANGO_QUERIES,
    },
    {
        .id = "django-url",
        .also = "dj-database-url django-environ",
        .name = "Django, DATABASE_URL",
        .language = "Python",
        .kind = STRING_FRAMEWORK,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = "DATABASE_URL=mysql://$user$?password{:$password$}@$authority/$?database{$database$}$tls",
        .socket = "DATABASE_URL=mysql://$user$?password{:$password$}@$socket/$?database{$database$}",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "?ssl_mode=DISABLED" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?ssl_mode=VERIFY_IDENTITY&ssl-ca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "?ssl_mode=VERIFY_CA&ssl-ca=$ca" },
        },
        .notes = "For dj-database-url; django-environ reads all but ssl-ca.",
    },
    {
        .id = "peewee",
        .also = "",
        .name = "peewee",
        .language = "Python",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PYTHON,
        .tcp = "peewee.MySQLDatabase($?database{$database$}$!database{\"\"$}, host=$host, port=$port, user=$user, "
               "password=$pybytes(password)$tls)",
        .socket = "peewee.MySQLDatabase($?database{$database$}$!database{\"\"$}, unix_socket=$socket, user=$user, "
                  "password=$pybytes(password)$tls)",
        .tls = {
            [STRING_TLS_OFF] = { .piece = ", ssl_disabled=True" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", ssl_ca=$ca, ssl_verify_cert=True"
                                                      ", ssl_verify_identity=True" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", ssl_ca=$ca, ssl_verify_cert=True" },
        },
        .notes = "For PyMySQL, which peewee takes when mysqlclient is not installed.\n"
                 "playhouse.db_url decodes neither user nor password unless unquote_user and "
                 "unquote_password are true: prefer the fields.",
        .example = "import peewee\n\n"
                   "db = $string\n"
                   "db.connect()\n"
                   "one = db.execute_sql(\"SELECT 1\").fetchone()[0]\n"
                   "length = db.execute_sql(\"SELECT LENGTH(%s)\", (\"x\" * 65536,))\n"
                   "print(one, length.fetchone()[0])",
    },
    {
        .id = "tortoise",
        .also = "tortoise-orm",
        .name = "Tortoise ORM",
        .language = "Python",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PYTHON,
        .tcp = "{\"engine\": \"tortoise.backends.mysql\", \"credentials\": {\"host\": $host"
               ", \"port\": $port, \"user\": $user, \"password\": $pylatin(password)"
               "$?database{, \"database\": $database$}$tls}}",
        .socket = "{\"engine\": \"tortoise.backends.mysql\", \"credentials\": {\"host\": \"localhost\""
                  ", \"port\": 3306, \"unix_socket\": $socket, \"user\": $user"
                  ", \"password\": $pylatin(password)$?database{, \"database\": $database$}}}",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", \"ssl\": context",
                .setup = "import ssl\ncontext = ssl.create_default_context(cafile=$ca)" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", \"ssl\": context",
                .setup = "import ssl\ncontext = ssl.create_default_context(cafile=$ca)\n"
                         "context.check_hostname = False" },
        },
        .notes = "A connection in the configuration's \"connections\".\n"
                 "Its URL is decoded in part only, and differently by versions: prefer the fields.",
        .example = "from tortoise import Tortoise, run_async\n\n"
                   "$?setup{$setup\n\n$}"
                   "async def main():\n"
                   "    default = $string\n"
                   "    apps = {\"main\": {\"models\": [\"__main__\"], \"default_connection\": \"default\"}}\n"
            "    await Tortoise.init(config={\"connections\": {\"default\": default}, \"apps\": apps})\n"
            "    conn = Tortoise.get_connection(\"default\")\n"
                   "    one = await conn.execute_query_dict(\"SELECT 1 AS one\")\n"
                   "    length = \"SELECT LENGTH(%s) AS size\"\n"
                   "    size = await conn.execute_query_dict(length, [\"x\" * 65536])\n"
                   "    print(one[0][\"one\"], size[0][\"size\"])\n\n"
                   "run_async(main())",
    },
    {
        .id = "airflow",
        .also = "",
        .name = "Apache Airflow",
        .language = "Python",
        .kind = STRING_TOOL,
        .encoding = ENCODING_PERCENT,
        .tcp = "export AIRFLOW_CONN_TIDB='mysql://$user:$password@$authority/$?database{$database$}$tls'",
        .socket = "export AIRFLOW_CONN_TIDB='mysql://$user:$password@localhost/$?database{$database$}"
                  "?unix_socket=$socket'",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "?ssl_mode=DISABLED" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?ssl_mode=VERIFY_IDENTITY" AIRFLOW_SSL },
            [STRING_TLS_VERIFY_CA] = { .piece = "?ssl_mode=VERIFY_CA" AIRFLOW_SSL },
        },
        .limits = airflow_limits,
        .notes = "The connection's name is the variable's end in lower case: tidb.",
    },
    {
        .id = "dbt",
        .also = "dbt-tidb",
        .name = "dbt-tidb, in profiles.yml",
        .language = "Python",
        .kind = STRING_TOOL,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_YAML,
        .tcp = "tidb:\n"
               "  target: dev\n"
               "  outputs:\n"
               "    dev:\n"
               "      type: tidb\n"
               "      server: $host\n"
               "      port: $port\n"
               "$?database{      schema: $database\n$}"
               "      username: $user\n"
               "      password: $password",
        .no_socket = "its profile names a host and a port only: use the TCP listener",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .why_not = NO_DBT_TLS },
            [STRING_TLS_VERIFY_CA] = { .why_not = NO_DBT_TLS },
        },
        .limits = dbt_limits,
        .notes = "dbt renders {{ }} in the file: keep the password in a variable, "
                 "\"{{ env_var('DBT_PASSWORD') }}\", when it holds those.\n"
                 "caching_sha2_password, which it cannot do without TLS, needs another account.",
    },
};

const struct string_shelf python_orm_shelf = { clients, ARRAY_LEN(clients) };
