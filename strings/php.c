// SPDX-License-Identifier: Apache-2.0
//
// PHP. Data only. mysqlnd checks the certificate's name whenever it checks the certificate.
#include "strings/client.h"

#include "base/defs.h"

#define NO_VERIFY_CA "mysqlnd checks the name together with the issuer: use verify-identity"
#define NO_CA                                                                                      \
    "WordPress has no setting for a CA, and without one PHP encrypts but does not verify: let "    \
    "the "                                                                                         \
    "proxy speak TLS to the cluster"
#define PDO_TLS                                                                                    \
    "    PDO::MYSQL_ATTR_SSL_CA => $single(ca),\n"                                                 \
    "    PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT => true,\n"
#define PDO(PLACE)                                                                                 \
    "new PDO('mysql:" PLACE                                                                        \
    ";charset=utf8mb4$?database{;dbname=$pdo(database)$}', $user, $password, [\n"                  \
    "    PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,\n"                                           \
    "    PDO::ATTR_EMULATE_PREPARES => false,\n"                                                   \
    "$tls])"

#define MYSQLI(HOST, PORT, SOCKET)                                                                 \
    "$$db = mysqli_init();\n"                                                                      \
    "$tls"                                                                                         \
    "$$db->real_connect(" HOST                                                                     \
    ", $user, $password, $?database{$database$}$!database{null$}, " PORT ", " SOCKET               \
    ", $?ca{MYSQLI_CLIENT_SSL$}$!ca{0$});"

// A shell script: what is printed goes to the files in which the framework looks for it. The
// programs are those frameworks' database components, with the configuration of their skeletons.
#define FILE_OF(NAME, TEXT) "cat >" NAME " <<'END'\n" TEXT "\nEND\n"
#define LARAVEL_PROGRAM                                                                            \
    "<?php\n"                                                                                      \
    "require 'vendor/autoload.php';\n\n"                                                           \
    "use Illuminate\\Database\\Capsule\\Manager;\n\n"                                              \
    "Dotenv\\Dotenv::createImmutable(__DIR__)->load();\n"                                          \
    "$$manager = new Manager();\n"                                                                 \
    "$$manager->addConnection([\n"                                                                 \
    "    'driver' => env('DB_CONNECTION'),\n"                                                      \
    "    'host' => env('DB_HOST', '127.0.0.1'),\n"                                                 \
    "    'port' => env('DB_PORT', '3306'),\n"                                                      \
    "    'unix_socket' => env('DB_SOCKET', ''),\n"                                                 \
    "    'database' => env('DB_DATABASE'),\n"                                                      \
    "    'username' => env('DB_USERNAME'),\n"                                                      \
    "    'password' => env('DB_PASSWORD'),\n"                                                      \
    "    'charset' => 'utf8mb4',\n"                                                                \
    "    'options' => array_filter([PDO::MYSQL_ATTR_SSL_CA => env('MYSQL_ATTR_SSL_CA')]),\n"       \
    "]);\n"                                                                                        \
    "$$db = $$manager->getConnection();\n"                                                         \
    "$$one = $$db->selectOne('SELECT 1 AS n')->n;\n"                                               \
    "$$size = $$db->selectOne('SELECT LENGTH(?) AS n', [str_repeat('x', 65536)])->n;\n"            \
    "echo $$one, ' ', $$size, \"\\n\";"
