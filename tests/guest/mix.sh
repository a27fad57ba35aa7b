# SPDX-License-Identifier: GPL-2.0
# The samples all at once: processes fault huge pages, have buffers pinned and are killed in the
# middle of it, lists are freed, folio_zero comes and goes, and so do all CPUs but one. For a guest
# of 2 nodes with room for huge pages, emulated in a single thread (see scripts/test).
#
# DURATION  seconds

DURATION=${DURATION:-60}
NOTES=/tmp/mix
# However slow the machine is, each job goes on until it has done so much.
LEAST=3
# Patience with whatever happens sooner or later, in seconds.
LONG=600

busy() {
	[ ! -e $NOTES/stop ]
}

# count WHAT: it has happened once more.
count() {
	printf . >> "$NOTES/count/$1"
}

counted() {
	if [ -e "$NOTES/count/$1" ]; then
		wc -c < "$NOTES/count/$1"
	else
		echo 0
	fi
}

# start_job WHAT STEP [ARGUMENT]...: does a step again and again, until the time is over or something
# was wrong. WHAT is what the step counts.
start_job() {
	repeat "$@" &
	jobs="$jobs $!"
}

repeat() {
	what=$1
	shift
	while busy || [ "$(counted "$what")" -lt $LEAST ]; do
		if ! wrong=$("$@" 2>&1); then
			echo "$*: $wrong" >> $NOTES/wrong
			touch $NOTES/stop
			return
		fi
	done
}

# As often very short as quite long: nobody knows how fast the machine is.
some_time() {
	set -- 0 0.003 0.01 0.03 0.1 0.3 1
	shift "$(below $#)"
	sleep "$1"
}

# may_die COMMAND...: its status. If it may have been killed by this, $killed is "killed".
may_die() {
	"$@" &
	process=$!
	killed=
	if [ "$(below 3)" = 0 ]; then
		some_time
		kill -KILL $process 2> /dev/null && killed=killed
	fi
	wait $process
}

# fault WHAT ARGUMENT...: a process that looks at every byte of the pages that it gets, and leaves a
# pattern in them. A page of a certain node is not always to be had.
fault() {
	what=$1
	shift
	may_die ./hugefault "$@"
	status=$?
	case "$status $killed $*" in
	0\ *) count "$what" ;;
	"137 killed "*) count killed ;;
	"135 "*" -m "*) count denied ;;
	*) echo "hugefault $*: status $status"; return 1 ;;
	esac
}

gigantic_pages() {
	# shellcheck disable=SC2046 # several arguments
	fault gigantic -s "$GIGANTIC" $(somehow "$GIGANTIC")
}

huge_pages() {
	# shellcheck disable=SC2046 # several arguments
	fault huge -s "$HUGE" -n $((1 + $(below 16))) $(somehow "$HUGE")
}

transparent_pages() {
	fault transparent -s "$HUGE" -n $((1 + $(below 16))) -o "$(somewhere "$HUGE")" thp
}

# How to get a page of so many KiB.
somehow() {
	case $(below 4) in
	0) echo populate ;;
	1) echo fallocate ;;
	2) echo -o "$(somewhere "$1")" touch ;;
	3) echo -m "$(below 2)" touch ;;
	esac
}

somewhere() {
	echo $(($(below 32768) * 32768 % ($1 * 1024) + $(below 32768)))
}

# pin WHAT ERRNO ARGUMENT...: a process that has a buffer of its own pinned.
pin() {
	what=$1
	error=$2
	shift 2
	may_die ./pinbuf -t "$(below 5)" "$@" > "$NOTES/said/$what"
	status=$?
	case "$status $killed $(cat "$NOTES/said/$what")" in
	"0 "*" error $error "*) count "$what" ;;
	"137 killed "*) count killed ;;
	*) echo "status $status: $(cat "$NOTES/said/$what")"; return 1 ;;
	esac
}

# A list that is freed; sometimes it is not even complete when its maker is killed.
free_list() {
	pages=$(below 32768)
	set_to "$LIST"/pages "$pages" && set_to "$LIST"/threads "$(below 5)" || return
	may_die sh -c 'echo 1 > "$1"' sh "$LIST"/run
	case "$? $killed" in
	0\ *) ;;
	"137 killed") count killed; return 0 ;;
	*) echo "a list of $pages pages was not freed"; return 1 ;;
	esac
	count list
	result=$(cat "$LIST"/result)
	case $(echo "$result" | tr '\n' ' ') in
	"pages $pages freed $pages "*" verified yes "*) ;;
	*) echo "$result"; return 1 ;;
	esac
}

