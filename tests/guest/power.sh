# SPDX-License-Identifier: GPL-2.0
# P16: no helpers where an energy-saving cpufreq governor is in use.

KNOB=$KTASK/power_aware
last=$(($(online_cpus) - 1))

task_helpers() {
	before=$(queued)
	control run_on_node 4 && echo $(($(queued) - before))
}

# How helpers are used, once ktask has had time to see a change.
helpers_used() {
	sleep 0.1
	at_least "helpers" 1 "$(task_helpers)"
}

no_helpers() {
	sleep 0.1
	same "helpers" 0 "$(task_helpers)"
}

saves() {
	helpers_used && governor "$last" "$1" && no_helpers &&
		governor "$last" performance && helpers_used
}

saves_on_every_policy() {
	for cpu in $(seq 0 "$last"); do
		governor "$cpu" powersave && no_helpers &&
			governor "$cpu" performance && helpers_used || return
	done
}

# "powersave" stands for the driver's default.
does_not_save() {
	for cpu in $(seq 0 "$last"); do
		governor "$cpu" powersave || return
	done
	helpers_used
}

knob_is() {
	set_to "$KNOB" "$1" && same "power_aware" "$1" "$(cat "$KNOB")"
}

knob_overrides() {
	governor 0 powersave && no_helpers || return
	knob_is 0 && helpers_used
	status=$?
	knob_is 1 && no_helpers && return $status
}

knob_default() {
	same "power_aware" 1 "$(cat "$KNOB")"
}

# knob_refuses VALUE, whatever it is set to
knob_refuses() {
	for old in 0 1; do
		knob_is $old || return
		if set_to "$KNOB" "$1"; then
			echo "power_aware took '$1'"
			return 1
		fi
		same "power_aware" $old "$(cat "$KNOB")" || return
	done
}

driver_goes_away() {
	load_driver && governor 0 powersave && no_helpers
	status=$?
	rmmod ktask_cpufreq && helpers_used && return $status
}

# The policy of an offline CPU is not in use, but it is remembered.
offline_cpu() {
	governor "$last" powersave && no_helpers || return
	set_to "/sys/devices/system/cpu/cpu$last/online" 0 || return
	helpers_used
	status=$?
	set_to "/sys/devices/system/cpu/cpu$last/online" 1 || return
	same "governor" powersave "$(cat "$CPUFREQ/policy$last/scaling_governor")" &&
		no_helpers && return $status
}

# The governor was there before ktask, and is there after it.
loaded_later() {
	unload && load_driver && governor 0 powersave && load && no_helpers
	status=$?
	unload && governor 0 performance && governor 0 powersave &&
		rmmod ktask_cpufreq && load && helpers_used && return $status
}

# Drivers, governors and CPUs come and go while tasks run.
changes_under_load() {
	run_case p1_p2_p3_p7_p8_random 2000 &
	busy=$!
	status=0
	rounds=0
	while kill -0 $busy 2>/dev/null || [ $rounds -lt 5 ]; do
		load_driver "setpolicy=$((rounds % 2))" && governor 0 powersave &&
			set_to "/sys/devices/system/cpu/cpu$last/online" 0 &&
			governor 0 performance || status=1
		set_to "/sys/devices/system/cpu/cpu$last/online" 1 || status=1
		rmmod ktask_cpufreq || status=1
		rounds=$((rounds + 1))
	done
	wait $busy && helpers_used && return $status
}

all_checks() {
	check "p16: helpers are used without a cpufreq driver" helpers_used
	for name in powersave conservative; do
		check "p16: no helpers while a policy's governor is $name" \
			with_driver "" saves $name
	done
	check "p16: every policy counts" with_driver "" saves_on_every_policy
	check "p16: power_aware is 1 by default" knob_default
	check "p16: helpers are used if power_aware is 0" with_driver "" knob_overrides
	for value in 2 abc -1 1.5; do
		check "p16: power_aware refuses '$value'" knob_refuses "$value"
	done
	check "p16: helpers are used once the driver is gone" driver_goes_away
	check "p16: the governor of an offline CPU does not count" with_driver "" offline_cpu
	for name in intel_pstate amd-pstate-epp; do
		check "p16: powersave of $name in active mode does not count" \
			with_driver "setpolicy=1 name=$name" does_not_save
	done
	check "p16: powersave of another driver without governors counts" \
		with_driver "setpolicy=1" saves powersave
	check "p16: the governor powersave counts whatever the driver's name" \
		with_driver "name=amd-pstate-epp" saves powersave
	check "p16: a governor that was there before" loaded_later
	check "p16: drivers, governors and CPUs that come and go" changes_under_load
}

if reason=$(no_governors); then
	skip "p16: energy-saving governors" "$reason"
else
	load
	all_checks
	unload
fi
