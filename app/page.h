// SPDX-License-Identifier: Apache-2.0
//
// The status page: one document with its style and script in it, made at build time from app/page/.
// The states are in it as text already, for a browser that runs no script. Main thread.
#pragma once

struct evhttp_request;
struct program;

// GET /
void page_answer(struct program *program, struct evhttp_request *request);
