// SPDX-License-Identifier: Apache-2.0
//
// What `tidblink doctor` found last about each cluster of the running proxy: it hands its findings
// over when it ends, and the page shows them. In memory only. Main thread.
#pragma once

#include <stddef.h>

struct admin_doctor;
struct evhttp_request;
struct program;

enum { ADMIN_DOCTOR_BYTES = 1 << 20 }; // of what is handed over

struct admin_doctor *admin_doctor_new(void); // NULL: no memory
void admin_doctor_free(struct admin_doctor *doctor);

// GET /api/v1/doctor: {"clusters": [{"alias", "at", "ok", "first", "hops": [...]}]}.
void admin_doctor_get(const struct admin_doctor *doctor, struct evhttp_request *request);
// POST /api/v1/doctor: the document of `tidblink doctor --json`. Of it is kept what the page shows,
// about clusters that are served; {"kept": how many}.
void admin_doctor_post(
    struct admin_doctor *doctor, const struct program *program, struct evhttp_request *request);
