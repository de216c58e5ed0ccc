"""A small hub on this machine: private and gated repositories, requests for access, and ways in which steps fail."""

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote, urlsplit

from local_server import LocalServer

LARGE = (".safetensors", ".skops", ".parquet")
"""Files that a hub knows by their SHA-256 sum; others by that of git."""

ROUTES = {
    "create": ("POST", r"/api/repos/create"),
    "delete": ("DELETE", r"/api/repos/delete"),
    "validate": ("POST", r"/api/validate-yaml"),
    "settings": ("PUT", r"/api/(?P<kind>\w+)/(?P<repo>[^/]+/[^/]+)/settings"),
    "preupload": ("POST", r"/api/(?P<kind>\w+)/(?P<repo>[^/]+/[^/]+)/preupload/(?P<rev>[^/]+)"),
    "commit": ("POST", r"/api/(?P<kind>\w+)/(?P<repo>[^/]+/[^/]+)/commit/(?P<rev>[^/]+)"),
    "tree": ("GET", r"/api/(?P<kind>\w+)/(?P<repo>[^/]+/[^/]+)/tree/(?P<rev>[^/]+)(?:/(?P<path>.*))?"),
    "grant": ("POST", r"/api/(?P<kind>\w+)/(?P<repo>[^/]+/[^/]+)/user-access-request/grant"),
    "handle": ("POST", r"/api/(?P<kind>\w+)/(?P<repo>[^/]+/[^/]+)/user-access-request/handle"),
    "requests": ("GET", r"/api/(?P<kind>\w+)/(?P<repo>[^/]+/[^/]+)/user-access-request/(?P<status>\w+)"),
    "info": ("GET", r"/api/(?P<kind>models|datasets)/(?P<repo>[^/]+/[^/]+)(?:/revision/(?P<rev>[^/]+))?"),
    "ask": ("POST", r"/(?P<repo>[^/]+/[^/]+)/ask-access"),
    "resolve": ("GET", r"/(?P<prefix>datasets/)?(?P<repo>[^/]+/[^/]+)/resolve/(?P<rev>[^/]+)/(?P<path>.+)"),
}


@dataclass
class Repository:
    """A repository.

    Attributes:
        owner: User who made it.
        private: Whether only its members can see it.
        gated: Whether its files are for those who were let in: False, "auto" or "manual".
        commits: Commit id to the files in it, oldest first.
        members: Users of the owner's organisation, who see it while it is private.
        requests: User to the status of the request for access, and the answers given.
    """

    owner: str
    private: bool
    gated: object = False
    commits: dict = field(default_factory=dict)
    members: set = field(default_factory=set)
    requests: dict = field(default_factory=dict)

    @property
    def head(self):
        return list(self.commits)[-1]

    @property
    def files(self):
        return self.commits[self.head]

    def commit(self, files):
        self.commits[hashlib.sha1(repr((len(self.commits), sorted(files.items()))).encode()).hexdigest()] = dict(files)

    def is_let_in(self, user):
        return user == self.owner or self.requests.get(user, {}).get("status") == "accepted"

    def is_seen_by(self, user):
        return not self.private or user in self.members or self.is_let_in(user)

    def is_read_by(self, user):
        return self.is_seen_by(user) and (not self.gated or self.is_let_in(user))


@dataclass
class Fault:
    """What goes wrong with a request.

    Attributes:
        route: The request, a key of `ROUTES`.
        kind: `cut-before` and `500-before` before it is served, `cut-after` and `500-after` after; `ignored`: answered
            as if it were served; `altered`: served, but not as asked.
        nth: Which of the requests of this route is the first that it happens to, from 0 on.
        times: To how many it happens.
    """

    route: str
    kind: str
    nth: int = 0
    times: int = 1


