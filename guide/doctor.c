// SPDX-License-Identifier: Apache-2.0
//
// The table of hops, read downward, and what makes one of them mean nothing.
#include "guide/doctor.h"

#include "base/text.h"

#include <cjson/cJSON.h>

#define ON_CLOUD                                                                                   \
    (HOP_BIT(HOP_API) | HOP_BIT(HOP_API_KEY) | HOP_BIT(HOP_RIGHTS) | HOP_BIT(HOP_QUOTA))

// clang-format off
static const struct hop hops[HOPS] = {
    // Here, and the way to TiDB Cloud.
    [HOP_CONFIGURATION]  = { "configuration",  "configuration",         hop_configuration,  0, 0 },
    [HOP_KEYS]           = { "key-files",      "key files",             hop_keys,           0, 0 },
    [HOP_API]            = { "api",            "control API",           hop_api,            0, 0 },
    [HOP_API_KEY]        = { "api-key",        "API key",               hop_api_key,        HOP_BIT(HOP_API), 0 },
    [HOP_RIGHTS]         = { "rights",         "rights of the key",     hop_rights,         HOP_BIT(HOP_API_KEY), 0 },
    [HOP_CLOCK]          = { "clock",          "clock",                 hop_clock,          HOP_BIT(HOP_API), 0 },
    [HOP_QUOTA]          = { "quota",          "API quota",             hop_quota,          HOP_BIT(HOP_API), 0 },
    // TiDB Cloud's side.
    [HOP_CLUSTER]        = { "cluster",        "cluster",               hop_cluster,        0, ON_CLOUD },
    [HOP_GROUP]          = { "group",          "node group",            hop_group,          0, 0 },
    [HOP_SERVICE]        = { "service",        "private link service",  hop_service,        0, 0 },
    [HOP_CONNECTION]     = { "connection",     "endpoint connection",   hop_connection,     0, 0 },
    // AWS's side.
    [HOP_AWS]            = { "aws",            "AWS CLI",               hop_aws,            0, 0 },
    [HOP_ENDPOINT]       = { "endpoint",       "VPC endpoint",          hop_endpoint,       HOP_BIT(HOP_AWS), 0 },
    [HOP_ENDPOINT_STATE] = { "endpoint-state", "endpoint state",        hop_endpoint_state, HOP_BIT(HOP_ENDPOINT), 0 },
    [HOP_VPC]            = { "vpc",            "VPC",                   hop_vpc,            HOP_BIT(HOP_ENDPOINT), 0 },
    [HOP_VPC_DNS]        = { "vpc-dns",        "VPC DNS attributes",    hop_vpc_dns,        HOP_BIT(HOP_AWS), HOP_BIT(HOP_VPC) },
    [HOP_PRIVATE_DNS]    = { "private-dns",    "private DNS",           hop_private_dns,    HOP_BIT(HOP_ENDPOINT_STATE), 0 },
    [HOP_SUBNETS]        = { "subnets",        "subnets and zones",     hop_subnets,        HOP_BIT(HOP_ENDPOINT_STATE), 0 },
    [HOP_INGRESS]        = { "ingress",        "security group in",     hop_ingress,        HOP_BIT(HOP_ENDPOINT_STATE), HOP_BIT(HOP_VPC) },
    [HOP_EGRESS]         = { "egress",         "security group out",    hop_egress,         HOP_BIT(HOP_ENDPOINT_STATE), HOP_BIT(HOP_VPC) },
    // From here to the cluster.
    [HOP_DNS_SERVERS]    = { "dns-servers",    "DNS servers",           hop_dns_servers,    0, 0 },
    [HOP_NAME]           = { "name",           "name",                  hop_name,           0, 0 },
    [HOP_ANSWER]         = { "answer",         "addresses",             hop_answer,         HOP_BIT(HOP_NAME), 0 },
    [HOP_SERVERS_AGREE]  = { "servers-agree",  "other DNS servers",     hop_servers_agree,  HOP_BIT(HOP_NAME), 0 },
    [HOP_TCP]            = { "tcp",            "TCP",                   hop_tcp,            HOP_BIT(HOP_ANSWER), 0 },
    [HOP_GREETING]       = { "greeting",       "greeting",              hop_greeting,       HOP_BIT(HOP_TCP), 0 },
    [HOP_TLS]            = { "tls",            "TLS",                   hop_tls,            HOP_BIT(HOP_GREETING), 0 },
    [HOP_PLUGIN]         = { "plugin",         "authentication plugin", hop_plugin,         HOP_BIT(HOP_GREETING), 0 },
    [HOP_IDLE]           = { "idle",           "idle connections",      hop_idle,           0, 0 },
    [HOP_PROXY]          = { "proxy",          "running proxy",         NULL,               0, 0 },
};
// clang-format on

const struct hop *doctor_hop(size_t hop)
{
    return &hops[hop];
}

// Whether a hop before makes this one mean nothing; then the view says so.
static bool is_blocked(const struct doctor *doctor, size_t hop, struct hop_view *view)
{
    if (doctor->plan->broken && hop != HOP_CONFIGURATION) {
        hop_blocked(doctor, view, HOP_CONFIGURATION);
        return true;
    }
    for (size_t by = 0; by < hop; by++) {
        enum hop_status status = doctor->views[by].status;
        bool is_needed = hops[hop].needs & HOP_BIT(by), is_before = hops[hop].after & HOP_BIT(by);
        if ((status == HOP_FAIL && (is_needed || is_before)) || (status == HOP_SKIP && is_needed)) {
            hop_blocked(doctor, view, (enum hop_id)by);
            return true;
        }
    }
    return false;
}

// It meets what the other hops have met.
static void look_at_proxy(struct doctor *doctor, struct hop_view *view)
{
    doctor->plan->look_proxy(doctor->plan->arg, view);
    hop_follows(doctor, view, HOP_BIT(HOP_PROXY) - 1);
}

// Names and messages are others' texts, and on their way to a terminal.
static void clean(struct hop_view *view)
{
    text_clean(view->saw);
    text_clean(view->why);
    text_clean(view->fix);
}

void doctor_run(struct doctor *doctor)
{
    const struct doctor_plan *plan = doctor->plan;
    for (size_t hop = 0; hop < HOPS; hop++) {
        struct hop_view *view = &doctor->views[hop];
        *view = (struct hop_view){ .because = HOPS };
        if (!is_blocked(doctor, hop, view)) {
            if (hop == HOP_PROXY)
                look_at_proxy(doctor, view);
            else
                hops[hop].look(doctor, view);
        }
        clean(view);
        if (plan->on_view)
            plan->on_view(plan->arg, hop, view);
    }
}

size_t doctor_first(const struct doctor *doctor)
{
    size_t hop = 0;
    while (hop < HOPS && doctor->views[hop].status != HOP_FAIL)
        hop++;
    return hop;
}

void doctor_done(struct doctor *doctor)
{
    for (size_t hop = 0; hop < HOPS; hop++)
        cJSON_Delete(doctor->views[hop].details);
    for (size_t i = 0; i < doctor->dns_count; i++)
        addr_set_unref(doctor->dns[i].addrs);
    option_list_free(&doctor->servers);
    tls_trust_unref(doctor->trust);
    world_done(&doctor->world);
    account_close(doctor->account);
    *doctor = (struct doctor){ 0 };
}
