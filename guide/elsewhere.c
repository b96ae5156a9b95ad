// SPDX-License-Identifier: Apache-2.0
//
// Sources: docs.pingcap.com/tidbcloud, "Connect to a TiDB Cloud Dedicated Cluster via AWS
// PrivateLink", "… via Google Cloud Private Service Connect", "… via Azure Private Link";
// cloud.google.com/sdk/gcloud/reference/compute/forwarding-rules/create;
// learn.microsoft.com/cli/azure/network/private-endpoint.
#include "guide/elsewhere.h"

#include <string.h>

// "us-west1" of "gcp-us-west1".
static const char *region_of(const struct setup *setup)
{
    const char *region = setup->world.cluster->region ? setup->world.cluster->region : "REGION";
    const char *dash = strchr(region, '-');
    return dash ? dash + 1 : region;
}

static bool is_on(const struct setup *setup, const char *provider)
{
    const struct cluster *cluster = setup->world.cluster;
    return cluster && strcmp(world_provider(cluster), provider) == 0;
}

// ---- the other clouds ---------------------------------------------------------------------------

enum { NAME_BYTES = 160 };

// What the commands call the endpoint.
static const char *name_of(const struct setup *setup, char out[NAME_BYTES])
{
    snprintf(out, NAME_BYTES, "tidb-%.100s", setup->world.cluster->id);
    return out;
}

// Azure: the endpoint's own DNS configurations are empty for a private link service of a
// customer's, its network interface always has the address; the CLI spelled that in two ways over
// time.
bool elsewhere_creation(const struct setup *setup, char out[EC2_TEXT_BYTES])
{
    char service[SHELL_WORD_BYTES], name[SHELL_WORD_BYTES], word[NAME_BYTES];
    char region[SHELL_WORD_BYTES];
    shell_word(setup->world.group->service_name, service);
    shell_word(name_of(setup, word), name);
    shell_word(region_of(setup), region);
    if (is_on(setup, "gcp"))
        snprintf(out, EC2_TEXT_BYTES,
            "gcloud compute addresses create %s \\\n    --region=%s --subnet=SUBNET\n"
            "gcloud compute forwarding-rules create %s \\\n    --region=%s --network=NETWORK \\\n"
            "    --address=%s \\\n    --target-service-attachment=%s",
            name, region, name, region, name, service);
    else if (is_on(setup, "azure"))
        snprintf(out, EC2_TEXT_BYTES,
            "az network private-endpoint create --name %s \\\n    --resource-group GROUP "
            "--location %s --vnet-name VNET --subnet SUBNET \\\n    --connection-name %s "
            "--manual-request true \\\n    --private-connection-resource-id \\\n    %s\n"
            "az network private-endpoint show --name %s \\\n    --resource-group GROUP "
            "--query id --output tsv\n"
            "NIC=$(az network private-endpoint show --name %s \\\n    --resource-group GROUP "
            "--query 'networkInterfaces[0].id' --output tsv)\n"
            "az network nic show --ids \"$NIC\" --output tsv \\\n    --query "
            "'ipConfigurations[0].[privateIPAddress || privateIpAddress]'",
            name, region, name, service, name, name);
    else
        return false;
    return true;
}

bool elsewhere_deletion(
    const struct setup *setup, const char *endpoint_id, char out[EC2_TEXT_BYTES])
{
    char word[SHELL_WORD_BYTES], region[SHELL_WORD_BYTES];
    shell_word(region_of(setup), region);
    shell_word(endpoint_id, word);
    if (is_on(setup, "gcp"))
        snprintf(out, EC2_TEXT_BYTES,
            "gcloud compute forwarding-rules delete %s --region=%s\n"
            "gcloud compute addresses delete %s --region=%s",
            word, region, word, region);
    else if (is_on(setup, "azure"))
        snprintf(out, EC2_TEXT_BYTES, "az network private-endpoint delete --ids \\\n    %s", word);
    else
        return false;
    return true;
}

bool elsewhere_lacks_address(const struct setup *setup)
{
    return is_on(setup, "azure") && !setup->plan->private_ip && !setup_connection(setup);
}

