# SPDX-License-Identifier: Apache-2.0
#
# What every demo needs: a private directory that disappears, the build, a real server that plays the
# cluster. Sourced by scripts/demo, which has set the shell's options.
# shellcheck shell=bash

step() { printf '\n== %s\n' "$*"; }
show() { printf '   $ %s\n' "$*"; }
die() { printf 'scripts/demo: %s\n' "$*" >&2 && exit 1; }

# ---- cleaning up, whatever happens ----------------------------------------------------------------

dir=$(mktemp -d "${TMPDIR:-/tmp}/tidblink-demo.XXXXXX")
children=()
finish() {
    code=$?
    trap - EXIT INT TERM
    for pid in "${children[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${children[@]}"; do wait "$pid" 2>/dev/null || true; done
    if [ $code -ne 0 ] && [ $code -ne 130 ]; then
        for log in "$dir"/*.log; do
            [ -f "$log" ] && printf '\n---- %s\n' "${log##*/}" >&2 && tail -n 40 "$log" >&2
        done
    fi
    rm -rf "$dir"
    exit $code
}
trap finish EXIT
trap 'exit 130' INT TERM

# Waits until a line of a growing log matches; the log's writer is what makes it happen.
wait_for_line() { # FILE REGEX WHAT
    local tail_pid found=no
    : >>"$1" # its writer may not have opened it yet
    exec 3< <(exec tail -n +1 -f "$1")
    tail_pid=$!
    while IFS= read -r -t 30 line <&3; do
        if [[ $line =~ $2 ]]; then found=yes && break; fi
    done
    kill "$tail_pid" 2>/dev/null || true
    exec 3<&-
    [ $found = yes ] || die "$3 did not happen within 30 s (what was said is below)"
}

# ---- build ----------------------------------------------------------------------------------------

step "Installing what is missing and building"
scripts/deps build demo
[ -d build-demo ] || meson setup build-demo --buildtype=release -Dtests=false >"$dir/meson.log"
ninja -C build-demo >"$dir/ninja.log"
PATH=$PWD/build-demo/app:$PWD/build-demo/emulator:$PATH
tidblink --version | head -n 1

# ---- the cluster: a real server -------------------------------------------------------------------

step "Starting a MariaDB server, which plays the cluster"
PATH=$PATH:/usr/sbin
account=()
if [ "$(id -u)" = 0 ]; then # mariadbd refuses to run as root
    # mysql exists where the whole server is installed; getent fails when one of them is missing.
    user=$({ getent passwd mysql nobody || true; } | head -n 1 | cut -d: -f1)
    account=(--user="$user")
    chown "$user" "$dir"
fi
mariadb-install-db --no-defaults "${account[@]}" --datadir="$dir/data" --skip-test-db \
    --auth-root-authentication-method=normal --skip-name-resolve --force >"$dir/install.log" 2>&1
free_port() { # one that the kernel just gave away and got back
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (exec 4<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}
# Its certificate comes from an authority of its own, as with TiDB Cloud, and names the private host.
host=$(sed -n 's/.*"dnsName": *"\(privatelink-[^"]*\)".*/\1/p' emulator/scenarios/demo.json | head -n 1)
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=demo cluster CA' -keyout "$dir/cluster-ca.key" \
    -out "$dir/cluster-ca.pem" 2>"$dir/openssl.log"
openssl req -newkey rsa:2048 -nodes -subj '/CN=cluster' -keyout "$dir/cluster.key" -out "$dir/cluster.csr" 2>>"$dir/openssl.log"
openssl x509 -req -in "$dir/cluster.csr" -CA "$dir/cluster-ca.pem" -CAkey "$dir/cluster-ca.key" -CAcreateserial -days 2 \
    -extfile <(echo "subjectAltName=DNS:$host") -out "$dir/cluster.pem" 2>>"$dir/openssl.log"
[ ${#account[@]} = 0 ] || chown "$user" "$dir/cluster.key"
db_port=$(free_port)
mariadbd --no-defaults "${account[@]}" --datadir="$dir/data" --socket="$dir/db.sock" \
    --port="$db_port" --bind-address=127.0.0.1 --pid-file="$dir/db.pid" --skip-name-resolve \
    --ssl-ca="$dir/cluster-ca.pem" --ssl-cert="$dir/cluster.pem" --ssl-key="$dir/cluster.key" \
    --innodb-buffer-pool-size=32M --max-allowed-packet=256M >"$dir/mariadb.log" 2>&1 &
children+=($!)
wait_for_line "$dir/mariadb.log" 'ready for connections' "the start of mariadbd"
direct=(mariadb --no-defaults --socket="$dir/db.sock" --user=root)
"${direct[@]}" -e "CREATE DATABASE test; CREATE USER app IDENTIFIED BY 'demo'; GRANT ALL ON test.* TO app"
echo "   listening on 127.0.0.1:$db_port"

# ---- what the parts below share -------------------------------------------------------------------

ready() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$dir/emulator.out"; }
cloud() { # PATH JSON: changes the emulated world
    curl -sS --fail -o /dev/null -X PATCH -d "$2" "$(ready control)$1"
}
start_cloud() { # SCENARIO
    tidblink-emulator --scenario "$1" --ca-out "$dir/ca.pem" --ready-file "$dir/ready.json" \
        >"$dir/emulator.out" 2>"$dir/emulator.log" &
    children+=($!)
    wait_for_line "$dir/emulator.out" 'api_url' "the start of tidblink-emulator"
}
install -m 600 /dev/null "$dir/public.key" && echo demo-public >"$dir/public.key"
install -m 600 /dev/null "$dir/private.key" && echo demo-private >"$dir/private.key"
mkdir "$dir/state"

common_options() { # what is in each part's configuration file before its clusters
    cat <<END
api-url              = $(ready api_url)
api-ca               = $dir/ca.pem
api-public-key-file  = $dir/public.key
api-private-key-file = $dir/private.key
dns-servers          = $(ready dns)
allow-loopback       = on      # the cluster is on this machine here, and only here
state-dir            = $dir/state
admin-listen         = off
admin-socket         = $dir/admin.sock
poll-interval          = 1s    # the emulator has no quota to spare
poll-interval-changing = 1s
END
}
start_proxy() { # sets proxy_pid, port, and client, the command that connects through it
    tidblink proxy --config "$dir/tidblink.conf" 2>"$dir/proxy.log" &
    proxy_pid=$!
    children+=("$proxy_pid")
    wait_for_line "$dir/proxy.log" ' listening .*address=127\.0\.0\.1:([0-9]+)' "the start of the proxy"
    port=${BASH_REMATCH[1]}
    # MYSQL_PWD for this client alone: it would lock the direct one out.
    client=(env MYSQL_PWD=demo mariadb --no-defaults --skip-ssl --host=127.0.0.1 --port="$port" --user=app --database=test)
}
