// SPDX-License-Identifier: Apache-2.0
//
// Ruby. Data only.
#include "strings/client.h"

#include "base/defs.h"

#define ERB "database.yml is a template: write the password as <%= ENV['DB_PASSWORD'] %>"
#define OLD_GEM                                                                                    \
    "Before 0.5.5 (Debian 12: 0.5.3) it warns that MariaDB's library knows no ssl_mode, and does " \
    "not check the certificate's name."
#define TRILOGY_NOTE                                                                               \
    "caching_sha2_password needs TLS with it, on unix sockets too: use mysql2 for such a user."

static const struct string_limit rails_limits[] = {
    { STRING_PASSWORD, "<%", ERB },
    { STRING_USER, "<%", ERB },
    { STRING_DATABASE, "<%", ERB },
    { STRING_SOCKET, "<%", ERB },
    { STRING_CA, "<%", ERB },
    { 0 },
};

#define RAILS(ADAPTER, PLACE)                                                                      \
    "production:\n"                                                                                \
    "  adapter: " ADAPTER "\n" PLACE "  username: $user\n"                                         \
    "  password: $password\n"                                                                      \
    "$?database{  database: $database\n$}"                                                         \
    "  encoding: utf8mb4$tls"
#define RAILS_TCP "  host: $host\n  port: $port\n"
#define RAILS_SOCKET "  socket: $socket\n"

#define ACCOUNT "username: $user, password: $password$?database{, database: $database$}$tls)"

// What Rails does with its configuration, without the rest of Rails.
#define RAILS_QUERIES                                                                              \
    "client = ActiveRecord::Base.connection.raw_connection\n"                                      \
    "one = ActiveRecord::Base.connection.select_value('SELECT 1')\n"                               \
    "length = client.prepare('SELECT LENGTH(?) AS size')\n"                                        \
    "puts \"#{one} #{length.execute('x' * 65536).first[0]}\"\n"                                    \
    "END\n"                                                                                        \
    "ruby main.rb"
#define RAILS_FILE_PROGRAM                                                                         \
    "cat >database.yml <<'END'\n"                                                                  \
    "$string\n"                                                                                    \
    "END\n"                                                                                        \
    "cat >main.rb <<'END'\n"                                                                       \
    "require 'active_record'\n"                                                                    \
    "require 'erb'\n\n"                                                                            \
    "config = YAML.safe_load(ERB.new(File.read('database.yml')).result)\n"                         \
    "ActiveRecord::Base.establish_connection(config['production'])\n" RAILS_QUERIES
#define RAILS_URL_PROGRAM                                                                          \
    "export $shell(string)\n"                                                                      \
    "cat >main.rb <<'END'\n"                                                                       \
    "require 'active_record'\n\n"                                                                  \
    "ActiveRecord::Base.establish_connection(ENV['DATABASE_URL'])\n" RAILS_QUERIES

