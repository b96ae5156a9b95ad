// SPDX-License-Identifier: Apache-2.0
//
// Lines about a connection under way; closing.c writes the one about its end.
#include "proxy/conn.h"

void conn_log(const struct conn *conn, enum log_level level, const char *message)
{
    struct log_line line;
    if (!log_enabled(level))
        return;
    log_start(&line, level, "%s", message);
    log_uint(&line, "conn", conn->id);
    log_write(&line);
}

void conn_log_step(const struct conn *conn, enum conn_state next)
{
    struct log_line line;
    if (!log_enabled(LOG_TRACE))
        return;
    log_start(&line, LOG_TRACE, "step");
    log_uint(&line, "conn", conn->id);
    log_str(&line, "from", conn_state_name(conn->state));
    log_str(&line, "to", conn_state_name(next));
    log_write(&line);
}
