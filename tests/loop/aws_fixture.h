// SPDX-License-Identifier: Apache-2.0
//
// What stands for AWS in loop tests: an AWS CLI that is a shell script and writes down what it is
// told, and an instance metadata service.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct evhttp;
struct loop;

// ---- the CLI ------------------------------------------------------------------------------------

struct fake_cli {
    char directory[64]; // its own, for what a test puts there and removes again
    char program[128], script[128], calls[128];
    char said[2048]; // see fake_cli_said
};

void fake_cli_init(struct fake_cli *cli); // succeeds and prints nothing
void fake_cli_done(struct fake_cli *cli);
// From now on it does what this piece of shell does.
void fake_cli_does(struct fake_cli *cli, const char *shell);
// How often it was called, and the arguments of the last call ("": none; valid until the next
// look).
size_t fake_cli_count(struct fake_cli *cli);
const char *fake_cli_said(struct fake_cli *cli);

// ---- the metadata service -----------------------------------------------------------------------

// Zeroed, then fake_metadata_start. It lives on the loop. Instance i-1, VPC vpc-7; in a request for
// anything a token must be shown.
struct fake_metadata {
    struct loop *loop;
    struct evhttp *http;
    char url[64];
    int token_status;     // 200
    const char *missing;  // a path with this in it is 404
    const char *silent;   // … is never answered
    bool stop_when_asked; // stops the loop at every request
    unsigned requests;
};

void fake_metadata_start(struct fake_metadata *metadata, struct loop *loop);
void fake_metadata_stop(struct fake_metadata *metadata);
