// SPDX-License-Identifier: Apache-2.0
//
// One cluster: its state and what to do, the way to it hop by hop, and where it is served. Used by
// page_html.c. States are told by word and shape; the colour follows from data-effect.
#include "app/page_write.h"

#include "base/clock.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES = 64 };

const char *page_card_effect(const cJSON *cluster)
{
    static const char *const effects[] = { "allow", "hold", "refuse" };
    const char *action = page_get(cluster, "new_connections");
    if (action && strcmp(action, "allow-unchecked") == 0)
        return "unchecked";
    for (size_t i = 0; action && i < ARRAY_LEN(effects); i++)
        if (strcmp(action, effects[i]) == 0)
            return effects[i];
    return "wait";
}

const char *page_card_word(const cJSON *cluster)
{
    const char *effect = page_card_effect(cluster);
    const cJSON *headline = page_member(cluster, "headline");
    const char *word = page_get(headline, "console");
    if (strcmp(effect, "unchecked") == 0)
        return "Unchecked";
    if (!word)
        word = page_get(headline, "state");
    if (word)
        return word;
    return strcmp(effect, "allow") == 0    ? "Served"
           : strcmp(effect, "refuse") == 0 ? "Refused"
                                           : "Not known yet";
}

static const char *title_of(const char *what)
{
    static const char *const titles[][2] = {
        { "cluster", "Cluster" },
        { "node group", "Node group" },
        { "service", "Private link service" },
        { "endpoint", "Private endpoint" },
    };
    for (size_t i = 0; what && i < ARRAY_LEN(titles); i++)
        if (strcmp(titles[i][0], what) == 0)
            return titles[i][1];
    return "";
}

// ---- state and next step ------------------------------------------------------------------------

static void put_head(struct page *page, const cJSON *cluster, int index)
{
    const cJSON *facts = page_member(cluster, "facts");
    page_tags(page, "<header><div><h2 id=\"cluster-");
    page_number(page, index);
    page_tags(page, "-name\">");
    page_name(page, page_get(cluster, "alias"));
    page_tags(page, "</h2><p class=\"where\">");
    if (page_get(facts, "name") && strcmp(page_get(facts, "name"), page_get(cluster, "alias")) != 0)
        page_name(page, page_get(facts, "name"));
    page_element(page, "span", NULL, page_get(facts, "region"));
    page_element(page, "span", NULL, page_get(cluster, "cluster_id"));
    page_tags(page, "</p></div><p class=\"badge\">");
    page_mark(page, page_card_effect(cluster));
    page_element(page, "span", NULL, page_card_word(cluster));
    page_tags(page, "</p><button type=\"button\" class=\"connect\" data-cluster=\"");
    page_text(page, page_get(cluster, "alias"));
    page_tags(page, "\" aria-haspopup=\"dialog\" aria-describedby=\"cluster-");
    page_number(page, index);
    page_tags(page, "-name\">Connect</button></header>");
}

static void put_meaning(struct page *page, const cJSON *cluster)
{
    const cJSON *headline = page_member(cluster, "headline");
    page_tags(page, "<p class=\"lead\">");
    if (page_get(headline, "meaning")) {
        page_text(page, title_of(page_get(headline, "what")));
        page_text(page, ": ");
        page_text(page, page_get(headline, "meaning"));
        page_text(page, page_get(headline, "usual") ? "; usually " : "");
        page_text(page, page_get(headline, "usual"));
        page_age(page, "; for ", page_get(headline, "since"), "");
        page_text(page, ".");
    } else {
        page_text(page, "Nothing is known about its state yet.");
    }
    page_tags(page, "</p>");
    if (page_get(cluster, "connects")) {
        page_tags(page, "<p class=\"connects\">New connections: ");
        page_text(page, page_get(cluster, "connects"));
        page_text(page, ".");
        page_tags(page, "</p>");
    }
    if (cJSON_IsTrue(page_member(cluster, "drains")))
        page_tags(page, "<p class=\"notice\">Running connections are being ended.</p>");
    if (cJSON_IsTrue(page_member(cluster, "contradicted")))
        page_tags(page, "<p class=\"notice\">The control API says that it is not there, and "
                        "connections to it succeed: they decide.</p>");
}

static void put_silence(struct page *page, const cJSON *api)
{
    if (!cJSON_IsFalse(page_member(api, "ok")))
        return;
    page_tags(page, "<p class=\"notice\">Control API: ");
    page_name(page, page_get(api, "reason"));
    page_age(page, ". What it said ", page_get(api, "answered"), " ago stands");
    page_text(page, ".");
    page_tags(page, "</p>");
}

static void put_unreached(struct page *page, const cJSON *reach)
{
    if (!cJSON_IsFalse(page_member(reach, "ok")))
        return;
    page_tags(page, "<p class=\"notice\">The last attempt to reach it failed: ");
    page_name(page, page_get(reach, "reason"));
    page_tags(page, ".</p>");
}

