# SPDX-License-Identifier: GPL-2.0
# The cases of the test modules. TASKS is how many random tasks to run.

with_ktask() {
	insmod ktask_rs.ko || return
	insmod "$1" && rmmod "$(basename "$1" .ko)"
	status=$?
	rmmod ktask_rs && return "$status"
}

# Some random tasks are empty, and so not counted.
random_tasks() {
	before=$(stat tasks)
	run_case p1_p2_p3_p7_p8_random $((${TASKS:-5000} * 6 / 5)) &&
		at_least "tasks" $((before + ${TASKS:-5000})) "$(stat tasks)" &&
		same "helpers left" 0 "$(helpers_now)"
}

counts() {
	echo "$(stat tasks) $(stat chunks) $(stat units) $(stat failed_tasks)"
}

# Five tasks of five units, one of which fails.
one_chunk_is_counted() {
	# shellcheck disable=SC2046 # four numbers
	set -- $(counts)
	run_case one_chunk_however_called &&
		same "tasks, chunks, units, failed" \
			"$(($1 + 5)) $(($2 + 5)) $(($3 + 25)) $(($4 + 1))" "$(counts)"
}

not_waited_for() {
	cancelled=$(stat helpers_cancelled)
	run_case p4_helpers_that_cannot_start || return
	# Not all of about 50 on each CPU: the kernel grants normal threads some time next to the hogs.
	at_least "cancelled" $((cancelled + 30)) "$(stat helpers_cancelled)"
}

# killed_caller KILLABLE
killed_caller() {
	sh -c 'echo "$1" > "$2"' sh "$1" "$CONTROLS/killed_caller" &
	sleep 0.5
	kill -9 $!
	# Cases run one after the other, so this waits for the task to end.
	control killed_verdict "$1"
}

# The caller and its helpers: 12 chunks of 1.2 s.
sleeping_thread_functions() {
	control sleeper_run 1200 && control sleeper_verdict &&
		same "helpers left" 0 "$(helpers_now)"
}

check "client written for v4 works unchanged" with_ktask ktask_v4_example.ko
check "rust interface" with_ktask ktask_test_rust.ko
load
check "p1 p2 p3 p7 p8: ${TASKS:-5000} random tasks" random_tasks
check "tasks of one chunk are counted" one_chunk_is_counted
for name in "$CASES"/*; do
	name=$(basename "$name")
	check "$name" run_case "$name"
done
check "a killed caller of a task that can be stopped" killed_caller 1
check "a killed caller that is in a chunk" killed_caller 2
check "a killed caller of a walk" killed_caller 3
check "a killed caller of any other task" killed_caller 0
[ "$(online_cpus)" -gt 1 ] &&
	check "p9: thread functions that sleep for seconds" sleeping_thread_functions
[ "$(online_cpus)" -gt 1 ] &&
	check "p4: a helper that cannot start is not waited for" not_waited_for
unload

insmod ktask_test_serial.ko
CASES=$DEBUGFS/ktask_test_serial/cases
for name in "$CASES"/*; do
	name=$(basename "$name")
	check "without ktask: $name" run_case "$name"
done
CASES=$DEBUGFS/ktask_test/cases
rmmod ktask_test_serial
