# SPDX-License-Identifier: Apache-2.0
"""An authority of the run's own and a certificate for the servers, on P-256 as most are now."""
import shutil
import subprocess
import sys

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]


class Certificates:
    """`ca`: what proxies and clients trust. `sysbench`: a directory with the names that sysbench
    wants to find in the one where it is started."""

    def __init__(self, place):
        self.place = place
        self.ca, self.cert, self.key = (place / f"{name}.pem" for name in ("ca", "cert", "key"))
        self.sysbench = place

    def make(self):
        if not shutil.which("openssl"):
            sys.exit("bench/run: the tests with TLS need the program openssl")
        (self.place / "req.conf").write_text("[req]\ndistinguished_name = name\n[name]\n")
        ca_key = self.place / "ca-key.pem"
        self._req("-subj", "/CN=tidblink bench authority", "-keyout", ca_key, "-out", self.ca,
                  "-addext", "basicConstraints = critical, CA:TRUE")
        self._req("-CA", self.ca, "-CAkey", ca_key, "-subj", "/CN=localhost", "-keyout", self.key,
                  "-out", self.cert, "-addext", "basicConstraints = critical, CA:FALSE",
                  "-addext", "subjectAltName = DNS:localhost, IP:127.0.0.1")
        for source, name in ((self.ca, "cacert"), (self.cert, "client-cert"),
                             (self.key, "client-key")):
            shutil.copyfile(source, self.sysbench / f"{name}.pem")

    def _req(self, *arguments):
        subprocess.run(["openssl", "req", "-x509", "-config", self.place / "req.conf", *EC,
                        *map(str, arguments)], stdin=subprocess.DEVNULL,
                       capture_output=True, check=True, timeout=30)

    def options(self):
        """Of the tiny server."""
        return ["--cert", self.cert, "--key", self.key]

    def server(self):
        return self.ca, self.cert, self.key
