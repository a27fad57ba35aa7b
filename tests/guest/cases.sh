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
	run_case p1_p2_p3_p7_p8_random $((${TASKS:-5000} * 11 / 10)) &&
		at_least "tasks" "${TASKS:-5000}" "$(stat tasks)" &&
		same "helpers left" 0 "$(helpers_now)"
}

check "client written for v4 works unchanged" with_ktask ktask_v4_example.ko
check "rust interface" with_ktask ktask_test_rust.ko
load
check "p1 p2 p3 p7 p8: ${TASKS:-5000} random tasks" random_tasks
for name in "$CASES"/p*; do
	name=$(basename "$name")
	case $name in
	p1_p2_* | p10_*) continue ;;
	esac
	check "$name" run_case "$name"
done
check "nodes_can_be_used_again" run_case nodes_can_be_used_again
unload

insmod ktask_test_serial.ko
CASES=$DEBUGFS/ktask_test_serial
for name in "$CASES"/*; do
	name=$(basename "$name")
	check "without ktask: $name" run_case "$name" 2000
done
CASES=$DEBUGFS/ktask_test
rmmod ktask_test_serial
