// SPDX-License-Identifier: Apache-2.0
//
// A relay that makes a server on loopback look far away: every byte, and every end, arrives one
// one-way delay d after it was sent. The kernel of the bench's machine has no netem.
//
// Connecting, counted from the client's connect(), with a server at distance d:
//
//      d   the SYN is at the server
//     2d   the SYN/ACK is at the client: connect() returns
//     3d   the ACK is at the server: only now accept() returns and the server greets
//     4d   the greeting is at the client: two round trips after connect()
//
// Here the kernel answers the SYN at once, so connect() returns at 0 and this relay accepts at 0.
// It then waits 3d before it connects to the server, which is when the server would have seen the
// connection, and the greeting takes another d: it is at the client at 4d, as it would be. What
// differs from a real distance is only that connect() itself returns early; a client that sends
// nothing before the greeting, as in MySQL's protocol, cannot gain from that.
#include "bench/common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { EVENTS = 256, CHUNK = 64 << 10, HELD_MAX = 8 << 20, BACKLOG = 4096 };

struct parcel {
    struct parcel *next;
    uint64_t due;
    size_t len, sent; // len 0: the end of the stream
    uint8_t bytes[];
};

// What arrives on one socket and leaves, later, on the other.
struct way {
    struct link *link;
    struct parcel *first, **last;
    size_t held;
    bool ended;   // nothing more arrives
    bool done;    // and the end was passed on
    bool blocked; // the other socket takes nothing now
};

struct side {
    struct link *link;
    int fd;
    uint32_t events;
};

struct link {
    struct side sides[2]; // client, server
    struct way ways[2];   // from sides[i] to sides[!i]
    unsigned timers;      // in the queues below: the link outlives them
    bool dead;
};

// Both kinds of delay are constant, so each queue is in the order of time.
struct due {
    struct due *next;
    uint64_t at;
    struct link *link;
};
struct queue {
    struct due *first, **last;
};

static struct {
    int epoll, listener, timer;
    uint64_t delay;
    struct sockaddr_in server;
    struct queue dials, parcels;
    uint64_t armed;
    uint8_t chunk[CHUNK];
} relay;

static void *allocate(size_t len)
{
    void *memory = calloc(1, len);
    if (!memory)
        die("calloc");
    return memory;
}

static void timer_arm(void)
{
    const struct due *a = relay.dials.first, *b = relay.parcels.first;
    uint64_t at = a && (!b || a->at < b->at) ? a->at : b ? b->at : 0;
    if (at == relay.armed)
        return;
    relay.armed = at;
    struct itimerspec when = { .it_value = { (time_t)(at / 1000000000), at % 1000000000 } };
    if (timerfd_settime(relay.timer, TFD_TIMER_ABSTIME, &when, NULL) < 0)
        die("timerfd_settime");
}

static void queue_add(struct queue *queue, struct link *link, uint64_t at)
{
    struct due *due = allocate(sizeof(*due));
    due->at = at;
    due->link = link;
    link->timers++;
    *queue->last = due;
    queue->last = &due->next;
}

static struct link *queue_take(struct queue *queue, uint64_t now)
{
    struct due *due = queue->first;
    if (!due || due->at > now)
        return NULL;
    struct link *link = due->link;
    queue->first = due->next;
    if (!queue->first)
        queue->last = &queue->first;
    link->timers--;
    free(due);
    return link;
}

static void side_watch(struct link *link, int i)
{
    struct side *side = &link->sides[i];
    uint32_t events = 0;
    if (!link->ways[i].ended && link->ways[i].held < HELD_MAX)
        events |= EPOLLIN;
    if (link->ways[!i].blocked)
        events |= EPOLLOUT;
    if (side->fd < 0 || events == side->events)
        return;
    struct epoll_event event = { .events = events, .data.ptr = side };
    if (epoll_ctl(relay.epoll, EPOLL_CTL_MOD, side->fd, &event) < 0)
        die("epoll_ctl");
    side->events = events;
}

static void link_free(struct link *link)
{
    for (int i = 0; i < 2; i++)
        for (struct parcel *next, *parcel = link->ways[i].first; parcel; parcel = next) {
            next = parcel->next;
            free(parcel);
        }
    free(link);
}

static void link_close(struct link *link)
{
    for (int i = 0; i < 2; i++) {
        if (link->sides[i].fd >= 0)
            close(link->sides[i].fd);
        link->sides[i].fd = -1;
    }
    link->dead = true;
}

static void parcel_add(struct way *way, const uint8_t *bytes, size_t len, uint64_t now)
{
    struct parcel *parcel = allocate(sizeof(*parcel) + len);
    parcel->due = now + relay.delay;
    parcel->len = len;
    if (len > 0)
        memcpy(parcel->bytes, bytes, len);
    way->held += len;
    *way->last = parcel;
    way->last = &parcel->next;
    queue_add(&relay.parcels, way->link, parcel->due);
}

