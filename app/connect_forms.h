// SPDX-License-Identifier: Apache-2.0
//
// What programs find in their environment about a database, by the framework they are written with:
// the forms of `connect --env`. Data and pure functions.
#pragma once

#include "app/connect_env.h"

struct err;
struct string_request;

struct connect_form;

// NULL: there is none; err names those that there are.
const struct connect_form *connect_forms_find(const char *name, struct err *err) MUST_CHECK;
const char *connect_forms_names(void);                        // "url, mysql, …"
bool connect_forms_has_file(const struct connect_form *form); // its clients read option files
// Whether the form tells its clients of the CA that the request has.
bool connect_forms_has_ca(const struct connect_form *form);
const char *connect_forms_name(const struct connect_form *form);
// Sets the form's variables for a settled request (strings/request.h). Without a password or a
// database, the variables that are for them alone stay as they are.
bool connect_forms_apply(const struct connect_form *form, const struct string_request *request,
    struct connect_env *env, struct err *err) MUST_CHECK;
// The variables that every program gets: TIDBLINK_CONNECT_ADDRESS and the parts of it.
bool connect_forms_apply_place(
    const struct string_request *request, struct connect_env *env, struct err *err) MUST_CHECK;