static void put_next(struct page *page, const cJSON *cluster)
{
    const cJSON *next = page_member(cluster, "next");
    if (next) {
        page_tags(page, "<div class=\"next\"><h3>Next step</h3>");
        page_element(page, "p", NULL, page_get(next, "text"));
        page_command(page, page_get(next, "command"));
        page_element(page, "p", NULL, page_get(next, "then"));
        page_tags(page, "</div>");
    }
    if (page_get(cluster, "refusal")) {
        page_tags(page, "<div class=\"reads\"><h3>What a client is told</h3>");
        page_element(page, "p", "quote", page_get(cluster, "refusal"));
        page_tags(page, "</div>");
    }
}

// ---- the way ------------------------------------------------------------------------------------

static void open_hop(struct page *page, const char *effect, const char *title, const char *word)
{
    page_tags(page, "<li data-effect=\"");
    page_text(page, effect);
    page_tags(page, "\">");
    page_element(page, "span", "what", title);
    page_tags(page, "<span class=\"word\">");
    page_mark(page, effect);
    page_text(page, word);
    page_tags(page, "</span>");
}

static void close_hop(struct page *page)
{
    page_tags(page, "</li>");
}

static void put_hop(struct page *page, const cJSON *level, const char *title, const char *name)
{
    const char *effect = page_get(level, "effect");
    const char *state = page_get(level, "state"), *console = page_get(level, "console");
    if (!state)
        return;
    open_hop(page, effect ? effect : "wait", title, console ? console : state);
    if (console && strcmp(console, state) != 0)
        page_element(page, "code", NULL, state);
    page_element(page, "span", "why", page_get(level, "meaning"));
    if (page_get(level, "since")) {
        page_tags(page, "<span>");
        page_age(page, "for ", page_get(level, "since"), "");
        page_tags(page, "</span>");
    }
    page_name(page, name);
    page_name(page, page_get(level, "message"));
    close_hop(page);
}

static void put_endpoints(struct page *page, const cJSON *cluster, const cJSON *group)
{
    const cJSON *endpoint, *list = page_member(group, "endpoints");
    const char *ours = page_get(cluster, "endpoint_id");
    cJSON_ArrayForEach(endpoint, list) {
        const char *id = page_get(endpoint, "endpoint_id");
        bool is_other = ours && (!id || strcmp(id, ours) != 0);
        put_hop(page, endpoint, is_other ? "Another endpoint" : "Private endpoint",
            id ? id : page_get(endpoint, "connection_id"));
    }
    if (!list || cJSON_GetArraySize(list) > 0)
        return;
    open_hop(page, "refuse", "Private endpoint", "Not Configured");
    page_element(page, "span", "why", "no private endpoint is registered yet");
    close_hop(page);
}

static void put_dns(struct page *page, const cJSON *cluster)
{
    const cJSON *dns = page_member(cluster, "dns");
    int addresses = cJSON_GetArraySize(page_member(dns, "addresses"));
    const char *reason = page_get(dns, "reason");
    const char *title = page_get(cluster, "via") ? "Name of the jump" : "Private DNS";
    if (addresses > 0) {
        open_hop(page, "allow", title, "Resolved");
        page_tags(page, "<span class=\"why\">");
        page_number(page, addresses);
        page_text(page, addresses == 1 ? " address" : " addresses");
        page_tags(page, "</span>");
    } else {
        open_hop(page, reason ? "refuse" : "wait", title, reason ? "Fails" : "Not asked yet");
    }
    page_name(page, reason);
    close_hop(page);
}

static const cJSON *our_group(const cJSON *cluster)
{
    const char *ours = page_get(cluster, "group_id");
    const cJSON *group, *groups = page_member(page_member(cluster, "facts"), "groups");
    cJSON_ArrayForEach(group, groups) {
        const char *id = page_get(group, "id");
        if (ours && id && strcmp(id, ours) == 0)
            return group;
    }
    return NULL;
}

static void put_way(struct page *page, const cJSON *cluster)
{
    const cJSON *facts = page_member(cluster, "facts"), *group = our_group(cluster);
    page_tags(page, "<ol class=\"way\" aria-label=\"The way to the cluster\">");
    put_hop(page, facts, "Cluster", NULL);
    put_hop(page, group, "Node group", page_get(group, "name"));
    put_hop(page, page_member(group, "service"), "Private link service", NULL);
    put_endpoints(page, cluster, group);
    put_dns(page, cluster);
    page_tags(page, "</ol>");
}

// ---- where it is served -------------------------------------------------------------------------

static void put_fact(struct page *page, const char *term, const char *text)
{
    if (!text)
        return;
    page_element(page, "dt", NULL, term);
    page_tags(page, "<dd>");
    page_name(page, text);
    page_tags(page, "</dd>");
}

