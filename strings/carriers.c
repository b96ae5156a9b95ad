// SPDX-License-Identifier: Apache-2.0
//
// What brings host, port, user, password and database to a program, each in its own quotes: shells,
// .env files, service managers, orchestrators. Data only. Where a carrier has secrets, the password
// is one and stands in none of its files.
#include "strings/client.h"

#include "base/defs.h"

// A carrier says nothing of TLS but which CA the program should verify.
#define TLS(LINE)                                                                                  \
    {                                                                                              \
        [STRING_TLS_VERIFY_IDENTITY] = { .piece = (LINE) }, [STRING_TLS_VERIFY_CA] = {             \
            .piece = (LINE)                                                                        \
        }                                                                                          \
    }
#define ENV(BEGIN, END)                                                                            \
    BEGIN "DB_HOST=$host" END "\n" BEGIN "DB_PORT=$port" END "\n"                                  \
          "$?database{" BEGIN "DB_DATABASE=$database" END "\n$}" BEGIN "DB_USERNAME=$user" END     \
          "\n" BEGIN "DB_PASSWORD=$password" END "$tls"
#define ENV_SOCKET(BEGIN, END)                                                                     \
    BEGIN "DB_SOCKET=$socket" END "\n"                                                             \
          "$?database{" BEGIN "DB_DATABASE=$database" END "\n$}" BEGIN "DB_USERNAME=$user" END     \
          "\n" BEGIN "DB_PASSWORD=$password" END "$tls"
#define ENV_CA(BEGIN, END) TLS("\n" BEGIN "DB_CA=$ca" END)

#define YAML_LINES(INDENT, PLACE)                                                                  \
    PLACE "$?database{" INDENT "DB_DATABASE: $database\n$}" INDENT "DB_USERNAME: $user\n"
#define YAML_TCP(INDENT) INDENT "DB_HOST: $host\n" INDENT "DB_PORT: '$port'\n"
#define YAML_SOCKET(INDENT) INDENT "DB_SOCKET: $socket\n"

#define KUBERNETES(PLACE)                                                                          \
    "apiVersion: v1\n"                                                                             \
    "kind: Secret\n"                                                                               \
    "metadata:\n"                                                                                  \
    "  name: tidb\n"                                                                               \
    "type: Opaque\n"                                                                               \
    "stringData:\n" YAML_LINES("  ", PLACE) "  DB_PASSWORD: $password$tls"

#define COMPOSE(PLACE)                                                                             \
    "services:\n"                                                                                  \
    "  app:\n"                                                                                     \
    "    environment:\n" YAML_LINES(                                                               \
        "      ", PLACE) "      DB_PASSWORD_FILE: /run/secrets/db_password$tls\n"                  \
                         "    secrets:\n"                                                          \
                         "      - db_password\n"                                                   \
                         "secrets:\n"                                                              \
                         "  db_password:\n"                                                        \
                         "    file: ./db_password"

#define ECS(PLACE)                                                                                 \
    "\"environment\": [\n" PLACE                                                                   \
    "$?database{  { \"name\": \"DB_DATABASE\", \"value\": $database },\n$}"                        \
    "  { \"name\": \"DB_USERNAME\", \"value\": $user }$tls\n"                                      \
    "],\n"                                                                                         \
    "\"secrets\": [\n"                                                                             \
    "  { \"name\": \"DB_PASSWORD\", \"valueFrom\": "                                               \
    "\"arn:aws:secretsmanager:<REGION>:<ACCOUNT>:secret:<NAME>\" }\n"                              \
    "]"

#define TERRAFORM(PLACE)                                                                           \
    "locals {\n"                                                                                   \
    "  tidb = {\n" PLACE "$?database{    database = $database\n$}"                                 \
    "    user     = $user\n"                                                                       \
    "    password = var.db_password$tls\n"                                                         \
    "  }\n"                                                                                        \
    "}\n\n"                                                                                        \
    "variable \"db_password\" {\n"                                                                 \
    "  type      = string\n"                                                                       \
    "  sensitive = true\n"                                                                         \
    "}"

#define CREDENTIAL(PLACE)                                                                          \
    "[Service]\n" PLACE "$?database{Environment=\"DB_DATABASE=$database\"\n$}"                     \
    "Environment=\"DB_USERNAME=$user\"\n"                                                          \
    "Environment=DB_PASSWORD_FILE=%d/db_password$tls\n"                                            \
    "LoadCredential=db_password:/etc/credstore/db_password"

