# SPDX-License-Identifier: GPL-2.0
# P15: node ids with a hole. For a guest whose node 1 is possible, but not online.

really_sparse() {
	same "possible nodes" 0-2 "$(cat /sys/devices/system/node/possible)" &&
		same "online nodes" 0,2 "$(cat /sys/devices/system/node/online)"
}

# Helpers are used for work on each node, that in the hole included.
each_node_has_helpers() {
	for nid in 0 1 2; do
		before=$(stat helpers_started)
		control run_on_node $((nid * 1000 + 4)) || return
		at_least "started for node $nid" $((before + 1)) "$(stat helpers_started)" || return
	done
	same "helpers left" 0 "$(helpers_now)"
}

limits_of_nodes() {
	same "node0/rlim_max" 1 "$(cat "$KTASK"/node0/rlim_max)" &&
		same "node1/rlim_max" 0 "$(cat "$KTASK"/node1/rlim_max)" &&
		same "node2/rlim_max" 1 "$(cat "$KTASK"/node2/rlim_max)"
}

load
check "the guest's node ids have a hole" really_sparse
check "p15: limits with a hole in the node ids" limits_of_nodes
check "p15: helpers with a hole in the node ids" each_node_has_helpers
unload
