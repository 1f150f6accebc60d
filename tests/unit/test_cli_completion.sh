#!/bin/bash
# The completion of etc/completion/nodeattrib, asked as bash would ask it, with commands that answer as
# those of a small collective do.
cd "${top_srcdir:-.}" || exit 99
# shellcheck source=etc/completion/nodeattrib
source etc/completion/nodeattrib || exit 1
failed=0

# The commands can't be told from their files: what stands in for them is called by the completion.
# shellcheck disable=SC2317
collective()
{
	echo '{"quorum":true,"leader":"mgt1","active":["mgt2"],"offline":["mgt10"]}'
}

# shellcheck disable=SC2317
nodelist()
{
	printf '%s\n' n1 n2 n10 other
}

# shellcheck disable=SC2317
nodegrouplist()
{
	printf '%s\n' compute everything rack1
}

# shellcheck disable=SC2317
nodegroupattrib()
{
	echo "everything: collective.manager: a: b$CONFLUENT_HOST"
	echo 'everything: location.u:'
	echo 'everything: nodes: n1,n2'
}

# shellcheck disable=SC2317
nodeattrib()
{
	echo 'nodeattrib -b --blame -c --clear --json'
}

# shellcheck disable=SC2317
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
	_collective_nodes
	got=${COMPREPLY[*]}
	if [[ $got != "$want" ]]; then
		printf '%s: offers "%s", expected "%s"\n' "$*" "$got" "$want" >&2
		failed=1
	fi
}

expect 'n1 n2 n10' nodeattrib n
expect 'compute everything rack1 n1 n2 n10 other' nodelist ''
expect 'rack1,-n1 rack1,-n2 rack1,-n10' nodelist rack1,-n
expect 'rack1,@compute' /usr/bin/noderemove rack1,@c
expect '@compute' nodelist rack1 @ c
expect '@compute @everything @rack1 @n1 @n2 @n10 @other' nodelist rack1 @
expect '@compute' nodelist n1 : n10,n2 @ c
expect '@rack1,n2' nodelist n1 @ rack1,n2
expect 'n1 n2 n10' nodelist n1 : n
expect 'rack1@compute' nodelist "'rack1@c"
expect 'location.u' nodeattrib n1 : n10,rack1 @ compute loc
expect '--blame --clear --json' nodeattrib --
expect 'location.u' nodeattrib n1 loc
expect 'all current collective.manager location.u nodes groups' nodeattrib -b n1 ''
expect 'location.u' nodeattrib -m 5 n1 loc
expect '' nodeattrib -m ''
expect 'compute' nodegroupattrib c
expect 'rack1,compute' nodegroupremove rack1,c
expect 'nodes' nodegroupattrib rack1 nod
expect 'location.u=' nodedefine n1 loc
expect '' nodedefine n
expect 'mgt1 mgt2 mgt10' nodeattrib n1 collective.manager =
expect 'mgt2' nodeattrib n1 collective.manager = mgt2
expect 'rack1,compute' nodedefine n5 groups = rack1,c
expect 'n1,n2' nodegroupattrib rack1 nodes, = n1,n2
expect '' nodeattrib n1 location.u = 3
expect '' nodegrouplist ''
expect 'collective.manager' nodelist n1 collective.m

# What an agent that is not there costs is no more than the wait.
# shellcheck disable=SC2317
timeout()
{
	return 1
}

expect '' nodeattrib n
expect '' nodeattrib n1 collective.manager =
exit "$failed"
