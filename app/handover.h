// SPDX-License-Identifier: Apache-2.0
//
// The running process's side of a hand-over: whoever asks on the socket beside the admin socket,
// and is the same user, gets all listening sockets; when it says that it is ready, this process
// drains. One that drains already has those of the admin to give. Main thread.
#pragma once

struct handover;
struct program;

// NULL: it cannot be asked, which is said in the log if it should be.
struct handover *handover_start(struct program *program);
// From now on it may be asked: the sockets are this process's.
void handover_serve(struct handover *handover);
// Whoever is being served is told to give up: the sockets are closed. NULL is allowed.
void handover_refuse(struct handover *handover);
// The same, and nobody can ask any more; but who has the sockets of a process that drains keeps
// them, which are not the program's any more then.
void handover_stop(struct handover *handover);
