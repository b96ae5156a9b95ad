#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes corpus/: real packets (samples.txt), those that no program here sends (a TiDB's, a
TiProxy's, of old servers and clients), and what scripts/fuzz has found (found/HARNESS/). A file that happened to be UTF-8
would have to be as clean as a text of ours (tests/lint/tree.py): none is.

Sources: dev.mysql.com/doc/dev/mysql-server, "Protocol::HandshakeV10", "Protocol::HandshakeResponse",
"Protocol::AuthSwitchRequest", "Caching_sha2_password information"; pingcap/tidb, pkg/server/conn.go,
writeInitialHandshake, and server.go, defaultCapability; pingcap/tiproxy,
pkg/proxy/backend/authenticator.go, SupportedServerCapabilities."""
import hashlib
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
TIDB, TIPROXY = 0x051BAEAF, 0x053BEEEF
WITH_DB, PROTOCOL_41, SSL, SECURE, PLUGIN, ATTRIBUTES, LENENC = (
    1 << bit for bit in (3, 9, 11, 15, 19, 20, 21))
NONCE = bytes(range(0x31, 0x45))
NATIVE, SHA2 = "mysql_native_password", "caching_sha2_password"
OK = bytes.fromhex("00000002000000")


def packet(sequence, payload):
    return len(payload).to_bytes(3, "little") + bytes([sequence]) + payload


def samples():
    """{name: [(side, packet)]} of samples.txt."""
    found, exchange = {}, None
    for line in (HERE / "samples.txt").read_text().splitlines():
        if line.startswith("["):
            exchange = found[line[1:-1]] = []
        elif line[:2] in ("S ", "C "):
            exchange.append((line[0], line[2:]))
        elif line.startswith("  "):
            side, text = exchange[-1]
            exchange[-1] = (side, text + line[2:])
    return {name: [(side, bytes.fromhex(text)) for side, text in packets]
            for name, packets in found.items()}


# ---- greetings ----------------------------------------------------------------------------------

def greeting(version, capabilities, plugin=NATIVE, auth_len=21, nul=b"\0", nonce=NONCE):
    return packet(0, b"\x0a" + version.encode() + b"\0" + (0x12FF).to_bytes(4, "little") +
                  nonce[:8] + b"\0" + (capabilities & 0xFFFF).to_bytes(2, "little") +
                  b"\x2e\x02\0" + (capabilities >> 16).to_bytes(2, "little") + bytes([auth_len]) +
                  bytes(10) + nonce[8:] + b"\0" + plugin.encode() + nul)


def greetings():
    tidb = greeting("8.0.11-TiDB-v8.5.3", TIDB)
    yield "tidb", tidb
    yield "tidb-sha2", greeting("8.0.11-TiDB-v8.5.3", TIDB, SHA2)
    yield "tidb-without-ssl", greeting("8.0.11-TiDB-v8.5.3", TIDB & ~SSL)
    yield "tidb-old", greeting("5.7.25-TiDB-v6.5.0", TIDB)
    yield "tidb-next", greeting("8.0.11-TiDB-X-CLOUD.202510.2", TIDB)
    yield "tiproxy", greeting("8.0.11-TiDB-v8.5.3", TIPROXY)
    yield "mysql-8.0.4", greeting("8.0.4-rc-log", TIDB, SHA2)
    yield "plugin-without-nul", greeting("5.5.8", TIDB, nul=b"")
    yield "plugin-without-nul-and-more", greeting("5.5.8", TIDB, nul=b"") + b"more"
    yield "nonce-cut", packet(0, tidb[4:4 + 1 + 19 + 31 + 11])
    yield "auth-length-0", greeting("5.1.73", TIDB & ~PLUGIN, "", 0, b"")
    yield "auth-length-255", greeting("8.0.11", TIDB, "\0" * 234 + SHA2, 255)
    yield "without-plugin", greeting("5.1.73", TIDB & 0xFFFF, "", 0, b"")
    yield "mysql-4.0", packet(0, b"\x0a4.0.30\0\xff\0\0\0aBcDeFgH\0\x2c\x20\x08\2\0" + bytes(13))
    yield "mysql-3.21", packet(0, b"\x0a3.21.33\0\xff\0\0\0aBcDeFgH\0\x04\0")
    yield "hostile-version", greeting("8\x1b[31m\n" + "%s" * 100, TIDB, "\x1b]0;x\7" * 20)
    yield "two", tidb + packet(0, b"\xff\x15\4#08004Too many connections")
    yield "err", packet(0, b"\xff\x10\4Too many connections")
    yield "http", b"HTTP/1.1 400 Bad Request\r\n\r\n\xff"
    yield "too-long", b"\1\4\0\0\x0a" + b"\xff" * 1024
    yield "cut", tidb[:40]
    yield "empty", b""


# ---- answers ------------------------------------------------------------------------------------

def head(capabilities, tail=b""):
    return capabilities.to_bytes(4, "little") + b"\xff\xff\xff\0\x2d" + bytes(23 - len(tail)) + tail


def answers():
    plain = PROTOCOL_41 | SECURE
    native, sha2 = (name.encode() + b"\0" for name in (NATIVE, SHA2))
    auth = b"\x14" + NONCE
    yield "plain", head(plain) + b"app\0" + auth
    yield "database", head(plain | WITH_DB) + b"app\0" + auth + b"test\0"
    yield "plugin", head(plain | PLUGIN) + b"app\0" + auth + native
    yield "all", (head(plain | WITH_DB | PLUGIN | ATTRIBUTES) + b"app\0" + auth + b"test\0" + native +
                  b"\x0b\4_pid\5\x31\x32\x33\x34\x35")
    yield "zstd", head(plain | PLUGIN | 1 << 26) + b"app\0" + auth + native + b"\3"
    yield "zstd-4-bytes", head(plain | PLUGIN | 1 << 26) + b"app\0" + auth + native + b"\3\0\0\0"
    yield "no-password", head(plain | PLUGIN) + b"app\0\0" + sha2
    yield "no-password-one-more-0", head(plain | PLUGIN) + b"app\0\0\0" + sha2
    yield "without-secure", head(PROTOCOL_41 | WITH_DB) + b"app\0\x41\x42\x43\0test\0"
    yield "without-secure-no-nul", head(PROTOCOL_41) + b"app\0\x41\x42\x43"
    for name, lenenc in (("1", b"\x14"), ("2", b"\xfc\x14\0"), ("3", b"\xfd\x14\0\0"),
                         ("8", b"\xfe\x14" + bytes(7)), ("null", b"\xfb"), ("err", b"\xff"),
                         ("huge", b"\xfd\xff\xff\xff"), ("tidb-none", b"\1")):
        yield f"lenenc-{name}", head(plain | PLUGIN | LENENC) + b"app\0" + lenenc + NONCE + native
    yield "ssl-request", head(plain | SSL | PLUGIN)
    yield "ssl-request-mariadb", head((plain | SSL | PLUGIN) & ~1, b"\x1d\0\0\0")
    yield "ssl-request-4-bytes", (plain | SSL).to_bytes(4, "little")
    yield "ssl-request-33-bytes", head(plain | SSL | PLUGIN) + b"\0"
    yield "ssl-in-full", head(plain | SSL | PLUGIN) + b"app\0" + auth + native
    yield "320", b"\x05\x24\xff\xff\xffold\0HASHHASH\0test\0"
    yield "user-without-nul", head(plain) + b"app"
    yield "auth-too-long", head(plain) + b"app\0\xff" + NONCE
    yield "hostile", head(plain | PLUGIN) + b"\x1b[2J\n" * 40 + b"\0" + auth + b"\x1b\x7f\xff" * 30 + b"\0"
    yield "nothing", b""


# ---- whole authentications ----------------------------------------------------------------------

def key_numbers():
    """The modulus of key.pem; its exponent is 65537."""
    text = subprocess.run(["openssl", "rsa", "-in", HERE / "key.pem", "-noout", "-modulus"],
                          check=True, stdout=subprocess.PIPE, text=True).stdout
    return int(text.split("=")[1], 16), 65537


def rsa(padded):
    modulus, exponent = key_numbers()
    return pow(int.from_bytes(padded, "big"), exponent, modulus).to_bytes(256, "big")


def mgf1(seed, length):
    blocks = (hashlib.sha1(seed + i.to_bytes(4, "big")).digest() for i in range(length // 20 + 1))
    return b"".join(blocks)[:length]


def xor(text, mask):
    return bytes(a ^ b for a, b in zip(text, mask))


def oaep(text):
    """RFC 8017, 7.1.1, with a seed that is always the same, so that the corpus is as well."""
    block = hashlib.sha1(b"").digest() + bytes(256 - len(text) - 42) + b"\1" + text
    seed = hashlib.sha1(b"seed").digest()
    block = xor(block, mgf1(seed, len(block)))
    return rsa(b"\0" + xor(seed, mgf1(block, 20)) + block)


def v15(text):
    return rsa(b"\0\2" + b"\x5a" * (253 - len(text)) + b"\0" + text)


def masked(password, nonce=NONCE):
    text = password.encode() + b"\0"
    return xor(text, nonce * (len(text) // len(nonce) + 1))


def exchange(first, *payloads):
    return first + b"".join(packet(i + 1, payload) for i, payload in enumerate(payloads))


def exchanges():
    tidb = greeting("8.0.11-TiDB-v8.5.3", TIDB, SHA2)
    old = greeting("5.7.25-TiDB-v6.5.0", TIDB, SHA2)
    answer = (head(PROTOCOL_41 | SECURE | PLUGIN) + b"app\0\x20" + bytes(range(32)) + SHA2.encode() +
              b"\0")
    switch = b"\xfe" + SHA2.encode() + b"\0" + NONCE[::-1] + b"\0"
    to_native = b"\xfe" + NATIVE.encode() + b"\0" + NONCE[::-1] + b"\0"
    long_one = "correct horse battery staple " * 4
    full, ask = b"\1\4", b"\2"
    yield "full", exchange(tidb, answer, full, ask, oaep(masked("secret")), OK)
    yield "full-long", exchange(tidb, answer, full, ask, oaep(masked(long_one)), OK)
    yield "full-21", exchange(tidb, answer, full, ask, oaep(masked(long_one, NONCE + b"\0")), OK)
    yield "full-known-key", exchange(tidb, answer, full, oaep(masked("secret")), OK)
    yield "full-v15", exchange(old, answer, full, ask, v15(masked("secret")), OK)
    yield "full-v15-refused", exchange(tidb, answer, full, ask, v15(masked("secret")), OK)
    yield "full-other-key", exchange(tidb, answer, full, ask, b"\x17" * 256, b"\xff\x15\4#28000no")
    yield "full-clear", exchange(tidb, answer, full, b"a" * 255 + b"\0", OK)
    yield "full-empty-password", exchange(tidb, answer, full, ask, oaep(masked("")), OK)
    yield "full-no-nul", exchange(tidb, answer, full, ask, oaep(b"secret"), OK)
    yield "switch-full", exchange(tidb, answer, switch, bytes(32), full, b"", b"", ask,
                                  oaep(masked("secret", NONCE[::-1])), OK)
    yield "switch-native", exchange(tidb, answer, to_native, NONCE, OK)
    yield "switch-old", exchange(tidb, answer, b"\xfe", b"abcdefgh\0", OK)
    yield "switch-without-nonce", exchange(tidb, answer, b"\xfeauth_gssapi_client\0", b"x", full, ask)
    yield "switch-long-name", exchange(tidb, answer, b"\xfe" + b"p" * 64 + b"\0" + NONCE, full, ask)
    yield "switch-hostile", exchange(tidb, answer, b"\xfe\x1b[2J\xff\0" + NONCE, full, ask)
    yield "sm3", exchange(greeting("8.0.11-TiDB-v8.5.3", TIDB, "tidb_sm3_password"),
                          answer.replace(SHA2.encode(), b"tidb_sm3_password"), full, ask,
                          oaep(masked("secret")), OK)
    yield "empty-packets", exchange(tidb, answer, b"", b"", full, b"", full)
    yield "more-factors", exchange(tidb, answer, b"\2authentication_webauthn\0x", b"y", OK)
    yield "too-long", tidb + b"\xff\xff\xff\2" + bytes(64)
    yield "behind-tls", exchange(tidb, head(PROTOCOL_41 | SECURE | PLUGIN | SSL), full) + answer
    yield "without-greeting", packet(2, switch) + packet(4, full) + packet(5, ask)


# ---- connection strings -------------------------------------------------------------------------

# A client, and what it is to read. The first byte says what is done: 0xff any text, 0xfd the bytes
# are a password that is printed for the client, 0xfe one that is pasted into its string. No byte of
# these stands in UTF-8.
TEXTS = [
    ("mysql2", 'mysql.createConnection({ host: "h", port: 4000, user: "u", password: `p${x}`, ssl: { ca } })'),
    ("mysql2", 'mysql.createConnection("mysql://u:p@h:4000/d?ssl=%7B%22rejectUnauthorized%22%3Atrue%7D")'),
    ("pymysql", "pymysql.connect(host='h', port=4000, user=u, password=b'p\\x41\\n', ssl={'ca': 'c'}) # x"),
    ("django", 'DATABASES = {"default": {"HOST": "h", "PASSWORD": """p""", "OPTIONS": {"ssl": {}}}}'),
    ("mysql2-gem", "Mysql2::Client.new(host: 'h', :port => 4000, password: \"a#{b}\", ssl_mode: :required)"),
    ("mysqli", "$db = new mysqli('h', 'u', \"p$x\", 'd', 4000); /* x */ $db->ssl_set(null, null, 'c', null, null);"),
    ("wordpress", "define('DB_HOST', 'localhost:/run/x.sock');\ndefine('DB_PASSWORD', 'p\\'q');"),
    ("rmariadb", 'dbConnect(RMariaDB::MariaDB(), host = "h", password = "p\\u{1f511}", ssl.ca = "c")'),
    ("julia", 'DBInterface.connect(MySQL.Connection, "h", "u", "p\\$"; port = 4000, ssl_ca = "c")'),
    ("libmysqlclient", 'mysql_options(db, MYSQL_OPT_SSL_MODE, &(enum m){SSL_MODE_REQUIRED});\nmysql_real_connect(db, "h", "u", "p" "q\\077", NULL, 4000, NULL, 0);'),
    ("connector-cpp", 'sql::ConnectOptionsMap options{{OPT_HOSTNAME, "h"}, {OPT_PASSWORD, "p"}};'),
    ("hikari", 'config.setJdbcUrl("jdbc:mysql://h/d?useSSL=true");\nconfig.setPassword("p");'),
    ("exposed", 'Database.connect("jdbc:mysql://h/d", user = "u", password = "p$x")'),
    ("spark", 'spark.read.option("url", "jdbc:mysql://a,b/d").option("password", "p")'),
    ("swift", 'MySQLConfiguration(hostname: "h", password: "\\(p)", tlsConfiguration: nil)'),
    ("myxql", 'MyXQL.start_link(hostname: "h", password: "#{p}", ssl: [verify: :verify_none])'),
    ("duckdb", "CREATE SECRET t (TYPE mysql, HOST 'h', PASSWORD 'p''q', SSL_MODE 'required'); ATTACH '' AS t;"),
    ("ecs", '"environment": [ { "name": "DB_HOST", "value": "h" }, { "value": "p", "name": "DB_PASSWORD" } ]'),
    ("json", '{ "host": "h", "password": "\\ud83d\\udd11\\u0000\\/" }'),
    ("lightning", "[tidb]\nhost = 'h'\npassword = \"\"\"p\"\"\"\ntls = \"preferred\"\n"),
    ("terraform", 'locals {\n  tidb = {\n    host = "h"\n    password = "$${p}%{q}"\n  }\n}\nvariable "x" {\n}\n'),
    ("powershell", '$env:DB_HOST = "h`n"\n$env:DB_PASSWORD = "p""q$x"'),
    ("jdbc", "jdbc:mysql://u:p@[::1]:4000/d?sslMode=VERIFY_CA&x=%41+%#f"),
    ("jdbc-mariadb", "jdbc:mariadb://h,i:4000/d?user=u&password=p%41&address=("),
    ("go", "u:p@tcp([::1]:4000)/d%2f?tls=preferred&x=y"),
    ("golang-migrate", "mysql://u:p%40@tcp(h:4000)/d?x-tls-ca=c"),
    ("url", "mysql://u:p@q@h:4000/d?ssl-mode=REQUIRED#f"),
    ("symfony", 'DATABASE_URL="mysql://u:p%2541@h/d?unix_socket=%252Fx"'),
    ("mysqlconnector", "Server=a,b;Port=4000;User ID=u;Password='p''q';Ssl Mode=Required"),
    ("odbc", "DRIVER={x};SERVER=h;PWD={p}}q};SSLCA=c"),
    ("pdo", "new PDO('mysql:host=h;port=4000;dbname=a;;b', 'u', 'p\\'q', [PDO::MYSQL_ATTR_SSL_CA => 'c'])"),
    ("dbd-mariadb", "dbi:MariaDB:host=h;mariadb_ssl=1"),
    ("mysql", "mysql -h localhost -P4000 -u u -p'q' --ssl-mode=REQUIRED d"),
    ("login-path", "mysql_config_editor set --login-path=t --host=h --password\nmysql --login-path=t"),
    ("my-cnf", "[client]\nhost=h\npassword=\"p\\\"\\s\"\nloose_ssl-ca=c\nskip-ssl"),
    ("dotenv", "DB_HOST=h\nexport DB_PASSWORD='p#q'\nDATABASE_URL=mysql://u:p@h/d"),
    ("laravel", 'DB_HOST=h\nDB_PASSWORD="p\\"${q}"'),
    ("compose", "services:\n  a:\n    environment:\n      DB_HOST: h\n      DB_PASSWORD: 'p$$q${r}'"),
    ("grafana", "datasources:\n  - url: h:4000\n    user: u\n    jsonData:\n      tlsSkipVerify: true"),
    ("dbt", "t:\n  server: h\n  schema: s\n  password: \"{{ env_var('P') }}\""),
    ("hibernate", '<property name="hibernate.connection.url">jdbc:mysql://h/d?a=b&amp;c</property>'),
    ("spring-boot", "spring.datasource.url=jdbc:mysql://h/d\nspring.datasource.password=p\\u0041${x}"),
    ("workbench", "Hostname / IP  h\nPort  4000\nUse SSL  Require and Verify CA\nPassword  p"),
    ("metabase", "Host  h\nJDBC options  sslMode=trust&x"),
    ("systemd-credential", "[Service]\nEnvironment=\"DB_HOST=h\" DB_USER=50%%x 'DB_PASSWORD=p\\x41'\nLoadCredential=a:b"),
    ("pdo", 'new PDO("mysql:host=h;port=4000", "u", "p$x", [Pdo\\Mysql::ATTR_SSL_CA => "c"])'),
    ("dbd-mysql", "DBI->connect(\"dbi:mysql:host=h\", 'u', \"p@x\", { RaiseError => 1 })"),
    ("sqlalchemy", 'URL.create("mysql+pymysql", username="u", password="p", host="h", query={"ssl_ca": "c"})'),
    ("connector-cpp", 'driver->connect("unix:///run/x.sock", "u", "p");'),
    ("duckdb", "ATTACH 'host=h passwd=\"p\\\\q\" r' AS t (TYPE mysql);"),
    ("kubernetes", "env:\n  - name: DB_HOST\n    value: h\n  - name: DB_PASSWORD\n    value: p$(q)"),
    ("mycli", "mycli --ssl-ca=c mysql://u:p/q@h:4000/d"),
    ("dbmate", "dbmate --url 'mysql://u:p@h:4000/d' up"),
    ("vscode", '{ "driver": "TiDB", "server": "h", "password": "p", "mysqlOptions": { "ssl": { "ca": 1 } } }'),
    ("liquibase", "url: jdbc:mysql://h/d?sslmode=x\nusername: u\npassword: ${p}"),
    ("mybatis", '<property name="url" value="jdbc:mysql://h/d"/>\n<property name="password" value="p"q"/>'),
    ("alembic", "sqlalchemy.url = mysql+mysqldb://u:p%%40%q@h/d"),
]
PASSWORDS = ("'", '"', "\\", "`", "$x", "${x}", "#{x}", "%41%", "\n", "\t ", ";;", "&=+", "@:/?#", "}}{{",
             "<%", "\u00e9\U0001f511", "',1,'", '",x:"')


def strings():
    for number, (client, text) in enumerate(TEXTS):
        yield f"{client}-{number}", b"\xff" + client.encode() + b"\n" + text.encode()
    clients = sorted({client for client, _ in TEXTS})
    for number, client in enumerate(clients):
        for step in range(2):
            password = PASSWORDS[(number * 5 + step * 7) % len(PASSWORDS)]
            for name, first in (("printed", b"\xfd"), ("pasted", b"\xfe")):
                yield (f"{client}-{name}-{step}",
                       first + client.encode() + b"\n" + password.encode())


# ---- jumps ----------------------------------------------------------------------------------------

def jumps():
    """RFC 1928, 3 and 6; RFC 1929, 2; RFC 9112, 4; what child.h makes of ssh's last words."""
    for code in 0, 2, 5, 9:
        yield f"socks-ipv4-{code}", bytes([5, code, 0, 1, 127, 0, 0, 1, 0x0F, 0xA0])
    yield "socks-ipv6", b"\x05\x00\x00\x04" + bytes(18)
    yield "socks-name", b"\x05\x00\x00\x03\x04db.x\x0f\xa0"
    yield "socks-none-fits", b"\x05\xff"
    yield "socks-auth", b"\x01\x01"
    yield "http-200", b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nJ"
    yield "http-interim", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\n\nJ"
    yield "http-407", (b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                       b"Proxy-Authenticate: Basic realm=\"x\"\r\n\r\n")
    yield "http-bad", b"HTTP/2 200\r\n\r\n"
    yield "said", (rb"channel 0: open failed: connect failed: Name or service not known\x0d\n"
                   rb"stdio forwarding failed\x0d\n\x1b[0m")


