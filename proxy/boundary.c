// SPDX-License-Identifier: Apache-2.0
//
// The end of an answer has the flags: an EOF packet, or, where the client asked for that
// (CLIENT_DEPRECATE_EOF), an OK packet that begins like one. What has none (ERR, the answer to a
// PREPARE) changes no transaction, and what was known before it still holds. Called by relay.c;
// read by sweep.c.
#include "proxy/boundary.h"

#include "proxy/mysql.h"

#include <string.h>

enum {
    COM_QUERY = 0x03,
    COM_STATISTICS = 0x09, // its answer is a text
    COM_CHANGE_USER = 0x11,
    COM_BINLOG_DUMP = 0x12,
    COM_STMT_PREPARE = 0x16,
    COM_STMT_EXECUTE = 0x17,
    COM_STMT_CLOSE = 0x19, // has no answer
    COM_STMT_FETCH = 0x1c,
    COM_BINLOG_DUMP_GTID = 0x1e,
    COM_SEVERAL = 0xfe, // more than one at once, or its end was not seen
};

enum {
    STATUS_IN_TRANS = 0x0001,
    STATUS_MORE_RESULTS = 0x0008,
    STATUS_CURSOR = 0x0040,
    STATUS_LAST_ROW_SENT = 0x0080,
    STATUS_IN_TRANS_READONLY = 0x2000,
};

enum {
    STMT_CLOSE_BYTES = 9,
    STMT_BYTES = 4,   // of a statement's number, behind the command
    EOF_BYTES = 5,    // payload
    OK_BYTES_MIN = 7, // payload
    PREPARE_OK_BYTES = 12,
    LOGIN_BYTES = 8, // of a client's answer, to the end of its capabilities
    LOCAL_INFILE = 0xfb,
    EOF_OR_OK = 0xfe,
};

static size_t payload_len(const uint8_t *packet)
{
    return packet[0] | (size_t)packet[1] << 8 | (size_t)packet[2] << 16;
}

static bool is_alone(const uint8_t *bytes, size_t len)
{
    return len > MYSQL_HEADER_BYTES && payload_len(bytes) + MYSQL_HEADER_BYTES == len;
}

// ---- what passes --------------------------------------------------------------------------------

void boundary_login(struct boundary *boundary, uint32_t capabilities)
{
    if (capabilities & (MYSQL_SSL | MYSQL_COMPRESS | MYSQL_ZSTD))
        boundary->is_opaque = true;
}

void boundary_logged_in(struct boundary *boundary)
{
    boundary->is_fresh = true;
}

// Drivers close statements when they please, one or several at a time.
static bool asks_for_nothing(const uint8_t *bytes, size_t len)
{
    static const uint8_t close[] = { 5, 0, 0, 0, COM_STMT_CLOSE };
    if (len % STMT_CLOSE_BYTES)
        return false;
    for (size_t at = 0; at < len; at += STMT_CLOSE_BYTES)
        if (memcmp(bytes + at, close, sizeof(close)) != 0)
            return false;
    return true;
}

static const uint8_t *statement_of(const uint8_t *packet)
{
    return packet + MYSQL_HEADER_BYTES + 1;
}

// Their cursors go with them.
static void note_closed(struct boundary *boundary, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len; at += STMT_CLOSE_BYTES)
        if (memcmp(boundary->statement, statement_of(bytes + at), STMT_BYTES) == 0)
            boundary->is_closed = true;
}

static void note_statement(struct boundary *boundary, const uint8_t *bytes, size_t len)
{
    bool has_one = boundary->command == COM_STMT_EXECUTE || boundary->command == COM_STMT_FETCH;
    if (has_one && len >= MYSQL_HEADER_BYTES + 1 + STMT_BYTES)
        memcpy(boundary->statement, statement_of(bytes), STMT_BYTES);
}

// The rest of a long command; more than that is another one behind it.
static void go_on(struct boundary *boundary, size_t len)
{
    if (boundary->command_left == UINT32_MAX)
        return; // what belongs to a command and is not counted
    if (len > boundary->command_left)
        boundary->command = COM_SEVERAL;
    boundary->command_left -= len > boundary->command_left ? boundary->command_left : (uint32_t)len;
}

