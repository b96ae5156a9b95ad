# SPDX-License-Identifier: Apache-2.0
"""A client of the control API that shows what HTTP clients hide: the nonce, the count, each
answer on the way. Every answer is held against the swagger document."""
import hashlib
import http.client
import json
import re
import ssl
from urllib.parse import urlsplit

import swagger

HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
TIMEOUT_SECONDS = 10


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def challenges(self):
        """The WWW-Authenticate headers, each as a dict of its parameters."""
        found = []
        for header in self.headers.get_all("WWW-Authenticate", []):
            scheme, _, rest = header.partition(" ")
            assert scheme == "Digest"
            found.append({name: quoted or bare for name, quoted, bare in
                          re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', rest)})
        return found


class ApiClient:
    """One connection, one key; the nonce is kept until the server gives another."""

    def __init__(self, url, ca, public_key, private_key, algorithm="MD5"):
        where = urlsplit(url)
        self.context = ssl.create_default_context(cafile=ca)
        self.connection = http.client.HTTPSConnection(
            where.hostname, where.port, context=self.context, timeout=TIMEOUT_SECONDS)
        self.public_key, self.private_key = public_key, private_key
        self.algorithm = algorithm
        self.realm = self.nonce = None
        self.nc = 0

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def authorization(self, method, path):
        """RFC 7616, section 3.4, with qop=auth."""
        def digest(*parts):
            return HASHES[self.algorithm](":".join(parts).encode()).hexdigest()
        count, cnonce = f"{self.nc:08x}", "0a4f113b"
        a1 = digest(self.public_key, self.realm, self.private_key)
        response = digest(a1, self.nonce, count, cnonce, "auth", digest(method, path))
        return (f'Digest username="{self.public_key}", realm="{self.realm}", '
                f'nonce="{self.nonce}", uri="{path}", algorithm={self.algorithm}, qop=auth, '
                f'nc={count}, cnonce="{cnonce}", response="{response}"')

    def once(self, method, path, body=None, headers=()):
        """One request as it stands; with credentials if there is a nonce."""
        headers = dict(headers)
        if self.nonce and "Authorization" not in headers:
            self.nc += 1
            headers["Authorization"] = self.authorization(method, path)
        text = None if body is None else json.dumps(body)
        self.connection.request(method, path, text, headers)
        response = self.connection.getresponse()
        return Answer(response, response.read().decode())

    def take_challenge(self, answer):
        challenge = next(c for c in answer.challenges if c["algorithm"] == self.algorithm)
        self.realm, self.nonce, self.nc = challenge["realm"], challenge["nonce"], 0
        return challenge

    def ask(self, method, path, body=None):
        """What a client does: when the nonce is missing or stale, once more with the new one."""
        answer = self.once(method, path, body)
        if answer.status == 401 and (self.nonce is None or
                                     answer.challenges[0].get("stale") == "true"):
            self.take_challenge(answer)
            answer = self.once(method, path, body)
        if swagger.operation(method, path):
            swagger.check(method, path, answer.status, answer.json)
        return answer

    def get(self, path):
        """The body of an answer that must be 200."""
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.body
        return answer.json
