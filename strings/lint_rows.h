// SPDX-License-Identifier: Apache-2.0
//
// What the readers (read_*.c), the rules (lint_rules.c), the writers (lint_write.c) and the table
// of clients (lint_clients.c) share. Pure.
#pragma once

#include "strings/lint.h"

// A part of the string, or what a quoting made of it: each byte knows where it comes from.
struct lint_text {
    const char *at;
    size_t len;
    const uint32_t *from; // offset in the string, per byte, and one more for the end
};

struct lint_value {
    const char *text; // NULL: not there
    uint32_t from;
};

struct lint_pair {
    struct lint_value name, value;
    bool is_hidden;  // may be a part of the password
    bool is_added;   // by a rule's fix, for the corrected string alone
    bool is_dropped; // likewise
    bool is_inner;   // a member of another value, for the rules alone
    bool is_foreign; // no parameter of this client: whether it knows the name is not asked
};

struct lint_reading {
    struct lint_value scheme, host, port, socket, user, password, database;
    struct lint_value ca; // path of the CA's file, for the corrected string
    struct lint_pair pairs[LINT_PARAMS];
    size_t pair_count;
    bool is_misread;   // the fields say what was meant, not what the client would read
    unsigned misnamed; // of enum lint_field: meant, and not read
    bool is_unread;    // nothing is known of the fields
    bool is_unwritten; // nothing to put in place of what is wrong: no corrected string
    uint32_t end;      // where the authority ends, for what is missing there
};

struct lint {
    struct lint_report report; // first: who frees it frees all
    struct lint_reading reading;
    const struct lint_client *client; // whose rules hold
    const struct lint_client *file;   // in which its URL stands; NULL: in none
    const struct string_client *row;
    const char *source;
    size_t source_len;
    char *arena;
    size_t arena_used, arena_peak, arena_size;
    bool failed;      // out of memory
    bool is_argument; // the URL is a word of a command line
    bool is_bare;     // the value read last has no quotes
    bool is_filled;   // the value read last is a variable and nothing else
};

// ---- rules --------------------------------------------------------------------------------------

// A trap as data. `when` is a list of conditions, all of which must hold:
//   name          the parameter is there (names are compared without case)
//   name=a|b      and has one of these values, without case
//   name>number   and is a number above this one
//   !condition    it does not hold
//   @host=WORD    localhost, loopback, ip (an address), v6, path, any
//   @tls=WORD     as lint_tls_name
//   @port=N|N, @port, @user, @socket, @password, @database
struct lint_rule {
    const char *when;  // NULL ends the list
    enum lint_tls tls; // of a list of TLS rules: what it means; the first that holds counts
    enum lint_severity severity;
    const char *code; // NULL: no finding
    const char *at;   // the parameter where it is; NULL: nowhere in particular
    const char *what;
    const char *why;
    const char *fix; // "name=value" to set, "-name" to drop, blank-separated;
                     // "!": no corrected string; NULL: none
};

// ---- clients ------------------------------------------------------------------------------------

enum lint_flags {
    // The part before the host.
    URL_FIRST_AT = 1 << 0,   // ends at the first @, whatever stands before
    URL_SLASH_ENDS = 1 << 1, // only a / ends it, not ? or #
    URL_NO_DECODE = 1 << 2,  // user and password are taken as they are
    URL_COLONS_CUT = 1 << 3, // a second : ends the password
    // The host.
    URL_BRACKETS_STAY = 1 << 4, // [::1] is looked up with its brackets
    URL_NO_IPV6 = 1 << 5,       // splits at the first colon
    URL_HOST_PATH = 1 << 6,     // a path, percent-encoded, is a unix socket
    LOCALHOST_SOCKET = 1 << 7,  // localhost means the unix socket
    // The path.
    URL_DB_PLAIN = 1 << 8,    // not decoded
    URL_ONE_SEGMENT = 1 << 9, // refused when there is a second /
    // The query.
    QUERY_PLUS = 1 << 10,  // + is a blank
    QUERY_TWICE = 1 << 11, // decoded twice
    QUERY_PLAIN = 1 << 12, // not decoded
    QUERY_JSON = 1 << 13,  // every value that is JSON is taken as JSON
    QUERY_DROPPED = 1 << 14,
    // Whatever.
    LONE_PERCENT_OK = 1 << 15, // a % without two digits stays as it is
    UNKNOWN_THROWS = 1 << 16,  // a parameter that it does not know is an error
    UNKNOWN_IGNORED = 1 << 17, // it is dropped without a word
    WANTS_DATABASE = 1 << 18,
    ANY_PLACE = 1 << 19,      // host and port may be missing
    NO_FRAGMENT = 1 << 20,    // # is a character like others
    NAMES_ANY_CASE = 1 << 21, // of parameters
    URL_IS_PLACE = 1 << 22,   // in a file: url is host:port
    OLD_NO_DECODE = 1 << 23,  // older versions take user and password as they are
};

