// SPDX-License-Identifier: Apache-2.0
//
// The credentials of a service (systemd.exec(5), LoadCredential=) in a process that systemd has not
// started itself, and that finds nothing at their path: the folder comes as a descriptor from a
// process that has it. Main thread, before there are others; the texts stay.
#pragma once

// Where the configuration says that they are; NULL: there are none.
const char *credentials_folder(void);
// From the process that has them there; takes the descriptor, which stays open. Only the first one
// counts. $CREDENTIALS_DIRECTORY is where they can be read from then on.
void credentials_take(int fd, const char *folder);
// The path by which this file can be opened, allocated, when that is another one; otherwise NULL.
char *credentials_path(const char *path);
