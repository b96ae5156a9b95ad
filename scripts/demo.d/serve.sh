# SPDX-License-Identifier: Apache-2.0
#
# scripts/demo: connections through the proxy while the endpoint's state changes. Sourced.
# shellcheck shell=bash

# ---- the cloud: the emulator ----------------------------------------------------------------------

step "Starting tidblink-emulator, which plays TiDB Cloud; the private endpoint is PENDING"
sed -e "1s/{/{ \"settings\": { \"requestsPerMinute\": 10000 },/" \
    -e "s/\"region\": \"aws-us-east-1\"/&, \"port\": $db_port/" emulator/scenarios/demo.json >"$dir/cloud.json"
start_cloud "$dir/cloud.json"

# ---- the proxy ------------------------------------------------------------------------------------

step "Starting the proxy"
common_options >"$dir/tidblink.conf"
cat >>"$dir/tidblink.conf" <<END
hold-timeout           = 2s
aws-cli                = off

[cluster orders]
cluster-id  = 1379661944646413143
endpoint-id = vpce-0a1b2c3d4e5f67890
listen      = 127.0.0.1:0
END
show "tidblink proxy --config tidblink.conf"
start_proxy
wait_for_line "$dir/proxy.log" 'state=PENDING' "the first answer of the control API"
echo "   listening on 127.0.0.1:$port"

refused() { # STATE: the client must fail and print why
    show "mariadb --skip-ssl --host=127.0.0.1 --port=$port --user=app"
    if "${client[@]}" -e 'SELECT 1' >"$dir/client.out" 2>&1; then die "the connection was not refused"; fi
    sed 's/^/   /' "$dir/client.out"
    grep -q "tidblink: .*$1" "$dir/client.out" || die "the client did not print why ($1)"
}

step "1. While the endpoint is PENDING the client is held for a moment, then told why"
refused PENDING

step "2. A client connects, the endpoint becomes ACTIVE: it is served the moment the verdict turns"
show "mariadb --skip-ssl --host=127.0.0.1 --port=$port --user=app -e 'SELECT VERSION(), CURRENT_USER()'"
"${client[@]}" --table -e 'SELECT VERSION(), CURRENT_USER()' >"$dir/held.out" 2>&1 &
held_pid=$!
cloud /endpoints/1934235512477589504 '{"state": "ACTIVE"}'
wait "$held_pid" || die "the held client was not served: $(cat "$dir/held.out")"
sed 's/^/   /' "$dir/held.out"

step "3. A 100 MB result, directly and through the proxy"
query='SELECT seq, REPEAT(MD5(seq), 32) FROM seq_1_to_100000'
through=$("${client[@]}" --quick --batch -e "$query" | tee >(wc -c >"$dir/bytes") | sha256sum)
straight=$("${direct[@]}" --quick --batch test -e "$query" | sha256sum)
echo "   bytes     $(cat "$dir/bytes")"
echo "   direct    ${straight%% *}"
echo "   tidblink  ${through%% *}"
[ "$straight" = "$through" ] || die "the results differ"

step "4. TLS to the cluster, verified against its CA, for a client that knows nothing of TLS"
show "echo 'tls-ca = cluster-ca.pem' >>tidblink.conf; tidblink reload"
echo "tls-ca = $dir/cluster-ca.pem" >>"$dir/tidblink.conf"
tidblink reload --config "$dir/tidblink.conf" | sed 's/^/   /'
show "mariadb --skip-ssl --host=127.0.0.1 --port=$port --user=app -e \"SHOW STATUS LIKE 'Ssl_version'\""
"${client[@]}" --table -e "SHOW STATUS LIKE 'Ssl_version'" >"$dir/tls.out" 2>&1 || die "$(cat "$dir/tls.out")"
sed 's/^/   /' "$dir/tls.out"
grep -q TLSv1 "$dir/tls.out" || die "there is no TLS to the cluster"

step "5. Connection strings; tidblink dsn --list has the other clients"
clients=params,url,mysql,jdbc,go,sqlalchemy-pymysql,mysql2,spring-boot
show "tidblink dsn orders --client $clients --user app --database test"
tidblink dsn --config "$dir/tidblink.conf" orders --client "$clients" --user app --database test | sed 's/^/   /'

step "6. What the state is, in words"
show "tidblink status orders"
tidblink status --config "$dir/tidblink.conf" orders | sed 's/^/   /'

step "7. The endpoint is being deleted: refused again"
cloud /endpoints/1934235512477589504 '{"state": "DELETING"}'
wait_for_line "$dir/proxy.log" 'state=DELETING' "the verdict's turn"
refused DELETING

if [ $stay = yes ]; then
    cloud /endpoints/1934235512477589504 '{"state": "ACTIVE"}'
    tidblink wait --config "$dir/tidblink.conf" --for active --max 30s orders
    step "Everything stays up. Ctrl-C ends it"
    echo "   mariadb --skip-ssl --host=127.0.0.1 --port=$port --user=app --password=demo test"
    echo "   the cloud's control port: $(ready control)   (emulator/README.md)"
    trap 'exit 0' INT TERM # the end that is asked for
    wait "$proxy_pid"
    exit 0
fi

step "8. SIGTERM: the proxy drains and ends"
kill -TERM "$proxy_pid"
wait "$proxy_pid" || die "the proxy ended with exit code $?"
echo "   exit code 0"
printf '\nThe demo is over: everything that it started has ended and its directory is removed.\n'
