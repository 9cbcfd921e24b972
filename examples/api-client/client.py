"""Calls the posts API for a machine: client credentials (RFC 6749 4.4), the standard library and nothing else."""

import base64
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT = 5  # seconds
EARLY = 30  # seconds before its end in which a token is not used any more
LARGEST = 1024 * 1024  # bytes
SCOPE = "posts:read posts:write posts:delete:own"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Refused(Exception):
    """The API, or the provider, said no."""


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the secret or the token elsewhere."""

    def redirect_request(self, *_args, **_more):
        return None


OPENER = urllib.request.build_opener(NoRedirects)


def secure(name, address):
    """Secrets travel over https, or over http that never leaves this machine."""
    url = urllib.parse.urlsplit(address)
    if url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK):
        return address.rstrip("/")
    raise SystemExit(f"{name} must be https: outside this machine")


def send(method, address, headers=None, data=None):
    """The status and what was said, JSON or nothing. Raises only where nobody answers."""
    request = urllib.request.Request(address, data=data, method=method)
    for field, value in {"Accept": "application/json", **(headers or {})}.items():
        request.add_header(field, value)
    try:
        with OPENER.open(request, timeout=TIMEOUT) as response:
            return response.status, read(response)
    except urllib.error.HTTPError as err:
        with err:
            return err.code, read(err)


def read(response):
    body = response.read(LARGEST)
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


class Tokens:
    """One access token, used until shortly before it ends."""

    def __init__(self, issuer, client_id, client_secret, resource, scope):
        self.issuer = secure("ISSUER", issuer)
        pair = f"{urllib.parse.quote_plus(client_id)}:{urllib.parse.quote_plus(client_secret)}"  # RFC 6749 2.3.1
        self.authorization = "Basic " + base64.b64encode(pair.encode()).decode()
        self.form = {"grant_type": "client_credentials", "resource": resource, "scope": scope}
        self.token = None
        self.ends = 0.0

    def current(self):
        if self.token is None or time.monotonic() > self.ends:
            self.renew()
        return self.token

    def renew(self):
        status, metadata = send("GET", self.issuer + "/.well-known/openid-configuration")
        if status != 200 or metadata.get("issuer") != self.issuer:
            raise Refused(f"{self.issuer} does not say who it is ({status})")
        headers = {"Authorization": self.authorization, "Content-Type": "application/x-www-form-urlencoded"}
        data = urllib.parse.urlencode(self.form).encode()
        status, answer = send("POST", secure("token_endpoint", metadata["token_endpoint"]), headers, data)
        if status != 200:
            raise Refused(f"no token: {said(answer)} ({status})")
        self.token = answer["access_token"]
        self.ends = time.monotonic() + answer.get("expires_in", 0) - EARLY


class Api:
    def __init__(self, address, tokens):
        self.address = secure("API_URL", address)
        self.tokens = tokens

    def call(self, method, path, body=None):
        status, answer = self.once(method, path, body)
        if status == 401 and isinstance(answer, dict) and answer.get("error") == "invalid_token":
            self.tokens.renew()  # it was revoked, perhaps: once, with a new one
            status, answer = self.once(method, path, body)
        if status >= 400:
            raise Refused(f"{said(answer)} ({status})")
        return answer

    def once(self, method, path, body):
        headers = {"Authorization": "Bearer " + self.tokens.current()}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        return send(method, self.address + path, headers, data)


def said(answer):
    if not isinstance(answer, dict):
        return "no reason was given"
    return answer.get("error_description") or answer.get("error") or "no reason was given"


def secret(environ):
    if "CLIENT_SECRET_FILE" in environ:
        with open(environ["CLIENT_SECRET_FILE"], encoding="utf-8") as file:
            return file.read().strip()
    return environ.get("CLIENT_SECRET", "")


def main(arguments, environ):
    command, *rest = arguments or ["list"]
    client_secret = secret(environ)
    if not client_secret or not environ.get("CLIENT_ID"):
        raise SystemExit("CLIENT_ID and CLIENT_SECRET are missing: what \"client create\" printed. See README.md.")
    issuer = environ.get("ISSUER", "http://localhost:3000")
    resource = environ.get("RESOURCE", "https://posts.example")
    tokens = Tokens(issuer, environ["CLIENT_ID"], client_secret, resource, environ.get("SCOPE", SCOPE))
    api = Api(environ.get("API_URL", "http://localhost:4004"), tokens)
    if command == "list" and not rest:
        print(json.dumps(api.call("GET", "/posts"), indent=2))
    elif command == "add" and len(rest) == 1:
        print(json.dumps(api.call("POST", "/posts", {"text": rest[0]})))
    elif command == "delete" and len(rest) == 1:
        api.call("DELETE", "/posts/" + urllib.parse.quote(rest[0], safe=""))
        print("deleted")
    else:
        raise SystemExit("usage: client.py list | add TEXT | delete ID")


if __name__ == "__main__":
    try:
        main(sys.argv[1:], os.environ)
    except Refused as refusal:
        raise SystemExit(f"refused: {refusal}")
    except urllib.error.URLError as err:
        raise SystemExit(f"nobody answers: {err.reason}")
