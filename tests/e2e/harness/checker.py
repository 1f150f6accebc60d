"""The judge of the fault scenarios: reads etcd's history of revisions, and nothing else, and tells what
in it may not be.

What has to hold, whatever fails and whoever dies:

leader     the leader key is made under the lease of the member that it names, and never changes
           hands without having been gone: so each revision has one leader at most
fence      managers that a leader changes, and the pulse, are written while it leads: the entry of
           history names the leader key's create_revision of that very moment
ticket     a leader's transaction carries the ticket of a lane of that leader
from       what a leader's move replaces is what its history says: nobody's change is lost
order      nothing is moved by a leader while that is paused, nor to who is drained, nor drained from
           who is not
candidate  a leader's move goes to one of the node's candidates as they are in that revision
one        what it writes is one name of one member, without a lease, and is a change
count      history tells as many moves from and to whom as were made; an entry that is written again
           tells those that came before, too
only       a leader's transaction changes managers, its history, and nothing else
unknown    a manager changes in a way that no leader, no command and no hand could have

A change of a manager without an entry of history is a command's (it carries a member's ticket) or
was made by hand (it is alone in its revision). Judging the state before each revision, the checker
follows inheritance: node, its groups in order, everything."""

import collections
import json
import re

MOVES = ("failover", "drain", "rebalance")
MANAGER, CANDIDATES = "collective.manager", "collective.managercandidates"
NO_MEMBER = "(no member)"  # so history calls a manager whose text can't be a name
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
LANE = re.compile(r"writes/([^/]+)/m\d+\Z")
TICKET = re.compile(r"writes/([^/]+)/\d+\Z")
RANGE = re.compile(r"([a-z]+)(?:\[(\d+)[:-](\d+)\]|(\d+)-\1(\d+))\Z")

Violation = collections.namedtuple("Violation", "rule revision text")
Move = collections.namedtuple("Move", "revision kind node source target by")
Reign = collections.namedtuple("Reign", "name fence")


def plain_range(text):
    """The names in "mgt1,mgt2", "mgt[1:3]", "mgt1-mgt3": what the scenarios use as candidates."""
    names = set()
    for part in text.split(","):
        part = part.strip()
        match = RANGE.match(part)
        if match:
            stem, a, b, c, d = match.groups()
            names |= {f"{stem}{n}" for n in range(int(a or c), int(b or d) + 1)}
        elif part:
            names.add(part)
    return names


class State:
    """All keys as of a revision, names relative to the prefix."""

    def __init__(self, prefix, keys):
        self.prefix = prefix
        self.keys = {k.key[len(prefix):]: k for k in keys}

    def get(self, path):
        key = self.keys.get(path)
        return key.value if key else None

    def effective(self, node, attribute):
        """What applies to the node: its own value or the first one inherited; "" for none."""
        own = self.get(f"nodes/{node}/{attribute}")
        if own is not None:
            return own
        groups = [g for g in (self.get(f"nodes/{node}/groups") or "").split(",") if g]
        for group in (*groups, "everything"):
            value = self.get(f"groups/{group}/{attribute}")
            if value is not None:
                return value
        return ""

    def nodes(self):
        return [path[len("nodes/"):-len("/groups")] for path in self.keys
                if path.startswith("nodes/") and path.endswith("/groups")]

    def managers(self):
        """{node: its manager}"""
        return {node: self.effective(node, MANAGER) for node in self.nodes()}


class Report:
    """violations; moves (by leaders); others: revisions of changes by commands and by hand, each a
    (revision, node, value or None); reigns, in order; state: at the end."""

    def __init__(self):
        self.violations = []
        self.moves = []
        self.others = []
        self.reigns = []
        self.state = None

    def of(self, *rules):
        return [v for v in self.violations if v.rule in rules]

    def moves_of(self, kind):
        return [m for m in self.moves if m.kind == kind]

    def __str__(self):
        lines = [f"revision {v.revision}: {v.rule}: {v.text}" for v in self.violations[:20]]
        if len(self.violations) > 20:
            lines.append(f"and {len(self.violations) - 20} more")
        return "\n".join(lines) or "nothing wrong"


