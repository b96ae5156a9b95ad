# SPDX-License-Identifier: Apache-2.0
#
# scripts/demo --setup: from an account with a cluster and a VPC to a query over a private endpoint,
# with the real AWS CLI. Sourced.
# shellcheck shell=bash

run() { # COMMAND...: shown, then run, its output indented
    show "$*"
    "$@" 2>&1 | sed 's/^/   /'
}

command -v aws >/dev/null || die "--setup needs the AWS CLI (aws), which this system has no package of"

# ---- the clouds -----------------------------------------------------------------------------------

step "Starting tidblink-emulator, which plays TiDB Cloud and AWS: a cluster and a VPC, nothing else"
sed -e "s/\"settings\": {/& \"requestsPerMinute\": 10000,/" \
    -e "s/\"zones\": \[/\"backend\": \"127.0.0.1:$db_port\", &/" emulator/scenarios/setup.json >"$dir/cloud.json"
start_cloud "$dir/cloud.json"
# The AWS CLI wants keys; the emulator takes any. Nobody's own configuration is read.
export AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo AWS_EC2_METADATA_DISABLED=true AWS_PAGER=
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION
aws --version | sed 's/^/   /'

common_options >"$dir/tidblink.conf"
cat >>"$dir/tidblink.conf" <<END
aws-endpoint-url     = $(ready aws)
metadata-url         = $(ready metadata)

[cluster orders]
cluster-id = 1379661944646413143
listen     = 127.0.0.1:0
END
export TIDBLINK_CONFIG=$dir/tidblink.conf

step "1. What there is"
show "tidblink status orders"
tidblink status orders | sed 's/^/   /' || true # 3: no endpoint

step "2. The plan: what would be done, with the exact commands"
run tidblink setup orders

step "3. Doing it"
run tidblink setup orders --apply

step "4. A query over the new endpoint, through the proxy"
start_proxy
show "mariadb --skip-ssl --host=127.0.0.1 --port=$port --user=app -e 'SELECT VERSION(), CURRENT_USER()'"
"${client[@]}" --table -e 'SELECT VERSION(), CURRENT_USER()' | sed 's/^/   /'

step "5. Every hop, looked at"
run tidblink doctor orders

step "6. Somebody closes the port; what doctor says"
group=$(aws ec2 describe-vpc-endpoints --region us-east-1 --endpoint-url "$(ready aws)" \
    --query 'VpcEndpoints[0].Groups[0].GroupId' --output text)
app_group=$(aws ec2 describe-security-groups --region us-east-1 --endpoint-url "$(ready aws)" \
    --filters Name=group-name,Values=app --query 'SecurityGroups[0].GroupId' --output text)
aws ec2 revoke-security-group-ingress --region us-east-1 --endpoint-url "$(ready aws)" \
    --group-id "$group" --protocol tcp --port 4000 --source-group "$app_group" >/dev/null
show "tidblink doctor orders"
if tidblink doctor orders >"$dir/doctor.out" 2>&1; then die "doctor found nothing"; fi
grep -A 8 -e FAIL -e 'irst thing' "$dir/doctor.out" | sed 's/^/   /'

step "7. The undoing, on both sides"
kill -TERM "$proxy_pid"
wait "$proxy_pid" || die "the proxy ended with exit code $?"
run tidblink endpoint delete orders --yes
run tidblink endpoint list orders

printf '\nThe demo is over: everything that it started has ended and its directory is removed.\n'
