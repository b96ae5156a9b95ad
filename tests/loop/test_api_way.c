// SPDX-License-Identifier: Apache-2.0
//
// The way to the API: a DNS server that says nothing, and an HTTP proxy with tunnels that end.
#include "base/cursor.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/os.h"
#include "control/api.h"
#include "control/http.h"
#include "control/keys.h"

#include "cloud.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

// ---- the resolver, found before libc's ----------------------------------------------------------

enum { SILENCE_SECONDS = 20 };
static sem_t lookup_may_end, lookup_ended;
static atomic_bool lookup_runs;

typedef int (*lookup_fn)(
    const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out);

int lookup_or_silence(const char *host, const char *service, const struct addrinfo *hints,
    struct addrinfo **out) __asm__("getaddrinfo"); // what libcurl calls

int lookup_or_silence(
    const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    lookup_fn next = (lookup_fn)dlsym(RTLD_NEXT, "getaddrinfo");
    if (host == NULL || strcmp(host, "silent.test") != 0)
        return next(host, service, hints, out);
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += SILENCE_SECONDS;
    atomic_store(&lookup_runs, true);
    sem_timedwait(&lookup_may_end, &end);
    atomic_store(&lookup_runs, false);
    sem_post(&lookup_ended);
    return EAI_AGAIN;
}

// ---- an HTTP proxy, one tunnel after the other, in a thread of its own --------------------------

struct tunnels {
    int listener;
    uint16_t port, cloud_port;
    atomic_uint count;
    pthread_t thread;
};

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
    };
}

static bool pass_on(int from, int to)
{
    char bytes[4096];
    ssize_t len = recv(from, bytes, sizeof(bytes), 0);
    return len > 0 && send(to, bytes, (size_t)len, OS_SEND) == len;
}

// Until either side ends.
static void join_sides(int client, int server)
{
    struct pollfd sides[2] = { { client, POLLIN, 0 }, { server, POLLIN, 0 } };
    while (poll(sides, 2, -1) > 0)
        for (int i = 0; i < 2; i++)
            if (sides[i].revents != 0 && !pass_on(sides[i].fd, sides[1 - i].fd))
                return;
}

