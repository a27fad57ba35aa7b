# SPDX-License-Identifier: GPL-2.0
# The sample that takes the place of folio_zero_user(). CYCLES says how often it is loaded and
# unloaded while processes fault.

THP=/sys/kernel/mm/transparent_hugepage

# if_thp COMMAND...: where the kernel has transparent huge pages.
if_thp() {
	[ ! -e $THP ] || "$@"
}

# Each way to get a huge page, at the ends and in the middle of it. Later ones
# get the pages that earlier ones have filled.
pages_are_clear() {
	for mode in touch populate fallocate; do
		./hugefault -s "$GIGANTIC" $mode || return
		./hugefault -s "$HUGE" -n 32 $mode || return
	done
	for offset in 4096 8192 12288 536870912 1073737728 1073741823; do
		./hugefault -s "$GIGANTIC" -o $offset touch || return
	done
	for offset in 4096 8192 12288 1048576 2093056 2097151; do
		./hugefault -s "$HUGE" -n 32 -o $offset touch || return
		if_thp ./hugefault -s "$HUGE" -n 32 -o $offset thp || return
	done
}

# tasks_of EXPECTED ARGUMENT...: so many tasks of ktask does hugefault cause.
tasks_of() {
	expected=$1
	shift
	before=$(stat tasks)
	./hugefault "$@" && same "tasks of $*" "$expected" $(($(stat tasks) - before))
}

only_large_folios_in_parallel() {
	helpers=$(queued)
	tasks_of 1 -s "$GIGANTIC" touch && tasks_of 1 -s "$GIGANTIC" fallocate &&
		tasks_of 0 -s "$HUGE" -n 32 touch && if_thp tasks_of 0 -s "$HUGE" -n 32 thp || return
	at_least "helpers" $((helpers + 2)) "$(queued)"
}

threshold_matters() {
	set_to "$PATCH_PARAMETERS"/threshold 2097152 && tasks_of 32 -s "$HUGE" -n 32 touch &&
		if_thp tasks_of 4 -s "$HUGE" -n 4 thp &&
		set_to "$PATCH_PARAMETERS"/threshold 2097153 && tasks_of 0 -s "$HUGE" -n 32 touch
	status=$?
	set_to "$PATCH_PARAMETERS"/threshold 33554432 && return $status
}

threads_matter() {
	set_to "$PATCH_PARAMETERS"/threads 1
	before=$(queued)
	./hugefault -s "$GIGANTIC" touch && same "helpers" "$before" "$(queued)"
	status=$?
	set_to "$PATCH_PARAMETERS"/threads 0 && return $status
}

bad_parameters() {
	for value in -1 0 abc 1048575 4294967296; do
		refuses "$PATCH_PARAMETERS"/threshold "$value" || return
	done
	for value in -1 abc 65537; do
		refuses "$PATCH_PARAMETERS"/threads "$value" || return
	done
	if insmod folio_zero.ko threads=65537 2>/dev/null; then
		echo "loaded with a bad parameter"
		return 1
	fi
}

# What a process sees of limits, policies and signals; the same with and without
# the module. Nothing that may differ from one time to another is printed.
behaviour() {
	group=/sys/fs/cgroup/few_pages
	echo +hugetlb > /sys/fs/cgroup/cgroup.subtree_control
	mkdir -p $group
	for limit in 0 1073741824; do
		echo $limit > $group/hugetlb.1GB.max
		for mode in touch fallocate; do
			sh -c 'echo $$ > "$1/cgroup.procs"; exec ./hugefault -s "$2" -n 2 "$3"' \
				sh $group "$GIGANTIC" $mode > /dev/null 2>&1
			echo "$mode with a limit of $limit: status $?"
		done
	done
	rmdir $group && echo "nothing left in the cgroup"

	for node in 0 1; do
		./hugefault -s "$GIGANTIC" -m $node touch | sed 's/time_ns [0-9]*//'
		./hugefault -s "$HUGE" -n 8 -m $node touch | sed 's/time_ns [0-9]*//'
	done
	./hugefault -s "$GIGANTIC" -n 2 -m 1 touch > /dev/null 2>&1
	echo "more than the node has: status $?"
	./hugefault -s "$GIGANTIC" -n 3 populate > /dev/null 2>&1
	echo "more than there are: status $?"

	killed_in_a_fault
	echo "free pages $(free_pages "$GIGANTIC") $(free_pages "$HUGE")"
}