static const struct string_client clients[] = {
    {
        .id = "mysql2-gem",
        .also = "ruby_mysql2 ruby",
        .name = "mysql2 gem",
        .language = "Ruby",
        .kind = STRING_DRIVER,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_SINGLE,
        .tcp = "Mysql2::Client.new(host: $host, port: $port, " ACCOUNT,
        .socket = "Mysql2::Client.new(socket: $socket, " ACCOUNT,
        .tls = {
            [STRING_TLS_OFF] = { .piece = ", ssl_mode: :disabled" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", ssl_mode: :verify_identity, sslca: $ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", ssl_mode: :verify_ca, sslca: $ca" },
        },
        .notes = "The newest gem calls them tls_mode and tls_ca; without a mode it goes on in plaintext "
                 "when the server offers no TLS.\n"
                 "Built with MariaDB's library it knows only disabled and verify_identity.\n"
                 OLD_GEM,
        .example = "require 'mysql2'\n\n"
                   "client = $string\n"
                   "one = client.query('SELECT 1 AS one').first['one']\n"
                   "length = client.prepare('SELECT LENGTH(?) AS size')\n"
                   "puts \"#{one} #{length.execute('x' * 65536).first['size']}\"",
    },
    {
        .id = "trilogy",
        .also = "",
        .name = "Trilogy",
        .language = "Ruby",
        .kind = STRING_DRIVER,
        .encoding = ENCODING_SINGLE,
        .tcp = "Trilogy.new(host: $host, port: $port, " ACCOUNT,
        .socket = "Trilogy.new(socket: $socket, " ACCOUNT,
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", ssl: true"
                                                      ", ssl_mode: Trilogy::SSL_VERIFY_IDENTITY"
                                                      ", ssl_ca: $ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", ssl: true, ssl_mode: Trilogy::SSL_VERIFY_CA"
                                                ", ssl_ca: $ca" },
        },
        .notes = TRILOGY_NOTE "\nIt has no prepared statements.",
        .example = "require 'trilogy'\n\n"
                   "client = $string\n"
                   "one = client.query('SELECT 1').first[0]\n"
                   "value = client.escape('x' * 65536)\n"
                   "puts \"#{one} #{client.query(\"SELECT LENGTH('#{value}')\").first[0]}\"",
    },
    {
        .id = "rails",
        .also = "active_record activerecord rails-mysql2",
        .name = "Rails, database.yml",
        .language = "Ruby",
        .kind = STRING_FRAMEWORK,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_YAML,
        .tcp = RAILS("mysql2", RAILS_TCP),
        .socket = RAILS("mysql2", RAILS_SOCKET),
        .tls = {
            [STRING_TLS_OFF] = { .piece = "\n  ssl_mode: disabled" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "\n  ssl_mode: verify_identity\n  sslca: $ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "\n  ssl_mode: verify_ca\n  sslca: $ca" },
        },
        .limits = rails_limits,
        .notes = "Over the mysql2 gem. The file is a template (ERB) before it is YAML.\n" OLD_GEM,
        .example = RAILS_FILE_PROGRAM,
    },
    {
        .id = "rails-url",
        .also = "rails-database-url",
        .name = "Rails, DATABASE_URL",
        .language = "Ruby",
        .kind = STRING_FRAMEWORK,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_PERCENT,
        .tcp = "DATABASE_URL=mysql2://$user$?password{:$password$}@$authority/$?database{$database$}$tls",
        .socket = "DATABASE_URL=mysql2://$user$?password{:$password$}@localhost/$?database{$database$}"
                  "?socket=$socket&ssl_mode=disabled",
        .tls = {
            [STRING_TLS_OFF] = { .piece = "?ssl_mode=disabled" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "?ssl_mode=verify_identity&sslca=$ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "?ssl_mode=verify_ca&sslca=$ca" },
        },
        .notes = "The scheme is the adapter's name, mysql2's.\n" OLD_GEM,
        .example = RAILS_URL_PROGRAM,
    },
    {
        .id = "rails-trilogy",
        .also = "",
        .name = "Rails with Trilogy",
        .language = "Ruby",
        .kind = STRING_FRAMEWORK,
        .encoding = ENCODING_YAML,
        .tcp = RAILS("trilogy", RAILS_TCP),
        .socket = RAILS("trilogy", RAILS_SOCKET),
        .tls = {
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = "\n  ssl: true\n  ssl_mode: VERIFY_IDENTITY"
                                                      "\n  ssl_ca: $ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = "\n  ssl: true\n  ssl_mode: VERIFY_CA\n  ssl_ca: $ca" },
        },
        .limits = rails_limits,
        .notes = TRILOGY_NOTE,
    },
    {
        .id = "sequel",
        .also = "",
        .name = "Sequel",
        .language = "Ruby",
        .kind = STRING_ORM,
        .proof = STRING_PROVEN,
        .encoding = ENCODING_SINGLE,
        .tcp = "Sequel.connect(adapter: 'mysql2', host: $host, port: $port, user: $user, "
               "password: $password$?database{, database: $database$}$tls)",
        .socket = "Sequel.connect(adapter: 'mysql2', socket: $socket, user: $user, "
                  "password: $password$?database{, database: $database$}$tls)",
        .tls = {
            [STRING_TLS_OFF] = { .piece = ", ssl_mode: :disabled" },
            [STRING_TLS_VERIFY_IDENTITY] = { .piece = ", ssl_mode: :verify_identity, sslca: $ca" },
            [STRING_TLS_VERIFY_CA] = { .piece = ", ssl_mode: :verify_ca, sslca: $ca" },
        },
        .notes = "Over the mysql2 gem.\n" OLD_GEM,
        .example = "require 'sequel'\n\n"
                   "db = $string\n"
                   "one = db.get(Sequel.lit('1'))\n"
                   "value = 'x' * 65536\n"
                   "length = db['SELECT LENGTH(?) AS size', :$$value].prepare(:first, :length)\n"
                   "size = length.call(value: value)[:size]\n"
                   "puts \"#{one} #{size}\"",
    },
};

const struct string_shelf ruby_shelf = { clients, ARRAY_LEN(clients) };
