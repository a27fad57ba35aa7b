# SPDX-License-Identifier: GPL-2.0
# P18: lockdep's view of tasks. ORDER is the order of locks that it must report;
# after that lockdep is off, so there is only one to a boot.

lockdep_is_on() {
	grep -q 'debug_locks: *1' /proc/lockdep_stats
}

correct_is_silent() {
	insmod ktask_test_lockdep.ko && rmmod ktask_test_lockdep && lockdep_is_on
}

# The report names the task's thread function, and the lock.
reported() {
	insmod "$1" ${2:+order=$2} || return
	if lockdep_is_on; then
		echo "lockdep has nothing to say"
		return 1
	fi
	dmesg | grep -q 'possible circular locking dependency' &&
		dmesg | grep 'ktask_run.*, at: ' | grep "\[${1%.ko}\]"
}

if [ -e /proc/lockdep_stats ]; then
	insmod ktask_rs.ko
	check "p18: correct nesting is silent" correct_is_silent
	case $ORDER in
	rust) check "p18: reported in Rust" reported ktask_test_lockdep_rust.ko ;;
	*) check "p18: reported: $ORDER" reported ktask_test_lockdep.ko "$ORDER" ;;
	esac
else
	skip "p18: lockdep" "the kernel is built without lockdep"
fi