static bool read_connect(int client)
{
    char head[2048] = "";
    size_t len = 0;
    while (strstr(head, "\r\n\r\n") == NULL && len < sizeof(head) - 1) {
        ssize_t got = recv(client, head + len, sizeof(head) - 1 - len, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
        head[len] = '\0';
    }
    return strncmp(head, "CONNECT cloud.test:", 19) == 0;
}

static void *run_tunnels(void *arg)
{
    static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    struct tunnels *tunnels = arg;
    struct sockaddr_in cloud = loopback(tunnels->cloud_port);
    int client;
    while ((client = accept(tunnels->listener, NULL, NULL)) >= 0) {
        int server = socket(AF_INET, SOCK_STREAM, 0);
        if (read_connect(client) &&
            connect(server, (struct sockaddr *)&cloud, sizeof(cloud)) == 0 &&
            send(client, established, sizeof(established) - 1, OS_SEND) > 0) {
            atomic_fetch_add(&tunnels->count, 1);
            join_sides(client, server);
        }
        close(server);
        close(client);
    }
    return NULL;
}

static void tunnels_start(struct tunnels *tunnels, const char *cloud)
{
    struct sockaddr_in own = loopback(0);
    socklen_t len = sizeof(own);
    *tunnels = (struct tunnels){ .listener = socket(AF_INET, SOCK_STREAM, 0) };
    uint64_t cloud_port;
    assert_true(parse_uint(strrchr(cloud, ':') + 1, 1, UINT16_MAX, &cloud_port));
    tunnels->cloud_port = (uint16_t)cloud_port;
    assert_int_equal(bind(tunnels->listener, (struct sockaddr *)&own, len), 0);
    assert_int_equal(listen(tunnels->listener, 8), 0);
    assert_int_equal(getsockname(tunnels->listener, (struct sockaddr *)&own, &len), 0);
    tunnels->port = ntohs(own.sin_port);
    assert_int_equal(pthread_create(&tunnels->thread, NULL, run_tunnels, tunnels), 0);
}

static void tunnels_stop(struct tunnels *tunnels)
{
    shutdown(tunnels->listener, SHUT_RDWR);
    pthread_join(tunnels->thread, NULL);
    close(tunnels->listener);
}

// ---- asking -------------------------------------------------------------------------------------

struct fixture {
    struct loop *loop;
    struct cloud *cloud;
    struct http *http;
    struct api *api;
    bool close; // the cloud ends the connection with its answer
    unsigned requests;
    struct err err; // code ERR_NONE: fine
};

static struct cloud_reply on_asked(void *arg, const char *path)
{
    const struct fixture *fixture = arg;
    (void)path;
    struct cloud_reply reply = { .status = 200, .body = "{}" };
    if (fixture->close) {
        reply.headers[0][0] = "Connection";
        reply.headers[0][1] = "close";
    }
    return reply;
}

static void on_answered(void *arg, const struct api_answer *answer, const struct err *err)
{
    struct fixture *fixture = arg;
    fixture->requests = answer->requests;
    fixture->err = err != NULL ? *err : (struct err){ 0 };
    loop_stop(fixture->loop);
}

static void make_api(struct fixture *fixture, const char *url, uint64_t timeout_ms)
{
    char public_copy[32];
    char private_copy[32];
    snprintf(public_copy, sizeof(public_copy), "%s", cloud_public_key);
    snprintf(private_copy, sizeof(private_copy), "%s", cloud_private_key);
    struct keys keys = { public_copy, private_copy };
    struct api_options options = {
        .url = url, .ca = cloud_ca_path(fixture->cloud), .keys = &keys, .timeout_ms = timeout_ms
    };
    struct err err;
    fixture->api = api_new(fixture->http, &options, &err);
    assert_non_null(fixture->api);
}

static void ask(struct fixture *fixture)
{
    api_get(fixture->api, "/clusters", on_answered, fixture);
    loop_run(fixture->loop);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct err err;
    fixture->loop = loop_new("test", &err);
    fixture->cloud = cloud_new(fixture->loop, on_asked, fixture);
    fixture->http = http_new(fixture->loop, &err);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    api_free(fixture->api);
    http_free(fixture->http);
    cloud_free(fixture->cloud);
    loop_free(fixture->loop);
    free(fixture);
    return 0;
}

// libc tries for as long as resolv.conf says; the time limit of a request is ours.
static void test_a_silent_dns_server_holds_nothing_up(void **state)
{
    struct fixture *fixture = *state;
    sem_init(&lookup_may_end, 0, 0);
    sem_init(&lookup_ended, 0, 0);
    make_api(fixture, "https://silent.test", 300);
    ask(fixture);
    assert_true(atomic_load(&lookup_runs)); // it was not waited for
    assert_int_equal(fixture->err.code, ERR_API_UNREACHABLE);
    assert_non_null(strstr(fixture->err.text, "within 300 ms"));
    sem_post(&lookup_may_end);
    sem_wait(&lookup_ended);
}

// A connection that is new begins with the proxy's answer to CONNECT, which is none of the API's.
static void test_forgotten_nonce_behind_a_proxy(void **state)
{
    struct fixture *fixture = *state;
    struct tunnels tunnels;
    char text[64];
    tunnels_start(&tunnels, cloud_url(fixture->cloud));
    snprintf(text, sizeof(text), "http://127.0.0.1:%d", tunnels.port);
    setenv("https_proxy", text, 1);
    snprintf(text, sizeof(text), "https://cloud.test:%d", tunnels.cloud_port);
    make_api(fixture, text, 20000);
    fixture->close = true;
    ask(fixture);
    assert_string_equal(fixture->err.text, "");
    assert_int_equal(fixture->requests, 2); // the challenge and the answer
    cloud_forget_nonces(fixture->cloud, false);
    ask(fixture);
    assert_string_equal(fixture->err.text, "");
    assert_int_equal(fixture->requests, 3); // the old nonce, a challenge, the answer
    assert_true(atomic_load(&tunnels.count) > 1);
    unsetenv("https_proxy");
    api_free(fixture->api);
    fixture->api = NULL;
    http_free(fixture->http); // with its connections
    fixture->http = NULL;
    tunnels_stop(&tunnels);
}

int main(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGPIPE, &ignore, NULL); // OpenSSL writes with write(2)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_silent_dns_server_holds_nothing_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forgotten_nonce_behind_a_proxy, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