static void put_listeners(struct page *page, const cJSON *cluster)
{
    const cJSON *address, *list = page_member(cluster, "listen");
    if (cJSON_GetArraySize(list) == 0)
        return;
    page_tags(page, "<dt>Listens on</dt><dd>");
    cJSON_ArrayForEach(address, list)
        page_element(page, "code", NULL, cJSON_GetStringValue(address));
    page_tags(page, "</dd>");
}

static void put_host(struct page *page, const cJSON *cluster)
{
    if (!page_get(cluster, "host"))
        return;
    page_tags(page, "<dt>Leads to</dt><dd><code>");
    page_text(page, page_get(cluster, "host"));
    page_text(page, ":");
    page_number(page, page_get_number(cluster, "port"));
    page_tags(page, "</code></dd>");
}

// "10.0.1.5 1.2 ms", "10.0.2.5 fails, left alone for 12 s".
static void put_path(struct page *page, const cJSON *path)
{
    char text[TEXT_BYTES], age[CLOCK_TEXT_BYTES];
    double connect_ms = page_get_number(path, "connect_ms");
    double left_alone_ms = page_get_number(path, "left_alone_ms");
    page_tags(page, "<span>");
    page_element(page, "code", NULL, page_get(path, "address"));
    snprintf(text, sizeof(text), connect_ms < 1 ? " %.2f ms" : " %.1f ms", connect_ms);
    page_text(page, connect_ms > 0 ? text : NULL);
    page_text(page, page_get_number(path, "failures") > 0 ? " fails" : NULL);
    page_text(page, left_alone_ms > 0 ? ", left alone for " : NULL);
    page_text(page, left_alone_ms > 0 ? clock_age((int64_t)left_alone_ms / 1000, age) : NULL);
    page_tags(page, "</span>");
}

static void put_paths(struct page *page, const cJSON *paths)
{
    const cJSON *path;
    if (cJSON_GetArraySize(paths) == 0)
        return;
    page_tags(page, "<dt>Addresses</dt><dd>");
    cJSON_ArrayForEach(path, paths)
        put_path(page, path);
    page_tags(page, "</dd>");
}

static void put_count(struct page *page, const char *term, double count)
{
    page_element(page, "dt", NULL, term);
    page_tags(page, "<dd>");
    page_number(page, count);
    page_tags(page, "</dd>");
}

static void put_api(struct page *page, const cJSON *api)
{
    bool ok = cJSON_IsTrue(page_member(api, "ok"));
    if (!api)
        return;
    page_tags(page, "<dt>Control API</dt><dd><span>");
    page_text(page, ok ? "answers" : "gives no answer");
    page_tags(page, "</span><span>");
    page_age(page, "heard ", page_get(api, "answered"), " ago");
    page_tags(page, "</span>");
    if (page_member(api, "rate_remaining")) {
        page_tags(page, "<span>quota ");
        page_number(page, page_get_number(api, "rate_remaining"));
        page_text(page, " of ");
        page_number(page, page_get_number(api, "rate_limit"));
        page_text(page, " left this minute");
        page_tags(page, "</span>");
    }
    page_tags(page, "</dd>");
}

static void put_facts(struct page *page, const cJSON *cluster)
{
    page_tags(page, "<dl class=\"facts\">");
    put_listeners(page, cluster);
    put_host(page, cluster);
    put_fact(page, "Through", page_get(cluster, "via"));
    put_fact(page, "TLS to the cluster", page_get(cluster, "tls"));
    put_fact(page, "TLS of clients", page_get(cluster, "client_tls"));
    put_paths(page, page_member(page_member(cluster, "dns"), "paths"));
    put_count(page, "Open connections", page_get_number(cluster, "connections"));
    const cJSON *spares = page_member(cluster, "spares");
    if (spares)
        put_count(page, "Spares ready", page_get_number(spares, "ready"));
    put_api(page, page_member(cluster, "api"));
    page_tags(page, "</dl>");
}

void page_card(struct page *page, const cJSON *cluster, int index)
{
    page_tags(page, "<article class=\"card\" id=\"cluster-");
    page_number(page, index);
    page_tags(page, "\" data-effect=\"");
    page_text(page, page_card_effect(cluster));
    page_tags(page, "\" aria-labelledby=\"cluster-");
    page_number(page, index);
    page_tags(page, "-name\">");
    put_head(page, cluster, index);
    page_tags(page, "<div class=\"now\">");
    put_meaning(page, cluster);
    put_silence(page, page_member(cluster, "api"));
    put_unreached(page, page_member(cluster, "reach"));
    put_next(page, cluster);
    page_tags(page, "</div>");
    put_way(page, cluster);
    put_facts(page, cluster);
    page_tags(page, "</article>");
}