static const struct string_client clients[] = {
    {
        .id = "shell",
        .also = "env sh bash",
        .name = "POSIX shell",
        .language = "",
        .kind = STRING_CARRIER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_SHELL,
        .tcp = ENV("export ", ""),
        .socket = ENV_SOCKET("export ", ""),
        .tls = ENV_CA("export ", ""),
        .notes = "Other programs of the same user can read a process's environment.",
    },
    {
        .id = "powershell",
        .also = "pwsh",
        .name = "PowerShell",
        .language = "",
        .kind = STRING_CARRIER,
        .encoding = ENCODING_POWERSHELL,
        .tcp = "$$env:DB_HOST = $host\n"
               "$$env:DB_PORT = '$port'\n"
               "$?database{$$env:DB_DATABASE = $database\n$}"
               "$$env:DB_USERNAME = $user\n"
               "$$env:DB_PASSWORD = $password$tls",
        .socket = "$$env:DB_SOCKET = $socket\n"
                  "$?database{$$env:DB_DATABASE = $database\n$}"
                  "$$env:DB_USERNAME = $user\n"
                  "$$env:DB_PASSWORD = $password$tls",
        .tls = TLS("\n$$env:DB_CA = $ca"),
        .notes = "PowerShell takes curly quotes for quotes: they are doubled too.\n"
                 "cmd.exe has no safe way to write % and \": use a file there.",
    },
    {
        .id = "dotenv",
        .also = "node-dotenv env-file",
        .name = ".env, Node's dotenv",
        .language = "Node.js",
        .kind = STRING_CARRIER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_DOTENV,
        .tcp = ENV("", ""),
        .socket = ENV_SOCKET("", ""),
        .tls = ENV_CA("", ""),
        .notes = "Unquoted, a # starts a comment. A quote cannot be escaped: \\\" stays \\\".",
    },
    {
        .id = "dotenv-expand",
        .also = "nextjs vite",
        .name = ".env with dotenv-expand",
        .language = "Node.js",
        .kind = STRING_CARRIER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_DOTENV_EXPAND,
        .tcp = ENV("", ""),
        .socket = ENV_SOCKET("", ""),
        .tls = ENV_CA("", ""),
        .notes = "For Next.js, Vite and Prisma, which replace $NAME in all quotes.",
    },
    {
        .id = "dotenv-php",
        .also = "phpdotenv",
        .name = ".env, phpdotenv",
        .language = "PHP",
        .kind = STRING_CARRIER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_DOTENV_PHP,
        .tcp = ENV("", ""),
        .socket = ENV_SOCKET("", ""),
        .tls = ENV_CA("", ""),
        .notes = "In double quotes ${NAME} is replaced, and only \\\\ \\\" \\$ are escapes.",
    },
    {
        .id = "dotenv-python",
        .also = "python-dotenv",
        .name = ".env, python-dotenv",
        .language = "Python",
        .kind = STRING_CARRIER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_DOTENV_PYTHON,
        .tcp = ENV("", ""),
        .socket = ENV_SOCKET("", ""),
        .tls = ENV_CA("", ""),
        .notes = "${NAME} is replaced in all quotes.",
    },
    {
        .id = "docker-env",
        .also = "docker env-file-docker podman",
        .name = "docker run --env-file",
        .language = "",
        .kind = STRING_CARRIER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_LINE,
        .tcp = ENV("", ""),
        .socket = ENV_SOCKET("", ""),
        .tls = ENV_CA("", ""),
        .notes = "Everything behind = is the value: quotes would be part of it.\n"
                 "docker inspect shows the environment: prefer a secret.",
    },
    {
        .id = "compose",
        .also = "docker-compose",
        .name = "Compose file",
        .language = "",
        .kind = STRING_CARRIER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_YAML_DOLLAR,
        .tcp = COMPOSE(YAML_TCP("      ")),
        .socket = COMPOSE(YAML_SOCKET("      ")),
        .tls = TLS("\n      DB_CA: $ca"),
        .notes = "Compose replaces $NAME: a dollar sign is written $$.\n"
                 "The password is a secret, in the file ./db_password: nothing escapes it there.",
    },
    {
        .id = "kubernetes",
        .also = "k8s k8s-secret",
        .name = "Kubernetes Secret",
        .language = "",
        .kind = STRING_CARRIER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_YAML,
        .tcp = KUBERNETES(YAML_TCP("  ")),
        .socket = KUBERNETES(YAML_SOCKET("  ")),
        .tls = TLS("\n  DB_CA: $ca"),
        .notes = "For envFrom: secretRef. Values there are not expanded; in a container's env "
                 "$(NAME) is.\n"
                 "Helm and other templates look into {{ }} first.",
    },
    {
        .id = "ecs",
        .also = "ecs-secrets fargate",
        .name = "ECS task definition",
        .language = "",
        .kind = STRING_CARRIER,
        .encoding = ENCODING_JSON,
        .tcp = ECS("  { \"name\": \"DB_HOST\", \"value\": $host },\n"
                   "  { \"name\": \"DB_PORT\", \"value\": \"$port\" },\n"),
        .socket = ECS("  { \"name\": \"DB_SOCKET\", \"value\": $socket },\n"),
        .tls = TLS(",\n  { \"name\": \"DB_CA\", \"value\": $ca }"),
        .notes = "Of a container definition. The password's value is in Secrets Manager only: the "
                 "task's "
                 "execution role needs secretsmanager:GetSecretValue.",
    },
    {
        .id = "systemd",
        .also = "environmentfile systemd-env",
        .name = "systemd EnvironmentFile",
        .language = "",
        .kind = STRING_CARRIER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_SYSTEMD,
        .tcp = ENV("", ""),
        .socket = ENV_SOCKET("", ""),
        .tls = ENV_CA("", ""),
        .notes =
            "Nothing is expanded in it, neither $ nor %. chmod 600: systemd reads it as root.\n"
            "Prefer `systemd-credential`, which shows the password to the service alone.",
    },
    {
        .id = "systemd-credential",
        .also = "loadcredential",
        .name = "systemd LoadCredential",
        .language = "",
        .kind = STRING_CARRIER,
        .encoding = ENCODING_SYSTEMD_PART,
        .tcp = CREDENTIAL("Environment=\"DB_HOST=$host\"\nEnvironment=DB_PORT=$port\n"),
        .socket = CREDENTIAL("Environment=\"DB_SOCKET=$socket\"\n"),
        .tls = TLS("\nEnvironment=\"DB_CA=$ca\""),
        .notes =
            "The password is in the file alone, as it is, without a line end. The service finds it "
            "at DB_PASSWORD_FILE; %d is its directory of credentials.",
    },
    {
        .id = "terraform",
        .also = "hcl opentofu",
        .name = "Terraform",
        .language = "HCL",
        .kind = STRING_CARRIER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_HCL,
        .tcp = TERRAFORM("    host     = $host\n    port     = $port\n"),
        .socket = TERRAFORM("    socket   = $socket\n"),
        .tls = TLS("\n    ca       = $ca"),
        .notes =
            "TF_VAR_db_password in the environment gives the password; the state file holds it.",
    },
    {
        .id = "yaml",
        .also = "",
        .name = "YAML",
        .language = "",
        .kind = STRING_CARRIER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_YAML,
        .tcp = "host: $host\n"
               "port: $port\n"
               "$?database{database: $database\n$}"
               "user: $user\n"
               "password: $password$tls",
        .socket = "socket: $socket\n"
                  "$?database{database: $database\n$}"
                  "user: $user\n"
                  "password: $password$tls",
        .tls = TLS("\nca: $ca"),
        .notes = "Without the quotes a # starts a comment, and 0123, yes and null are not text.",
    },
    {
        .id = "json",
        .also = "",
        .name = "JSON",
        .language = "",
        .kind = STRING_CARRIER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_JSON,
        .tcp = "{ \"host\": $host, \"port\": $port$?database{, \"database\": $database$}, "
               "\"user\": $user, "
               "\"password\": $password$tls }",
        .socket = "{ \"socket\": $socket$?database{, \"database\": $database$}, \"user\": $user, "
                  "\"password\": $password$tls }",
        .tls = TLS(", \"ca\": $ca"),
        .notes = "The form of a secret in AWS Secrets Manager.",
    },
    {
        .id = "toml",
        .also = "",
        .name = "TOML",
        .language = "",
        .kind = STRING_CARRIER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_JSON,
        .tcp = "host = $host\n"
               "port = $port\n"
               "$?database{database = $database\n$}"
               "user = $user\n"
               "password = $password$tls",
        .socket = "socket = $socket\n"
                  "$?database{database = $database\n$}"
                  "user = $user\n"
                  "password = $password$tls",
        .tls = TLS("\nca = $ca"),
        .notes = "Basic strings, whose escapes are those of JSON.",
    },
    {
        .id = "properties",
        .also = "java-properties",
        .name = ".properties",
        .language = "Java",
        .kind = STRING_CARRIER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PROPERTIES,
        .tcp = "db.host=$host\n"
               "db.port=$port\n"
               "$?database{db.database=$database\n$}"
               "db.user=$user\n"
               "db.password=$password$tls",
        .socket = "db.socket=$socket\n"
                  "$?database{db.database=$database\n$}"
                  "db.user=$user\n"
                  "db.password=$password$tls",
        .tls = TLS("\ndb.ca=$ca"),
        .notes =
            "A backslash is doubled. What is not ASCII stands as \\uXXXX: readers differ in what "
            "they take the file's bytes for.",
    },
};

const struct string_shelf carriers_shelf = { clients, ARRAY_LEN(clients) };
