# SPDX-License-Identifier: GPL-2.0
# Helpers for work on a node keep to its CPUs, and their workers are left as they
# were found, whatever happens to the CPUs meanwhile. For guests of two nodes of
# four CPUs.

WORKQUEUES=/sys/devices/virtual/workqueue
OURS=$WORKQUEUES/ktask

cpu() {
	echo "$2" > "/sys/devices/system/cpu/cpu$1/online"
}

# The different lists of CPUs that workers of unbound workqueues may run on.
masks() {
	for task in /proc/[0-9]*; do
		case $(cat "$task/comm" 2>/dev/null) in
		kworker/u*) sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "$task/status" ;;
		esac
	done 2>/dev/null | sort -u | xargs
}

# A worker is done with a helper a moment after the task is.
masks_are() {
	same "masks" "$1" "$(masks)"
}

# Looking at all of them takes a while, too.
masks_become() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		masks_are "$1" > /dev/null && return
		sleep 0.3
	done
	masks_are "$1"
}

# Whether a worker has exactly these CPUs.
held_on() {
	case " $(masks) " in
	*" $1 "*) ;;
	*)
		echo "no worker has the CPUs $1, but: $(masks)"
		return 1
		;;
	esac
}

# held_while NODE CPUS COMMAND...: COMMAND with helpers held on the CPUs of a node.
held_while() {
	control hold_helpers "$1" || return
	on=$2
	shift 2
	held_on "$on" && "$@"
	status=$?
	control release_helpers && return $status
}

keeps_to_node() {
	masks_become 0-7 && held_while 0 0-3 true && masks_become 0-7 &&
		held_while 1 4-7 true && masks_become 0-7
}

# The workqueue gives its workers what CPUs there are when one comes online.
comes_online() {
	cpu 7 0 && cpu 6 0 && cpu 6 1 && masks_become 0-6 &&
		held_while 0 0-3 cpu 7 1 && masks_become 0-7
}

# The CPU is not the workers' any more when they are given their old mask.
goes_offline() {
	held_while 1 4-7 cpu 7 0 && masks_become 0-7 && cpu 7 1 && masks_become 0-7
}

node_goes_offline() {
	cpu 4 0 && cpu 5 0 && cpu 6 0
}

# Without any CPU left the scheduler lets them run anywhere, even where the
# workqueue does not. In a pool of all CPUs, as one of the node alone goes with them.
loses_all_cpus() {
	set_to $OURS/affinity_scope system &&
		set_to $WORKQUEUES/cpumask 7f && masks_become 0-6 &&
		held_while 1 4-6 node_goes_offline && masks_become 0-6
	status=$?
	cpu 4 1
	cpu 5 1
	cpu 6 1
	set_to $OURS/affinity_scope default
	set_to $WORKQUEUES/cpumask ff && masks_become 0-7 && return $status
}

mask_changes() {
	held_while 0 0-3 set_to $WORKQUEUES/cpumask 7f && masks_become 0-6
	status=$?
	set_to $WORKQUEUES/cpumask ff && masks_become 0-7 && return $status
}

# Nothing may be left of many tasks at once while CPUs come and go, nor of those after the last one came:
# that would have mended the masks.
random_tasks() {
	run_case p1_p2_p3_p7_p8_random 3000 &
	busy=$!
	while kill -0 $busy 2>/dev/null; do
		cpu 7 0 && cpu 3 0 && cpu 3 1 && cpu 7 1 || return
	done
	wait $busy && run_case p1_p2_p3_p7_p8_random 300 && masks_become 0-7
}

load
check "p13: helpers keep to their node" keeps_to_node
check "p13: a CPU comes online meanwhile" comes_online
check "p13: a CPU goes offline meanwhile" goes_offline
check "p13: all CPUs of the node go offline meanwhile" loses_all_cpus
check "p13: the cpumask of workqueues changes meanwhile" mask_changes
check "p13: random tasks while CPUs come and go" random_tasks
unload
