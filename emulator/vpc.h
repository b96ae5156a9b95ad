// SPDX-License-Identifier: Apache-2.0
//
// What can be said about the network of the emulated AWS: regions, zones, free addresses, who may
// reach an endpoint. Reads the world only. The loop's thread only.
#pragma once

#include "base/defs.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct object;
struct world;

enum { VPC_NAME_BYTES = 320, VPC_IP_BYTES = 16, VPC_MAC_BYTES = 18 };

// The VPC of anything that is in one; NULL if it is gone.
struct object *vpc_of(const struct object *object);
// The one in which this machine is, or the only one there is; NULL: none, or it cannot be said.
struct object *vpc_here(struct world *world);
// The EC2 instance; NULL: this machine is none.
struct object *vpc_machine(struct world *world);

// "us-east-1" of a service, by its cluster's "aws-us-east-1"; "" if it is gone.
const char *vpc_service_region(const struct object *service);
// Whether the service can be reached from a zone; true if it names none.
bool vpc_service_has_zone(const struct object *service, const char *zone_id);
// "us-east-1a" for "use1-az1": as the subnets say, else made up.
const char *vpc_zone_name(
    struct world *world, const char *region, const char *zone_id, char out[VPC_NAME_BYTES]);

// The first address of the subnet that nobody has, in `out`; false if there is none.
bool vpc_free_address(const struct object *subnet, char out[VPC_IP_BYTES]) MUST_CHECK;
// The hardware address that goes with an object's IP address.
const char *vpc_mac(const struct object *object, char out[VPC_MAC_BYTES]);
size_t vpc_free_count(const struct object *subnet);

struct object *vpc_default_group(const struct object *vpc); // or NULL
// Whether it can still become or be anything: not deleted, rejected, failed or expired.
bool vpc_endpoint_lives(const struct object *endpoint);
// "vpce-1-0a1b2c3d.vpce-svc-….us-east-1.vpce.amazonaws.com"; with a zone's name, that of the zone.
const char *vpc_endpoint_name(
    const struct object *endpoint, const char *zone, char out[VPC_NAME_BYTES]);
// The port that clients of the endpoint use.
unsigned vpc_endpoint_port(const struct object *endpoint);
// Whether security groups let this machine open a TCP connection to the interface.
bool vpc_may_reach(const struct object *interface, unsigned port);
