// SPDX-License-Identifier: Apache-2.0
//
// What can be seen of one cluster's private endpoint from here: TiDB Cloud's side, AWS's side, this
// machine. Looking never changes anything and never fails as a whole: each part says whether it was
// seen, and if not, why. The commands' thread only.
#pragma once

#include "base/err.h"
#include "control/account.h"
#include "control/ec2.h"
#include "control/imds.h"

// Whether a part was seen. Not seen and code ERR_NONE: it was not looked at, `why` tells the
// reason.
struct sight {
    bool seen;
    struct err why;
};

// What the looking is about and what it may use.
struct world_plan {
    const struct control_options *control;
    const struct control_target *target;
    struct ec2_options ec2;                       // cli "off": none; region NULL: the cluster's
    const char *vpc_id;                           // NULL: this machine's
    const struct option_list *subnet_ids;         // wanted; empty: this machine's
    const struct option_list *security_group_ids; // wanted; empty: none
    uint64_t timeout_ms;                          // of a look at the control API
    const struct err *no_account;                 // why there is no account; NULL: there is one
};

// The plan that follows from the options; the wanted lists and no_account are the caller's.
struct world_plan world_plan_of(
    const struct control_options *control, const struct control_target *target);

struct world {
    const struct world_plan *plan;

    // TiDB Cloud. `group` and what is below it are NULL when there is none.
    struct sight api;
    struct model *model;
    const struct cluster *cluster;
    const struct node_group *group;
    // The one of `endpoint`, else of endpoint-id, else the only one, which may be another VPC's;
    // NULL also when there are several and nothing tells which is ours.
    const struct endpoint *connection;
    uint16_t port; // of the private endpoint; 0: not known

    // This machine, when it is an EC2 instance.
    struct sight machine;
    struct imds_facts instance;

    // AWS, as far as the CLI and its rights allow; only for clusters on AWS.
    struct sight aws;               // there is a CLI that answers
    struct ec2_options ec2_options; // the plan's with the region; of commands that are printed
    struct ec2 *ec2;                // NULL: no CLI, or not used yet
    char region[64];                // "us-east-1"; "": not known
    char vpc_id[64]; // which VPC this is about: that of `endpoint`, else world_own_vpc's; ""
    struct sight vpc, attributes, subnets, service, endpoints, groups, own_groups, interfaces;
    struct ec2_vpc_list vpcs;               // the one
    bool dns_support, dns_hostnames;        // of the VPC
    struct ec2_subnet_list subnet_list;     // all of the VPC
    struct ec2_service_list service_list;   // asked for only when TiDB Cloud names no zones
    struct ec2_endpoint_list endpoint_list; // of the service, in every VPC of this account
    const struct ec2_endpoint *endpoint;    // ours: endpoint-id's, else the living one of the VPC
    struct ec2_security_group_list group_list;     // those of `endpoint`
    struct ec2_security_group_list own_group_list; // those of this machine
    struct ec2_interface_list interface_list;      // of `endpoint`
};

// Looks at TiDB Cloud's side, then at this machine and AWS. The plan must outlive the world.
// `account` NULL: plan->no_account tells why.
void world_look(struct world *world, const struct world_plan *plan, struct account *account);
// The halves of it, in this order, of a world that is zeroed but for its plan; also for who looks
// again and again at one of them. This machine is looked at only once, and of AWS, where each call
// costs half a second, only the parts that are asked for: the others stay as they were seen.
enum world_part {
    WORLD_ENDPOINTS = 1 << 0,      // endpoints
    WORLD_VPC = 1 << 1,            // vpc, subnets, service, own_groups
    WORLD_ATTRIBUTES = 1 << 2,     // attributes
    WORLD_ENDPOINT_PARTS = 1 << 3, // groups, interfaces
    WORLD_AWS = (1 << 4) - 1,
};
void world_look_cloud(struct world *world, struct account *account);
void world_look_aws(struct world *world, unsigned parts);
void world_done(struct world *world); // a zeroed one is allowed

// ---- judging (pure) -----------------------------------------------------------------------------

// "aws", "gcp", "azure" or "alicloud": the API's cloudProvider, else the first part of a region
// "aws-us-east-1". "": neither tells. Static.
const char *world_provider(const struct cluster *cluster);
// The same for people: "Google Cloud".
const char *world_provider_name(const struct cluster *cluster);
// "PENDING (Pending)": the API's word and the console's.
enum { WORLD_STATE_BYTES = 96 };
const char *world_state_text(const struct observed_state *state, const struct state_words *words,
    char out[WORLD_STATE_BYTES]);
// Whether an endpoint of AWS lives: it is not deleted, deleting, rejected, failed or expired.
bool world_endpoint_lives(const struct ec2_endpoint *endpoint);
// The endpoint of this ID, or NULL.
const struct ec2_endpoint *world_find_endpoint(
    const struct ec2_endpoint_list *list, const char *endpoint_id);
// Ours: endpoint_id's, whatever its state and VPC; without one (NULL), one that lives in the VPC,
// rather one that TiDB Cloud knows, or else one that has our tag. vpc_id "": not known; then two
// that could be meant are none.
const struct ec2_endpoint *world_pick_endpoint(const struct ec2_endpoint_list *list,
    const struct node_group *group, const char *endpoint_id, const char *vpc_id);
// The private endpoint connection of this endpoint ID, or NULL, as for a group or ID of NULL.
const struct endpoint *world_find_connection(
    const struct node_group *group, const char *endpoint_id);
// Whether a group lets TCP to `port` in from one of `from_groups` or from `cidr`, an address or a
// block of them; each may be NULL or empty, and with neither any peer will do. What a managed
// prefix list holds is not known: a permission for one is not taken for closed.
bool world_allows_ingress(const struct ec2_security_group *group, uint16_t port,
    const struct option_list *from_groups, const char *cidr);
bool world_allows_egress(const struct ec2_security_group *group, uint16_t port,
    const struct option_list *to_groups, const char *cidr);
// The VPC in which an endpoint is wanted: the plan's, else this machine's; NULL: not known.
const char *world_own_vpc(const struct world *world);
// Whether this machine is in the VPC that is looked at.
bool world_is_here(const struct world *world);
// The VPC's first address block, or NULL.
const char *world_vpc_cidr(const struct world *world);
// Whether the endpoint's security groups let in who has to come in: this machine, or from outside
// the VPC's block as a whole.
bool world_lets_in(const struct world *world);
// The managed prefix list on which that hangs, as what it holds is not known; NULL: on none.
const char *world_ingress_list(const struct world *world);
// The zones that the private link service is in: IDs ("use1-az4", TiDB Cloud's availableZones),
// else names ("us-east-1a", AWS's answer about the service); empty: nobody tells. The world's.
struct option_list world_zones(const struct world *world);
// The zone of a subnet in the same terms; NULL: not told.
const char *world_zone_of(const struct world *world, const struct ec2_subnet *subnet);
// Whether the private link service can be reached from a subnet's zone. True when nobody tells.
bool world_serves_zone(const struct world *world, const struct ec2_subnet *subnet);