#define SYMFONY_PROGRAM                                                                            \
    "<?php\n"                                                                                      \
    "require 'vendor/autoload.php';\n\n"                                                           \
    "use Doctrine\\DBAL\\DriverManager;\n"                                                         \
    "use Doctrine\\DBAL\\Tools\\DsnParser;\n"                                                      \
    "use Symfony\\Component\\Dotenv\\Dotenv;\n"                                                    \
    "use Symfony\\Component\\Yaml\\Yaml;\n\n"                                                      \
    "(new Dotenv())->load(__DIR__ . '/.env');\n"                                                   \
    "$$params = (new DsnParser(['mysql' => 'pdo_mysql']))->parse($$_ENV['DATABASE_URL']);\n"       \
    "$?ca{$$config = Yaml::parseFile('doctrine.yaml', Yaml::PARSE_CONSTANT);\n"                    \
    "$$params['driverOptions'] = $$config['doctrine']['dbal']['options'];\n$}"                     \
    "$$db = DriverManager::getConnection($$params);\n"                                             \
    "$$one = $$db->fetchOne('SELECT 1');\n"                                                        \
    "$$size = $$db->fetchOne('SELECT LENGTH(?)', [str_repeat('x', 65536)]);\n"                     \
    "echo $$one, ' ', $$size, \"\\n\";"
// The start of a page of WordPress that needs the database alone.
#define WORDPRESS_PROGRAM                                                                          \
    "<?php\n"                                                                                      \
    "$string\n"                                                                                    \
    "define('DB_CHARSET', 'utf8mb4');\n"                                                           \
    "define('DB_COLLATE', '');\n"                                                                  \
    "define('ABSPATH', __DIR__ . '/wordpress/');\n"                                                \
    "define('SHORTINIT', true);\n"                                                                 \
    "$$table_prefix = 'wp_';\n"                                                                    \
    "require ABSPATH . 'wp-settings.php';\n"                                                       \
    "$$value = str_repeat('x', 65536);\n"                                                          \
    "$$one = $$wpdb->get_var('SELECT 1');\n"                                                       \
    "$$size = $$wpdb->get_var($$wpdb->prepare('SELECT LENGTH(%s)', $$value));\n"                   \
    "if ($$wpdb->last_error || !$$size) exit(1);\n"                                                \
    "echo $$one, ' ', $$size, \"\\n\";"

