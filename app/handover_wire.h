// SPDX-License-Identifier: Apache-2.0
//
// What two processes of the same configuration say to each other when one takes over the listening
// sockets of the other: records of one size over a unix stream socket, each a few texts and at most
// one descriptor (unix(7), SCM_RIGHTS). The asker begins:
//
//     ask      protocol, version, "who" or "take"
//     running  protocol, version, process id, program (os_program_id), the watchdog's time in
//              microseconds, "service" when a service manager hears of it, the path of the folder
//              of credentials; with the descriptor of that folder, if there is one
//     log                                            with the descriptor of its standard error,
//                                                    unless a service manager has that
//     socket   address, name, "activation" or ""     one for each, with the descriptor
//     end                                            that was all
//     ready                                          from the asker: it serves from now on
//     no       reason                                in place of any answer: and that is all
//     hurry                                          from the asker, any time later: it was told to
//                                                    end, so let connections end soon
//
// Until "ready" the running process goes on as if nothing had happened; from then on the socket
// stays open until one of them ends. Any thread.
#pragma once

#include "base/addr.h"
#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>

#define HANDOVER_PROTOCOL "1"

enum { HANDOVER_RECORD_BYTES = 1024, HANDOVER_FIELDS = 8 };

struct handover_record {
    const char *fields[HANDOVER_FIELDS]; // "" where there is none
    int fd;                              // -1: none; whoever gets the record owns it
    size_t got;                          // bytes so far
    char bytes[HANDOVER_RECORD_BYTES + 1];
};

// Up to HANDOVER_FIELDS - 1 texts behind `kind`, which may be cut to fit; NULL ends them. False
// with errno; nothing was sent then.
bool handover_put(int fd, int passed_fd, const char *const *fields);

enum handover_got {
    HANDOVER_WHOLE,
    HANDOVER_MORE,  // the rest is on its way (a non-blocking socket)
    HANDOVER_ENDED, // the other one is gone, or has no more to say
};
// Reads on into `record`, which begins zeroed with fd -1.
enum handover_got handover_get(int fd, struct handover_record *record);
void handover_empty(struct handover_record *record); // closes a descriptor that nobody took

// The socket where the proxy with this admin socket is asked; false: the path gets too long.
bool handover_address(const struct addr *admin, struct addr *out);
// The peer is root, or the user that we are, as far as the system tells.
bool handover_peer_may(int fd);
