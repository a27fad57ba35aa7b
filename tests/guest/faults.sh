# SPDX-License-Identifier: GPL-2.0
# Loading while memory runs out; "faults" is faults.c. Needs a kernel that fails allocations on
# demand (fault-injection.rst).

# Only what is allocated on behalf of a module's init counts.
only_in_init() {
	# shellcheck disable=SC2046 # two words
	set -- $(awk '$3 == "do_init_module" { start = $1; next } start { print start, $1; exit }' \
		/proc/kallsyms)
	for kind in failslab fail_page_alloc; do
		dir=$DEBUGFS/$kind
		set_to "$dir/require-start" "0x$1" && set_to "$dir/require-end" "0x$2" &&
			set_to "$dir/ignore-gfp-wait" 0 && set_to "$dir/verbose" 0 || return
	done
	set_to "$DEBUGFS/fail_page_alloc/min-order" 0
}

# One allocation fails at a time; a helper alone takes several, so there are dozens.
every_allocation_fails_in_turn() {
	only_in_init || return
	if ! ./faults ktask_rs.ko "$KTASK" /sys/devices/virtual/workqueue/ktask \
		/sys/module/ktask_rs > faults.out; then
		cat faults.out
		return 1
	fi
	at_least "allocations" 50 "$(cat faults.out)"
}

next_load_works() {
	load && run_case p1_p2_p3_p7_p8_random 100 && unload && nothing_left
}

if [ -e /proc/self/fail-nth ]; then
	check "faults: every allocation of init fails in turn" every_allocation_fails_in_turn
	echo "# $(cat faults.out) allocations failed, one at a time"
	check "faults: the next load works" next_load_works
else
	skip "faults: every allocation of init fails in turn" "the kernel has no fault injection"
fi
