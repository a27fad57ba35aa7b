# SPDX-License-Identifier: GPL-2.0
# Suspend to RAM while tasks run. The alarm clock wakes the guest up again.

ALARM=/sys/class/rtc/rtc0/wakealarm
TIMEOUT=/sys/power/pm_freeze_timeout

# go_to_sleep [SECONDS]: goes to sleep and wakes up, or fails. An alarm before it sleeps
# would be lost.
go_to_sleep() {
	before=$(cat /sys/power/suspend_stats/success)
	echo 0 > $ALARM && echo "+${1:-12}" > $ALARM || return
	set_to /sys/power/state mem
	status=$?
	echo 0 > $ALARM
	same "suspends" $((before + !status)) "$(cat /sys/power/suspend_stats/success)" &&
		return $status
}

# Nothing of ktask is in use, and all of it can be.
all_is_well() {
	same "helpers left" 0 "$(helpers_now)" && same "rlim_max" 3 "$(cat "$KTASK"/rlim_max)" &&
		run_case p12_thread_count && run_case p1_p2_p3_p7_p8_random 2000
}

idle() {
	go_to_sleep && all_is_well
}

# The thread function sleeps for longer than the kernel would wait for helpers.
kernel_thread_keeps_its_helpers() {
	echo 1000 > $TIMEOUT
	control sleeper_start 1500 && sleep 0.5 && go_to_sleep
	status=$?
	echo 20000 > $TIMEOUT
	control sleeper_verdict && all_is_well && return $status
}

# Until the module of the tests is unloaded.
busy_kernel_threads() {
	control start_background && go_to_sleep && go_to_sleep || return
	before=$(stat tasks)
	run_case p1_p2_p3_p7_p8_random 2000 || return
	at_least "tasks" $((before + 1500)) "$(stat tasks)"
}

counters_idle() {
	same "helpers left" 0 "$(helpers_now)"
}

# A caller from user space is frozen after the call only.
user_is_waited_for() {
	control sleeper_run 1000 &
	sleep 0.5
	go_to_sleep 25
	status=$?
	wait $!
	control sleeper_verdict && all_is_well && return $status
}

user_takes_too_long() {
	echo 1000 > $TIMEOUT
	control sleeper_run 1500 &
	sleep 0.5
	refused=$(cat /sys/power/suspend_stats/failed_freeze)
	if go_to_sleep; then
		echo "suspended under a task"
		status=1
	else
		same "refused" $((refused + 1)) "$(cat /sys/power/suspend_stats/failed_freeze)"
		status=$?
	fi
	echo 20000 > $TIMEOUT
	wait $!
	control sleeper_verdict && all_is_well && return $status
}

if ! grep -qw mem /sys/power/state || ! [ -e $ALARM ]; then
	skip "suspend" "the guest cannot suspend or not wake up"
else
	load
	check "suspend: nothing runs" idle
	check "suspend: a kernel thread's task and its helpers go on afterwards" \
		kernel_thread_keeps_its_helpers
	check "suspend: waits for the task of a user process" user_is_waited_for
	check "suspend: refused while a user process's task takes too long" user_takes_too_long
	check "suspend: tasks of kernel threads one after the other" busy_kernel_threads
	rmmod ktask_test
	check "p11: counters are 0 after suspends" counters_idle
	rmmod ktask_rs
fi
