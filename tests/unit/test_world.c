// SPDX-License-Identifier: Apache-2.0
//
// guide/world.c: what follows from what AWS and TiDB Cloud show.
#include "guide/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
// cmocka.h wants the four above.
#include <cmocka.h>
#include <string.h>

// ---- security groups ----------------------------------------------------------------------------

#define LIST(...)                                                                                  \
    {                                                                                              \
        .items = (char *[]){ __VA_ARGS__ },                                                        \
        .count = sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *),                               \
    }

static char tcp[] = "tcp", udp[] = "udp", all[] = "-1", six[] = "6";
static char block8[] = "10.0.0.0/8", block24[] = "10.0.7.0/24", anywhere[] = "0.0.0.0/0",
            anywhere6[] = "::/0", ula[] = "fd00:1::/32", sg_a[] = "sg-a", sg_b[] = "sg-b",
            pl[] = "pl-1", other_pl[] = "pl-2";

static bool allows(
    struct ec2_permission permission, const struct option_list *groups, const char *cidr)
{
    const struct ec2_security_group group = {
        .ingress = &permission, .ingress_count = 1, .egress = &permission, .egress_count = 1
    };
    bool ingress = world_allows_ingress(&group, 4000, groups, cidr);
    assert_int_equal(ingress, world_allows_egress(&group, 4000, groups, cidr));
    return ingress;
}

