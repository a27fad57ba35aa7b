# SPDX-License-Identifier: GPL-2.0
# Resource limits: P10, P11, and P15 as far as they follow the CPUs.

default_limits() {
	same "rlim_max" $(($(online_cpus) * 80 / 100)) "$(cat "$KTASK"/rlim_max)" || return
	for dir in "$KTASK"/node*; do
		nid=${dir##*/node}
		same "node$nid/rlim_max" $(($(node_cpus "$nid") * 80 / 100)) \
			"$(cat "$dir/rlim_max")" || return
	done
}

limits_follow_hotplug() {
	last=$(($(online_cpus) - 1))
	echo 0 > /sys/devices/system/cpu/cpu$last/online || return
	default_limits
	status=$?
	run_case p12_thread_count || status=1
	echo 1 > /sys/devices/system/cpu/cpu$last/online
	default_limits && return $status
}

# An isolated partition of the last CPU, made and undone while loaded.
limits_follow_isolation() {
	last=$(($(online_cpus) - 1))
	before=$(cat "$KTASK"/rlim_max)
	isolate $last && same "rlim_max" $((last * 80 / 100)) "$(cat "$KTASK"/rlim_max)"
	status=$?
	control run_on_all_nodes 4 || status=1
	no_longer_isolated || return
	same "rlim_max" "$before" "$(cat "$KTASK"/rlim_max)" && return $status
}

# Helpers are seen on the other CPUs only, and are not even queued for the one that
# is isolated. Looking at the limits would tell ktask of it.
no_helper_on_isolated() {
	last=$(($(online_cpus) - 1))
	isolate $last && tasks_beside $last
	status=$?
	no_longer_isolated && return $status
}

# tasks_beside CPU, for every node
tasks_beside() {
	before=$(stat helpers_displaced)
	for dir in "$KTASK"/node*; do
		for _ in 1 2 3 4 5; do
			control helpers_only_on $(((${dir##*/node} << 32) + (1 << $1) - 1)) || return
		done
	done
	same "helpers queued for it" "$before" "$(stat helpers_displaced)"
}

# The kernel has workqueues use such CPUs again a moment later than others: helpers
# that are queued in between do not mean that the administrator excluded a CPU.
isolation_ends_under_load() {
	last=$(($(online_cpus) - 1))
	for _ in 1 2 3 4; do
		isolate 1-$last || return
		rm -f /tmp/enough
		tasks_until /tmp/enough &
		sleep 0.3
		no_longer_isolated
		status=$?
		touch /tmp/enough
		wait $!
		[ $status -eq 0 ] && default_limits || return
	done
}

# tasks_until FILE: for all nodes, until there is FILE
tasks_until() {
	while [ ! -e "$1" ]; do
		for dir in "$KTASK"/node*; do
			echo $((${dir##*/node} * 1000 + 8)) > "$CONTROLS"/run_on_node
		done
	done
}

helpers_off() {
	set_to "$KTASK"/rlim_max 0
	before=$(queued)
	control threads_are 1
	status=$?
	same "helpers" "$before" "$(queued)" || status=1
	set_to "$KTASK"/rlim_max auto
	return $status
}

never_exceeded() {
	before=$(stat helpers_started)
	run_case p10_global_limit_is_never_exceeded || return
	# Or it would prove nothing.
	at_least "started" $((before + 1)) "$(stat helpers_started)"
}

# Runs a task of 4 threads in a caller that may run on the CPUs of mask $1 only.
queued_when_bound_to() {
	before=$(queued)
	taskset "$1" sh -c 'echo 4 > "$1"' sh "$CONTROLS/run_on_node" || return
	echo $(($(queued) - before))
}

affinity_is_respected() {
	set_to "$KTASK/respect_affinity" 1
	same "helpers of a caller with 1 CPU" 0 "$(queued_when_bound_to 1)" &&
		same "helpers of a caller with 2 CPUs" 1 "$(queued_when_bound_to 3)"
	status=$?
	set_to "$KTASK/respect_affinity" 0
	at_least "helpers without the knob" 2 "$(queued_when_bound_to 1)" && return $status
}

one_chunk_needs_no_helper() {
	before=$(queued)
	run_case p2_smaller_than_min_is_one_chunk && same "helpers" "$before" "$(queued)"
}

lowered_limit() {
	set_to "$KTASK"/rlim_max 1
	before=$(queued)
	control run_on_node 4
	status=$?
	same "helpers" $((before + 1)) "$(queued)" || status=1
	run_case p10_global_limit_is_never_exceeded 1 || status=1
	set_to "$KTASK"/rlim_max auto
	return $status
}

# The counters of the machine and of each node, read while callers are busy.
counters_stay_below() {
	control start_background
	run_case p10_global_limit_is_never_exceeded &
	busy=$!
	samples=0
	while kill -0 $busy 2>/dev/null || [ $samples -lt 300 ]; do
		for file in "$KTASK"/rlim_cur "$KTASK"/node*/rlim_cur; do
			read -r cur < "$file"
			read -r max < "${file%cur}max"
			if [ "$cur" -gt "$max" ]; then
				echo "$file is $cur, the limit is $max"
				return 1
			fi
		done
		samples=$((samples + 1))
	done
	wait $busy
}

# With a task of up to four threads on node 0, all that does not fit there spills.
full_node_spills() {
	limit=$(cat "$KTASK"/node0/rlim_max)
	helpers=$(cat "$KTASK"/rlim_max)
	[ "$helpers" -gt 3 ] && helpers=3
	spill=$((helpers - limit))
	[ "$spill" -lt 0 ] && spill=0
	before=$(stat helpers_spilled)
	control threads_on_node $((helpers + 1)) || return
	same "spilled" $((before + spill)) "$(stat helpers_spilled)" || return

	set_to "$KTASK"/node0/rlim_max 0
	before=$(stat helpers_spilled)
	control threads_on_node $((helpers + 1))
	status=$?
	same "spilled from a node without room" $((before + helpers)) \
		"$(stat helpers_spilled)" || status=1
	set_to "$KTASK"/node0/rlim_max auto
	return $status
}

helpers_migrate() {
	for file in "$KTASK"/rlim_max "$KTASK"/node*/rlim_max; do
		set_to "$file" 8
	done
	before=$(stat helpers_migrated)
	for _ in 1 2 3 4 5; do
		control run_on_all_nodes 4 || return
	done
	at_least "migrated" $((before + 1)) "$(stat helpers_migrated)"
	status=$?
	for file in "$KTASK"/rlim_max "$KTASK"/node*/rlim_max; do
		set_to "$file" auto
	done
	same "helpers left" 0 "$(helpers_now)" && return $status
}

counters_idle() {
	same "helpers left" 0 "$(helpers_now)"
}

nodes_with_cpus() {
	count=0
	for dir in "$KTASK"/node*; do
		[ "$(node_cpus "${dir##*/node}")" -gt 0 ] && count=$((count + 1))
	done
	echo $count
}

# Helpers for a node without CPUs run on another one.
node_without_cpus() {
	before=$(stat helpers_started)
	control run_on_node $(($1 * 1000 + 4)) || return
	same "node$1/rlim_max" 0 "$(cat "$KTASK/node$1/rlim_max")" || return
	at_least "started" $((before + 1)) "$(stat helpers_started)"
}

# Room on a node without CPUs is no room: helpers still run where there are some.
no_room_without_cpus() {
	set_to "$KTASK/node$1/rlim_max" 8
	set_to "$KTASK/node0/rlim_max" 0
	before=$(queued)
	control run_on_node 4
	status=$?
	at_least "queued" $((before + 1)) "$(queued)" || status=1
	set_to "$KTASK/node$1/rlim_max" auto
	set_to "$KTASK/node0/rlim_max" auto
	return $status
}

load
check "p10: limits are 80% of the online CPUs" default_limits
check "p12: no helper for a task of one chunk" one_chunk_needs_no_helper
check "p10: helpers are off with a limit of 0" helpers_off
if [ "$(online_cpus)" -gt 1 ]; then
	check "p10: the limit in force is never exceeded" never_exceeded
	check "p10 p11: a lowered limit is kept" lowered_limit
	[ "$(online_cpus)" -gt 3 ] &&
		check "p12: threads keep to the caller's CPUs if told so" affinity_is_respected
	check "p11: a full node's helpers run anywhere" full_node_spills
	check "p15: limits follow CPU hotplug" limits_follow_hotplug
	check "p15: limits follow cpuset isolation" limits_follow_isolation
	[ "$(online_cpus)" -gt 2 ] &&
		check "p15: no helper on a CPU that becomes isolated" no_helper_on_isolated
	check "p15: limits follow isolation that ends under load" isolation_ends_under_load
	for dir in "$KTASK"/node*; do
		nid=${dir##*/node}
		[ "$(node_cpus "$nid")" -eq 0 ] || continue
		check "p15: helpers for node $nid, which has no CPUs" node_without_cpus "$nid"
		check "p11: room on node $nid, which has no CPUs" no_room_without_cpus "$nid"
	done
fi
if [ "$(nodes_with_cpus)" -gt 1 ] && [ "$(online_cpus)" -gt 3 ]; then
	check "helpers move to the node with the most work left" helpers_migrate
fi
check "p10: no counter ever exceeds its limit" counters_stay_below
rmmod ktask_test
check "p11: counters are 0 when idle" counters_idle
rmmod ktask_rs
