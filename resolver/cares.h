// SPDX-License-Identifier: Apache-2.0
//
// c-ares's header, which wants fd_set and does not say so: glibc has it in <sys/types.h>, POSIX in
// <sys/select.h>.
#pragma once

#include <sys/select.h>

#include <ares.h>
