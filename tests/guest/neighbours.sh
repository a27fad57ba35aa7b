# SPDX-License-Identifier: GPL-2.0
# P18b: what one task does takes nothing from others but the helpers that are working for it.

# As many helpers exist.
slots() {
	last=$(cat /sys/devices/system/cpu/possible)
	echo $((2 * (${last##*[-,]} + 1)))
}

no_helpers() {
	[ "$(helpers_now)" = 0 ]
}

# callers_stay KIND: enough of them to use up all helpers that exist, one after the other.
callers_stay() {
	before=$(stat helpers_started)
	for _ in $(seq 1 "$(slots)"); do
		control neighbour_start "$1" && until_so 60 no_helpers || return
	done
	# Or it would prove nothing.
	at_least "started for those who stay" $((before + 1)) "$(stat helpers_started)"
}

# The threads of a task that may have 8 while nothing else runs.
threads_alone() {
	threads=$(($(cat "$KTASK"/rlim_max) + 1))
	for most in 8 "$(online_cpus)"; do
		[ "$threads" -gt "$most" ] && threads=$most
	done
	echo "$threads"
}

# others_have_helpers KIND: when all those callers have nothing but helpers that have ended.
others_have_helpers() {
	threads=$(threads_alone)
	callers_stay "$1" && before=$(stat helpers_started) && control threads_are "$threads" &&
		at_least "started" $((before + threads - 1)) "$(stat helpers_started)"
	status=$?
	control neighbours_release && return $status
}

# Limits that nothing else needs.
raise_limits() {
	for file in "$KTASK"/rlim_max "$KTASK"/node*/rlim_max; do
		set_to "$file" "$1" || return
	done
}

# With limits above all there is, a caller either has its helpers or is counted.
lack_of_helpers_is_counted() {
	each=$(($(online_cpus) - 1))
	[ $each -gt 3 ] && each=3
	wanted=0
	before=$(stat helpers_unavailable)
	raise_limits 1000
	until [ $wanted -gt "$(slots)" ]; do
		control neighbour_start 2 || break
		wanted=$((wanted + each))
	done
	cur=$(cat "$KTASK"/rlim_cur)
	[ "$wanted" -gt "$(slots)" ] && { [ "$cur" -ge $wanted ] ||
		at_least "unavailable" $((before + 1)) "$(stat helpers_unavailable)"; }
	status=$?
	control neighbours_release && raise_limits auto && same "helpers left" 0 "$(helpers_now)" &&
		return $status
}

if [ "$(online_cpus)" -eq 1 ]; then
	skip "p18: helpers of other tasks" "there are none with one CPU"
else
	load
	check "p18: others have helpers while callers sleep in a chunk" others_have_helpers 0
	check "p18: others have helpers while callers undo" others_have_helpers 1
	check "p18: no helper was lacking" same "helpers_unavailable" 0 "$(stat helpers_unavailable)"
	check "p23: a lack of helpers is counted" lack_of_helpers_is_counted
	unload
fi
