"""A small client of etcd's JSON gateway, to look at what the agents really did there.

It goes to the etcd processes directly, never through the fault proxies."""

import base64
import json
import ssl
import urllib.error
import urllib.request


def b64(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.b64encode(data).decode("ascii")


def unb64(text):
    return base64.b64decode(text or "").decode("utf-8", "replace")


def prefix_end(prefix):
    raw = bytearray(prefix.encode())
    raw[-1] += 1
    return bytes(raw)


class Key:
    """One key as etcd has it."""

    def __init__(self, raw):
        self.key = unb64(raw["key"])
        self.value = unb64(raw.get("value"))
        self.create_revision = int(raw.get("create_revision", 0))
        self.mod_revision = int(raw.get("mod_revision", 0))
        self.version = int(raw.get("version", 0))
        self.lease = int(raw.get("lease", 0))

    def __repr__(self):
        return f"{self.key}={self.value!r}@{self.mod_revision}"


class EtcdError(OSError):
    """The gateway's refusal, with its text."""


class EtcdClient:
    """Talks to the first of `urls` that answers."""

    def __init__(self, urls, authority=None, client_cert=None, user=None, password=None):
        self.urls = urls
        self.user, self.password = user, password
        self.token = {}
        self.context = None
        if authority:
            self.context = ssl.create_default_context(cafile=authority)
            if client_cert:
                self.context.load_cert_chain(*client_cert)

    def _open(self, url, path, body, timeout):
        headers = {"Content-Type": "application/json", "Accept": "*/*"}
        if self.user and path != "/v3/auth/authenticate":
            if url not in self.token:
                self.token[url] = self.call_at(url, "/v3/auth/authenticate", {
                    "name": self.user, "password": self.password}, timeout)["token"]
            headers["Authorization"] = self.token[url]
        request = urllib.request.Request(url + path, json.dumps(body).encode(), headers)
        return urllib.request.urlopen(request, timeout=timeout, context=self.context)

    def call_at(self, url, path, body, timeout=8):
        try:
            with self._open(url, path, body, timeout) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", "replace")
            self.token.pop(url, None)
            raise EtcdError(f"{path} at {url}: {error.code} {text}") from error

    def call(self, path, body, timeout=8):
        last = None
        for url in self.urls:
            try:
                return self.call_at(url, path, body, timeout)
            except OSError as error:
                last = error
        raise EtcdError(f"{path}: nobody of {self.urls} answered: {last}")

    def get(self, key, revision=0):
        body = {"key": b64(key)}
        if revision:
            body["revision"] = str(revision)
        found = self.call("/v3/kv/range", body).get("kvs", [])
        return Key(found[0]) if found else None

    def list(self, prefix, revision=0):
        body = {"key": b64(prefix), "range_end": b64(prefix_end(prefix))}
        if revision:
            body["revision"] = str(revision)
        return [Key(raw) for raw in self.call("/v3/kv/range", body).get("kvs", [])]

    def revision(self):
        return int(self.call("/v3/kv/range", {"key": b64("\0")})["header"]["revision"])

    def put(self, key, value, lease=0):
        body = {"key": b64(key), "value": b64(value)}
        if lease:
            body["lease"] = str(lease)
        return int(self.call("/v3/kv/put", body)["header"]["revision"])

    def put_all(self, pairs, step=120):
        """Many (key, value), some in each transaction; the last revision."""
        for at in range(0, len(pairs), step):
            puts = [{"request_put": {"key": b64(key), "value": b64(value)}}
                    for key, value in pairs[at:at + step]]
            revision = int(self.call("/v3/kv/txn", {"success": puts})["header"]["revision"])
        return revision

    def delete(self, key):
        return int(self.call("/v3/kv/deleterange", {"key": b64(key)}).get("deleted", 0))

    def delete_prefix(self, prefix):
        return self.call("/v3/kv/deleterange",
                         {"key": b64(prefix), "range_end": b64(prefix_end(prefix))})

    def compact(self, revision):
        return self.call("/v3/kv/compaction", {"revision": str(revision), "physical": True})

    def revoke(self, lease):
        return self.call("/v3/lease/revoke", {"ID": str(lease)})

    def leases(self):
        return [int(x["ID"]) for x in self.call("/v3/lease/leases", {}).get("leases", [])]

    def status_at(self, url, timeout=3):
        return self.call_at(url, "/v3/maintenance/status", {}, timeout)

    def alarms(self):
        return self.call("/v3/maintenance/alarm", {"action": "GET"}).get("alarms", [])

    def history(self, prefix, since=1):
        """Every change below prefix from revision `since` to now, in order, as tuples
        (revision, "PUT" or "DELETE", Key)."""
        head = self.revision()
        changes = []
        if head < since:
            return changes
        everything = {"key": b64("\0"), "range_end": b64("\0"), "start_revision": str(since)}
        body = {"create_request": everything}
        for url in self.urls:
            try:
                stream = self._open(url, "/v3/watch", body, 8)
            except OSError:
                continue
            with stream:
                for line in stream:
                    result = json.loads(line).get("result", {})
                    if result.get("canceled"):
                        raise EtcdError(f"history from {since}: {result}")
                    events = [(event.get("type", "PUT"), Key(event["kv"]))
                              for event in result.get("events", [])]
                    changes += [(key.mod_revision, kind, key) for kind, key in events
                                if key.key.startswith(prefix)]
                    # Never in the middle of a transaction.
                    if events and events[-1][1].mod_revision >= head:
                        return changes
        raise EtcdError("history: no endpoint told it")
