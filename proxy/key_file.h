// SPDX-License-Identifier: Apache-2.0
//
// What all private keys in files have in common. Any thread.
#pragma once

// For OpenSSL, which otherwise asks for an encrypted key's password on the terminal, where nobody
// sits: there is none. pem_password_cb(3).
int key_file_no_password(char *out, int size, int is_written, void *arg);
// Warns when everybody may read it.
void key_file_check_mode(const char *path);
