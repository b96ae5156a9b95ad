# SPDX-License-Identifier: Apache-2.0
"""Which cells of the matrix cannot work, what the client then prints, and why. Without tidblink in
between, the same clients fail in the same words."""
from typing import NamedTuple

SHA2 = "caching_sha2_password"


class Fails(NamedTuple):
    """`setting`: what makes it work, if anything does."""
    pattern: str
    reason: str
    setting: str = ""


# Told to use TLS where none is offered. The others go on without: "ssl", "--ssl" or "ssl_disabled =
# False" mean no more than "if there is any" to them.
INSISTS = {
    "mysql": "SSL is required but the server doesn't support it",
    "pymysql": "1043, .tidblink: the client begins TLS, which this port does not offer",
    "mysqlclient-3.4": "SSL is required, but the server does not support it",
    "mysql2": "Server does not support secure connection",
    "go-sql-driver": "TLS requested but server does not support TLS",
    "mariadb-connector-j": "Trying to connect with ssl, but ssl not enabled in the server",
    "mysql-connector-j": "SSL Connection required, but not provided by server",
}
# The default is TLS if it is offered.
PREFERS = ("mariadb", "mysql", "mysqlclient-3.4", "mysql-connector-python",
           "mysql-connector-python-pure", "mysql-connector-j")
SECURE = "Authentication requires secure connection"
# caching_sha2_password in full, on TCP without TLS. The others ask for the key by themselves.
NEEDS_KEY = {
    "mysql": Fails(f"ERROR 2061 .*{SECURE}", SECURE, "--get-server-public-key"),
    "mysql-connector-python": Fails(f"2061 .*{SECURE}", f"{SECURE}; it has no setting for the key"),
    "mariadb-connector-j": Fails("RSA public key is not available client side",
                                 "RSA public key is not available client side",
                                 "allowPublicKeyRetrieval"),
    "mysql-connector-j": Fails("Public Key Retrieval is not allowed",
                               "Public Key Retrieval is not allowed", "allowPublicKeyRetrieval"),
}


# To a server that has no key to give. What others get is "access denied".
NO_KEY = {
    **dict.fromkeys(("mariadb", "mysqlclient", "mysqlclient-3.4", "mariadb-connector-python"),
                    "Couldn't read RSA public key from server"),
    **{client: fails.pattern for client, fails in NEEDS_KEY.items()},
    "go-sql-driver": "unexpected resp from server for caching_sha2_password",
}


def expected(client, mode, server):
    """None: it works with no more settings than the mode says."""
    if mode.tls == "on" and not mode.offers_tls and client in INSISTS:
        return Fails(INSISTS[client], "TLS is asked for, and not offered")
    if client == "mysqlclient-3.4" and mode.tls == "default":
        if not mode.offers_tls:
            return Fails(INSISTS[client], "it insists on TLS unless told otherwise, none is offered")
        if mode.passes and server.is_tidb and server.plugin == SHA2:
            return Fails("unable to get local issuer certificate",
                         "it verifies unless told otherwise, and knows no CA")
    uses_tls = mode.offers_tls and (mode.tls in ("on", "verify") or
                                    mode.tls == "default" and client in PREFERS)
    if server.plugin != SHA2 or uses_tls:
        return None
    return _without_tls(client, mode, server)


def _without_tls(client, mode, server):
    if not mode.verifies and server.is_tidb:
        if client == "mysql-connector-python-pure":
            return None  # it sends the password in the clear, and TiDB takes it
        return Fails(NO_KEY.get(client, "1045"),
                     "TiDB has no RSA key, and the client does not send the password in the clear")
    if mode.unix:
        # The password would do there, and MySQL takes nothing else; it knows no such exception.
        return Fails(NEEDS_KEY[client].pattern, "it wants the RSA key even on a unix socket") \
            if client == "mariadb-connector-j" else None
    if client == "mysql-connector-python-pure" and not mode.verifies:
        return Fails("1045", "it sends the password in the clear, which MySQL takes by TLS only")
    return NEEDS_KEY.get(client)
