#!/bin/sh
# demo.sh BUILD [--keep]: a collective of three members on this host, shown page by page.
#
# A private etcd and three agents run on free ports of the loopback interface, each agent with its
# own configuration, state and socket below one temporary folder. Everything is ended by process id
# and the folder removed, unless --keep was given. Called by `./bootstrap demo`.
set -eu

build=$1
keep=${2-}
agent=$build/collectived
command=$build/collective
ttl=5

home=$(mktemp -d "${TMPDIR:-/tmp}/collective-demo.XXXXXX")
chmod 700 "$home"
started=

# end_all: what is still running of ours; the folder goes with it.
end_all() {
	for one in $started; do
		kill -CONT "$one" 2>/dev/null || :
		kill "$one" 2>/dev/null || :
	done
	for one in $started; do
		wait "$one" 2>/dev/null || :
	done
	rm -rf "$home"
}

failed() {
	printf '\ndemo: %s\n' "$*" >&2
	for log in "$home"/*/log; do
		[ -e "$log" ] || continue
		printf -- '-- %s\n' "$log" >&2
		tail -n 15 "$log" >&2
	done
	exit 1
}

trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# free_port FIRST: the first port from FIRST on that nothing of this host listens on. Ports once
# given are remembered. A test names those that are kept for it, in DEMO_PORTS.
taken=
free_port() {
	port=$1
	if [ -n "${DEMO_PORTS-}" ]; then
		port=${DEMO_PORTS%% *}
		DEMO_PORTS=${DEMO_PORTS#* }
	fi
	while :; do
		hex=$(printf '%04X' "$port")
		if ! grep -qsiE "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F:]+ 0A" /proc/net/tcp /proc/net/tcp6; then
			case " $taken " in
			*" $port "*) ;;
			*) break ;;
			esac
		fi
		port=$((port + 1))
	done
	taken="$taken $port"
}

# until_ok WHAT COMMAND...: tries until the command succeeds, for a minute: the machine may be busy.
until_ok() {
	tries=600
	what=$1
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || failed "waited in vain for $what"
		sleep 0.1
	done
}

note() {
	printf '\n# %s\n' "$*"
}

collective_on() {
	member=$1
	shift
	"$command" -s "$home/$member/api.sock" "$@"
}

# page MEMBER WORDS...: shows the command as typed on that member, and what it really answers.
# The host names stand for addresses of this host: `mgt1` as a server is given as 127.0.0.1:PORT.
page() {
	member=$1
	shift
	printf '[root@%s]# collective' "$member"
	words "$@"
	case $1 in
	join)
		server=$2
		shift 2
		collective_on "$member" join "127.0.0.1:$(of "$server" port)" "$@"
		;;
	*) collective_on "$member" "$@" ;;
	esac
}

# nodes MEMBER COMMAND WORDS...: the same for the commands about nodes and groups.
nodes() {
	member=$1
	shift
	printf '[root@%s]#' "$member"
	words "$@"
	nodes_on "$member" "$@"
}

# words WORD...: as they are typed, and the end of the line.
words() {
	for word in "$@"; do
		case $word in
		*[\{\}\*\ ]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '\n'
}

nodes_on() {
	host=$home/$1/api.sock
	program=$build/$2
	shift 2
	CONFLUENT_HOST=$host "$program" "$@"
}

# shown MEMBER LINE COMMAND...: does that command print that line?
shown() {
	on=$1
	line=$2
	shift 2
	nodes_on "$on" "$@" 2>/dev/null | grep -qxF "$line"
}

# moments FILE NAME: when a watch (--json) has seen NAME go, the first of its nodes move, and the last
# one, counted from $began.
moments() {
	gone=$(sed -n "s/.*\"event\":\"member\".*\"time\":\([0-9.]*\),\"name\":\"$2\",\"active\":false.*/\1/p" "$1")
	moved=$(sed -n "s/.*\"event\":\"manager\".*\"time\":\([0-9.]*\),\"from\":\"$2\".*/\1/p" "$1")
	[ -n "$gone" ] && [ -n "$moved" ] || return 1
	printf '%s\n' "$began $gone $moved" | tr '\n' ' ' | awk '{
		printf "(after the kill: its lease ended after %.2f s, its first node moved after %.2f s,\n" \
			" its last one after %.2f s)\n", $2 - $1, $3 - $1, $NF - $1
	}'
}

