# SPDX-License-Identifier: GPL-2.0
# P15: CPUs and whole nodes that come and go. For the guest of 2 nodes of 2 CPUs.

cpu() {
	echo "$2" > "/sys/devices/system/cpu/cpu$1/online"
}

# Random tasks while CPUs go off and on, among them all of node 1.
tasks_while_cpus_come_and_go() {
	run_case p1_p2_p3_p7_p8_random 20000 &
	busy=$!
	rounds=0
	while kill -0 $busy 2>/dev/null; do
		cpu 3 0 && cpu 1 0 && cpu 2 0 && cpu 1 1 && cpu 2 1 && cpu 3 1 || return
		rounds=$((rounds + 1))
	done
	wait $busy || return
	at_least "rounds" 2 $rounds && same "helpers left" 0 "$(helpers_now)"
}

limits_after() {
	same "rlim_max" "$1" "$(cat "$KTASK"/rlim_max)" &&
		same "node1/rlim_max" "$2" "$(cat "$KTASK"/node1/rlim_max)"
}

# A node that loses all its CPUs is served by the other one, until it has some again.
node_goes_and_comes() {
	cpu 2 0 && cpu 3 0 && limits_after 1 0 || return
	before=$(stat helpers_started)
	control run_on_node 1004 || return
	at_least "started" $((before + 1)) "$(stat helpers_started)" || return
	cpu 2 1 && limits_after 2 0 && cpu 3 1 && limits_after 3 1 || return
	run_case p12_thread_count
}

# Loaded while the node has no CPU.
node_appears_after_loading() {
	cpu 2 0 && cpu 3 0 || return
	load
	limits_after 1 0
	status=$?
	cpu 2 1 && cpu 3 1 && limits_after 3 1 || status=1
	control run_on_node 1004 || status=1
	return $status
}

load
check "p15: tasks while CPUs come and go" tasks_while_cpus_come_and_go
check "p15: a node without CPUs for a while" node_goes_and_comes
unload
check "p15: a node whose first CPU comes after loading" node_appears_after_loading
unload
