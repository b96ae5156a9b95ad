// SPDX-License-Identifier: Apache-2.0
//
// Answers of the AWS CLI: what version 2.9 prints, what may be missing, what is wrong.
#include "control/ec2_json.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char vpcs[] =
    "{\"Vpcs\": [{\"CidrBlock\": \"172.31.0.0/16\", \"DhcpOptionsId\": \"default\","
    "\"State\": \"available\", \"VpcId\": \"vpc-b5099fabbf3d239dc\","
    "\"Ipv6CidrBlockAssociationSet\": [], \"CidrBlockAssociationSet\": ["
    "{\"AssociationId\": \"vpc-cidr-assoc-1\", \"CidrBlock\": \"172.31.0.0/16\","
    "\"CidrBlockState\": {\"State\": \"associated\"}},"
    "{\"AssociationId\": \"vpc-cidr-assoc-2\", \"CidrBlock\": \"100.64.0.0/16\"}],"
    "\"IsDefault\": true, \"Tags\": [{\"Key\": \"Team\", \"Value\": \"x\"},"
    "{\"Key\": \"Name\", \"Value\": \"main\"}]},"
    "{\"VpcId\": \"vpc-2\", \"CidrBlock\": \"10.0.0.0/8\"}, {\"VpcId\": \"vpc-3\"}]}";

static void test_vpcs(void **unused)
{
    struct ec2_vpc_list list;
    struct err err;
    assert_true(ec2_json_vpcs(vpcs, strlen(vpcs), &list, &err));
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0].id, "vpc-b5099fabbf3d239dc");
    assert_string_equal(list.items[0].name, "main");
    assert_int_equal(list.items[0].cidrs.count, 2);
    assert_string_equal(list.items[0].cidrs.items[1], "100.64.0.0/16");
    assert_null(list.items[1].name);
    assert_string_equal(list.items[1].cidrs.items[0], "10.0.0.0/8");
    assert_int_equal(list.items[2].cidrs.count, 0);
    ec2_vpc_list_done(&list);
    assert_int_equal(list.count, 0);
    assert_null(list.items);
    ec2_vpc_list_done(&list); // zeroed
}

static void test_vpc_attribute(void **unused)
{
    static const char support[] = "{\"VpcId\":\"vpc-1\",\"EnableDnsSupport\":{\"Value\":true}}";
    static const char hostnames[] =
        "{\"VpcId\":\"vpc-1\",\"EnableDnsHostnames\":{\"Value\":false}}";
    struct err err;
    bool on = false;
    assert_true(ec2_json_vpc_attribute(support, strlen(support), "enableDnsSupport", &on, &err));
    assert_true(on);
    assert_true(
        ec2_json_vpc_attribute(hostnames, strlen(hostnames), "enableDnsHostnames", &on, &err));
    assert_false(on);
    assert_false(ec2_json_vpc_attribute(support, strlen(support), "enableDnsHostnames", &on, &err));
    assert_int_equal(err.code, ERR_API_ANSWER);
}

static void test_subnets(void **unused)
{
    static const char text[] =
        "{\"Subnets\": [{\"AvailabilityZone\": \"us-east-1a\", \"AvailabilityZoneId\": "
        "\"use1-az6\", \"AvailableIpAddressCount\": 4091, \"CidrBlock\": \"172.31.0.0/20\","
        "\"State\": \"available\", \"SubnetId\": \"subnet-1\", \"VpcId\": \"vpc-1\","
        "\"Tags\": []}, {\"SubnetId\": \"subnet-2\"}]}";
    struct ec2_subnet_list list;
    struct err err;
    assert_true(ec2_json_subnets(text, strlen(text), &list, &err));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].vpc_id, "vpc-1");
    assert_string_equal(list.items[0].cidr, "172.31.0.0/20");
    assert_string_equal(list.items[0].zone, "us-east-1a");
    assert_string_equal(list.items[0].zone_id, "use1-az6");
    assert_null(list.items[1].zone_id);
    ec2_subnet_list_done(&list);
}

