# SPDX-License-Identifier: GPL-2.0
# Loading while memory runs out: the first, second, third... allocation of the module's init fails,
# until there is none left. Needs a kernel that fails allocations on demand (fault-injection.rst).

# Only what is allocated on behalf of a module's init counts.
only_in_init() {
	# shellcheck disable=SC2046 # two words
	set -- $(awk '$3 == "do_init_module" { start = $1; next } start { print start, $1; exit }' \
		/proc/kallsyms)
	for kind in failslab fail_page_alloc; do
		dir=$DEBUGFS/$kind
		set_to "$dir/require-start" "0x$1" && set_to "$dir/require-end" "0x$2" &&
			set_to "$dir/ignore-gfp-wait" 0 && set_to "$dir/verbose" 1 || return
	done
	set_to "$DEBUGFS/fail_page_alloc/min-order" 0
}

# A load that failed leaves nothing, and says why.
failed_cleanly() {
	nothing_left && case $1 in
	*"Cannot allocate memory"*) ;;
	*)
		echo "allocation $n failed: $1"
		return 1
		;;
	esac
}

every_allocation_fails_in_turn() {
	only_in_init || return
	n=1
	while echo "ktask: faults: allocation $n" > /dev/kmsg; do
		if said=$(sh -c "echo $n > /proc/self/fail-nth; exec insmod ktask_rs.ko" 2>&1); then
			rmmod ktask_rs || return
		else
			failed_cleanly "$said" || return
		fi
		dmesg | sed "1,/faults: allocation $n\$/d" | grep -q "forcing a failure" || break
		n=$((n + 1))
	done
	echo "# $((n - 1)) allocations failed, one at a time"
	at_least "allocations" 50 $((n - 1))
}

next_load_works() {
	load && run_case p1_p2_p3_p7_p8_random 100 && unload && nothing_left
}

if [ -e /proc/self/fail-nth ]; then
	check "faults: every allocation of init fails in turn" every_allocation_fails_in_turn
	check "faults: the next load works" next_load_works
else
	skip "faults: every allocation of init fails in turn" "the kernel has no fault injection"
fi