class Checker:
    def __init__(self, prefix, keys, expand=plain_range):
        self.expand = expand
        self.prefix = prefix
        self.state = State(prefix, keys)
        self.report = Report()
        self.report.state = self.state
        key = self.state.keys.get("leader")
        if key:
            self.report.reigns.append(Reign(key.value, key.create_revision))

    def wrong(self, rule, revision, text):
        self.report.violations.append(Violation(rule, revision, text))

    def feed(self, changes):
        """changes: tuples (revision, "PUT" or "DELETE", Key), in order."""
        group = []
        for change in changes:
            if not change[2].key.startswith(self.prefix):
                continue
            if group and change[0] != group[0][0]:
                self._revision(group)
                group = []
            group.append(change)
        if group:
            self._revision(group)
        return self.report

    def _revision(self, group):
        revision = group[0][0]
        events = {key.key[len(self.prefix):]: (kind, key) for _, kind, key in group}
        self._managers(revision, events)
        if "pulse" in events and events["pulse"][0] == "PUT":
            self._pulse(revision, events["pulse"][1])
        if "leader" in events:
            self._leader(revision, events)
        for path, (kind, key) in events.items():
            if kind == "PUT":
                self.state.keys[path] = key
            else:
                self.state.keys.pop(path, None)

    # leadership

    def _leader(self, revision, events):
        kind, key = events["leader"]
        was = self.state.keys.get("leader")
        if kind == "DELETE":
            return
        if was and key.create_revision == was.create_revision:
            if key.value != was.value:
                self.wrong("leader", revision, f"it went from {was.value} to {key.value} at once")
            elif key.lease != was.lease:
                self.wrong("leader", revision, f"{key.value} changed the lease below it")
            return
        self.report.reigns.append(Reign(key.value, key.create_revision))
        if not self.state.get(f"members/{key.value}"):
            self.wrong("leader", revision, f"{key.value!r} is no member")
        path = f"active/{key.value}"
        active = events[path][1] if path in events else self.state.keys.get(path)
        if not active or not key.lease or active.lease != key.lease:
            self.wrong("leader", revision, f"not on the lease of {key.value}")

    def _pulse(self, revision, key):
        leader = self.state.get("leader")
        if key.value != leader:
            self.wrong("fence", revision, f"{key.value} put the pulse, {leader} led")

    # managers

    def _managers(self, revision, events):
        changed = {path.split("/")[1]: event for path, event in events.items()
                   if path.startswith("nodes/") and path.endswith(f"/{MANAGER}")
                   and path.count("/") == 2}
        told = {}
        for path, (kind, key) in events.items():
            if path.startswith("history/") and kind == "PUT":
                entry = self._entry(key)
                if entry.get("kind") in MOVES:
                    told[path] = entry
        if told:
            self._moved(revision, events, changed, told)
        elif changed:
            self._changed(revision, events, changed)

    @staticmethod
    def _entry(key):
        try:
            value = json.loads(key.value) if key else None
        except ValueError:
            value = None
        return value if isinstance(value, dict) else {}

    def _changed(self, revision, events, changed):
        lanes = [path for path in events if LANE.match(path)]
        if lanes:
            self.wrong("unknown", revision, f"{lanes[0]} moved nodes and told no history")
        elif not any(TICKET.match(path) for path in events) and len(events) > 1 and any(
                kind == "PUT" for kind, _ in events.values()):
            self.wrong("unknown", revision, f"{len(changed)} managers changed, without a ticket: "
                       + ", ".join(sorted(events))[:200])
        for node, (kind, key) in changed.items():
            self.report.others.append((revision, node, key.value if kind == "PUT" else None))

    def _moved(self, revision, events, changed, told):
        kinds = {}
        sums = collections.Counter()
        for path, entry in told.items():
            self._fenced(revision, events, entry)
            added = self._told(revision, path, entry)
            sums += added
            for pair, nodes in added.items():
                kinds.setdefault(pair, []).extend([entry["kind"]] * nodes)
        by = next(iter(told.values())).get("by")
        if "pause" in self.state.keys:
            self.wrong("order", revision, f"{by} moved nodes while that was paused")
        made = collections.Counter()
        for node, (kind, key) in changed.items():
            source = self.state.effective(node, MANAGER)
            target = key.value if kind == "PUT" else None
            pair = (source if NAME.match(source) else NO_MEMBER, target)
            made[pair] += 1
            why = kinds.get(pair)
            kind = why.pop() if why else None
            self.report.moves.append(Move(revision, kind, node, source, target, by))
            self._ordered(revision, node, kind, source, target)
            self._target(revision, node, key, source, target)
        self._counted(revision, sums, made)
        for path, (kind, _) in events.items():
            if not (path.startswith("nodes/") and path.endswith(f"/{MANAGER}") or LANE.match(path)
                    or path.startswith("history/") or path == "rebalance"):
                self.wrong("only", revision, f"{kind} {path} among the moves of a leader")

    def _fenced(self, revision, events, entry):
        leader = self.state.keys.get("leader")
        fence = leader.create_revision if leader else 0
        try:
            named = int(entry.get("fence") or 0)
        except (TypeError, ValueError):
            named = -1
        if not fence or named != fence or "leader" in events:
            self.wrong("fence", revision, f"{entry.get('by')} moved nodes as the leader of revision "
                       f"{entry.get('fence')}; {leader and leader.value} led since {fence}")
        elif entry.get("by") != leader.value:
            self.wrong("fence", revision, f"{entry.get('by')} moved nodes, {leader.value} led")
        lanes = [m.group(1) for m in map(LANE.match, events) if m]
        if lanes != [entry.get("by")]:
            self.wrong("ticket", revision, f"moved by {entry.get('by')}, lanes of: {lanes}")

    def _ordered(self, revision, node, kind, source, target):
        if f"drains/{target}" in self.state.keys:
            self.wrong("order", revision, f"{node} went to {target}, which was drained")
        if kind == "drain" and f"drains/{source}" not in self.state.keys:
            self.wrong("order", revision, f"{node} was drained from {source}, without an order")

    def _target(self, revision, node, key, source, target):
        if target is None:
            self.wrong("one", revision, f"{node} was left without a manager")
            return
        if not NAME.match(target) or key.lease or not self.state.get(f"members/{target}"):
            self.wrong("one", revision, f"{node} was given {target!r}, lease {key.lease}")
        if target == source:
            self.wrong("one", revision, f"{node} was {target}'s already")
        if self.state.get(f"nodes/{node}/groups") is None:
            self.wrong("only", revision, f"{node} does not exist")
        text = self.state.effective(node, CANDIDATES)
        if target not in self.expand(text):
            self.wrong("candidate", revision, f"{node} went to {target}, candidates: {text!r}")

    def _told(self, revision, path, entry):
        """What this revision adds to the entry: {(from, to): nodes}."""
        try:
            return self._sums(entry) - self._sums(self._entry(self.state.keys.get(path)))
        except (TypeError, KeyError, ValueError, AttributeError):
            self.wrong("count", revision, f"unreadable: {str(entry)[:200]}")
            return collections.Counter()

    @staticmethod
    def _sums(entry):
        sums = collections.Counter()
        for one in entry.get("moves") or ():
            sums[one["from"], one["to"]] += int(one["nodes"])
        return sums

    def _counted(self, revision, sums, made):
        if sums == made:
            return
        rule = "count" if {a for a, _ in sums} == {a for a, _ in made} else "from"
        self.wrong(rule, revision, f"history tells {dict(sums)}, made were {dict(made)}")


def judge(world, since, expand=plain_range):
    """The report on everything after revision `since` at a site."""
    prefix = world.cluster.prefix
    checker = Checker(prefix, world.etcd.list(prefix, since), expand)
    return checker.feed(world.etcd.history(prefix, since + 1))