# manages MEMBER NAME N: does it know NAME to have N nodes?
manages() {
	case $3 in
	0) line="no nodes" ;;
	*) line=".*\($3 nodes?\)" ;;
	esac
	collective_on "$1" nodes 2>/dev/null | grep -qE "^$2( \(.*\))?: $line\$"
}

paused() {
	collective_on "$1" show 2>&1 | grep -q '^Automatic moves are paused'
}

# start_watch MEMBER NAME [--json]: collective watch on that member, into a file of that name, from how
# things are on. end_watch ends those that run.
start_watch() {
	"$command" -s "$home/$1/api.sock" watch ${3+"$3"} >"$home/watch.$2" 2>&1 &
	watches="$watches $!"
	started="$started $!"
	until_ok "the watch to begin" grep -qE '"ready"| nodes?\)' "$home/watch.$2"
}

watches=
end_watch() {
	for one in $watches; do
		kill "$one" 2>/dev/null || :
		wait "$one" 2>/dev/null || :
	done
	watches=
}

# again MEMBER: starts its agent, after it was killed.
again() {
	printf '[root@%s]# collectived -c %s/%s/collective.conf &\n' "$1" "$home" "$1"
	start_agent "$1"
}

quietly() {
	"$@" >/dev/null
}

# invited MEMBER NAME: the page of an invitation; the token is left in $token.
invited() {
	printf '[root@%s]# collective invite %s\n' "$1" "$2"
	token=$(collective_on "$1" invite "$2")
	printf '%s\n' "$token"
}

start_etcd() {
	free_port 22379
	etcd_port=$port
	free_port 22380
	etcd_url=http://127.0.0.1:$etcd_port
	mkdir "$home/etcd"
	setsid etcd --name demo --data-dir "$home/etcd/data" --logger zap --log-level warn \
		--listen-client-urls "$etcd_url" --advertise-client-urls "$etcd_url" \
		--listen-peer-urls "http://127.0.0.1:$port" \
		--initial-advertise-peer-urls "http://127.0.0.1:$port" \
		--initial-cluster "demo=http://127.0.0.1:$port" >"$home/etcd/log" 2>&1 &
	etcd_pid=$!
	started="$started $etcd_pid"
	until_ok "etcd to serve" etcdctl_here endpoint health
}

etcdctl_here() {
	ETCDCTL_API=3 etcdctl --endpoints "$etcd_url" "$@"
}

# of MEMBER FACT: its port, its pid.
of() {
	cat "$home/$1/$2"
}

# new_member NAME FIRST_PORT
new_member() {
	mkdir -p "$home/$1/etc" "$home/$1/state"
	chmod 700 "$home/$1" "$home/$1/etc" "$home/$1/state"
	free_port "$2"
	echo "$port" >"$home/$1/port"
}

start_agent() {
	cat >"$home/$1/collective.conf" <<END
etcd: { endpoints = ["$etcd_url"]; allow_loopback = true; };
member: { name = "$1"; address = "127.0.0.1"; port = $(of "$1" port); ttl = $ttl; };
paths: { config_dir = "$home/$1/etc"; state_dir = "$home/$1/state";
         socket = "$home/$1/api.sock"; };
END
	setsid "$agent" -c "$home/$1/collective.conf" >>"$home/$1/log" 2>&1 &
	echo "$!" >"$home/$1/pid"
	started="$started $!"
	until_ok "the agent of $1" test -S "$home/$1/api.sock"
}

leads() {
	collective_on "$1" show 2>/dev/null | grep -q "^Leader: $2"
}

quorate() {
	collective_on "$1" show 2>/dev/null | grep -q '^Quorum: True'
}

listed() {
	collective_on "$1" show 2>/dev/null | sed '/^Offline/,$d' | grep -q "^    $2\$"
}

another_leader() {
	now=$(collective_on "$1" show 2>/dev/null | sed -n 's/^Leader: \([^ ]*\).*/\1/p')
	[ -n "$now" ] && [ "$now" != "$2" ] && [ "$now" != unknown ] && quorate "$1"
}

offline() {
	collective_on "$1" show 2>/dev/null | sed -n '/^Offline/,$p' | grep -q "^    $2\$"
}

cat <<END

A collective of three members and a private etcd on this host, all below
    $home
The prompts say which member a command is given on. What really runs is, for mgt1,
    $command -s $home/mgt1/api.sock …
