# SPDX-License-Identifier: GPL-2.0
# Energy-saving cpufreq governors, for the suites that turn them. The driver is ktask_cpufreq, a
# module of the tests; governors that are modules are loaded from the files that the guest was given.

CPUFREQ=/sys/devices/system/cpu/cpufreq

# governor CPU NAME
governor() {
	set_to "$CPUFREQ/policy$1/scaling_governor" "$2" &&
		same "governor of CPU $1" "$2" "$(cat "$CPUFREQ/policy$1/scaling_governor")"
}

# Loads the driver, with "performance" everywhere.
load_driver() {
	insmod ktask_cpufreq.ko "$@" || return
	for policy in "$CPUFREQ"/policy*; do
		governor "${policy##*/policy}" performance || return
	done
}

# with_driver PARAMETERS COMMAND...: COMMAND while the driver is loaded.
with_driver() {
	# shellcheck disable=SC2086 # several words
	load_driver $1 && shift && "$@"
	result=$?
	rmmod ktask_cpufreq && return $result
}

# governor_available NAME
governor_available() {
	if [ -e "cpufreq_$1.ko" ] && ! grep -q "^cpufreq_$1 " /proc/modules; then
		insmod "cpufreq_$1.ko" || return
	fi
	insmod ktask_cpufreq.ko || return
	grep -qw "$1" "$CPUFREQ/policy0/scaling_available_governors"
	status=$?
	rmmod ktask_cpufreq && return $status
}

# no_governors: whether there is none to be turned, and prints why.
no_governors() {
	if [ ! -e ktask_cpufreq.ko ]; then
		echo "the kernel has no cpufreq"
	elif [ -e "$CPUFREQ/policy0" ]; then
		echo "the guest has a cpufreq driver of its own"
	elif ! governor_available powersave || ! governor_available conservative; then
		echo "the kernel lacks powersave or conservative"
	else
		return 1
	fi
}