bool boundary_client_said(
    struct boundary *boundary, const uint8_t *bytes, size_t len, bool is_start)
{
    if (boundary->is_opaque)
        return true;
    if (!is_start) {
        go_on(boundary, len);
        return true;
    }
    bool is_packet = len > MYSQL_HEADER_BYTES;
    if (is_packet && bytes[3] != 0) {
        // It goes on in what the server asked: the login, or a file's contents.
        if (!boundary->command && bytes[3] == 1 && len >= LOGIN_BYTES)
            boundary_login(boundary, bytes[4] | (uint32_t)bytes[5] << 8 | (uint32_t)bytes[6] << 16 |
                                         (uint32_t)bytes[7] << 24);
        boundary->command_left = UINT32_MAX;
        return true;
    }
    if (is_packet && asks_for_nothing(bytes, len)) {
        note_closed(boundary, bytes, len);
        return false;
    }
    size_t whole = is_packet ? payload_len(bytes) + MYSQL_HEADER_BYTES : 0;
    bool is_one = whole >= len && payload_len(bytes) < MYSQL_PAYLOAD_MAX;
    boundary->command = is_one ? bytes[MYSQL_HEADER_BYTES] : COM_SEVERAL;
    boundary->command_left = is_one ? (uint32_t)(whole - len) : 0;
    note_statement(boundary, bytes, len);
    return true;
}

// An answer may end in any number of small reads.
static void keep_tail(struct boundary *boundary, const uint8_t *bytes, size_t len, bool is_start)
{
    size_t take = len < BOUNDARY_TAIL_BYTES ? len : BOUNDARY_TAIL_BYTES;
    size_t keep = BOUNDARY_TAIL_BYTES - take;
    if (is_start || boundary->is_whole)
        keep = 0;
    if (keep > boundary->tail_len)
        keep = boundary->tail_len;
    memmove(boundary->tail, boundary->tail + boundary->tail_len - keep, keep);
    memcpy(boundary->tail + keep, bytes + len - take, take);
    boundary->tail_len = (uint8_t)(keep + take);
    boundary->is_whole = false;
}

void boundary_server_said(
    struct boundary *boundary, const uint8_t *bytes, size_t len, bool is_start)
{
    static const uint8_t progress[] = { MYSQL_ERR, 0xff, 0xff };
    if (boundary->is_opaque)
        return;
    bool is_whole = is_alone(bytes, len);
    boundary->is_fresh = boundary->is_under_way = boundary->is_closed = false;
    if (is_whole && bytes[MYSQL_HEADER_BYTES] == MYSQL_ERR) {
        boundary->is_under_way =
            len > MYSQL_HEADER_BYTES + sizeof(progress) &&
            memcmp(bytes + MYSQL_HEADER_BYTES, progress, sizeof(progress)) == 0;
        boundary->has_failed = !boundary->is_under_way;
        return;
    }
    if (boundary->command == COM_STMT_PREPARE || boundary->command == COM_STATISTICS)
        return;
    boundary->has_failed = false;
    boundary->is_streamed = false;
    boundary->answered = boundary->command;
    if (!is_whole) {
        keep_tail(boundary, bytes, len, is_start);
        return;
    }
    boundary->is_whole = true;
    boundary->tail_len = (uint8_t)(len < BOUNDARY_TAIL_BYTES ? len : BOUNDARY_TAIL_BYTES);
    memcpy(boundary->tail, bytes, boundary->tail_len);
}

void boundary_client_missed(struct boundary *boundary, size_t len)
{
    go_on(boundary, len);
}

void boundary_server_missed(struct boundary *boundary)
{
    boundary->is_fresh = boundary->is_under_way = boundary->has_failed = false;
    boundary->is_streamed = true;
    boundary->tail_len = 0;
    boundary->answered = boundary->command;
}

// ---- what it means ------------------------------------------------------------------------------

// Bytes of a length-encoded number; 0: it is none.
static size_t number_len(const uint8_t *bytes, size_t len)
{
    if (!len || *bytes == 0xfb || *bytes == 0xff)
        return 0;
    size_t need = *bytes < 0xfb ? 1 : *bytes == 0xfc ? 3 : *bytes == 0xfd ? 4 : 9;
    return need <= len ? need : 0;
}