and a server named mgt1 is given to it as 127.0.0.1 with mgt1's port.
END

start_etcd
new_member mgt1 23001
new_member mgt2 23002
new_member mgt3 23003
for name in mgt1 mgt2 mgt3; do
	start_agent "$name"
done

note "No collective yet. The first invitation founds one."
page mgt1 show
invited mgt1 mgt2
page mgt2 join mgt1 -i "$token"
until_ok "mgt2 to be active" quorate mgt2
page mgt2 show

note "Any member invites. Without -i the invitation is asked for."
invited mgt2 mgt3
printf '[root@mgt3]# collective join mgt2\n'
printf '%s\n' "$token" | collective_on mgt3 join "127.0.0.1:$(of mgt2 port)"
until_ok "mgt3 to know everybody" listed mgt3 mgt2
until_ok "mgt3 to be active" listed mgt3 mgt3
page mgt3 show

note "Nodes and groups. What a group says counts for its nodes, unless they say otherwise."
nodes mgt1 nodegroupdefine rack1,compute
nodes mgt1 nodedefine n1-n4 groups=rack1,compute
nodes mgt1 nodegroupattrib rack1 collective.manager=mgt1
nodes mgt1 nodeattrib n1 collective.manager=mgt2
nodes mgt1 nodeattrib n1-n2 collective.manager -b
nodes mgt1 nodelist rack1,-n2
nodes mgt1 nodelist collective.manager=mgt1
nodes mgt1 nodeattrib compute hardwaremanagement.manager='{node}-bmc'

note "Every member has all of it, also what somebody put into etcd by hand."
printf '[root@mgt1]# etcdctl put /confluent/nodes/n1/collective.manager mgt3\n'
etcdctl_here put /confluent/nodes/n1/collective.manager mgt3
until_ok "mgt3 to see it" shown mgt3 'n1: collective.manager: mgt3' nodeattrib n1 \
	collective.manager
nodes mgt3 nodeattrib n1
nodes mgt3 nodeattrib n1 -c collective.manager

note "Secrets are sealed before they leave a member; root can read them on any."
nodes mgt1 nodeattrib n1 secret.hardwaremanagementpassword=geheim
nodes mgt1 nodeattrib n1 bmcpass
printf '[root@mgt1]# etcdctl get --print-value-only /confluent/nodes/n1/secret.hardwaremanagementpassword\n'
etcdctl_here get --print-value-only /confluent/nodes/n1/secret.hardwaremanagementpassword
until_ok "mgt2 to have it" collective_on mgt2 secret get n1 bmcpass
page mgt2 secret get n1 bmcpass
page mgt2 rekey

note "Nodes and groups as files, which can be restored here or elsewhere."
page mgt2 dump "$home/backup" --skipkeys

note "Managers follow their members. Of 24 nodes mgt2 is the manager, and all three are candidates."
nodes mgt1 nodedefine mgt1-mgt3
quietly nodes_on mgt1 nodedefine n5-n24 groups=compute
printf '[root@mgt1]# nodedefine n5-n24 groups=compute\n…\n'
nodes mgt1 nodegroupattrib compute collective.managercandidates=mgt1,mgt2,mgt3
printf '[root@mgt1]# nodeattrib compute collective.manager=mgt2\n…\n'
quietly nodes_on mgt1 nodeattrib compute collective.manager=mgt2
until_ok "mgt3 to see it" manages mgt3 mgt2 24
page mgt3 nodes
page mgt3 candidates n1-n2
page mgt3 plan --without mgt2

note "mgt1 has a hook: a program that is run when it becomes the manager of nodes."
mkdir "$home/mgt1/etc/hooks.d"
cat >"$home/mgt1/etc/hooks.d/manager-gained" <<END
#!/bin/sh
echo "\$COLLECTIVE_NODES nodes from \${COLLECTIVE_FROM:-nobody}:" \$(cat) >>"$home/mgt1/gained"
END
chmod 755 "$home/mgt1/etc/hooks.d/manager-gained"
printf '[root@mgt1]# cat /etc/confluent/hooks.d/manager-gained\n'
cat "$home/mgt1/etc/hooks.d/manager-gained"

