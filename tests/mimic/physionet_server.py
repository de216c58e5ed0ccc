"""A small PhysioNet on this machine: Basic authentication, agreements, byte ranges and the ways in which they fail."""

import base64
import hashlib
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote

from local_server import LocalServer


class PhysioNetServer(LocalServer):
    """Serves `files` below /files, as PhysioNet does, to the users who signed, and keeps a log of the requests.

    Attributes:
        files: Path below /files to content; a `SHA256SUMS.txt` that is not among them is made from them.
        users: User name to password.
        signed: Projects ("slug/version") whose agreement the users signed; None for all.
        serves_ranges: Whether Range is honoured.
        shifts_ranges: Whether a range begins a byte before the one asked for.
        listed_agents: Beginnings of the programs' names that may log in with a password.
        break_after: Path to the bytes after which each of the next answers breaks off, one number an answer.
        corrupted: Paths of which a flipped byte is sent, while the sums tell of the true content.
        statuses: Path to the statuses that the next requests get instead of the file.
        redirects: Path to an address to go to.
        requests: (method, path, headers) of each request.
    """

    def __init__(self, files):
        self.files = dict(files)
        self.users = {"jane": "p:ässword"}
        self.signed = None
        self.serves_ranges = True
        self.shifts_ranges = False
        self.listed_agents = ("stigma-hf",)
        self.break_after = {}
        self.corrupted = set()
        self.statuses = {}
        self.redirects = {}
        self.requests = []

    def handler_class(self):
        return type("Handler", (_Handler,), {"site": self})

    @property
    def base_url(self):
        return f"{self.url}/files"

    def fetched(self, path):
        """Headers of the GET requests for one path."""
        return [headers for method, asked, headers in self.requests if method == "GET" and asked == path]

    def content(self, path):
        if path in self.files:
            content = self.files[path]
            return bytes([content[0] ^ 1]) + content[1:] if path in self.corrupted else content
        project, _, name = path.rpartition("/")
        if name == "SHA256SUMS.txt":
            below = {p[len(project) + 1 :]: c for p, c in sorted(self.files.items()) if p.startswith(f"{project}/")}
            # One space, as PhysioNet writes it.
            return "".join(f"{hashlib.sha256(c).hexdigest()} {p}\n" for p, c in below.items()).encode() or None
        return None

    def is_user(self, authorization):
        expected = [f"{name}:{password}".encode() for name, password in self.users.items()]
        return authorization in ["Basic " + base64.b64encode(user).decode() for user in expected]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: PhysioNetServer

    def log_message(self, *args):
        """Keep the test output clean."""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        site, path = self.site, unquote(self.path).removeprefix("/files/")
        site.requests.append((self.command, path, dict(self.headers)))
        if site.statuses.get(path):
            return self.answer(site.statuses[path].pop(0), headers={"Retry-After": "0"})
        if path in site.redirects:
            return self.answer(302, headers={"Location": site.redirects[path]})
        if not self.headers.get("User-Agent", "").startswith(site.listed_agents):
            return self.answer(403)
        if not site.is_user(self.headers.get("Authorization")):
            return self.answer(401, headers={"WWW-Authenticate": 'Basic realm="PhysioNet", charset="UTF-8"'})
        if site.signed is not None and "/".join(path.split("/")[:2]) not in site.signed:
            return self.answer(403)
        content = site.content(path)
        if content is None:
            return self.answer(404)
        asked = self.headers.get("Range")
        if not asked or not site.serves_ranges:
            return self.answer(200, content)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) - site.shifts_ranges
        if start >= len(content):
            return self.answer(416, headers={"Content-Range": f"bytes */{len(content)}"})
        return self.answer(206, content[start:], {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"})

    def answer(self, status, body=b"", headers=None):
        breaks = self.site.break_after.get(unquote(self.path).removeprefix("/files/"))
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if breaks and status in (200, 206):
            self.wfile.write(body[: breaks.pop(0)])
            self.wfile.flush()
            self.close_connection = True
        else:
            self.wfile.write(body)
