// SPDX-License-Identifier: Apache-2.0
//
// Where a session stands between two statements, told by the last bytes that passed: for a drain,
// which ends who is in no transaction and waits for who is in one. While nothing drains the bytes
// are kept and not read. Pure; survives any bytes. Sources: dev.mysql.com/doc/dev/mysql-server,
// "OK_Packet", "EOF_Packet", "COM_STMT_PREPARE Response", mysql_com.h (SERVER_STATUS_flags_enum);
// mariadb.com/kb, "Progress Report".
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BOUNDARY_TAIL_BYTES = 32 };

enum boundary_place {
    BOUNDARY_UNKNOWN, // encrypted, compressed, no MySQL, or the bytes do not tell
    BOUNDARY_FREE,    // between two statements and in no transaction
    BOUNDARY_INSIDE,  // in a transaction, or with an open cursor, or a statement goes on
};

// Zeroed: nobody has spoken.
struct boundary {
    uint8_t tail[BOUNDARY_TAIL_BYTES]; // of the answer: its end, or the start of its only packet
    uint8_t tail_len;
    uint8_t command;       // the client's last one; 0: none yet
    uint8_t answered;      // the one that the tail belongs to
    bool is_opaque : 1;    // nothing here can be read
    bool is_whole : 1;     // the tail is the start of a packet that came alone
    bool is_fresh : 1;     // logged in, and nothing was said since
    bool is_streamed : 1;  // the end of the answer passed unseen
    bool has_failed : 1;   // an ERR packet came behind the tail, which has no flags
    bool is_under_way : 1; // it told of its progress
    bool is_closed : 1;    // the statement, and with it its cursor, since the server has spoken
    uint8_t statement[4];  // that was executed or fetched from last
    uint32_t command_left; // bytes of the command that are still to come
};

// The client's answer to the greeting has these capabilities (enum mysql_capability).
void boundary_login(struct boundary *boundary, uint32_t capabilities);
// The server took us for the client, and said OK.
void boundary_logged_in(struct boundary *boundary);
// Bytes of the client. `is_start`: the server had spoken last. False: they ask for no answer.
bool boundary_client_said(
    struct boundary *boundary, const uint8_t *bytes, size_t len, bool is_start);
// Bytes of the server. `is_start`: the client had spoken last.
void boundary_server_said(
    struct boundary *boundary, const uint8_t *bytes, size_t len, bool is_start);
// The same for bytes that nobody has seen.
void boundary_client_missed(struct boundary *boundary, size_t len);
void boundary_server_missed(struct boundary *boundary);

// When nothing is under way in either direction.
enum boundary_place boundary_place(const struct boundary *boundary);