class HubServer(LocalServer):
    """Serves repositories to users by their tokens, and remembers who could have read what.

    Attributes:
        tokens: Token to user.
        organisation: Users who see each other's private repositories.
        repositories: (`models` or `datasets`, name) to repository.
        faults: What goes wrong.
        log: Name of the route of each request that changes or reads a repository.
        seen_by_others: Repositories with files that somebody who was not let in could read, at any moment.
        at_commit: `private` and `gated` at the moment of each commit.
    """

    def __init__(self):
        self.tokens = {"hf_owner": "olga", "hf_reader": "rita", "hf_stranger": "sam"}
        self.organisation = {"olga", "rita"}
        self.repositories = {}
        self.faults = []
        self.log = []
        self.seen_by_others = set()
        self.at_commit = []
        self.lock = threading.Lock()
        self.is_closed = False

    def handler_class(self):
        return type("Handler", (_Handler,), {"hub": self})

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self.is_closed = True

    def add(self, name, files, private=True, gated="manual", kind="models"):
        """Put a repository there without asking anybody."""
        repository = Repository("olga", private, gated, members=set(self.organisation))
        repository.commit({})
        repository.commit({path: content for path, content in files.items()})
        self.repositories[kind, name] = repository
        return repository

    def fault_of(self, route):
        nth = self.log.count(route) - 1
        return next((f.kind for f in self.faults if f.route == route and f.nth <= nth < f.nth + f.times), None)

    def look(self):
        """Note every repository whose files a stranger or a member who was not let in can read now."""
        for (_, name), repository in self.repositories.items():
            if set(repository.files) - {".gitattributes"} and any(
                repository.is_read_by(user) for user in (None, "sam", "rita") if not repository.is_let_in(user)
            ):
                self.seen_by_others.add(name)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    hub: HubServer

    def log_message(self, *args):
        """Keep the test output clean."""

    def do_GET(self):
        self.serve()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def serve(self):
        if self.hub.is_closed:
            # A connection that a client kept from an earlier hub.
            return self.cut()
        path = unquote(urlsplit(self.path).path)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or self.chunks()
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        self.user = self.hub.tokens.get(token)
        method = "GET" if self.command == "HEAD" else self.command
        for route, (of_route, pattern) in ROUTES.items():
            found = re.fullmatch(pattern, path)
            if found and method == of_route:
                with self.hub.lock:
                    return self.through_faults(route, found.groupdict())
        return self.answer(404, {"error": "no such route"})

    def chunks(self):
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return body

    def through_faults(self, route, names):
        self.hub.log.append(route)
        fault = self.hub.fault_of(route)
        if fault == "cut-before":
            return self.cut()
        if fault == "500-before":
            return self.answer(500, {"error": "trouble"})
        if fault == "ignored":
            return self.answer(200, {"url": f"{self.hub.url}/ignored", "commitUrl": "x", "commitOid": "0" * 40})
        self.altered = fault == "altered"
        status, content, headers = getattr(self, f"on_{route}")(**names)
        self.hub.look()
        if fault == "cut-after":
            return self.cut()
        if fault == "500-after":
            return self.answer(500, {"error": "trouble"})
        return self.answer(status, content, headers)

    def cut(self):
        self.close_connection = True
        self.connection.shutdown(2)

    def answer(self, status, content=b"", headers=None):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        headers = {"Content-Length": str(len(body)), "Content-Type": "application/json"} | (headers or {})
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    # what each route does: status, content and headers

    def refuse(self, code, message):
        status = 401 if self.user is None else 404 if code in ("RepoNotFound", "RevisionNotFound") else 403
        status = 404 if code in ("RevisionNotFound", "EntryNotFound") else status
        return status, {"error": message}, {"X-Error-Code": code, "X-Error-Message": message}

    def repository(self, kind, repo):
        found = self.hub.repositories.get((kind, repo))
        return found if found and found.is_seen_by(self.user) else None

    def own(self, kind, repo):
        found = self.repository(kind, repo)
        return found if found and found.owner == self.user else None

    def on_create(self):
        asked = json.loads(self.body)
        key = (f"{asked.get('type', 'model')}s", f"{asked['organization'] or self.user}/{asked['name']}")
        if self.user is None:
            return 401, {"error": "Invalid username or password."}, None
        if key in self.hub.repositories:
            return 409, {"error": "You already created this repo"}, None
        private = asked.get("visibility") == "private" and not self.altered
        repository = Repository(self.user, private, members=set(self.hub.organisation))
        repository.commit({".gitattributes": b"*.safetensors filter=lfs\n"})
        self.hub.repositories[key] = repository
        return 200, {"url": f"{self.hub.url}/{key[1]}"}, None

    def on_delete(self):
        asked = json.loads(self.body)
        key = (f"{asked.get('type', 'model')}s", f"{asked['organization'] or self.user}/{asked['name']}")
        if not self.own(*key):
            return self.refuse("RepoNotFound", "Repository not found")
        del self.hub.repositories[key]
        return 200, b"", None

    def on_validate(self):
        return 200, {"warnings": [], "errors": []}, None

    def on_settings(self, kind, repo):
        found = self.own(kind, repo)
        if not found:
            return self.refuse("RepoNotFound", "Repository not found")
        asked = json.loads(self.body)
        if "gated" in asked and not self.altered:
            found.gated = asked["gated"]
        if "visibility" in asked:
            found.private = asked["visibility"] == "private"
        return 200, {}, None

    def on_info(self, kind, repo, rev=None):
        found = self.repository(kind, repo)
        if not found:
            return self.refuse("RepoNotFound", "Repository not found")
        commit = self.commit_of(found, rev)
        if commit is None:
            return self.refuse("RevisionNotFound", "Invalid rev id")
        gated = "auto" if self.altered else found.gated
        siblings = [{"rfilename": path} for path in found.commits[commit]]
        about = {"id": repo, "sha": commit, "private": found.private, "gated": gated, "siblings": siblings}
        return 200, {**about, "tags": [], "downloads": 0, "likes": 0}, None

    def on_preupload(self, kind, repo, rev):
        if not self.own(kind, repo):
            return self.refuse("RepoNotFound", "Repository not found")
        files = json.loads(self.body)["files"]
        ignored = {files[0]["path"]} if self.altered else set()
        return (
            200,
            {
                "files": [
                    {"path": file["path"], "uploadMode": "regular", "shouldIgnore": file["path"] in ignored}
                    for file in files
                ]
            },
            None,
        )

    def on_commit(self, kind, repo, rev):
        found = self.own(kind, repo)
        if not found:
            return self.refuse("RepoNotFound", "Repository not found")
        lines = [json.loads(line) for line in self.body.splitlines()]
        if lines[0]["value"].get("parentCommit", found.head) != found.head:
            return 412, {"error": "A commit has happened since. Please refresh and try again."}, None
        added = {
            line["value"]["path"]: base64.b64decode(line["value"]["content"])
            for line in lines
            if line["key"] == "file"
        }
        if self.altered:
            added[max(added)] += b" "
        self.hub.at_commit.append((found.private, found.gated))
        found.commit({**found.files, **added})
        return 200, {"commitUrl": f"{self.hub.url}/{repo}/commit/{found.head}", "commitOid": found.head}, None

    def on_tree(self, kind, repo, rev, path=None):
        found = self.repository(kind, repo)
        commit = found and self.commit_of(found, rev)
        if not commit or path:
            return self.refuse("EntryNotFound" if found else "RepoNotFound", "Entry not found")
        files = dict(found.commits[commit])
        if self.altered:
            files[max(files)] += b" "
        return 200, [_entry(path, content) for path, content in files.items()], None

    def on_resolve(self, repo, rev, path, prefix=None):
        found = self.repository("datasets" if prefix else "models", repo)
        if not found:
            return self.refuse("RepoNotFound", "Repository not found")
        if not found.is_read_by(self.user):
            return self.refuse("GatedRepo", f"Access to model {repo} is restricted.")
        commit = self.commit_of(found, rev)
        if commit is None:
            return self.refuse("RevisionNotFound", "Invalid rev id")
        content = found.commits[commit].get(path)
        if content is None:
            return self.refuse("EntryNotFound", "Entry not found")
        entry = _entry(path, content)
        headers = {"ETag": f'"{entry["lfs"]["oid"] if "lfs" in entry else entry["oid"]}"', "X-Repo-Commit": commit}
        sent = bytes([content[0] ^ 1]) + content[1:] if self.altered else content
        return 200, sent, {**headers, "Content-Type": "application/octet-stream", "Accept-Ranges": "none"}

    def on_ask(self, repo):
        """What the form on the page of a gated repository does."""
        found = self.repository("models", repo)
        if not found or self.user is None:
            return self.refuse("RepoNotFound", "Repository not found")
        found.requests[self.user] = {"status": "pending", "fields": json.loads(self.body)}
        return 200, {}, None

    def on_requests(self, kind, repo, status):
        found = self.own(kind, repo)
        if not found:
            return 403, {"error": "You need to be an admin of this repo"}, None
        listed = [
            {
                "user": {"user": user, "fullname": user.title(), "email": f"{user}@example.org"},
                "requestId": user,
                "status": request["status"],
                "timestamp": "2026-01-01T00:00:00.000Z",
                "fields": request["fields"],
            }
            for user, request in found.requests.items()
            if request["status"] == status
        ]
        return 200, listed, None

    def on_handle(self, kind, repo):
        return self.set_request(kind, repo, json.loads(self.body)["status"])

    def on_grant(self, kind, repo):
        return self.set_request(kind, repo, "accepted")

    def set_request(self, kind, repo, status):
        found = self.own(kind, repo)
        if not found:
            return 403, {"error": "You need to be an admin of this repo"}, None
        user = json.loads(self.body)["user"]
        if user not in self.hub.tokens.values():
            return 404, {"error": "User not found"}, None
        if not self.altered:
            found.requests.setdefault(user, {"fields": None})["status"] = status
        return 200, {}, None

    def commit_of(self, repository, rev):
        if rev in (None, "main"):
            return repository.head
        return next((commit for commit in repository.commits if rev and commit.startswith(rev)), None)


def _entry(path, content):
    oid = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    entry = {"type": "file", "path": path, "size": len(content), "oid": oid}
    if path.endswith(LARGE):
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    return entry