def main():
    shutil.rmtree(CORPUS, ignore_errors=True)
    corpus = {"fuzz_greeting": dict(greetings()), "fuzz_answer": dict(answers()),
              "fuzz_lint": dict(strings()),
              "fuzz_packets": {name: b"\xff" + bytes_ for name, bytes_ in exchanges()}}
    # The last byte is what makes none of them a text.
    corpus["fuzz_jumps"] = {name: bytes_ + b"\xff" for name, bytes_ in jumps()}
    corpus["fuzz_packets"]["in-pieces"] = b"\x06" + dict(exchanges())["full"]
    for name, packets in samples().items():
        corpus["fuzz_greeting"]["-".join(name.split("-")[:2])] = packets[0][1]
        for side, bytes_ in packets[1:2]:
            assert side == "C"
            corpus["fuzz_answer"][name] = bytes_[4:]
        corpus["fuzz_packets"][name] = b"\xff" + b"".join(bytes_ for _, bytes_ in packets)
    for harness, inputs in corpus.items():
        found = HERE / "found" / harness
        inputs.update((path.name, path.read_bytes()) for path in found.glob("*"))
        (CORPUS / harness).mkdir(parents=True)
        for name, bytes_ in inputs.items():
            (CORPUS / harness / name).write_bytes(bytes_)
        print(f"{harness}: {len(inputs)} inputs")


if __name__ == "__main__":
    main()
