// SPDX-License-Identifier: Apache-2.0
//
// The load generator's parts: load.c reads the arguments and prints, client.c is one connection,
// the rest drives them.
#pragma once

#include "bench/common.h"
#include "bench/wire.h"

#include <stdbool.h>

enum mode { MODE_PING, MODE_STREAM, MODE_CONNECT, MODE_IDLE };

struct load_options {
    enum mode mode;
    struct sockaddr_in server;
    unsigned connections; // for connect: how many at a time at most
    bool upload;
    uint64_t size; // of a reply, or of an upload
    double seconds, warmup;
    double patience;      // for what is under way at the end
    unsigned sources;     // addresses 127.1.x.y to connect from, 0: the kernel's choice
    uint64_t interval_us; // connect: `burst` connections start every so often, 0: as one ends
    unsigned burst;
    unsigned rounds; // idle: how often everything is opened and closed
    int cpu;
    bool logs_in;     // speaks MySQL's protocol, and leaves with COM_QUIT
    SSL_CTX *context; // with TLS, NULL: without
};

enum client_state {
    CLIENT_FREE,
    CLIENT_GREETING,
    CLIENT_TLS,
    CLIENT_LOGIN,
    CLIENT_UPLOAD,
    CLIENT_REPLY,
    CLIENT_HELD
};

struct client {
    int fd;
    SSL *ssl;
    enum client_state state;
    uint64_t opened, asked; // when
    uint64_t got, want;     // bytes of what is read now
    uint64_t to_send;       // of an upload
    uint8_t head[5];        // length, number and first byte of the greeting
};

struct load {
    struct load_options options;
    int epoll;
    struct client *clients;
    unsigned open, held, greeted; // how many clients are so; greeted: ever
    unsigned source;              // the next one
    uint64_t from, until;         // what is measured, 0: not known yet
    struct hist latency, whole;   // of a request or connect; of connect, greeting and one reply
    uint64_t requests, bytes, total_requests, total_bytes;
    uint64_t handshakes, resumed; // of TLS
    struct failures failures;
};

bool load_measures(const struct load *load, uint64_t when);

void client_open(struct load *load, struct client *client);
void client_event(struct load *load, struct client *client, uint32_t events);
void client_close(struct load *load, struct client *client);
// What client.c tells the driver; the client may be closed or asked again.
void load_on_greeting(struct load *load, struct client *client, uint64_t now);
void load_on_reply(struct load *load, struct client *client, uint64_t now);
void client_ask(struct load *load, struct client *client, uint64_t now);
void client_log_in(struct load *load, struct client *client); // and asks then

void ping_one(struct load *load); // a single blocking connection
void load_run(struct load *load); // ping, stream and connect
void load_idle(struct load *load);
