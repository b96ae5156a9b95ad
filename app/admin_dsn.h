// SPDX-License-Identifier: Apache-2.0
//
// Connection strings over HTTP, for the Connect dialog of the page: what `tidblink dsn` prints, by
// the same code, from what the running proxy knows. No password is asked for or printed. Main
// thread.
#pragma once

struct evhttp_request;
struct program;

// GET /api/v1/clients: the catalogue.
void admin_dsn_clients(const struct program *program, struct evhttp_request *request);
// GET /api/v1/dsn?cluster=A&client=X[&to=proxy|endpoint][&user=U][&database=D]. What cannot be
// printed is 400, 404 (no such cluster or client) or 409 (no address yet), with
// {"error": key, "reason": text}.
void admin_dsn_answer(const struct program *program, struct evhttp_request *request);
