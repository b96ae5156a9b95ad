// SPDX-License-Identifier: Apache-2.0
//
// The emulator's three sockets (API, DNS, control port) with the addresses that they really got,
// for the line that tells scripts where to find them.
#include "emulator/bind.h"

#include "base/err.h"
#include "base/net.h"
#include "base/os.h"

#include <errno.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static int learn(int fd, struct addr *addr, struct err *err)
{
    addr->len = sizeof(addr->un);
    if (getsockname(fd, &addr->any, &addr->len) == 0)
        return fd;
    err_sys(err, ERR_LISTEN, errno, "cannot learn the address of a socket");
    close(fd);
    return -1;
}

int bind_tcp(struct addr *addr, struct err *err)
{
    int fd = net_listen(addr, BACKLOG, 0600, err);
    return fd < 0 ? -1 : learn(fd, addr, err);
}

int bind_udp(struct addr *addr, struct err *err)
{
    char text[ADDR_TEXT_BYTES];
    int fd = os_socket(addr->any.sa_family, SOCK_DGRAM);
    if (fd >= 0 && bind(fd, &addr->any, addr->len) == 0)
        return learn(fd, addr, err);
    err_sys(err, ERR_LISTEN, errno, "cannot listen on %s (UDP)", addr_format(addr, text));
    if (fd >= 0)
        close(fd);
    return -1;
}
