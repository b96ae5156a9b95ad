// SPDX-License-Identifier: Apache-2.0
//
// Records of the hand-over. Used by handover.c, which is asked, and takeover.c, which asks.
#include "app/handover_wire.h"

#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char suffix[] = ".take-over";

static size_t fill(char bytes[HANDOVER_RECORD_BYTES], const char *const *fields)
{
    size_t len = 0;
    memset(bytes, 0, HANDOVER_RECORD_BYTES);
    for (size_t i = 0; fields[i] && i < HANDOVER_FIELDS; i++) {
        size_t room = HANDOVER_RECORD_BYTES - len;
        size_t need = strlen(fields[i]) + 1;
        if (room < 2)
            break;
        snprintf(bytes + len, room, "%s", fields[i]);
        len += need < room ? need : room;
    }
    return len;
}

bool handover_put(int fd, int passed_fd, const char *const *fields)
{
    char bytes[HANDOVER_RECORD_BYTES];
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec part = { .iov_base = bytes, .iov_len = sizeof(bytes) };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    (void)fill(bytes, fields);
    if (passed_fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &passed_fd, sizeof(int));
    }
    ssize_t sent = sendmsg(fd, &message, OS_SEND);
    if (sent >= 0 && (size_t)sent < sizeof(bytes))
        errno = EPIPE; // a record of this size goes at once or not at all
    return sent == (ssize_t)sizeof(bytes);
}

static void take_fd(struct handover_record *record, struct msghdr *message)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        // There is room for two, as the space is rounded up: only the last one is kept.
        for (size_t at = CMSG_LEN(0); at + sizeof(int) <= header->cmsg_len; at += sizeof(int)) {
            int fd;
            memcpy(&fd, (const char *)header + at, sizeof(fd));
            (void)fcntl(fd, F_SETFD, FD_CLOEXEC); // no program is started meanwhile
            if (record->fd >= 0)
                close(record->fd);
            record->fd = fd;
        }
    }
}

static void split(struct handover_record *record)
{
    const char *at = record->bytes;
    const char *end = record->bytes + HANDOVER_RECORD_BYTES; // where a NUL is
    for (size_t i = 0; i < HANDOVER_FIELDS; i++) {
        record->fields[i] = at;
        at += strlen(at);
        if (at < end)
            at++;
    }
}

enum handover_got handover_get(int fd, struct handover_record *record)
{
    while (record->got < HANDOVER_RECORD_BYTES) {
        union {
            struct cmsghdr header;
            char bytes[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec part = { .iov_base = record->bytes + record->got,
            .iov_len = HANDOVER_RECORD_BYTES - record->got };
        struct msghdr message = { .msg_iov = &part,
            .msg_iovlen = 1,
            .msg_control = control.bytes,
            .msg_controllen = sizeof(control.bytes) };
        ssize_t got = recvmsg(fd, &message, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return HANDOVER_MORE;
        if (got <= 0)
            return HANDOVER_ENDED;
        take_fd(record, &message);
        record->got += (size_t)got;
    }
    split(record);
    return HANDOVER_WHOLE;
}

void handover_empty(struct handover_record *record)
{
    if (record->fd >= 0)
        close(record->fd);
    *record = (struct handover_record){ .fd = -1 };
}

bool handover_address(const struct addr *admin, struct addr *out)
{
    size_t room = sizeof(out->un.sun_path) - strlen(admin->un.sun_path);
    *out = *admin;
    if (sizeof(suffix) > room)
        return false;
    strncat(out->un.sun_path, suffix, room - 1);
    out->len = sizeof(out->un);
    return true;
}

bool handover_peer_may(int fd)
{
    uint32_t pid, uid;
    // Where the system does not tell, the mode of the socket's file has to do.
    return !os_peer(fd, &pid, &uid) || uid == 0 || uid == geteuid();
}
