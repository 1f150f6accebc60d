#!/bin/sh
# fetch-etcd.sh FOLDER: gets the etcd of the next Debian release beside the installed one, so that
# the end-to-end tests can run on two versions. Prints the program's path; exits 1, and says why on
# standard error, when it can't be had: the tests then go on with the installed one alone.
#
# It is fetched by apt from the mirror that this host uses, with lists of its own in FOLDER and
# nothing installed.
set -eu
suite=trixie
folder=$1
program=$folder/root/usr/bin/etcd

give_up() {
	echo "no second etcd: $*" >&2
	exit 1
}

if [ -x "$program" ]; then
	echo "$program"
	exit 0
fi
command -v apt-get >/dev/null 2>&1 || give_up "no apt-get here"
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
	awk '$2 == "bookworm" { print $1; exit }')
[ -n "$mirror" ] || give_up "apt knows no mirror of Debian 12"
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/root"
cd "$folder"
echo "deb $mirror $suite main" >sources.list

apt_aside() {
	apt-get -q -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$folder/lists" -o Dir::Cache="$folder/cache" \
		-o Acquire::Languages=none -o APT::Sandbox::User=root "$@"
}

apt_aside update >apt.log 2>&1 || give_up "apt-get update failed for $suite: $folder/apt.log"
apt_aside download etcd-server >>apt.log 2>&1 || give_up "apt-get download failed: $folder/apt.log"
dpkg -x etcd-server_*.deb root
rm -rf lists cache
"$program" --version >/dev/null 2>&1 || give_up "the one of $suite does not run on this system"
echo "$program"
