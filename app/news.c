// SPDX-License-Identifier: Apache-2.0
//
// One log line when the control API stops or begins to answer about a target. What the answers mean
// for connections, proxy/target.c logs. Main thread; called by program.c before the proxy gets the
// news.
#include "app/program.h"

static void log_api(const char *alias, const struct control_news *news)
{
    struct log_line line;
    bool answers = news->api_status == ERR_NONE;
    log_start(&line, answers ? LOG_INFO : LOG_WARN,
        answers ? "the control API answers again" : "the control API gave no answer");
    log_str(&line, "cluster", alias);
    if (!answers) {
        log_str(&line, "error", err_row(news->api_status)->key);
        log_str(&line, "reason", news->api_text);
    }
    log_write(&line);
}

void program_log_news(const struct program *program, const struct control_news *news)
{
    const struct proxy_target_state before = proxy_target_state(program->proxy, news->target);
    enum err_code status_before = before.news ? before.news->api_status : ERR_NONE;
    if (news->api_status != status_before)
        log_api(before.alias, news);
}
