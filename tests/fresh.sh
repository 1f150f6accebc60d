#!/bin/sh
# fresh.sh FOLDER [demo|check]...: the proof that the two commands need nothing but a fresh system.
#
# Makes a minimal Debian 12 in FOLDER with debootstrap (or uses the one that it made there before,
# when KEEP_FRESH=1), copies a clone of this tree into it, and runs ./bootstrap demo and
# ./bootstrap check (or those named) in a chroot of it. Needs root and debootstrap; the mirror is the
# one this host's apt uses. What each run printed is left in FOLDER.NAME.log, with its time.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
fresh=${1:?where to make the system}
shift
[ $# -gt 0 ] || set -- demo check
[ "$(id -u)" -eq 0 ] || { echo "fresh.sh: needs root" >&2 && exit 1; }

# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
	awk '$2 == "bookworm" { print $1; exit }')

# shellcheck disable=SC2317
unmount() {
	for point in dev/shm dev/pts dev proc; do
		if mountpoint -q "$fresh/$point"; then
			umount "$fresh/$point" || umount -l "$fresh/$point"
		fi
	done
}

if [ "${KEEP_FRESH-}" != 1 ] || [ ! -x "$fresh/bin/sh" ]; then
	[ ! -e "$fresh" ] || { echo "fresh.sh: $fresh exists: remove it first" >&2 && exit 1; }
	debootstrap --variant=minbase bookworm "$fresh" "$mirror" >"$fresh.debootstrap.log" 2>&1 || {
		tail "$fresh.debootstrap.log" >&2
		exit 1
	}
fi
trap unmount EXIT
trap 'exit 130' INT TERM
mount -t proc proc "$fresh/proc"
mount --bind /dev "$fresh/dev"
mount -t devpts devpts "$fresh/dev/pts" 2>/dev/null || :
mount -t tmpfs tmpfs "$fresh/dev/shm" 2>/dev/null || :
for file in /etc/resolv.conf /etc/hosts; do
	[ ! -e "$file" ] || cp -L "$file" "$fresh$file"
done
# A proxy that this host's apt is told to use is needed in there, too.
apt-config dump 2>/dev/null | grep -i '^Acquire::https*::proxy' >"$fresh/etc/apt/apt.conf.d/99proxy" || :

rm -rf "$fresh/root/collective"
git clone -q "$top" "$fresh/root/collective"
echo "packages before: $(chroot "$fresh" dpkg-query -W | wc -l)"
status=0
for name in "$@"; do
	began=$(date +%s)
	if chroot "$fresh" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
		sh -c "cd /root/collective && ./bootstrap $name" >"$fresh.$name.log" 2>&1 </dev/null; then
		outcome=passed
	else
		outcome="failed with $?"
		status=1
	fi
	echo "./bootstrap $name in a fresh Debian 12: $outcome after $(($(date +%s) - began)) s" |
		tee -a "$fresh.$name.log"
done
exit $status
