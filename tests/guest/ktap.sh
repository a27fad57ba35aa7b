# SPDX-License-Identifier: GPL-2.0
# KTAP output, and what else the suites share. run.sh sources them after this file.

DEBUGFS=/sys/kernel/debug
KTASK=$DEBUGFS/ktask
CASES=$DEBUGFS/ktask_test/cases
CONTROLS=$DEBUGFS/ktask_test/controls

tests=0
failed=0

# check NAME COMMAND...: one test, which passes if COMMAND succeeds.
check() {
	name=$1
	shift
	tests=$((tests + 1))
	echo "ktask: test $tests: $name" > /dev/kmsg
	if output=$("$@" 2>&1); then
		echo "ok $tests $name"
	else
		failed=$((failed + 1))
		echo "not ok $tests $name"
		echo "$output" | sed 's/^/# /'
		# What the kernel said during this test.
		dmesg | sed "1,/ktask: test $tests:/d; s/^/# /" | tail -n 20
	fi
}

# skip NAME REASON: a test that cannot run here.
skip() {
	tests=$((tests + 1))
	echo "ok $tests $1 # SKIP $2"
}

# same WHAT EXPECTED FOUND
same() {
	[ "$2" = "$3" ] && return
	echo "$1: expected $2, found $3"
	return 1
}

# at_least WHAT MINIMUM FOUND
at_least() {
	[ "$3" -ge "$2" ] && return
	echo "$1: expected at least $2, found $3"
	return 1
}

# set_to FILE VALUE: one write(2), whose error is the result.
set_to() {
	echo -n "$2" > "$1"
}

# refuses FILE VALUE: writing fails and changes nothing.
refuses() {
	before=$(cat "$1") || return
	if set_to "$1" "$2"; then
		echo "$1 took '$2'"
		return 1
	fi
	same "$1" "$before" "$(cat "$1")"
}

# A random number below $1, which is at most 32768.
below() {
	# shellcheck disable=SC3028 # ash has it
	echo $((RANDOM % $1))
}

# until_so SECONDS COMMAND...: waits for COMMAND to succeed.
until_so() {
	tries=$(($1 * 10))
	shift
	while ! "$@" 2>/dev/null; do
		tries=$((tries - 1))
		if [ $tries -eq 0 ]; then
			echo "waited in vain: $*"
			return 1
		fi
		sleep 0.1
	done
}

# stat NAME: one of ktask's counters.
stat() {
	sed -n "s/^$1 //p" "$KTASK/stats"
}

# Helpers queued so far, whether they then started or not. One that leaves its place
# to another one on a busy host counts once.
queued() {
	echo $(($(stat helpers_started) + $(stat helpers_cancelled) - $(stat helpers_taken_back)))
}

# until_a_helper_starts COMMAND...: on a busy host the caller may be done before one does.
until_a_helper_starts() {
	before=$(stat helpers_started)
	for _ in $(seq 30); do
		"$@" || return
		[ "$(stat helpers_started)" -gt "$before" ] && return
	done
	echo "no helper ever started"
	return 1
}

# run_case NAME [VALUE]: a case of the ktask_test module, which is a test by itself.
run_case() {
	set_to "$CASES/$1" "${2:-0}"
}

# control NAME [VALUE]: a control of that module, which is one step of a test.
control() {
	set_to "$CONTROLS/$1" "${2:-0}"
}

# CPUs that are online, in the machine or on one node.
online_cpus() {
	count=0
	for cpu in /sys/devices/system/cpu/cpu[0-9]* ; do
		[ "$(cat "$cpu/online" 2>/dev/null || echo 1)" = 1 ] && count=$((count + 1))
	done
	echo "$count"
}

node_cpus() {
	count=0
	for cpu in "/sys/devices/system/node/node$1"/cpu[0-9]* ; do
		[ -e "$cpu" ] || continue
		[ "$(cat "$cpu/online" 2>/dev/null || echo 1)" = 1 ] && count=$((count + 1))
	done
	echo "$count"
}

# All counters of helpers, added up.
helpers_now() {
	sum=0
	for file in "$KTASK"/rlim_cur "$KTASK"/node*/rlim_cur; do
		sum=$((sum + $(cat "$file")))
	done
	echo "$sum"
}

PARTITION=/sys/fs/cgroup/isolated

# isolate CPU: makes an isolated partition of it.
isolate() {
	echo +cpuset > /sys/fs/cgroup/cgroup.subtree_control && mkdir $PARTITION &&
		echo "$1" > $PARTITION/cpuset.cpus &&
		echo isolated > $PARTITION/cpuset.cpus.partition &&
		same "partition" isolated "$(cat $PARTITION/cpuset.cpus.partition)"
}

no_longer_isolated() {
	echo member > $PARTITION/cpuset.cpus.partition && rmdir $PARTITION
}

load() {
	if ! insmod ktask_rs.ko || ! insmod ktask_test.ko; then
		echo "Bail out! cannot load the modules"
		exit 1
	fi
}

unload() {
	rmmod ktask_test && rmmod ktask_rs
}

# Nothing is left of the modules.
nothing_left() {
	[ ! -e "$KTASK" ] && [ ! -e /sys/devices/virtual/workqueue/ktask ] &&
		! grep ktask /proc/modules
}

# Twice: what was only on its way to somewhere is found by the second scan.
nothing_leaked() {
	echo scan > $DEBUGFS/kmemleak
	sleep 6
	echo scan > $DEBUGFS/kmemleak
	leaks=$(cat $DEBUGFS/kmemleak)
	[ -z "$leaks" ] || {
		echo "$leaks"
		return 1
	}
}
