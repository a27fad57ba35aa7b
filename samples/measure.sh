#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs in the guest: clears a gigantic page of each node with each sample and
# each number of threads, ROUNDS times; then has huge pages faulted in without and
# with the folio_zero sample, ROUNDS times. Tells what happened, line by line:
#
#	guest NAME VALUE
#	runs NUMBER
#	run ROUND SAMPLE NAME VALUE NAME VALUE...
#	fault ROUND with|without NAME VALUE NAME VALUE...
#
# usage: measure.sh ROUNDS [THREADS...]
#
# Lists are words to be split, as ash has no other lists:
# shellcheck disable=SC2046,SC2086

DEBUGFS=/sys/kernel/debug
NODES=/sys/devices/system/node

# The powers of two up to the number of CPUs.
powers() {
	power=1
	while [ $power -le "$(nproc)" ]; do
		echo $power
		power=$((power * 2))
	done
}

reversed() {
	list=
	for word; do
		list="$word $list"
	done
	echo "$list"
}

cpus_of() {
	cat "$NODES/node$1/cpulist"
}

# The nodes that have memory and CPUs.
nodes() {
	for dir in "$NODES"/node[0-9]*; do
		node=${dir##*node}
		if grep -q "MemTotal: *[1-9]" "$dir/meminfo" && [ -n "$(cpus_of "$node")" ]; then
			echo "$node"
		fi
	done
}

# run ROUND SAMPLE NODE THREADS: the caller runs on the node, as a process does
# that uses the page; helpers run where ktask has them run.
run() {
	files=$DEBUGFS/$2
	echo "$3" > "$files/node"
	echo "$4" > "$files/threads"
	# A page found not to be clear is a result too.
	if ! taskset -c "$(cpus_of "$3")" sh -c 'echo 1 > "$1"' sh "$files/run" &&
		! grep -q "verified no" "$files/result"; then
		echo "$2 failed on node $3 with $4 threads; the kernel says:"
		dmesg | grep "$2: " | tail -n 3
		exit 1
	fi
	echo run "$1" "$2" $(cat "$files/result")
}

# Page sizes in KiB. A process gets so many pages, in one of hugefault's modes.
GIGANTIC=1048576
HUGE=2048
FAULTS="$GIGANTIC:1:touch $GIGANTIC:2:populate $HUGE:128:touch"
PATCH=/sys/kernel/livepatch/folio_zero

# reserve PAGE_KIB PAGES: on node 0.
reserve() {
	pool=$NODES/node0/hugepages/hugepages-$1kB/nr_hugepages
	echo "$2" > "$pool"
	if [ "$(cat "$pool")" != "$2" ]; then
		echo "node 0 has no $2 huge pages of $1 KiB"
		exit 1
	fi
}

# The kernel switches over one process after the other.
wait_while() {
	tries=600
	while "$@" 2> /dev/null; do
		tries=$((tries - 1))
		if [ $tries -eq 0 ]; then
			echo "$PATCH: still in transition after a minute"
			exit 1
		fi
		sleep 0.1
	done
}

in_transition() {
	[ "$(cat $PATCH/transition)" = 1 ]
}

still_loaded() {
	! rmmod folio_zero
}

# faults PREFIX...: as processes on node 0 that start one after the other.
faults() {
	for fault in $FAULTS; do
		mode=${fault##*:}
		pages=${fault#*:}
		result=$(taskset -c "$(cpus_of 0)" ./hugefault -s "${fault%%:*}" \
			-n "${pages%:*}" "$mode")
		case $? in
		# Bytes found not to be zero are a result too.
		0 | 2) echo "$@" "$result" ;;
		*) echo "hugefault failed: $fault" >&2; exit 1 ;;
		esac
	done
}

faults_without() {
	faults fault "$1" without
}

faults_with() {
	insmod folio_zero.ko || exit
	wait_while in_transition
	faults fault "$1" with
	echo 0 > $PATCH/enabled
	wait_while still_loaded
}

rounds=$1
shift
[ $# -gt 0 ] || set -- $(powers)
samples="clear_gigantic clear_gigantic_c"

for module in ktask_rs $samples; do
	insmod "$module.ko" || exit
done
echo "guest kernel $(uname -r)"
echo "guest cpus $(nproc)"
echo "guest cpu $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)"
set_of_faults=$(echo $FAULTS | wc -w)
echo "runs $((rounds * ($# * 2 * $(nodes | wc -l) + set_of_faults * 2)))"

round=1
while [ "$round" -le "$rounds" ]; do
	for node in $(nodes); do
		for threads; do
			for sample in $samples; do
				run "$round" "$sample" "$node" "$threads"
			done
		done
	done
	# The other way round next time, so that what drifts favours nobody.
	set -- $(reversed "$@")
	samples=$(reversed $samples)
	round=$((round + 1))
done

reserve $GIGANTIC 2
reserve $HUGE 128
# What the guest uses for the first time takes longer, as the host has to find it.
faults > /dev/null
set -- without with
round=1
while [ "$round" -le "$rounds" ]; do
	for state; do
		faults_"$state" "$round"
	done
	set -- $(reversed "$@")
	round=$((round + 1))
done

for module in $(reversed ktask_rs $samples); do
	rmmod "$module" || exit
done
