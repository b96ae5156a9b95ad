# SPDX-License-Identifier: Apache-2.0
"""Throwaway certificates: an authority, and servers' certificates signed by it.

    authority = Authority()
    authority.write(directory / "ca.pem")
    authority.issue(["db.example", "127.0.0.1"], directory / "cert.pem", directory / "key.pem")
"""
import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


class Authority:
    def __init__(self, name="tidblink test authority"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        self.certificate = self._sign(self.name, self.key, x509.BasicConstraints(True, None))

    def write(self, path):
        path.write_bytes(_pem(self.certificate))

    def issue(self, names, cert_path, key_path):
        """`names`: host names and addresses for subjectAltName; the first is the common name too."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        certificate = self._sign(_name(names[0]), key, x509.BasicConstraints(False, None),
                                 alternatives)
        cert_path.write_bytes(_pem(certificate))
        key_path.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))

    def _sign(self, subject, key, constraints, alternatives=None):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder()
                   .subject_name(subject).issuer_name(self.name)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - DAY).not_valid_after(now + 30 * DAY)
                   .add_extension(constraints, critical=True))
        if alternatives:
            builder = builder.add_extension(alternatives, critical=False)
        return builder.sign(self.key, hashes.SHA256())