static void test_ports(void **state)
{
    static const struct {
        char *protocol;
        int64_t from, to;
        bool allowed;
    } rows[] = {
        { tcp, 4000, 4000, true },
        { tcp, 0, 65535, true },
        { tcp, 3306, 3999, false },
        { tcp, 4001, 65535, false },
        { tcp, -1, -1, true },
        { six, 4000, 4000, true },
        { udp, 4000, 4000, false },
        { all, -1, -1, true },
        { all, 22, 22, true }, // the ports of "all traffic" mean nothing
        { NULL, 4000, 4000, false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct ec2_permission permission = {
            .protocol = rows[i].protocol,
            .from_port = rows[i].from,
            .to_port = rows[i].to,
            .cidrs = LIST(anywhere),
        };
        assert_int_equal(allows(permission, NULL, "10.0.0.1"), rows[i].allowed);
    }
}

static void test_blocks(void **state)
{
    static const struct {
        char *open;
        const char *asked;
        bool allowed;
    } rows[] = {
        { block8, "10.0.0.0/16", true },
        { block8, "10.0.0.0/8", true },
        { block8, "0.0.0.0/0", false },
        { block8, "11.0.0.1", false },
        { block24, "10.0.7.255", true },
        { block24, "10.0.8.0", false },
        { block24, "10.0.0.0/16", false }, // a part of the asked block stays outside
        { anywhere, "203.0.113.9", true },
        { anywhere, "fd00:1::1", false },
        { anywhere6, "fd00:1::1", true },
        { anywhere6, "10.0.0.1", false },
        { ula, "fd00:1:2::/48", true },
        { ula, "fd00:2::1", false },
        { ula, "no address", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct ec2_permission permission = {
            .protocol = all, .from_port = -1, .to_port = -1, .cidrs = LIST(rows[i].open)
        };
        assert_int_equal(allows(permission, NULL, rows[i].asked), rows[i].allowed);
    }
}

static void test_groups_as_peers(void **state)
{
    const struct ec2_permission permission = {
        .protocol = tcp, .from_port = 4000, .to_port = 4000, .groups = LIST(sg_a)
    };
    const struct option_list has_it = LIST(sg_b, sg_a), has_not = LIST(sg_b), none = { 0 };
    (void)state;
    assert_true(allows(permission, &has_it, NULL));
    assert_true(allows(permission, &has_it, "10.0.0.1"));
    assert_false(allows(permission, &has_not, NULL));
    assert_false(allows(permission, &none, "10.0.0.1"));
    assert_true(allows(permission, &none, NULL)); // nobody in particular is asked for
}

static void test_a_prefix_list_is_not_taken_for_closed(void **state)
{
    struct ec2_permission permission = {
        .protocol = tcp, .from_port = 4000, .to_port = 4000, .prefix_lists = LIST(pl)
    };
    (void)state;
    assert_true(allows(permission, NULL, "10.0.0.1"));
    permission.to_port = permission.from_port = 443;
    assert_false(allows(permission, NULL, "10.0.0.1"));
}

static void test_a_prefix_list_is_named_when_all_hangs_on_it(void **state)
{
    struct ec2_permission permissions[] = {
        { .protocol = tcp, .from_port = 443, .to_port = 443, .prefix_lists = LIST(other_pl) },
        { .protocol = tcp, .from_port = 4000, .to_port = 4000, .prefix_lists = LIST(pl) },
        { .protocol = tcp, .from_port = 22, .to_port = 22, .cidrs = LIST(anywhere) },
    };
    struct ec2_security_group group = { .ingress = permissions, .ingress_count = 3 };
    struct ec2_vpc vpc = { .cidrs = LIST(block24) };
    struct world world = { .vpcs = { &vpc, 1 }, .group_list = { &group, 1 }, .port = 4000 };
    (void)state;
    assert_true(world_lets_in(&world));
    assert_string_equal(world_ingress_list(&world), pl);
    permissions[2].from_port = permissions[2].to_port = 4000;
    assert_null(world_ingress_list(&world));
}

static void test_any_permission_will_do(void **state)
{
    struct ec2_permission permissions[] = {
        { .protocol = tcp, .from_port = 22, .to_port = 22, .cidrs = LIST(anywhere) },
        { .protocol = tcp, .from_port = 4000, .to_port = 4000, .cidrs = LIST(block24) },
    };
    const struct ec2_security_group group = { .ingress = permissions, .ingress_count = 2 };
    (void)state;
    assert_true(world_allows_ingress(&group, 4000, NULL, "10.0.7.1"));
    assert_false(world_allows_ingress(&group, 4000, NULL, "10.0.8.1"));
    assert_false(world_allows_egress(&group, 4000, NULL, "10.0.7.1")); // it has none
}

// ---- endpoints ----------------------------------------------------------------------------------

static char here[] = "vpc-here", there[] = "vpc-there", vpce_1[] = "vpce-1", vpce_2[] = "vpce-2",
            vpce_3[] = "vpce-3", available[] = "available", rejected[] = "rejected",
            deleting[] = "Deleting", pending[] = "pendingAcceptance";

static void test_which_endpoints_live(void **state)
{
    const struct ec2_endpoint unknown = { 0 }, up = { .state = available },
                              waiting = { .state = pending }, refused = { .state = rejected },
                              going = { .state = deleting };
    (void)state;
    assert_true(world_endpoint_lives(&unknown));
    assert_true(world_endpoint_lives(&up));
    assert_true(world_endpoint_lives(&waiting));
    assert_false(world_endpoint_lives(&refused));
    assert_false(world_endpoint_lives(&going));
}

static const char *picked(struct ec2_endpoint *endpoints, size_t count,
    const struct node_group *group, const char *endpoint_id, const char *vpc_id)
{
    const struct ec2_endpoint_list list = { endpoints, count };
    const struct ec2_endpoint *found = world_pick_endpoint(&list, group, endpoint_id, vpc_id);
    return found ? found->id : "none";
}

static void test_the_endpoint_of_endpoint_id(void **state)
{
    struct ec2_endpoint endpoints[] = {
        { .id = vpce_1, .vpc_id = here, .state = available },
        { .id = vpce_2, .vpc_id = there, .state = rejected },
    };
    (void)state;
    assert_string_equal(picked(endpoints, 2, NULL, "vpce-2", "vpc-here"), "vpce-2");
    assert_string_equal(picked(endpoints, 2, NULL, "vpce-9", "vpc-here"), "none");
}

static void test_the_living_one_of_the_vpc(void **state)
{
    struct ec2_endpoint endpoints[] = {
        { .id = vpce_1, .vpc_id = here, .state = deleting },
        { .id = vpce_2, .vpc_id = there, .state = available },
        { .id = vpce_3, .vpc_id = here, .state = pending },
    };
    (void)state;
    assert_string_equal(picked(endpoints, 3, NULL, NULL, "vpc-here"), "vpce-3");
    assert_string_equal(picked(endpoints, 3, NULL, NULL, "vpc-there"), "vpce-2");
    assert_string_equal(picked(endpoints, 3, NULL, NULL, "vpc-none"), "none");
}

static void test_the_one_that_tidb_cloud_knows_comes_first(void **state)
{
    struct endpoint known = { .endpoint_id = vpce_2 };
    const struct node_group group = { .endpoints = &known, .endpoint_count = 1 };
    struct ec2_endpoint endpoints[] = {
        { .id = vpce_1, .vpc_id = here, .state = available },
        { .id = vpce_2, .vpc_id = here, .state = available },
    };
    (void)state;
    assert_string_equal(picked(endpoints, 2, &group, NULL, "vpc-here"), "vpce-2");
    assert_string_equal(picked(endpoints, 2, NULL, NULL, "vpc-here"), "vpce-1");
}

static void test_then_the_one_that_was_made_by_us(void **state)
{
    static char orders[] = "orders";
    struct endpoint known = { .endpoint_id = vpce_3 };
    const struct node_group group = { .endpoints = &known, .endpoint_count = 1 };
    struct ec2_endpoint endpoints[] = {
        { .id = vpce_1, .vpc_id = here, .state = available },
        { .id = vpce_2, .vpc_id = here, .state = pending, .tag = orders },
        { .id = vpce_3, .vpc_id = here, .state = available },
    };
    (void)state;
    assert_string_equal(picked(endpoints, 3, NULL, NULL, "vpc-here"), "vpce-2");
    assert_string_equal(picked(endpoints, 3, &group, NULL, "vpc-here"), "vpce-3");
}

static void test_without_a_vpc_only_the_only_one(void **state)
{
    struct ec2_endpoint endpoints[] = {
        { .id = vpce_1, .vpc_id = here, .state = available },
        { .id = vpce_2, .vpc_id = there, .state = available },
    };
    (void)state;
    assert_string_equal(picked(endpoints, 1, NULL, NULL, ""), "vpce-1");
    assert_string_equal(picked(endpoints, 2, NULL, NULL, ""), "none");
    endpoints[0].state = rejected;
    assert_string_equal(picked(endpoints, 2, NULL, NULL, ""), "vpce-2");
}

// ---- zones and clouds ---------------------------------------------------------------------------

static char az1[] = "use1-az1", az2[] = "use1-az2", az4[] = "use1-az4";

static void test_zones(void **state)
{
    char *zones[] = { az1, az4 };
    const struct node_group group = { .zones = zones, .zone_count = 2 };
    const struct world some = { .group = &group }, untold = { 0 };
    const struct ec2_subnet served = { .zone_id = az4 }, not_served = { .zone_id = az2 },
                            unknown = { 0 };
    (void)state;
    assert_true(world_serves_zone(&some, &served));
    assert_false(world_serves_zone(&some, &not_served));
    assert_true(world_serves_zone(&some, &unknown));
    assert_true(world_serves_zone(&untold, &not_served));
    assert_string_equal(world_zone_of(&some, &served), "use1-az4");
}

// TiDB Cloud tells none, and AWS tells their names, which differ from account to account.
static void test_zones_that_aws_tells(void **state)
{
    static char a[] = "us-east-1a", b[] = "us-east-1b";
    char *zones[] = { a };
    struct ec2_service service = { .zones = { zones, 1 } };
    const struct node_group group = { 0 };
    const struct world world = {
        .group = &group, .service.seen = true, .service_list = { &service, 1 }
    };
    const struct ec2_subnet served = { .zone_id = az4, .zone = a },
                            not_served = { .zone_id = az2, .zone = b }, unknown = { 0 };
    (void)state;
    assert_true(world_serves_zone(&world, &served));
    assert_false(world_serves_zone(&world, &not_served));
    assert_true(world_serves_zone(&world, &unknown));
    assert_string_equal(world_zone_of(&world, &not_served), "us-east-1b");
    service.zones.count = 0;
    assert_true(world_serves_zone(&world, &not_served));
}

static void test_providers(void **state)
{
    static char aws[] = "aws", gcp_region[] = "gcp-us-east1", aws_region[] = "aws-us-east-1",
                upper[] = "AWS", odd[] = "awsome-1";
    const struct cluster told = { .provider = aws, .region = gcp_region };
    const struct cluster by_region = { .region = aws_region };
    const struct cluster google = { .region = gcp_region }, shouted = { .provider = upper };
    const struct cluster unknown = { .region = odd }, untold = { 0 };
    (void)state;
    assert_string_equal(world_provider(&told), "aws");
    assert_string_equal(world_provider(&by_region), "aws");
    assert_string_equal(world_provider(&shouted), "aws");
    assert_string_equal(world_provider(&google), "gcp");
    assert_string_equal(world_provider_name(&google), "Google Cloud");
    assert_string_equal(world_provider(&unknown), "");
    assert_string_equal(world_provider(&untold), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_groups_as_peers),
        cmocka_unit_test(test_a_prefix_list_is_not_taken_for_closed),
        cmocka_unit_test(test_a_prefix_list_is_named_when_all_hangs_on_it),
        cmocka_unit_test(test_any_permission_will_do),
        cmocka_unit_test(test_which_endpoints_live),
        cmocka_unit_test(test_the_endpoint_of_endpoint_id),
        cmocka_unit_test(test_the_living_one_of_the_vpc),
        cmocka_unit_test(test_the_one_that_tidb_cloud_knows_comes_first),
        cmocka_unit_test(test_then_the_one_that_was_made_by_us),
        cmocka_unit_test(test_without_a_vpc_only_the_only_one),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_zones_that_aws_tells),
        cmocka_unit_test(test_providers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