// The flags of an OK or EOF packet, of whose payload `len` bytes are here. False: it is none.
static bool read_status(const uint8_t *payload, size_t len, size_t whole, unsigned *out)
{
    if (payload[0] == EOF_OR_OK && whole == EOF_BYTES) {
        *out = payload[3] | (unsigned)payload[4] << 8;
        return true;
    }
    if (whole < OK_BYTES_MIN)
        return false;
    size_t at = 1;
    for (int number = 0; number < 2; number++) { // affected rows, last insert ID
        size_t took = number_len(payload + at, len - at);
        if (!took)
            return false;
        at += took;
    }
    if (at + 4 > len) // the flags, and warnings behind them
        return false;
    *out = payload[at] | (unsigned)payload[at + 1] << 8;
    return true;
}

static enum boundary_place place_of(const struct boundary *boundary, unsigned status)
{
    bool in_trans = status & (STATUS_IN_TRANS | STATUS_IN_TRANS_READONLY);
    bool goes_on = (status & STATUS_MORE_RESULTS) && !boundary->has_failed;
    bool has_cursor =
        (status & STATUS_CURSOR) && !(status & STATUS_LAST_ROW_SENT) && !boundary->is_closed;
    return in_trans || goes_on || has_cursor ? BOUNDARY_INSIDE : BOUNDARY_FREE;
}

// What may as well be something else with the same beginning is taken for an OK only when that
// keeps the session.
static enum boundary_place place_of_doubtful(unsigned status)
{
    bool in_trans = status & (STATUS_IN_TRANS | STATUS_IN_TRANS_READONLY);
    return in_trans ? BOUNDARY_INSIDE : BOUNDARY_UNKNOWN;
}

static enum boundary_place place_of_whole(const struct boundary *boundary)
{
    unsigned status;
    uint8_t command = boundary->answered;
    const uint8_t *payload = boundary->tail + MYSQL_HEADER_BYTES;
    size_t whole = payload_len(boundary->tail);
    size_t len = (size_t)boundary->tail_len - MYSQL_HEADER_BYTES;
    if (*payload == LOCAL_INFILE && (command == COM_QUERY || command == COM_SEVERAL))
        return boundary->has_failed ? BOUNDARY_UNKNOWN : BOUNDARY_INSIDE;
    // Before the first command, and at a change of the user, 0xfe is another plugin's name.
    bool may_end = command && command != COM_CHANGE_USER;
    bool is_ok = *payload == MYSQL_OK || (*payload == EOF_OR_OK && may_end);
    if (!is_ok || !read_status(payload, len, whole, &status))
        return BOUNDARY_UNKNOWN;
    bool may_be_prepared =
        command == COM_SEVERAL && *payload == MYSQL_OK && whole - PREPARE_OK_BYTES <= 1;
    return may_be_prepared ? place_of_doubtful(status) : place_of(boundary, status);
}

// The last packet of several, whose beginning is somewhere in the tail.
static enum boundary_place place_of_end(const struct boundary *boundary)
{
    const uint8_t *tail = boundary->tail;
    size_t shortest = MYSQL_HEADER_BYTES + EOF_BYTES;
    for (size_t bytes = shortest; bytes <= boundary->tail_len; bytes++) {
        unsigned status;
        const uint8_t *packet = tail + boundary->tail_len - bytes;
        const uint8_t *payload = packet + MYSQL_HEADER_BYTES;
        size_t len = bytes - MYSQL_HEADER_BYTES;
        bool is_ok = *payload == EOF_OR_OK || *payload == MYSQL_OK;
        if (payload_len(packet) != len || !is_ok || !read_status(payload, len, len, &status))
            continue;
        // A row may begin with 0x00 as well; in a login there is none.
        return *payload == MYSQL_OK && boundary->answered ? place_of_doubtful(status)
                                                          : place_of(boundary, status);
    }
    return BOUNDARY_UNKNOWN;
}

enum boundary_place boundary_place(const struct boundary *boundary)
{
    uint8_t command = boundary->command;
    if (boundary->is_opaque)
        return BOUNDARY_UNKNOWN;
    if (boundary->is_fresh)
        return BOUNDARY_FREE;
    if (boundary->is_under_way || boundary->is_streamed)
        return BOUNDARY_INSIDE;
    if (command == COM_BINLOG_DUMP || command == COM_BINLOG_DUMP_GTID)
        return BOUNDARY_FREE; // a replica goes on elsewhere from where it was
    if (boundary->tail_len <= MYSQL_HEADER_BYTES)
        return BOUNDARY_UNKNOWN;
    return boundary->is_whole ? place_of_whole(boundary) : place_of_end(boundary);
}