note "mgt2's process is killed, while collective watch runs on mgt1."
start_watch mgt1 text
start_watch mgt1 json --json
victim=$(of mgt2 pid)
printf '[root@mgt2]# kill -9 %s\n' "$victim"
began=$(date +%s.%N)
kill -9 "$victim"
wait "$victim" 2>/dev/null || :
until_ok "mgt2's nodes to have other managers" manages mgt1 mgt2 0
until_ok "the watch to tell it" moments "$home/watch.json" mgt2
end_watch
printf '[root@mgt1]# collective watch\n'
cat "$home/watch.text"
moments "$home/watch.json" mgt2
page mgt1 show
nodes mgt3 nodeattrib compute collective.manager
page mgt3 history
until_ok "mgt1's hook" test -s "$home/mgt1/gained"
printf '[root@mgt1]# cat %s\n' "$home/mgt1/gained"
cat "$home/mgt1/gained"

note "It comes back, and gets no nodes by itself: evening out is for an administrator to order."
again mgt2
until_ok "mgt2 to be active again" listed mgt1 mgt2
page mgt1 nodes
page mgt1 rebalance --dry-run
page mgt1 rebalance
page mgt1 nodes

note "Planned work on mgt2."
page mgt1 plan --without mgt2
page mgt1 drain mgt2 --reason "more memory"
until_ok "mgt3 to see it" manages mgt3 mgt2 0
page mgt3 nodes
page mgt1 undrain mgt2

note "While automatic moves are paused every answer says so."
page mgt3 pause --reason "a switch is replaced"
until_ok "mgt1 to see it" paused mgt1
page mgt1 nodes
page mgt3 resume

note "A new node without a manager is claimed, by what has discovered it, say; who comes second is told."
nodes mgt1 nodedefine n25 groups=compute
until_ok "mgt3 to have it" shown mgt3 n25 nodelist n25
page mgt3 claim n25
until_ok "mgt1 to see it" manages mgt1 mgt3 13
page mgt1 claim n25 || :

note "The leader dies, a manager itself: its lease of $ttl s ends, another one leads, and moves its nodes.
# mgt2 was gone a moment ago: for failover.hold_down it gets none while another candidate is there."
start_watch mgt2 text
start_watch mgt2 json --json
victim=$(of mgt1 pid)
printf '[root@mgt1]# kill -9 %s\n' "$victim"
began=$(date +%s.%N)
kill -9 "$victim"
wait "$victim" 2>/dev/null || :
until_ok "a new leader" another_leader mgt2 mgt1
until_ok "mgt1's nodes to have other managers" manages mgt2 mgt1 0
until_ok "the watch to tell it" moments "$home/watch.json" mgt1
end_watch
printf '[root@mgt2]# collective watch\n'
cat "$home/watch.text"
moments "$home/watch.json" mgt1
page mgt2 show
page mgt2 nodes

note "It comes back as a member, with nothing to do but to be started."
again mgt1
until_ok "mgt1 to be active again" listed mgt1 mgt1
page mgt1 show
page mgt1 history

note "What etcd has of it."
printf "[root@mgt1]# etcdctl get --prefix /confluent/ --keys-only | grep -vE '^\$|/nodes/(mgt|n[2-9]|n1.)'\n"
etcdctl_here get --prefix /confluent/ --keys-only | grep -vE '^$|/nodes/(mgt|n[2-9]|n1[0-9])'
printf '[root@mgt1]# etcdctl get --print-value-only /confluent/leader\n'
etcdctl_here get --print-value-only /confluent/leader

if [ "$keep" = --keep ]; then
	trap - EXIT INT TERM
	cat >"$home/stop" <<END
#!/bin/sh
# Ends this demo: its agents and its etcd, by process id, and its folder.
kill $(of mgt1 pid) $(of mgt2 pid) $(of mgt3 pid) $etcd_pid
rm -rf "$home"
END
	chmod 755 "$home/stop"
	cat <<END

It goes on running. On mgt2, for example:
    $command -s $home/mgt2/api.sock show -v
    $command -s $home/mgt2/api.sock watch
    CONFLUENT_HOST=$home/mgt2/api.sock $build/nodeattrib n1-n4
    kill -9 $(of mgt2 pid)
    ETCDCTL_API=3 etcdctl --endpoints $etcd_url watch --prefix /confluent/
Logs: $home/mgt1/log and so on. To end it:
    $home/stop
END
else
	note "Done; everything is stopped and removed. (--keep leaves it running.)"
fi