static const struct string_client clients[] = {
    {
        .id = "pdo",
        .also = "php_pdo php-pdo php",
        .name = "PDO",
        .language = "PHP",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_SINGLE,
        .tcp = PDO("host=$singlepart(host);port=$port"),
        .socket = PDO("unix_socket=$pdo(socket)"),
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = PDO_TLS },
            [STRING_TLS_VERIFY_CA] = { .why_not = NO_VERIFY_CA },
        },
        .notes = "The password is an argument: nothing in it can break the DSN.\n"
                 "From PHP 8.5 on the constants are Pdo\\Mysql::ATTR_….\n"
                 "host=localhost would mean the unix socket.",
        .example = "<?php\n"
                   "$$db = $string;\n"
                   "$$one = $$db->query('SELECT 1')->fetchColumn();\n"
                   "$$length = $$db->prepare('SELECT LENGTH(?)');\n"
                   "$$length->execute([str_repeat('x', 65536)]);\n"
                   "echo $$one, ' ', $$length->fetchColumn(), \"\\n\";",
    },
    {
        .id = "mysqli",
        .also = "php_mysqli",
        .name = "mysqli",
        .language = "PHP",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_SINGLE,
        .tcp = MYSQLI("$host", "$port", "null"),
        .socket = MYSQLI("null", "null", "$socket"),
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece =
                "$$db->ssl_set(null, null, $ca, null, null);\n"
                "$$db->options(MYSQLI_OPT_SSL_VERIFY_SERVER_CERT, true);\n" },
            [STRING_TLS_VERIFY_CA] = { .why_not = NO_VERIFY_CA },
        },
        .notes = "The host localhost would mean the unix socket.",
        .example = "<?php\n"
                   "mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);\n"
                   "$string\n"
                   "$$one = $$db->query('SELECT 1')->fetch_row()[0];\n"
                   "$$length = $$db->prepare('SELECT LENGTH(?)');\n"
                   "$$value = str_repeat('x', 65536);\n"
                   "$$length->bind_param('s', $$value);\n"
                   "$$length->execute();\n"
                   "$$length->bind_result($$size);\n"
                   "$$length->fetch();\n"
                   "echo $$one, ' ', $$size, \"\\n\";",
    },
    {
        .id = "laravel",
        .also = "eloquent",
        .name = "Laravel, in .env",
        .language = "PHP",
        .kind = STRING_FRAMEWORK,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_DOTENV_PHP,
        .tcp = "DB_CONNECTION=mysql\n"
               "DB_HOST=$host\n"
               "DB_PORT=$port\n"
               "$?database{DB_DATABASE=$database\n$}"
               "DB_USERNAME=$user\n"
               "DB_PASSWORD=$password$tls",
        .socket = "DB_CONNECTION=mysql\n"
                  "DB_SOCKET=$socket\n"
                  "$?database{DB_DATABASE=$database\n$}"
                  "DB_USERNAME=$user\n"
                  "DB_PASSWORD=$password",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "\nMYSQL_ATTR_SSL_CA=$ca" },
            [STRING_TLS_VERIFY_CA] = { .why_not = NO_VERIFY_CA },
        },
        .notes = "Unquoted, a # starts a comment; in double quotes ${NAME} is replaced.\n"
                 "php artisan config:clear after a change, when the configuration is cached.",
        .example = FILE_OF(".env", "$string") FILE_OF("main.php", LARAVEL_PROGRAM) "php main.php",
    },
    {
        .id = "symfony",
        .also = "doctrine dbal",
        .name = "Symfony, Doctrine in .env",
        .language = "PHP",
        .kind = STRING_FRAMEWORK,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = "DATABASE_URL=\"mysql://$user$?password{:$password$}@$authority/$?database{$database$}"
               "?serverVersion=8.0.11-TiDB&charset=utf8mb4\"",
        .socket = "DATABASE_URL=\"mysql://$user$?password{:$password$}@localhost/$?database{$database$}"
                  "?unix_socket=$percenttwice(socket)&serverVersion=8.0.11-TiDB&charset=utf8mb4\"",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "",
                .setup = "doctrine:\n"
                         "  dbal:\n"
                         "    options:\n"
                         "      !php/const PDO::MYSQL_ATTR_SSL_CA: $yaml(ca)\n"
                         "      !php/const PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT: true" },
            [STRING_TLS_VERIFY_CA] = { .why_not = NO_VERIFY_CA },
        },
        .notes = "In doctrine.yaml: url: '%env(DATABASE_URL)%', without resolve:, which would look for "
                 "parameters between the URL's percent signs.\n"
                 "Doctrine decodes the query twice, so its values are encoded twice.",
        .example = FILE_OF(".env", "$string") "$?ca{" FILE_OF("doctrine.yaml", "$setup") "$}" FILE_OF(
            "main.php", SYMFONY_PROGRAM) "php main.php",
    },
    {
        .id = "wordpress",
        .also = "wp",
        .name = "WordPress, wp-config.php",
        .language = "PHP",
        .kind = STRING_FRAMEWORK,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_SINGLE,
        .tcp = "$?database{define('DB_NAME', $database);\n$}"
               "define('DB_USER', $user);\n"
               "define('DB_PASSWORD', $password);\n"
               "define('DB_HOST', '$authority');",
        .socket = "$?database{define('DB_NAME', $database);\n$}"
                  "define('DB_USER', $user);\n"
                  "define('DB_PASSWORD', $password);\n"
                  "define('DB_HOST', 'localhost:$singlepart(socket)');",
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .why_not = NO_CA },
            [STRING_TLS_VERIFY_CA] = { .why_not = NO_CA },
        },
        .notes = "MYSQL_CLIENT_FLAGS with MYSQLI_CLIENT_SSL encrypts, whoever answers.",
        .example = WORDPRESS_PROGRAM,
    },
};

const struct string_shelf php_shelf = { clients, ARRAY_LEN(clients) };
