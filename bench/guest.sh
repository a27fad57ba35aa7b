#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs in the guest: makes each measurement once a round, in another order each
# round, and tells what came out, line by line:
#
#	guest NAME VALUE
#	sample ROUND NAME=VALUE...
#	result NAME=VALUE...
#	thread NAME=VALUE...		for each thread that took part
#	caller NAME=VALUE...		for each of several callers
#	mark NAME=VALUE			for each change in the middle
#	chunk NAME=VALUE...		for each chunk, if they are logged
#
# usage: guest.sh ROUNDS MEASUREMENT...
# A measurement is what ktask_bench is to be told, with commas between, or
# knob:NAME=VALUE, which sets one of ktask's knobs. One that begins with lower=N
# or unplug=N has something change in the middle: see lower() and unplug(). One
# that begins with without=N is made while ktask's workqueue may not use CPU N.

DEBUGFS=/sys/kernel/debug
BENCH=$DEBUGFS/ktask_bench

# The limit on helpers is N for a while.
lower() {
	sleep 0.05
	echo "$1" > $DEBUGFS/ktask/rlim_max && echo > $BENCH/mark || return
	sleep 0.1
	echo auto > $DEBUGFS/ktask/rlim_max && echo > $BENCH/mark
}

# CPU N is offline for a while.
unplug() {
	cpu=/sys/devices/system/cpu/cpu$1/online
	sleep 0.1
	echo 0 > "$cpu" && echo > $BENCH/mark || return
	sleep 0.1
	echo 1 > "$cpu" && echo > $BENCH/mark
}

# mask VALUE: the CPUs that ktask's workqueue may use; helpers of a few tasks find out.
mask() {
	printf '%x\n' "$1" > /sys/devices/virtual/workqueue/ktask/cpumask || exit
	for _ in 1 2 3 4 5 6; do
		echo "peer=ktask threads=4 work=doze ms=5 units=16" > $BENCH/run || exit
	done
}

measure() {
	change=
	all=$(((1 << $(nproc)) - 1))
	settings=$(echo "$2" | tr , ' ')
	case $settings in
	lower=* | unplug=*)
		change=${settings%% *}
		settings=${settings#* }
		;;
	without=*)
		without=${settings%% *}
		mask $((all & ~(1 << ${without#*=})))
		measure "$1" "${2#*,}" "$without"
		mask $all
		return
		;;
	esac
	# What the last one leaves behind, such as a workqueue that is being taken down, is gone then.
	sleep 0.05
	[ ! "$change" ] || "${change%=*}" "${change#*=}" &
	if ! echo "$settings" > $BENCH/run; then
		echo "ktask_bench refused '$settings'"
		exit 1
	fi
	if ! wait $!; then
		echo "$change failed"
		exit 1
	fi
	echo "sample $1 $change $3 $settings"
	cat $BENCH/result
}

turn() {
	echo "${1#*=}" > "$DEBUGFS/ktask/${1%%=*}" || exit
}

rounds=$1
shift
# The kernel has work of its own for a second after its boot, which would slow the calibration down.
sleep 3
for module in ktask_rs ktask_bench; do
	insmod "$module.ko" || exit
done
echo "guest kernel $(uname -r)"
echo "guest cpu $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)"
echo "guest tsc_khz $(cat $BENCH/tsc_khz)"
echo "guest loops_per_ms $(cat $BENCH/loops_per_ms)"

round=1
while [ "$round" -le "$rounds" ]; do
	for item; do
		case $item in
		knob:*) turn "${item#knob:}" ;;
		*) measure "$round" "$item" ;;
		esac
	done
	# Nobody is always the first, or always comes after the same other.
	first=$1
	shift
	turned=
	for item in "$@" "$first"; do
		turned="$item $turned"
	done
	# shellcheck disable=SC2086 # no measurement has a blank in it
	set -- $turned
	round=$((round + 1))
done
echo "guest done $rounds"
