# SPDX-License-Identifier: GPL-2.0
# The torture test, while knobs are turned, consumers come and go, memory runs
# short and, where the kernel can do that, allocations fail.
#
# DURATION  seconds
# SEED      of the random tasks
# TORTURE   parameters of ktask_torture, as in "nthreads=8 onoff_interval=2"
# ISOLATE   1 if CPUs are to be isolated too
# FAULTS    1 if allocations are to fail, in a kernel that can do that

DURATION=${DURATION:-60}
ISOLATE=${ISOLATE:-}
FAULTS=${FAULTS:-}
NOTES=/tmp/torture
WQ=/sys/devices/virtual/workqueue/ktask
QUIET=/sys/module/ktask_torture/parameters/quiet
BALLAST=/tmp/ballast
# Megabytes that are left when memory runs short.
LEFT_OVER=96

# Whether the jobs below are to go on.
busy() {
	[ ! -e $NOTES/stop ]
}

# What went wrong, for the verdict of one of the jobs below.
note() {
	echo "$2" >> $NOTES/"$1"
}

knob() {
	set_to "$1" "$2" 2> /dev/null || note knobs "$1 did not take $2"
}

# Limits at random, never above what it was to begin with: so no
# counter may ever be above that either.
turn_limit() {
	for dir in "$KTASK" "$KTASK"/node*; do
		[ "$(below 3)" = 0 ] || continue
		value=$(below $(($(cat "$NOTES/limits/$(basename "$dir")") + 1)))
		[ "$(below 2)" = 0 ] && value=auto
		knob "$dir/rlim_max" "$value"
	done
}

# Attributes of the workqueue; changing them takes memory, which may be short.
turn_workqueue() {
	case $(below 3) in
	0) file=cpumask value=$(printf '%x' $(($(below 15) + 1))) ;;
	1) file=affinity_strict value=$(below 2) ;;
	2)
		set -- cpu smt cache cache_shard numa system
		shift "$(below 6)"
		file=affinity_scope value=$1
		;;
	esac
	set_to "$WQ/$file" "$value" 2> /dev/null && note turned workqueue
}

# A CPU that is isolated for a moment, if it is online.
turn_isolation() {
	[ -n "$ISOLATE" ] && [ "$CPUS" -gt 1 ] || return
	group=/sys/fs/cgroup/torture
	mkdir -p $group
	{
		echo $(($(below $((CPUS - 1))) + 1)) > $group/cpuset.cpus
		echo isolated > $group/cpuset.cpus.partition
		[ "$(cat $group/cpuset.cpus.partition)" = isolated ] && note turned isolation
		sleep 0.1
		echo member > $group/cpuset.cpus.partition
	} 2> /dev/null
}

# What has to be so for helpers to be there: nothing that was turned is left. Attributes of the
# workqueue take memory, and CPUs that have been offline or left out may not be known to be back.
all_as_it_was() {
	knob "$KTASK/power_aware" 1
	knob "$KTASK/respect_affinity" 0
	for file in "$KTASK"/rlim_max "$KTASK"/node*/rlim_max; do
		knob "$file" auto
	done
	set_to "$WQ/cpumask" "$WQ_CPUMASK" && set_to "$WQ/affinity_strict" 0 &&
		[ "$(cat "$KTASK/rlim_max")" -gt 0 ]
} 2> /dev/null

quiet_is() {
	[ "$(cat $QUIET)" = "$1" ] || ! busy
}

# The module checks, while nothing is turned, that tasks get helpers and share them.
quiet() {
	set_to $QUIET 1
	until quiet_is 2; do sleep 0.1; done
	if all_as_it_was; then
		set_to $QUIET 3
		until quiet_is 0; do sleep 0.1; done
		note turned quiet
	else
		set_to $QUIET 0
	fi
}

turn_knobs() {
	echo +cpuset > /sys/fs/cgroup/cgroup.subtree_control
	turn_isolation
	turn_workqueue
	quiet
	while busy; do
		case $(below 8) in
		0) knob "$KTASK/max_threads" $((1 + $(below 16))) ;;
		1) knob "$KTASK/power_aware" "$(below 2)" ;;
		2) knob "$KTASK/respect_affinity" "$(below 2)" ;;
		3) turn_isolation ;;
		4) turn_workqueue ;;
		*) turn_limit ;;
		esac
		[ "$(below 64)" != 0 ] || quiet
		sleep 0.0"$(below 10)"
	done
}

watch_limits() {
	while busy; do
		for dir in "$KTASK" "$KTASK"/node*; do
			read -r cur < "$dir/rlim_cur"
			read -r max < "$NOTES/limits/$(basename "$dir")"
			[ "$cur" -le "$max" ] || note counters "$dir/rlim_cur: $cur, never above $max"
		done
		sleep 0.01
	done
}

# Loading fails where there is no memory; what is loaded must do its work.
come_and_go() {
	while busy; do
		insmod ktask_v4_example.ko 2> /dev/null && rmmod ktask_v4_example &&
			note turned consumers
		sleep 0.2
	done
}