// How a value is written in what carries it to the program (read_value.c).
enum lint_carrier {
    CARRIER_NONE = 0,
    CARRIER_ENV,        // NAME=value of Node's dotenv
    CARRIER_EXPAND,     // likewise, and $NAME is replaced in any quotes (dotenv-expand)
    CARRIER_PHP,        // phpdotenv, Symfony: $NAME is replaced, but not in single quotes
    CARRIER_PYTHON,     // python-dotenv: ${NAME} is replaced
    CARRIER_DOCKER,     // as it stands, up to the line's end
    CARRIER_INI,        // Python's configparser: % doubled
    CARRIER_SHELL,      // words of a POSIX shell
    CARRIER_CNF,        // my_default.c
    CARRIER_PROPERTIES, // java.util.Properties
    CARRIER_YAML,
    CARRIER_YAML_DOLLAR, // likewise, and $NAME is replaced
    CARRIER_SYSTEMD,
    CARRIER_COLUMNS, // a name, blanks, the value as it stands
    CARRIERS
};

struct lint_client {
    const char *ids; // of strings/client.h, blank-separated
    bool (*read)(struct lint *lint, struct lint_text text, struct err *err);
    bool (*write)(struct lint *lint, struct buf *out);
    enum lint_carrier carrier;
    uint32_t flags;
    const char *schemes; // what a URL may start with; the first is what a corrected one gets
    const char *refused; // characters that it refuses, raw, in the user's part of a URL
    const char *known;   // its parameters, blank-separated; NULL: any
    const char *sockets; // those that name a unix socket
    const char *expands; // what starts something that is replaced in the whole text: "${", "<%"
    const struct lint_rule *tls;
    const struct lint_rule *traps;
};

// The row of a client; NULL if there is none.
const struct lint_client *lint_client_find(const char *id);
bool lint_list_has(const char *list, const char *word, size_t len); // in any case
bool lint_knows_name(const struct lint_client *client, const char *list, const char *name);

// ---- what readers do ----------------------------------------------------------------------------

void *lint_alloc(struct lint *lint, size_t size); // NULL: failed is set
struct lint_text lint_part(struct lint_text text, size_t start, size_t end);
struct lint_text lint_trim(struct lint_text text, const char *blanks);
size_t lint_span(struct lint_text text, size_t start, const char *stops); // index of the first stop
size_t lint_find(struct lint_text text, const char *word);                // text.len: not there
bool lint_starts(struct lint_text text, const char *word);
struct lint_value lint_take(struct lint *lint, struct lint_text text);
enum { DECODE_PLUS = 1, DECODE_LONE_OK = 2, DECODE_TWICE = 4 };
// Percent-decodes; `what` names the part in the findings.
struct lint_value lint_decode(
    struct lint *lint, struct lint_text text, unsigned how, const char *what);
bool lint_is_placeholder(struct lint_text text);
bool lint_is_scheme(struct lint_text text); // and not something that may hold a password
// The text that a loop makes byte by byte.
struct lint_text lint_copy(struct lint *lint, size_t max);
void lint_put(struct lint_text *text, char byte, uint32_t from);

bool lint_is_loopback(const char *host);     // NULL: no
unsigned lint_port(const struct lint *lint); // 0: none, or no number
// NULL: the list is full.
struct lint_pair *lint_add_pair(struct lint *lint, struct lint_value name, struct lint_value value);
struct lint_pair *lint_find_pair(struct lint *lint, const char *name);
void lint_find_sockets(struct lint *lint);

