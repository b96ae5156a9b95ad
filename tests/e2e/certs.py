# SPDX-License-Identifier: Apache-2.0
"""Throwaway certificates: an authority, and servers' certificates signed by it.

    authority = Authority()
    authority.write(directory / "ca.pem")
    authority.issue(["db.example", "127.0.0.1"], directory / "cert.pem", directory / "key.pem")

    pair = authority.server(directory, ["*.db.example"])    # writes ca.pem as well
    pair = authority.server(directory, ["db.example"], valid=EXPIRED)
    pair = authority.intermediate().server(directory, ["db.example"])  # the chain is in pair.cert
    pair = self_signed(directory, ["db.example"])
"""
import datetime
import ipaddress
import itertools
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
# From when to when, in days from now.
VALID, EXPIRED, NOT_YET = (-1, 30), (-30, -1), (1, 30)


@dataclass(frozen=True)
class Pair:
    """Files of a server: its certificate (the intermediate ones follow it), its key, and the
    certificate that a client must trust."""
    cert: Path
    key: Path
    ca: Path


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def _make_key(kind):
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def _write_key(key, path):
    path = Path(path)
    path.touch(mode=0o600)  # tidblink takes no other
    path.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))


def _alternatives(names):
    return x509.SubjectAlternativeName([_general_name(name) for name in names])


def _sign(issuer, signing_key, subject, key, constraints, alternatives=None, valid=VALID):
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder()
               .subject_name(subject).issuer_name(issuer)
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now + valid[0] * DAY).not_valid_after(now + valid[1] * DAY)
               .add_extension(constraints, critical=True))
    if alternatives:
        builder = builder.add_extension(alternatives, critical=False)
    return builder.sign(signing_key, hashes.SHA256())


class Authority:
    """`key`: "ec" or "rsa"; `valid`: of its own certificate; `parent`: who signs that one."""
    numbers = itertools.count(1)

    def __init__(self, name="tidblink test authority", key="ec", valid=VALID, parent=None):
        self.key = _make_key(key)
        self.name = _name(name)
        self.parent = parent
        signer = parent or self
        self.certificate = _sign(signer.name, signer.key, self.name, self.key,
                                 x509.BasicConstraints(True, None), valid=valid)

    def write(self, path):
        path.write_bytes(_pem(self.certificate))

    def intermediate(self, name="tidblink test intermediate", valid=VALID):
        """An authority of which clients know only this one."""
        return Authority(name, valid=valid, parent=self)

    def root(self):
        return self.parent.root() if self.parent else self

    def chain(self):
        """The certificates between the server's and the root's."""
        return [self.certificate, *self.parent.chain()] if self.parent else []

    def issue(self, names, cert_path, key_path, valid=VALID, key="ec", common_name=None,
              alternatives=True, chain=True):
        """`names`: host names and addresses for subjectAltName, wildcards as they are; the first
        is the common name too, unless `common_name` is another. `alternatives` False: only the
        common name. `chain` False: intermediate certificates are left out of the file."""
        made = _make_key(key)
        certificate = _sign(self.name, self.key, _name(common_name or names[0]), made,
                            x509.BasicConstraints(False, None),
                            _alternatives(names) if alternatives else None, valid)
        above = self.chain() if chain else []
        cert_path.write_bytes(b"".join(_pem(found) for found in [certificate, *above]))
        _write_key(made, key_path)

    def server(self, directory, names, **options):
        """Files of their own names in the directory; the options are those of issue()."""
        number = next(self.numbers)
        pair = Pair(*(Path(directory) / f"{number}-{part}.pem" for part in ("cert", "key", "ca")))
        self.issue(names, pair.cert, pair.key, **options)
        self.root().write(pair.ca)
        return pair


def self_signed(directory, names, valid=VALID, key="ec"):
    """A server's certificate that no authority signed; who trusts it trusts its own file."""
    number = next(Authority.numbers)
    made, name = _make_key(key), _name(names[0])
    certificate = _sign(name, made, name, made, x509.BasicConstraints(False, None),
                        _alternatives(names), valid)
    cert, key_path = (Path(directory) / f"{number}-{part}.pem" for part in ("cert", "key"))
    cert.write_bytes(_pem(certificate))
    _write_key(made, key_path)
    return Pair(cert, key_path, cert)