# Disabled when it is enabled for all, or before that, and sometimes enabled again before it is
# disabled for all.
turn_patch() {
	insmod folio_zero.ko threshold=$((2097152 << (4 * $(below 2)))) threads="$(below 5)" || return
	[ "$(below 2)" = 0 ] || until_so $LONG settled || return
	some_time
	set_to "$PATCH"/enabled 0 || return
	some_time
	if [ "$(below 2)" = 0 ] && set_to "$PATCH"/enabled 1 2> /dev/null; then
		count reversed
		some_time
		set_to "$PATCH"/enabled 0 || return
	fi
	until_so $LONG gone && until_so $LONG rmmod folio_zero && count patch
}

# Any CPU but the first goes off, or comes back.
turn_cpu() {
	online=/sys/devices/system/cpu/cpu$((1 + $(below $((CPUS - 1)))))/online
	set_to "$online" $((1 - $(cat "$online"))) && count cpu && some_time
}

all_cpus_online() {
	for online in /sys/devices/system/cpu/cpu[1-9]*/online; do
		set_to "$online" 1 || return
	done
	same "limits" "$limits" "$(all_limits)"
}

all_limits() {
	cat "$KTASK"/rlim_max "$KTASK"/node*/rlim_max
}

uptime_s() {
	cut -d . -f 1 /proc/uptime
}

progress() {
	echo "# $1 s:$(cd $NOTES/count && for what in *; do
		echo " $what $(counted "$what")"
	done | tr -d '\n')"
}

# Until the time is over, or something was wrong.
wait_for_end() {
	start=$(uptime_s)
	passed=0
	next=15
	while busy && [ $passed -lt "$DURATION" ]; do
		sleep 1
		passed=$(($(uptime_s) - start))
		[ $passed -lt $next ] && continue
		progress $passed
		next=$((passed + 15))
	done
	touch $NOTES/stop
	# shellcheck disable=SC2086 # several numbers
	wait $jobs
	progress $(($(uptime_s) - start))
}

nothing_wrong() {
	[ ! -e $NOTES/wrong ] || ! cat $NOTES/wrong
}

# Or it would prove nothing.
everything_happened() {
	for what in gigantic huge pinned pinned_huge pinned_in_vain list patch cpu killed; do
		at_least "$what" 1 "$(counted "$what")" || return
	done
	at_least "tasks" 10 "$(stat tasks)" && at_least "helpers" 10 "$(stat helpers_started)" &&
		at_least "undone ranges" 1 "$(stat undone_ranges)"
}

# One for each process of 1 GiB, and more than enough for those of 2 MiB.
make_pools() {
	reserve "$GIGANTIC" 1 && reserve "$HUGE" 80
}

pools_are_full() {
	same "gigantic pages" 2 "$(free_pages "$GIGANTIC")" && same "huge pages" 160 "$(free_pages "$HUGE")"
}

mkdir -p $NOTES/count $NOTES/said
CPUS=$(online_cpus)
LIST=$DEBUGFS/free_list
check "mix: there are huge pages" make_pools
for module in ktask_rs pin_pages free_list; do
	insmod $module.ko
done
limits=$(all_limits)
jobs=
for _ in 1 2; do
	start_job gigantic gigantic_pages
	# It takes long, and it is what folio_zero is about.
	renice -n -5 -p $!
done
for _ in 1 2 3 4; do
	start_job huge huge_pages
done
if [ -e /sys/kernel/mm/transparent_hugepage ]; then
	start_job transparent transparent_pages
fi
start_job pinned pin pinned 0 -m 192 -z
start_job pinned_huge pin pinned_huge 0 -m 128 -g -z
start_job pinned_in_vain pin pinned_in_vain 14 -m 256 -p -h
start_job list free_list
start_job patch turn_patch
start_job cpu turn_cpu
wait_for_end
check "mix: pages are clear, and all ends as it has to" nothing_wrong
check "mix: everything happened" everything_happened
check "mix: all CPUs are back, and so are the limits" all_cpus_online
check "mix: helpers left" same "helpers left" 0 "$(helpers_now)"
check "mix: nothing is pinned" same "pinned" 0 "$(pinned)"
check "mix: all huge pages are back" pools_are_full
check "mix: all modules unload" rmmod free_list pin_pages ktask_rs
check "mix: nothing is left" nothing_left
reserve "$GIGANTIC" 0
reserve "$HUGE" 0