void lint_say(struct lint *lint, enum lint_severity severity, const char *code, uint32_t from,
    const char *why, const char *what, ...) PRINTF_LIKE(6, 7);
enum { LINT_NOWHERE = UINT32_MAX };

bool lint_read_url(struct lint *lint, struct lint_text text, struct err *err);
bool lint_read_connector_j(struct lint *lint, struct lint_text text, struct err *err);
bool lint_read_mariadb_j(struct lint *lint, struct lint_text text, struct err *err);
bool lint_read_go(struct lint *lint, struct lint_text text, struct err *err);
bool lint_read_ado(struct lint *lint, struct lint_text text, struct err *err);
bool lint_read_odbc(struct lint *lint, struct lint_text text, struct err *err);
bool lint_read_pdo(struct lint *lint, struct lint_text text, struct err *err);
bool lint_read_command(struct lint *lint, struct lint_text text, struct err *err);
bool lint_read_lines(struct lint *lint, struct lint_text text, struct err *err);
bool lint_read_xml(struct lint *lint, struct lint_text text, struct err *err);
// A URL that is a word of a command line: whether its password is seen by others.
void lint_check_argument(struct lint *lint, struct lint_text word);
bool lint_read_login_path(struct lint *lint, struct lint_text text, struct err *err);
bool lint_read_attach(struct lint *lint, struct lint_text text, struct err *err);
bool lint_read_unit(struct lint *lint, struct lint_text text, struct err *err);
// Of what a window shows: whether one of these ;-separated labels is it.
bool lint_has_label(const char *labels, const char *name);
// What a window's field says about TLS, as the parameter ssl-mode; false: it says nothing.
bool lint_take_choice(struct lint *lint, struct lint_value name, struct lint_text value);
// The string in its carrier: without NAME= and quotes, or the word of a command line that is a URL.
struct lint_text lint_peel(struct lint *lint, struct lint_text text, enum lint_carrier carrier);
// The value at the beginning of the text; `end` is behind it, at a line's end.
struct lint_text lint_read_value(
    struct lint *lint, struct lint_text text, enum lint_carrier carrier, size_t *end);
// The words of a POSIX shell.
size_t lint_words(struct lint *lint, struct lint_text text, struct lint_text *words, size_t max);

bool lint_write_url(struct lint *lint, struct buf *out);
bool lint_write_jdbc(struct lint *lint, struct buf *out);
bool lint_write_go(struct lint *lint, struct buf *out);
bool lint_write_list(struct lint *lint, struct buf *out);
bool lint_write_command(struct lint *lint, struct buf *out);
bool lint_write_row(struct lint *lint, struct buf *out);

// ---- the judgement ------------------------------------------------------------------------------

void lint_judge(struct lint *lint); // TLS, places, parameters, traps; applies the fixes

// Parameters that drivers know, blank-separated (lint_names.c).
extern const char lint_names_connector_j[], lint_names_aws_wrapper[], lint_names_mariadb_j[],
    lint_names_mysqlconnector[], lint_names_mysql_data[], lint_names_odbc[],
    lint_names_odbc_mariadb[], lint_names_sequelize[];

extern const struct lint_rule lint_no_rules[], lint_tls_ssl_mode[], lint_tls_command[],
    lint_tls_mariadb[], lint_tls_file[], lint_tls_mysql2[], lint_tls_mariadb_node[],
    lint_tls_prisma[], lint_tls_sqlalchemy[], lint_tls_connector_python[], lint_tls_connector_j[],
    lint_tls_mariadb_j[], lint_tls_go[], lint_tls_rust[], lint_tls_ado[], lint_tls_odbc[],
    lint_tls_ecto[], lint_tls_php[], lint_tls_r2dbc[], lint_tls_window[], lint_tls_grafana[],
    lint_tls_sequelize[], lint_tls_odbc_mariadb[];
extern const struct lint_rule lint_trap_connector_j[], lint_trap_mariadb_j[], lint_trap_rust[],
    lint_trap_ado[], lint_trap_mysql[], lint_trap_mysqldump[], lint_trap_mariadb[],
    lint_trap_file[], lint_trap_r2dbc[], lint_trap_aws_wrapper[], lint_trap_knex[],
    lint_trap_spring[];