static void test_services(void **unused)
{
    static const char text[] =
        "{\"ServiceDetails\": [{\"ServiceName\": \"com.amazonaws.vpce.us-east-1.vpce-svc-1\","
        "\"ServiceId\": \"vpce-svc-1\", \"ServiceType\": [{\"ServiceType\": \"Interface\"}],"
        "\"AvailabilityZones\": [\"us-east-1a\", \"us-east-1d\"], \"Owner\": \"123456789012\","
        "\"PrivateDnsName\": \"*.clusters.tidb-cloud.com\", \"AcceptanceRequired\": true,"
        "\"PrivateDnsNameVerificationState\": \"verified\"}],"
        "\"ServiceNames\": [\"com.amazonaws.vpce.us-east-1.vpce-svc-1\"]}";
    struct ec2_service_list list;
    struct err err;
    assert_true(ec2_json_services(text, strlen(text), &list, &err));
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].name, "com.amazonaws.vpce.us-east-1.vpce-svc-1");
    assert_string_equal(list.items[0].private_dns_name, "*.clusters.tidb-cloud.com");
    assert_int_equal(list.items[0].zones.count, 2);
    assert_true(list.items[0].acceptance_required);
    ec2_service_list_done(&list);
}

#define ENDPOINT                                                                                   \
    "{\"VpcEndpointId\": \"vpce-1\", \"VpcEndpointType\": \"Interface\", \"VpcId\": \"vpc-1\","    \
    "\"ServiceName\": \"svc\", \"State\": \"failed\", \"PolicyDocument\": \"{}\","                 \
    "\"RouteTableIds\": [], \"SubnetIds\": [\"subnet-1\", \"subnet-2\"],"                          \
    "\"Groups\": [{\"GroupId\": \"sg-1\", \"GroupName\": \"default\"}, {\"GroupId\": \"sg-2\"}],"  \
    "\"PrivateDnsEnabled\": true, \"NetworkInterfaceIds\": [\"eni-1\"],"                           \
    "\"DnsEntries\": [{\"DnsName\": \"vpce-1.svc\", \"HostedZoneId\": \"Z1\"}],"                   \
    "\"CreationTimestamp\": \"2026-11-25T04:27:22+00:00\","                                        \
    "\"Tags\": [{\"Key\": \"Name\", \"Value\": \"tidblink-13\"},"                                  \
    "{\"Key\": \"tidblink-cluster\", \"Value\": \"13\"}], \"OwnerId\": \"123456789012\","          \
    "\"LastError\": {\"Message\": \"no room\", \"Code\": \"X\"}}"

static void test_endpoints(void **unused)
{
    static const char text[] = "{\"VpcEndpoints\": [" ENDPOINT ", {\"VpcEndpointId\": \"vpce-2\","
                               "\"LastError\": null, \"Tags\": [{}]}]}";
    struct ec2_endpoint_list list;
    struct err err;
    assert_true(ec2_json_endpoints(text, strlen(text), &list, &err));
    assert_int_equal(list.count, 2);
    const struct ec2_endpoint *first = &list.items[0];
    assert_string_equal(first->id, "vpce-1");
    assert_string_equal(first->vpc_id, "vpc-1");
    assert_string_equal(first->service_name, "svc");
    assert_string_equal(first->state, "failed");
    assert_true(first->private_dns);
    assert_int_equal(first->subnet_ids.count, 2);
    assert_int_equal(first->security_group_ids.count, 2);
    assert_string_equal(first->security_group_ids.items[1], "sg-2");
    assert_string_equal(first->interface_ids.items[0], "eni-1");
    assert_string_equal(first->error, "no room");
    assert_string_equal(first->tag, "13");
    assert_null(list.items[1].state);
    assert_null(list.items[1].tag);
    assert_null(list.items[1].error);
    ec2_endpoint_list_done(&list);
}

static void test_created(void **unused)
{
    static const char text[] = "{\"VpcEndpoint\": " ENDPOINT ", \"ClientToken\": \"t\"}";
    struct ec2_endpoint endpoint;
    struct err err;
    assert_true(ec2_json_created(text, strlen(text), &endpoint, &err));
    assert_string_equal(endpoint.id, "vpce-1");
    ec2_endpoint_done(&endpoint);
    assert_null(endpoint.id);
    assert_false(ec2_json_created("{}", 2, &endpoint, &err));
    assert_non_null(strstr(err.text, "VpcEndpoint.VpcEndpointId: expected an ID"));
    ec2_endpoint_done(&endpoint);
}

