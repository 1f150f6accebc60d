#!/bin/bash
# The completion of etc/completion/collective, asked as bash would ask it, with a `collective` that
# answers "show --json" as a member of three does.
built=$(cd "${top_builddir:-.}" && pwd)/collective
cd "${srcdir:-.}" || exit 99
# shellcheck source=etc/completion/collective
source etc/completion/collective || exit 1
failed=0

# shellcheck disable=SC2317 # called by the completion
collective()
{
	printf '{"name": "mgt1", "leader":"mgt2","active": ["mgt3","mgt10"],\n "offline":%s,\n' "$offline"
	printf '"nonvoting": ["mgt10"], "quorum": true}\n'
}

# shellcheck disable=SC2317 # so are these
nodelist()
{
	printf '%s\n' n1 n2 other
}

# shellcheck disable=SC2317
nodeattrib()
{
	printf '%s: %s\n' "$1" 'location.u: 5' "$1" 'secret.ipmikg: ********' \
		"$1" "custom.nodesecret.$CONFLUENT_HOST: ********"
}

# shellcheck disable=SC2317 # the command can't call the function above
timeout()
{
	shift
	"$@"
}

# expect WORDS LINE...: completing the last word of LINE offers WORDS
expect()
{
	local want=$1 got

	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_collective
	got=${COMPREPLY[*]}
	if [[ $got != "$want" ]]; then
		printf '%s: offers "%s", expected "%s"\n' "$*" "$got" "$want" >&2
		failed=1
	fi
}

offline='["mgt4", "mgt5.example"]'
expect 'invite' collective inv
expect 'show' collective -s /tmp/x sh
expect 'mgt4 mgt5.example' collective delete ''
expect 'mgt5.example' collective delete mgt5
expect 'mgt4' collective -s /tmp/x delete mgt4
expect '--ttl' collective invite --t
expect '--token-file' collective join mgt1 --to
expect '' collective join mgt1 -i ''
expect '--json' collective show --j
expect 'get' collective secret ''
expect 'n1 n2' collective secret get n
expect 'secret.ipmikg custom.nodesecret.x' collective -s x secret get n1 ''
expect 'secret.ipmikg' collective secret get n1 sec
expect '' collective secret get n1 secret.x ''
expect '--json' collective secret --
offline='[]'
expect '' collective delete ''
expect 'debug' collective log etcd d
expect 'mgt2 mgt3 mgt10' collective drain m
expect '' collective drain mgt2 --reason ''
expect '' collective watch --since ''

# Every command is offered, and each with the options that its own help has in its first line.
[[ -x $built ]] || exit "$failed"
usages=$("$built" --help | grep -E '^  [a-z]')
[[ $usages ]] || failed=1
while read -r verb rest; do
	expect "$verb" collective "$verb"
	wanted=$(grep -oE '\[--?[a-z-]+' <<<"$rest" | tr -d '[' | sort)
	COMP_WORDS=(collective "$verb" -)
	COMP_CWORD=2
	_collective
	offered=$(printf '%s\n' "${COMPREPLY[@]}" | sort)
	if [[ $offered != "$wanted" ]]; then
		printf '%s: offers %s, has %s\n' "$verb" "${offered//$'\n'/ }" "${wanted//$'\n'/ }" >&2
		failed=1
	fi
done <<<"$usages"
exit "$failed"
