# SPDX-License-Identifier: GPL-2.0
# What the administrator sets for workqueues counts for helpers too. For guests
# of two nodes of four CPUs.

WORKQUEUES=/sys/devices/virtual/workqueue
OURS=$WORKQUEUES/ktask
SCOPE=/sys/module/workqueue/parameters/default_affinity_scope

# helpers_only_on NODE MASK: for tasks on that node, once in 10 of them.
helpers_only_on() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		control helpers_only_on $((($1 << 32) + $2)) || return
	done
}

limits_are() {
	same "rlim_max" "$1" "$(cat "$KTASK"/rlim_max)" &&
		same "node0/rlim_max" "$2" "$(cat "$KTASK"/node0/rlim_max)" &&
		same "node1/rlim_max" "$3" "$(cat "$KTASK"/node1/rlim_max)"
}

# Runs tasks until the limits are what they should be; that takes a second for
# each CPU that may have to be tried again.
limits_become() {
	for _ in $(seq 1 40); do
		control run_on_all_nodes 8 || return
		limits_are "$@" > /dev/null && return
		sleep 0.3
	done
	limits_are "$@"
}

# scope SCOPE: helpers of the default scope keep to their node, strictly, and work
# is done exactly once.
scope() {
	set_to $SCOPE "$1" && same "scope" "default ($1)" "$(cat $OURS/affinity_scope)" &&
		run_case p1_p2_p3_p7_p8_random 1000 || return
	set_to $OURS/affinity_strict 1
	# The pool of the scope "system" is all CPUs.
	if [ "$1" = system ]; then
		helpers_only_on 0 $((0xff))
	else
		helpers_only_on 0 $((0x0f)) && helpers_only_on 1 $((0xf0))
	fi && run_case p1_p2_p3_p7_p8_random 1000 && same "helpers left" 0 "$(helpers_now)"
	status=$?
	set_to $OURS/affinity_strict 0 && return $status
}

# narrowed FILE STRICT: to two CPUs of node 0 and one of node 1, and back.
narrowed() {
	before=$(cat "$1")
	set_to $OURS/affinity_strict "$2" && set_to "$1" 13 && keeps_to_narrowed_mask
	status=$?
	set_to "$1" "$before"
	run_case p1_p2_p3_p7_p8_random 1000 && limits_become 6 3 3 || status=1
	set_to $OURS/affinity_strict 0 && return $status
}

keeps_to_narrowed_mask() {
	helpers_only_on 0 $((0x13)) && helpers_only_on 1 $((0x13)) &&
		run_case p1_p2_p3_p7_p8_random 1000 && limits_become 2 1 0 &&
		same "helpers left" 0 "$(helpers_now)"
}

# Once it is known which CPUs are left, helpers are not queued for others, but for a
# try now and then; by chance it would be five of eight.
few_helpers_are_displaced() {
	set_to $WORKQUEUES/cpumask 13 && limits_become 2 1 0 && few_of_many_are_displaced
	status=$?
	set_to $WORKQUEUES/cpumask ff
	limits_become 6 3 3 && return $status
}

few_of_many_are_displaced() {
	before=$(stat helpers_displaced)
	started=$(stat helpers_started)
	for _ in $(seq 1 20); do
		control run_on_all_nodes 8 || break
	done
	displaced=$(($(stat helpers_displaced) - before))
	started=$(($(stat helpers_started) - started))
	at_least "started" 20 $started && at_least "half of them" $((displaced * 2)) $started
}

# With one CPU there is no helper, and so nobody to find out that there are more.
one_cpu() {
	set_to $OURS/cpumask 1 && limits_become 0 0 0
	status=$?
	set_to $OURS/cpumask ff && limits_become 6 3 3 && return $status
}

workers_nice() {
	set_to $OURS/nice 5 && same "nice" 5 "$(cat $OURS/nice)" && run_case p13_p14_nice 5
	status=$?
	set_to $OURS/nice 0 && return $status
}

# random_tasks_until FILE: until there is FILE
random_tasks_until() {
	until [ -e "$1" ]; do
		run_case p1_p2_p3_p7_p8_random 1000 || return
	done
}

# All of it while tasks run.
changes_under_load() {
	rm -f /tmp/enough
	random_tasks_until /tmp/enough &
	status=0
	for round in 0 1 2 3 4; do
		for mask in 13 f0 1 ff; do
			set_to $WORKQUEUES/cpumask $mask || status=1
			set_to $OURS/affinity_strict $((round % 2)) || status=1
			set_to $OURS/cpumask f$((round + 1)) || status=1
			set_to $OURS/nice $((round * 4)) || status=1
			set_to $OURS/affinity_scope cpu || status=1
			set_to $OURS/affinity_scope default || status=1
		done
	done
	touch /tmp/enough
	wait $! || status=1
	set_to $OURS/cpumask ff && set_to $OURS/nice 0 && set_to $OURS/affinity_strict 0
	limits_become 6 3 3 && same "helpers left" 0 "$(helpers_now)" && return $status
}

load
default_scope=$(cat $SCOPE)
for scope in cpu smt cache cache_shard numa system; do
	check "workqueue: affinity scope $scope" scope $scope
done
set_to $SCOPE "$default_scope"
for strict in 0 1; do
	check "workqueue: cpumask of all workqueues, affinity_strict=$strict" \
		narrowed $WORKQUEUES/cpumask $strict
	check "workqueue: ktask's own cpumask, affinity_strict=$strict" \
		narrowed $OURS/cpumask $strict
done
check "workqueue: helpers are queued for the CPUs that are left" few_helpers_are_displaced
check "workqueue: one CPU left, and more again" one_cpu
check "workqueue: nice values of workers" workers_nice
check "workqueue: changes while tasks run" changes_under_load
unload