static void test_security_groups(void **unused)
{
    static const char text[] =
        "{\"SecurityGroups\": [{\"Description\": \"default VPC security group\","
        "\"GroupName\": \"default\", \"GroupId\": \"sg-1\", \"VpcId\": \"vpc-1\","
        "\"IpPermissions\": [{\"IpProtocol\": \"tcp\", \"FromPort\": 3306, \"ToPort\": 4000,"
        "\"IpRanges\": [{\"CidrIp\": \"10.0.0.0/8\", \"Description\": \"x\"}],"
        "\"Ipv6Ranges\": [{\"CidrIpv6\": \"fd00::/8\"}],"
        "\"PrefixListIds\": [{\"PrefixListId\": \"pl-1\"}],"
        "\"UserIdGroupPairs\": [{\"GroupId\": \"sg-2\", \"UserId\": \"1\"}]},"
        "{\"IpProtocol\": \"icmp\", \"FromPort\": -1, \"ToPort\": -1}],"
        "\"IpPermissionsEgress\": [{\"IpProtocol\": \"-1\","
        "\"IpRanges\": [{\"CidrIp\": \"0.0.0.0/0\"}]}]}, {\"GroupId\": \"sg-3\"}]}";
    struct ec2_security_group_list list;
    struct err err;
    assert_true(ec2_json_security_groups(text, strlen(text), &list, &err));
    assert_int_equal(list.count, 2);
    const struct ec2_security_group *group = &list.items[0];
    assert_string_equal(group->name, "default");
    assert_int_equal(group->ingress_count, 2);
    assert_string_equal(group->ingress[0].protocol, "tcp");
    assert_int_equal(group->ingress[0].from_port, 3306);
    assert_int_equal(group->ingress[0].to_port, 4000);
    assert_int_equal(group->ingress[0].cidrs.count, 2);
    assert_string_equal(group->ingress[0].cidrs.items[1], "fd00::/8");
    assert_string_equal(group->ingress[0].groups.items[0], "sg-2");
    assert_string_equal(group->ingress[0].prefix_lists.items[0], "pl-1");
    assert_int_equal(group->ingress[1].from_port, -1);
    assert_int_equal(group->egress_count, 1);
    assert_string_equal(group->egress[0].protocol, "-1");
    assert_int_equal(group->egress[0].from_port, -1);
    assert_int_equal(group->egress[0].to_port, -1);
    assert_int_equal(list.items[1].ingress_count, 0);
    ec2_security_group_list_done(&list);
}

static void test_interfaces(void **unused)
{
    static const char text[] =
        "{\"NetworkInterfaces\": [{\"AvailabilityZone\": \"us-east-1a\", \"Description\": \"\","
        "\"NetworkInterfaceId\": \"eni-1\", \"PrivateIpAddress\": \"10.0.1.7\","
        "\"PrivateIpAddresses\": [{\"Primary\": true, \"PrivateIpAddress\": \"10.0.1.7\"}],"
        "\"SubnetId\": \"subnet-1\", \"VpcId\": \"vpc-1\"}]}";
    struct ec2_interface_list list;
    struct err err;
    assert_true(ec2_json_interfaces(text, strlen(text), &list, &err));
    assert_string_equal(list.items[0].id, "eni-1");
    assert_string_equal(list.items[0].subnet_id, "subnet-1");
    assert_string_equal(list.items[0].zone, "us-east-1a");
    assert_string_equal(list.items[0].address, "10.0.1.7");
    ec2_interface_list_done(&list);
}

// ---- what is wrong ------------------------------------------------------------------------------

