// SPDX-License-Identifier: Apache-2.0
//
// What stands above the cards: how many clusters are served, and the way to each. Used by page.c.
#include "app/page_html.h"

#include "app/page_parts.h"
#include "app/page_write.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

enum { PAGE_BYTES = 16 << 20, TEXT_BYTES = 128 };

struct tally {
    int served, held, refused;
};

static struct tally count(const cJSON *clusters)
{
    const cJSON *cluster;
    struct tally tally = { 0 };
    cJSON_ArrayForEach(cluster, clusters) {
        const char *effect = page_card_effect(cluster);
        bool is_held = strcmp(effect, "hold") == 0 || strcmp(effect, "wait") == 0;
        tally.refused += strcmp(effect, "refuse") == 0;
        tally.held += is_held;
        tally.served += strcmp(effect, "refuse") != 0 && !is_held;
    }
    return tally;
}

// "2 served, 1 not ready yet, 1 refused".
static const char *tell(const struct tally *tally, char out[TEXT_BYTES])
{
    size_t len = 0;
    const int counts[] = { tally->served, tally->held, tally->refused };
    static const char *const words[] = { "served", "not ready yet", "refused" };
    *out = '\0';
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        if (counts[i] == 0)
            continue;
        len += (size_t)snprintf(
            out + len, TEXT_BYTES - len, "%s%d %s", len > 0 ? ", " : "", counts[i], words[i]);
    }
    return out;
}

static void put_overall(struct page *page, const cJSON *status)
{
    char text[TEXT_BYTES];
    const cJSON *clusters = page_member(status, "clusters");
    const struct tally tally = count(clusters);
    bool drains = cJSON_IsTrue(page_member(status, "draining"));
    const char *effect = tally.refused > 0 || drains ? "refuse" : tally.held > 0 ? "hold" : "allow";
    int total = cJSON_GetArraySize(clusters);
    page_tags(page, "<p id=\"overall\" data-effect=\"");
    page_text(page, effect);
    page_tags(page, "\">");
    page_mark(page, effect);
    page_tags(page, "<span>");
    page_number(page, total);
    page_text(page, total == 1 ? " cluster: " : " clusters: ");
    page_text(page, tell(&tally, text));
    page_text(page, drains ? "; the proxy is draining: it takes no new connections" : "");
    page_tags(page, "</span></p>");
}

static void put_process(struct page *page, const cJSON *status)
{
    page_tags(page, "<p id=\"process\"><span>tidblink ");
    page_text(page, page_get(status, "version"));
    page_tags(page, "</span><span>process ");
    page_number(page, page_get_number(status, "pid"));
    page_age(page, ", running for ", page_get(status, "started"), "");
    page_tags(page, "</span>");
    if (page_get(status, "config")) {
        page_tags(page, "<span>configuration ");
        page_name(page, page_get(status, "config"));
        page_tags(page, "</span>");
    }
    page_tags(page, "</p>");
}

static void put_index(struct page *page, const cJSON *clusters)
{
    int index = 0;
    const cJSON *cluster;
    if (cJSON_GetArraySize(clusters) < 2)
        return;
    page_tags(page, "<nav id=\"index\" aria-label=\"Clusters\"><ul>");
    cJSON_ArrayForEach(cluster, clusters) {
        page_tags(page, "<li data-effect=\"");
        page_text(page, page_card_effect(cluster));
        page_tags(page, "\"><a href=\"#cluster-");
        page_number(page, index++);
        page_tags(page, "\">");
        page_mark(page, page_card_effect(cluster));
        page_name(page, page_get(cluster, "alias"));
        page_element(page, "span", NULL, page_card_word(cluster));
        page_tags(page, "</a></li>");
    }
    page_tags(page, "</ul></nav>");
}

char *page_html(const cJSON *status, int64_t now_wall_s)
{
    int index = 0;
    const cJSON *cluster;
    struct page page = { .now = now_wall_s };
    const cJSON *clusters = page_member(status, "clusters");
    buf_init(&page.out, PAGE_BYTES);
    page_tags(&page, page_head);
    put_overall(&page, status);
    put_process(&page, status);
    put_index(&page, clusters);
    page_tags(&page, "<div id=\"clusters\">");
    cJSON_ArrayForEach(cluster, clusters)
        page_card(&page, cluster, index++);
    page_tags(&page, "</div>");
    page_tags(&page, page_foot);
    char *text = page.failed ? NULL : buf_take_text(&page.out);
    buf_done(&page.out);
    return text;
}
