# SPDX-License-Identifier: GPL-2.0
# Knobs and module parameters: good values, and bad ones that change nothing.

takes() {
	set_to "$1" "$2" && same "$1" "$2" "$(cat "$1")"
}

refuses_with() {
	refuses "$1" "$2" || return
	error=$(set_to "$1" "$2" 2>&1)
	case $error in
	*"$3"*) ;;
	*) echo "'$2': $error"; return 1 ;;
	esac
}

bad_numbers() {
	for value in abc -1 1.5 0x10 "1 2" 1x " " "$(printf '%070d' 1)"; do
		refuses_with "$1" "$value" "Invalid argument" || return
	done
	for value in 2147483648 99999999999 123456789012345678901234567890; do
		refuses_with "$1" "$value" "out of range" || return
	done
}

default_max_threads() {
	same "max_threads" 4 "$(cat "$KTASK"/max_threads)"
}

limit_returns_to_default() {
	set_to "$KTASK"/rlim_max auto || return
	before=$(cat "$KTASK"/rlim_max)
	takes "$KTASK"/rlim_max 17 && set_to "$KTASK"/rlim_max auto &&
		same "rlim_max" "$before" "$(cat "$KTASK"/rlim_max)"
}

parameter() {
	insmod ktask_rs.ko max_threads=9 &&
		same "max_threads" 9 "$(cat "$KTASK"/max_threads)" && rmmod ktask_rs
}

bad_parameter() {
	if insmod ktask_rs.ko "max_threads=$1" 2>/dev/null; then
		echo "loaded with max_threads=$1"
		rmmod ktask_rs
		return 1
	fi
	[ ! -e "$KTASK" ] || return
	# It was the parameter.
	insmod ktask_rs.ko && rmmod ktask_rs
}

bad_parameter_is_named() {
	bad_parameter 0 && dmesg | grep -q "ktask_rs: max_threads=0 is not in"
}

insmod ktask_rs.ko
check "max_threads is 4 by default" default_max_threads
check "max_threads takes 1" takes "$KTASK"/max_threads 1
check "max_threads takes 64" takes "$KTASK"/max_threads 64
check "max_threads refuses 0" refuses_with "$KTASK"/max_threads 0 "out of range"
for knob in max_threads rlim_max node0/rlim_max; do
	check "$knob refuses what is no number in range" bad_numbers "$KTASK"/$knob
done
check "rlim_max takes 0" takes "$KTASK"/rlim_max 0
check "rlim_max takes a number and auto" limit_returns_to_default
check "rlim_cur cannot be written" refuses "$KTASK"/rlim_cur 1
check "stats cannot be written" refuses "$KTASK"/stats 1
rmmod ktask_rs
check "max_threads as a module parameter" parameter
check "a bad module parameter is named in the log" bad_parameter_is_named
for value in -1 abc 4294967296; do
	check "module parameter max_threads=$value" bad_parameter "$value"
done