const char *elsewhere_endpoint_word(const struct setup *setup, char out[SHELL_WORD_BYTES])
{
    char name[NAME_BYTES];
    return is_on(setup, "gcp")     ? shell_word(name_of(setup, name), out)
           : is_on(setup, "azure") ? "RESOURCE_ID --private-ip IP"
                                   : "ENDPOINT_ID";
}

const char *elsewhere_endpoint_id(const struct setup *setup)
{
    return is_on(setup, "azure") ? "--endpoint-id (its resource ID) and --private-ip"
                                 : "--endpoint-id (its name)";
}

// ---- the consoles -------------------------------------------------------------------------------

static void first_clicks(const struct setup *setup, FILE *out)
{
    const struct cluster *cluster = setup->world.cluster;
    fprintf(out,
        "In the TiDB Cloud console (tidbcloud.com)\n"
        "  1. My TiDB: click %s. Its state must be Available.\n"
        "  2. Connect (upper right). Connection Type: Private Endpoint.\n"
        "     Click Create Private Endpoint Connection.\n"
        "  3. Wait for \"TiDB Private Link Service is ready\" (3 to 5 minutes after the\n"
        "     cluster was created).\n\n",
        cluster->name ? cluster->name : cluster->id);
}

static void vpc_clicks(const struct setup *setup, FILE *out)
{
    const struct world *world = &setup->world;
    const struct option_list zones = world_zones(world);
    fprintf(out,
        "In the AWS console (console.aws.amazon.com/vpc), region %s\n"
        "  4. Your VPCs: select %s.\n"
        "     Actions, Edit VPC settings: Enable DNS resolution and Enable DNS hostnames.\n"
        "     Save.\n"
        "  5. Endpoints, Create endpoint. Type: Endpoint services that use NLBs and\n"
        "     GWLBs. Service name, then Verify service:\n       %s\n"
        "  6. VPC: %s. Subnets: one in each of the zones that the\n"
        "     service is in:",
        region_of(setup), setup_vpc_word(setup), world->group->service_name, setup_vpc_word(setup));
    for (size_t i = 0; i < zones.count; i++)
        fprintf(out, "%s %s", i > 0 ? "," : "", zones.items[i]);
    fprintf(out,
        "%s.\n     A zone that cannot be chosen is not served: ask TiDB Cloud support.\n"
        "  7. Security groups: one that lets TCP port %u in from where the application\n"
        "     runs. Create endpoint. Note its ID, vpce-...\n\n",
        zones.count == 0 ? " not told" : "", world->port);
}

static void last_clicks(const struct setup *setup, FILE *out)
{
    char alias[SHELL_WORD_BYTES];
    const char *id = setup_endpoint_id(setup);
    fprintf(out,
        "In the TiDB Cloud console again\n"
        "  8. Create AWS Private Endpoint Connection: VPC endpoint ID\n"
        "     %s, Create Private Endpoint Connection.\n"
        "     Its state goes from Pending (System Checking) to Active in about 5 minutes;\n"
        "     a Failed one can be retried by Edit.\n\n"
        "In the AWS console again, once it is Active\n"
        "  9. Endpoints: select the endpoint. Actions, Modify private DNS name: Enable\n"
        "     for this endpoint. Save changes.\n\n"
        "On a machine in the VPC\n"
        " 10. tidblink doctor %s\n",
        *id ? id : "vpce-...", setup_alias(setup, alias));
}

void elsewhere_clicks(const struct setup *setup, FILE *out)
{
    if (is_on(setup, "gcp") || is_on(setup, "azure")) {
        fprintf(out,
            "The clicks for %s are on docs.pingcap.com/tidbcloud,\n%s.\n"
            "Without --console the commands for them are printed.\n",
            world_provider_name(setup->world.cluster),
            is_on(setup, "gcp") ? "\"Connect via Google Cloud Private Service Connect\""
                                : "\"Connect via Azure Private Link\"");
        return;
    }
    first_clicks(setup, out);
    vpc_clicks(setup, out);
    last_clicks(setup, out);
}
