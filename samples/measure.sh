#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs in the guest: clears a gigantic page of each node with each sample and
# each number of threads, ROUNDS times, and tells what happened, line by line:
#
#	guest NAME VALUE
#	runs NUMBER
#	run ROUND SAMPLE NAME VALUE NAME VALUE...
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
echo "runs $((rounds * $# * 2 * $(nodes | wc -l)))"

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

for module in $(reversed ktask_rs $samples); do
	rmmod "$module" || exit
done