static void test_bad_answers(void **unused)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        { "", "not JSON" },
        { "None", "not JSON" },
        { "[]", "no object" },
        { "{\"VpcEndpoints\": [{\"VpcEndpointId\": \"vpce-1\"", "not JSON" },
        { "{\"VpcEndpoints\": {}}", "VpcEndpoints: expected an array" },
        { "{\"VpcEndpoints\": [7]}", "VpcEndpoints[0]: expected an object" },
        { "{\"VpcEndpoints\": [{}]}", "VpcEndpoints[0].VpcEndpointId: expected an ID" },
        { "{\"VpcEndpoints\": [{\"VpcEndpointId\": \"a\"}, {\"VpcEndpointId\": 7}]}",
            "VpcEndpoints[1].VpcEndpointId: expected a string" },
        { "{\"VpcEndpoints\": [{\"VpcEndpointId\": \"a\", \"SubnetIds\": [\"b\", null]}]}",
            "SubnetIds: expected strings, got null" },
        { "{\"VpcEndpoints\": [{\"VpcEndpointId\": \"a\", \"Groups\": [\"b\"]}]}",
            "Groups[0]: expected an object" },
        { "{\"VpcEndpoints\": [{\"VpcEndpointId\": \"a\", \"PrivateDnsEnabled\": \"yes\"}]}",
            "PrivateDnsEnabled: expected true or false" },
        { "{\"VpcEndpoints\": [{\"VpcEndpointId\": \"a\", \"LastError\": \"b\"}]}",
            "LastError: expected an object" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ec2_endpoint_list list;
        struct err err = { 0 };
        assert_false(ec2_json_endpoints(cases[i].text, strlen(cases[i].text), &list, &err));
        assert_int_equal(err.code, ERR_API_ANSWER);
        assert_non_null(strstr(err.text, cases[i].words));
        ec2_endpoint_list_done(&list);
    }
}

static void test_every_cut_of_an_answer(void **unused)
{
    static const char text[] = "{\"VpcEndpoints\": [" ENDPOINT "]}";
    for (size_t len = 0; len < strlen(text); len++) {
        struct ec2_endpoint_list list;
        struct err err;
        char *cut = malloc(len + 1); // exact, for the sanitizer
        memcpy(cut, text, len);
        cut[len] = '\0';
        assert_false(ec2_json_endpoints(cut, len, &list, &err));
        ec2_endpoint_list_done(&list);
        free(cut);
    }
}

static void test_nothing_is_an_empty_list(void **unused)
{
    struct ec2_endpoint_list endpoints;
    struct ec2_subnet_list subnets;
    struct err err;
    assert_true(ec2_json_endpoints("{}", 2, &endpoints, &err));
    assert_int_equal(endpoints.count, 0);
    assert_true(ec2_json_subnets("{\"Subnets\":null}", 16, &subnets, &err));
    assert_int_equal(subnets.count, 0);
}

static void test_was_done(void **unused)
{
    static const struct {
        const char *text;
        bool done;
        const char *code, *message;
    } cases[] = {
        { "", true, NULL, NULL },
        { "no JSON", true, NULL, NULL },
        { "{\"Return\": true}", true, NULL, NULL },
        { "{\"Return\": null, \"Unsuccessful\": null}", true, NULL, NULL },
        { "{\"Return\": false}", false, NULL, NULL },
        { "{\"Return\": 1}", false, NULL,
            "the answer cannot be read: Return: expected true or false, got a number" },
        { "{\"Return\": true, \"Unsuccessful\": {\"Error\": {}}}", false, NULL,
            "the answer cannot be read: Unsuccessful: expected an array, got an object" },
        { "{\"Unsuccessful\": []}", true, NULL, NULL },
        { "{\"Unsuccessful\": [{\"Error\": {\"Code\": \"A\", \"Message\": \"b\"}}]}", false, "A",
            "b" },
        { "{\"Unsuccessful\": [{\"Error\": {\"Code\": \"A\", \"Message\": 7}}]}", false, "A",
            "the answer cannot be read: Unsuccessful[0].Error.Message: expected a string, got a "
            "number" },
        { "{\"Unsuccessful\": [{}]}", false, NULL, NULL },
        { "{\"Unsuccessful\": [7]}", false, NULL,
            "the answer cannot be read: Unsuccessful[0]: expected an object, got a number" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *code;
        char *message;
        assert_int_equal(ec2_json_was_done(cases[i].text, strlen(cases[i].text), &code, &message),
            cases[i].done);
        assert_string_equal(code != NULL ? code : "", cases[i].code != NULL ? cases[i].code : "");
        assert_string_equal(
            message != NULL ? message : "", cases[i].message != NULL ? cases[i].message : "");
        free(code);
        free(message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vpcs),
        cmocka_unit_test(test_vpc_attribute),
        cmocka_unit_test(test_subnets),
        cmocka_unit_test(test_services),
        cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_created),
        cmocka_unit_test(test_security_groups),
        cmocka_unit_test(test_interfaces),
        cmocka_unit_test(test_bad_answers),
        cmocka_unit_test(test_every_cut_of_an_answer),
        cmocka_unit_test(test_nothing_is_an_empty_list),
        cmocka_unit_test(test_was_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