# The page is taken from the pool before it is cleared.
page_is_taken() {
	[ "$(free_pages "$GIGANTIC")" -lt "$1" ]
}

page_is_back() {
	[ "$(free_pages "$GIGANTIC")" -eq "$1" ]
}

killed_in_a_fault() {
	free=$(free_pages "$GIGANTIC")
	./hugefault -s "$GIGANTIC" touch > /dev/null &
	victim=$!
	while ! page_is_taken "$free"; do :; done
	kill -KILL $victim
	wait $victim
	echo "killed in a fault: status $?"
	until_so 10 page_is_back "$free"
}

behaves_as_without() {
	found=$(behaviour 2> /dev/null)
	same "behaviour" "$without" "$found" || return
	same "helpers left" 0 "$(helpers_now)"
}

expected_behaviour() {
	echo "$without"
	for line in "touch with a limit of 0: status 135" "killed in a fault: status 137" \
		"fallocate with a limit of 0: status 1" "touch with a limit of 1073741824: status 135" \
		"more than the node has: status 135" "free pages 2 128"; do
		echo "$without" | grep -qF "$line" || {
			echo "not seen: $line"
			return 1
		}
	done
}

not_unloaded() {
	for module in "$@"; do
		if rmmod "$module" 2>/dev/null; then
			echo "$module was unloaded"
			return 1
		fi
	done
}

# start_load: processes that fault until they are terminated.
start_load() {
	load=
	for node in 0 1; do
		./hugefault -s "$GIGANTIC" -m $node -r 1000000 touch > /dev/null & load="$load $!"
	done
	./hugefault -s "$HUGE" -n 32 -r 1000000 touch > /dev/null & load="$load $!"
	if [ -e $THP ]; then
		./hugefault -s "$HUGE" -n 32 -r 1000000 thp > /dev/null & load="$load $!"
	fi
}

# Whoever saw a byte that was not zero has ended before, with a status of its own.
stop_load() {
	status=0
	for process in $load; do
		kill -TERM "$process"
		wait "$process"
		same "process under load" 143 $? || status=1
	done
	return $status
}

# Every other time it is disabled again before it has been enabled for all.
cycle_under_load() {
	before=$(stat tasks)
	start_load
	cycle=0
	while [ $cycle -lt "$1" ]; do
		how=enable_patch
		[ $((cycle % 2)) -eq 0 ] || how="insmod folio_zero.ko"
		$how threshold=2097152 || break
		disable || break
		cycle=$((cycle + 1))
	done
	stop_load && same "cycles" "$1" $cycle || return
	# Or it would prove nothing.
	at_least "tasks" $((before + $1)) "$(stat tasks)"
}

for module in ktask_rs folio_zero; do
	[ -e /sys/module/$module ] && echo "Bail out! $module is loaded" && exit 1
done
check "folio_zero: there are huge pages" eval "reserve $GIGANTIC 1 && reserve $HUGE 64"
check "without folio_zero: pages are clear" pages_are_clear
without=$(behaviour 2> /dev/null)
check "without folio_zero: limits, policies and signals" expected_behaviour
insmod ktask_rs.ko
check "folio_zero: loads" enable_patch
check "folio_zero: pages are clear" pages_are_clear
check "folio_zero: only large folios are cleared in parallel" only_large_folios_in_parallel
check "folio_zero: what is large is a parameter" threshold_matters
check "folio_zero: so are the threads" threads_matter
check "folio_zero: bad parameters" bad_parameters
check "folio_zero: behaves as the kernel without it" behaves_as_without
check "folio_zero: is not unloaded while enabled" not_unloaded folio_zero ktask_rs
check "folio_zero: disabled and unloaded" disable
check "folio_zero: loaded and unloaded while processes fault" cycle_under_load "${CYCLES:-6}"
check "folio_zero: pages are clear after it" pages_are_clear
check "folio_zero leaves no helper behind" same "helpers left" 0 "$(helpers_now)"
reserve "$GIGANTIC" 0
reserve "$HUGE" 0
rmmod ktask_rs