// Sends one parcel; false: not (all of it) now.
static bool parcel_send(struct link *link, struct way *way, int to)
{
    struct parcel *parcel = way->first;
    if (parcel->len == 0) {
        shutdown(to, SHUT_WR);
        way->done = true;
        return true;
    }
    ssize_t sent = send(to, parcel->bytes + parcel->sent, parcel->len - parcel->sent, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != ENOTCONN) {
        link_close(link);
        return false;
    }
    parcel->sent += sent > 0 ? (size_t)sent : 0;
    way->blocked = parcel->sent < parcel->len;
    return !way->blocked;
}

static void way_flush(struct link *link, int from, uint64_t now)
{
    struct way *way = &link->ways[from];
    int to = link->sides[!from].fd;
    if (to < 0)
        return;
    way->blocked = false;
    while (way->first && way->first->due <= now) {
        if (!parcel_send(link, way, to))
            break;
        struct parcel *parcel = way->first;
        way->held -= parcel->len;
        way->first = parcel->next;
        if (!way->first)
            way->last = &way->first;
        free(parcel);
    }
    if (link->ways[0].done && link->ways[1].done)
        link_close(link);
}

static void link_update(struct link *link)
{
    if (link->dead) {
        if (link->timers == 0)
            link_free(link);
        return;
    }
    side_watch(link, 0);
    side_watch(link, 1);
}

static void side_add(struct link *link, int i, int fd)
{
    nodelay(fd);
    link->sides[i] = (struct side){ .link = link, .fd = fd, .events = EPOLLIN };
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = &link->sides[i] };
    if (epoll_ctl(relay.epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

static void on_acceptable(void)
{
    for (int fd; (fd = accept4(relay.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct link *link = allocate(sizeof(*link));
        for (int i = 0; i < 2; i++) {
            link->ways[i].link = link;
            link->ways[i].last = &link->ways[i].first;
        }
        link->sides[1].fd = -1;
        side_add(link, 0, fd);
        queue_add(&relay.dials, link, now_ns() + 3 * relay.delay);
    }
}

static void dial(struct link *link)
{
    if (link->dead)
        return;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    side_add(link, 1, fd);
    if (connect(fd, (struct sockaddr *)&relay.server, sizeof(relay.server)) < 0 &&
        errno != EINPROGRESS)
        link_close(link);
}

static void on_timer(void)
{
    uint64_t now = now_ns();
    relay.armed = 0;
    for (struct link *link; (link = queue_take(&relay.dials, now));) {
        dial(link);
        link_update(link);
    }
    for (struct link *link; (link = queue_take(&relay.parcels, now));) {
        for (int i = 0; i < 2 && !link->dead; i++)
            way_flush(link, i, now);
        link_update(link);
    }
}

static void on_side(struct side *side, uint32_t events)
{
    struct link *link = side->link;
    int i = side == &link->sides[1];
    struct way *way = &link->ways[i];
    uint64_t now = now_ns();
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !way->ended) {
        ssize_t got = recv(side->fd, relay.chunk, CHUNK, 0);
        if (got >= 0) {
            way->ended = got == 0;
            parcel_add(way, relay.chunk, (size_t)got, now);
        } else if (errno != EAGAIN) {
            link_close(link);
        }
    } else if (events & (EPOLLHUP | EPOLLERR)) {
        link_close(link);
    }
    if (!link->dead && (events & EPOLLOUT))
        way_flush(link, !i, now);
    link_update(link);
}

static void serve(void)
{
    struct epoll_event events[EVENTS];
    while (true) {
        timer_arm();
        int len = epoll_wait(relay.epoll, events, EVENTS, -1);
        // Timers last: they free links that other events of this turn may still name.
        bool timer = false;
        for (int i = 0; i < len; i++) {
            if (events[i].data.ptr == &relay.timer)
                timer = true;
            else if (events[i].data.ptr == &relay.listener)
                on_acceptable();
            else
                on_side(events[i].data.ptr, events[i].events);
        }
        uint64_t ticks;
        if (timer && read(relay.timer, &ticks, sizeof(ticks)) >= 0)
            on_timer();
    }
}

static void add(int *fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = fd };
    if (epoll_ctl(relay.epoll, EPOLL_CTL_ADD, *fd, &event) < 0)
        die("epoll_ctl");
}

int main(int argc, char **argv)
{
    if (argc != 4)
        usage("usage: delay LISTEN-PORT SERVER-PORT ONE-WAY-MICROSECONDS   (127.0.0.1)\n");
    struct sockaddr_in addr = ipv4("127.0.0.1", number(argv[1]));
    socklen_t len = sizeof(addr);
    relay.server = ipv4("127.0.0.1", number(argv[2]));
    relay.delay = number(argv[3]) * 1000;
    relay.dials.last = &relay.dials.first;
    relay.parcels.last = &relay.parcels.first;
    raise_descriptors();
    int on = 1;
    relay.epoll = epoll_create1(EPOLL_CLOEXEC);
    relay.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    relay.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(relay.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(relay.listener, (struct sockaddr *)&addr, len) < 0 ||
        listen(relay.listener, BACKLOG) < 0 ||
        getsockname(relay.listener, (struct sockaddr *)&addr, &len) < 0)
        die("listen");
    add(&relay.listener);
    add(&relay.timer);
    printf("{\"port\": %u}\n", ntohs(addr.sin_port));
    fflush(stdout);
    serve();
}
