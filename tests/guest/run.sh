#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs test suites inside the guest: run.sh [NAME=VALUE]... SUITE...
# Output is KTAP; the exit status is 0 if no test failed.

here=$(dirname "$0")
. "$here/ktap.sh"
. "$here/pages.sh"
. "$here/livepatch.sh"
. "$here/cpufreq.sh"

echo "KTAP version 1"
for arg; do
	case $arg in
	*=*) export "${arg?}" ;;
	*) . "$here/$arg.sh" ;;
	esac
done
if [ -e $DEBUGFS/kmemleak ]; then
	check "kmemleak: nothing has leaked" nothing_leaked
fi
echo "1..$tests"
[ "$failed" -eq 0 ]
