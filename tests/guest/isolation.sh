# SPDX-License-Identifier: GPL-2.0
# P15: CPUs isolated at boot. USABLE is how many of the CPUs are not, the others
# being the last of node 1.

limits_without_isolated() {
	same "rlim_max" $((USABLE * 80 / 100)) "$(cat "$KTASK"/rlim_max)" &&
		same "node0/rlim_max" 1 "$(cat "$KTASK"/node0/rlim_max)" &&
		same "node1/rlim_max" $(((USABLE - 2) * 80 / 100)) "$(cat "$KTASK"/node1/rlim_max)"
}

really_isolated() {
	[ -n "$(cat /sys/devices/system/cpu/isolated)" ] &&
		[ -n "$(cat /sys/devices/system/cpu/nohz_full)" ]
}

load
check "the guest has isolated CPUs" really_isolated
check "p15: limits count the other CPUs only" limits_without_isolated
check "p15: no helper on an isolated CPU" run_case p15_no_helper_on_isolated_cpus
unload
