# SPDX-License-Identifier: Apache-2.0
"""Commands that ask a proxy with very many clusters, whose status is long: a stand-in on its admin
socket, since a thousand clusters take a machine of their own."""
import http.server
import json
import socketserver
import subprocess
import threading

import pytest

from built import built, tethered

PORT = 4567
ANSWER_MAX = 32 << 20  # ADMIN_ANSWER_BYTES


class Asked(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_):
        pass


class Socket(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, *_):
        """The command has had enough."""


@pytest.fixture
def dsn(tmp_path):
    with Socket(str(tmp_path / "admin.sock"), Asked) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        conf = tmp_path / "tidblink.conf"
        conf.write_text(f"admin-socket = {tmp_path}/admin.sock\nstate-dir = off\n"
                        "[cluster orders]\ncluster-id = 1\nlisten = 127.0.0.1:0\n")
        conf.chmod(0o600)

        def run(padding):
            server.answer = json.dumps({"padding": "x" * padding, "clusters": [
                {"alias": "orders", "listen": [f"127.0.0.1:{PORT}"]}]}).encode()
            command = [built("app/tidblink"), "dsn", "orders", "--client", "url", "--config", conf]
            return subprocess.run(tethered(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, timeout=60)

        yield run
        server.shutdown()


def test_a_thousand_clusters(dsn):
    done = dsn(padding=5 << 20)
    assert done.returncode == 0, done.stderr
    assert f"127.0.0.1:{PORT}" in done.stdout


def test_what_never_ends_is_not_kept(dsn):
    done = dsn(padding=ANSWER_MAX)
    assert done.returncode != 0
    assert "answered more than 32 MiB" in done.stderr