free_mib() {
	echo $(($(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024))
}

# In small steps, so that it can end soon on a slow machine.
use_up_memory() {
	while busy; do
		step=0
		while busy && [ "$(free_mib)" -gt $((LEFT_OVER + 32)) ]; do
			dd if=/dev/zero of=$BALLAST/$step bs=1M count=32 2> /dev/null &&
				note turned memory
			step=$((step + 1))
		done
		sleep 0.5
		rm -f $BALLAST/*
		sleep 2
	done
}

# Some allocations of callers, and of whatever loads and unloads consumers, fail.
fail_allocations() {
	for fault in failslab fail_page_alloc; do
		[ -d "$DEBUGFS/$fault" ] || continue
		echo Y > "$DEBUGFS/$fault/task-filter"
		echo N > "$DEBUGFS/$fault/ignore-gfp-wait"
		echo 0 > "$DEBUGFS/$fault/verbose"
		echo -1 > "$DEBUGFS/$fault/times"
		echo 10 > "$DEBUGFS/$fault/probability"
	done
	echo 0 > "$DEBUGFS/fail_page_alloc/min-order"
	for process in "$1" $(pidof_torture); do
		echo 1 > "/proc/$process/make-it-fail"
	done
} 2> /dev/null

pidof_torture() {
	for comm in /proc/[0-9]*/comm; do
		grep -q ^ktask_torture "$comm" 2> /dev/null && basename "${comm%/comm}"
	done
}

# What ktask_torture says, as it says it, to the end.
show_progress() {
	# shellcheck disable=SC2002 # a shell reads byte by byte, and /dev/kmsg gives whole lines
	cat /dev/kmsg | while read -r line; do
		case $line in
		*";ktask_torture: "*) echo "# ${line#*;}" ;;
		esac
		case $line in
		*"End of test"*) return ;;
		esac
	done
}

said() {
	dmesg | grep -q "ktask_torture: $1"
}

# The module ends the test by itself; a minute more is for tasks that stall, and emulation.
wait_for_end() {
	seconds=0
	until said "End of test"; do
		[ $seconds -lt $((DURATION * 2 + 120)) ] || return 1
		sleep 1
		seconds=$((seconds + 1))
	done
}

start_job() {
	"$@" &
	jobs="$jobs $!"
}

stop_jobs() {
	touch $NOTES/stop
	# With every tenth allocation failing, a command that loads a module hardly ever ends.
	for fault in ${FAULTS:+failslab fail_page_alloc}; do
		echo 0 > "$DEBUGFS/$fault/probability"
	done
	# shellcheck disable=SC2086 # several numbers
	wait $jobs
	for file in "$KTASK"/rlim_max "$KTASK"/node*/rlim_max; do
		set_to "$file" auto
	done
}

nothing_noted() {
	[ ! -e $NOTES/"$1" ] || ! sort $NOTES/"$1" | uniq -c
}

success() {
	said "End of test: SUCCESS" || ! dmesg | grep ktask_torture
}

# Or it would prove nothing.
helpers_took_part() {
	[ "$CPUS" -eq 1 ] || at_least "helpers" "$DURATION" "$(stat helpers_started)"
}

# What could be had at least once of that which is not always to be had.
turned() {
	for what in consumers memory workqueue; do
		grep -q $what $NOTES/turned || { echo "never turned: $what"; return 1; }
	done
	[ -z "$ISOLATE" ] || grep -q isolation $NOTES/turned || return
	[ "$CPUS" -eq 1 ] || grep -q quiet $NOTES/turned
}

counters_idle() {
	same "helpers left" 0 "$(helpers_now)"
}

CPUS=$(online_cpus)
mkdir -p "$NOTES/limits" $BALLAST
mount -t ramfs none $BALLAST
insmod ktask_rs.ko || exit
for dir in "$KTASK" "$KTASK"/node*; do
	cat "$dir/rlim_max" > "$NOTES/limits/$(basename "$dir")"
done
WQ_CPUMASK=$(cat $WQ/cpumask)
show_progress &
# shellcheck disable=SC2086 # several parameters
insmod ktask_torture.ko seed="${SEED:-0}" $TORTURE duration="$DURATION" || exit
jobs=
start_job turn_knobs
start_job watch_limits
start_job come_and_go
[ -z "$FAULTS" ] || fail_allocations $!
start_job use_up_memory
if ! wait_for_end; then
	# Nothing that waits for a task would end either.
	check "torture: ends after $DURATION seconds" success
	return
fi
stop_jobs
check "torture: $DURATION seconds" success
check "p10: no counter was above its limit" nothing_noted counters
check "knobs could be turned" nothing_noted knobs
check "helpers took part" helpers_took_part
check "consumers, CPUs and memory came and went" turned
check "p11: counters are 0 when idle" counters_idle
check "p17: can be unloaded" rmmod ktask_torture ktask_rs
