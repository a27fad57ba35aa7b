# SPDX-License-Identifier: GPL-2.0
# P19: helpers join and leave while a task runs. Tasks are those of elastic.c in ktask_test: their
# threads stay in their chunks until a control lets them go on. A hungry task is one with fewer
# helpers than it could use.
#
# PATIENCE  seconds to wait for what should happen

PATIENCE=${PATIENCE:-60}
CPUS=$(online_cpus)
LAST=$((CPUS - 1))
OURS=/sys/devices/virtual/workqueue/ktask
ANY=8 EVERY=9
# The flags of a task, to be added.
BUSY=1 KILLABLE=2 WALK=4

# start JOB [HELPERS [NODE [FLAGS]]]: a task that can use so many helpers.
start() {
	control elastic_start \
		$((${4:-0} * 100000 + ${3:-$ANY} * 10000 + (${2:-$HELPERS} + 1) * 10 + $1))
}

# has JOB HELPERS: in chunks, once there are so many.
has() {
	control elastic_has $(($2 * 10 + $1))
}

has_at_least() {
	control elastic_has $((10000 + $2 * 10 + $1))
}

# step JOB...: all threads of these tasks go on to their next chunk.
step() {
	for job; do
		control elastic_step "$job" || return
	done
}

# So many helpers are counted now, or fewer.
counted() {
	[ "$(cat "$KTASK/rlim_cur")" -eq "$1" ]
}

counted_at_most() {
	[ "$(cat "$KTASK/rlim_cur")" -le "$1" ]
}

# leaves HELPERS JOB...: no more than so many are counted within two chunks.
leaves() {
	most=$1
	shift
	step "$@" && sleep 0.2 && step "$@" && until_so "$PATIENCE" counted_at_most "$most"
}

# leaves_soon HELPERS JOB...: the same where ktask has to look for the reason.
leaves_soon() {
	most=$1
	shift
	for _ in $(seq $((PATIENCE * 4))); do
		step "$@" || return
		sleep 0.2
		counted_at_most "$most" && return
	done
	echo "rlim_cur is $(cat "$KTASK/rlim_cur") instead of $most"
	return 1
}

# limit VALUE: of the machine.
limit() {
	set_to "$KTASK/rlim_max" "$1"
}

node_limits() {
	for file in "$KTASK"/node*/rlim_max; do
		set_to "$file" "$1" || return
	done
}

cpu() {
	set_to "/sys/devices/system/cpu/cpu$1/online" "$2"
}

# moves NAME: a statistic, or "none" if ktask does not have it.
moves() {
	value=$(stat "$1")
	[ -n "$value" ] || echo "there is no statistic $1" >&2
	echo "${value:-none}"
}

# elastic COMMAND...: a test, after which all tasks have ended as they should have, and the machine
# is as it was.
elastic() {
	"$@"
	result=$?
	control elastic_end_all || result=1
	limit auto && node_limits auto || result=1
	until_so "$PATIENCE" counted 0 && same "helpers left" 0 "$(helpers_now)" && return $result
}

# Tasks that come when another one has all helpers

# late END [FLAGS [NODE]]: the first task has all helpers until its end. As the first one has none
# to spare, the second one gets all of them then; and the third one what the second one had.
late() {
	start 0 "$HELPERS" "${3:-$ANY}" $KILLABLE && has 0 "$HELPERS" &&
		start 1 "$HELPERS" "${3:-$ANY}" "${2:-0}" && has 1 0 &&
		control "elastic_$1" 0 && has 1 "$HELPERS" || return
	# What has failed or was killed is undone only now.
	control elastic_end 0 && has 1 "$HELPERS" && start 2 && has 2 0 &&
		control elastic_end 1 && has 2 "$HELPERS"
}

# Limits that change

# Down to one, where the helper goes on, and to none, where the caller does; and back.
lowered() {
	start 0 "$HELPERS" "$ANY" "$1" && has 0 "$HELPERS" || return
	for most in 1 0; do
		limit "$most" && leaves "$most" 0 && has 0 "$most" && control elastic_watch &&
			control elastic_goes_on 0 && control elastic_most "$most" || return
	done
	counted 0 && limit 1 && has 0 1 && limit auto && has 0 "$HELPERS"
}

# A task is complete without helpers.
lowered_for_good() {
	start 0 && has 0 "$HELPERS" && limit 0 && leaves 0 0 && control elastic_goes_on 0 &&
		control elastic_end 0
}

# None when the task begins, and as many as there may be later; never more than CPUs.
raised() {
	limit 0 && start 0 63 "$ANY" "$1" && control elastic_goes_on 0 && has 0 0 && limit 1 &&
		has 0 1 && limit auto && has 0 "$HELPERS" && node_limits 1000 && limit 1000 &&
		has 0 $LAST
}

# Those of the first node: helpers of its work count there as soon as they may.
node_raised() {
	limit 0 && set_to "$KTASK/node0/rlim_max" 0 && start 0 "$HELPERS" 0 && has 0 0 || return
	set_to "$KTASK/node0/rlim_max" 1 && limit 1 && has 0 1 &&
		same "node0/rlim_cur" 1 "$(cat "$KTASK/node0/rlim_cur")"
}

node_is_left() {
	[ "$(cat "$KTASK/node$1/rlim_cur")" -eq 0 ]
}

# Helpers that its lowered limit does not allow may run anywhere: the task has as many.
node_lowered() {
	start 0 "$HELPERS" 0 && has 0 "$HELPERS" &&
		at_least "node0/rlim_cur" 1 "$(cat "$KTASK/node0/rlim_cur")" &&
		set_to "$KTASK/node0/rlim_max" 0 && step 0 && sleep 0.2 && step 0 &&
		until_so "$PATIENCE" node_is_left 0 && has 0 "$HELPERS"
}

# CPUs that come and go

cpu_comes() {
	cpu $LAST 0 && start 0 && has 0 $((LAST * 80 / 100)) && cpu $LAST 1 && has 0 "$HELPERS"
	result=$?
	cpu $LAST 1 && return $result
}

# Its node has no helper any more than its limit allows.
cpu_goes() {
	start 0 "$HELPERS" $EVERY && has 0 "$HELPERS" && cpu $LAST 0 &&
		leaves $((LAST * 80 / 100)) 0 && has 0 $((LAST * 80 / 100)) && nodes_keep_limits
	result=$?
	cpu $LAST 1 && has 0 "$HELPERS" && return $result
}

nodes_keep_limits() {
	for dir in "$KTASK"/node*; do
		at_least "$dir/rlim_max" "$(cat "$dir/rlim_cur")" "$(cat "$dir/rlim_max")" || return
	done
}

# Nobody tells ktask, and nothing that does is read meanwhile.
cpu_is_isolated() {
	start 0 "$HELPERS" $EVERY && has 0 "$HELPERS" && isolate $LAST &&
		leaves_soon $((LAST * 80 / 100)) 0 && has 0 $((LAST * 80 / 100))
	result=$?
	no_longer_isolated && has 0 "$HELPERS" && return $result
}

isolated_before() {
	isolate $LAST && same "rlim_max" $((LAST * 80 / 100)) "$(cat "$KTASK/rlim_max")" &&
		start 0 && has 0 $((LAST * 80 / 100))
	result=$?
	no_longer_isolated && has 0 "$HELPERS" && return $result
}

# Energy

saving_begins() {
	start 0 && has 0 "$HELPERS" && governor $LAST powersave && leaves_soon 0 0 &&
		control elastic_goes_on 0 && has 0 0
	result=$?
	governor $LAST performance && has 0 "$HELPERS" && return $result
}

saving_ends() {
	governor $LAST powersave && sleep 0.1 && start 0 && has 0 0 && control elastic_goes_on 0 &&
		governor $LAST performance && has 0 "$HELPERS"
}

saving_is_ignored() {
	governor $LAST powersave && sleep 0.1 && start 0 && has 0 0 && set_to "$KTASK/power_aware" 0 &&
		has 0 "$HELPERS" && set_to "$KTASK/power_aware" 1 && leaves_soon 0 0
	result=$?
	set_to "$KTASK/power_aware" 1 && return $result
}

# Fairness

# round JOBS: a chunk of each thread of these tasks. Afterwards, all helpers are in the next.
round() {
	# shellcheck disable=SC2046 # several words
	step $(seq 0 $(($1 - 1))) && until_so "$PATIENCE" settled "$1"
}

settled() {
	control elastic_settled $(($(cat "$KTASK/rlim_cur") * 10 + $1))
}

# equal JOBS [HELPERS]: at most one helper apart. With more threads than CPUs, there may be
# fewer helpers than the limits allow, as one more would be too many for all but one task.
equal() {
	least=$((CPUS - $1))
	[ $least -lt "${2:-$HELPERS}" ] || least=${2:-$HELPERS}
	! counted_at_most $((least - 1)) && control elastic_equal "$1"
}

# are_fair JOBS [HELPERS]: these become equal, and do not change as long as nobody goes on.
are_fair() {
	for _ in $(seq 50); do
		round "$1" || break
		equal "$@" 2>/dev/null && return
	done
	control elastic_print
	echo "not equal: rlim_cur $(cat "$KTASK/rlim_cur") of $(cat "$KTASK/rlim_max")"
	return 1
}

# fair JOBS NODE...: the first task, on the first node, takes all; then come the others.
fair() {
	jobs=$1
	number=0
	shift
	for node; do
		start $number "$HELPERS" "$node" && { [ $number -gt 0 ] || has 0 "$HELPERS"; } || return
		number=$((number + 1))
	done
	are_fair "$jobs"
}

# fair_beside FLAGS: what the chunks are like makes no difference.
fair_beside() {
	start 0 "$HELPERS" "$ANY" "$1" && has 0 "$HELPERS" && start 1 "$HELPERS" "$ANY" "$1" && are_fair 2
}

# A node of its own: its helpers are shared there.
fair_on_one_node() {
	room=$(cat "$KTASK/node0/rlim_max")
	limit "$room" && start 0 "$room" 0 && has 0 "$room" && start 1 "$room" 0 && are_fair 2 "$room"
}

# A task that wants few is content with these.
few_wanted() {
	start 0 && has 0 "$HELPERS" && start 1 1 || return
	if [ "$HELPERS" -gt 1 ]; then
		for _ in 1 2 3 4 5; do
			step 0 1 || return
		done
		has 1 1 && has 0 $((HELPERS - 1))
	fi
}

# stays JOBS: each helper has moved once at most until all are equal, and none does after that.
stays() {
	before=$(moves helpers_switched)
	case $before$(moves helpers_left) in
	*none*) return 1 ;;
	esac
	# shellcheck disable=SC2046 # several words
	fair "$1" $(seq "$1" | sed "s/.*/$ANY/") || return
	after=$(moves helpers_switched)
	left=$(moves helpers_left)
	at_least "most moves" $((after - before)) "$HELPERS" || return
	[ "$HELPERS" -eq 1 ] || at_least "switched" $((before + 1)) "$after" || return
	left=$(moves helpers_left)
	for _ in $(seq 50); do
		round "$1" && equal "$1" || return
	done
	same "switched" "$after" "$(moves helpers_switched)" &&
		same "left" "$left" "$(moves helpers_left)"
}

# A CPU that is taken

# The kernel would have normal threads run for 5% of the time.
fair_server() {
	file=$DEBUGFS/sched/fair_server/cpu$1/runtime
	[ ! -e "$file" ] || set_to "$file" "$2"
}

# The first helper may be queued for any CPU, so each of them has its turn. Workers keep to theirs.
taken_cpu() {
	fair_server "$1" 0 && control hog_start "$1" && start 0 "$HELPERS" "$ANY" $BUSY &&
		has_at_least 0 $((HELPERS - 1))
	result=$?
	control hog_stop || result=1
	fair_server "$1" 50000000 && control elastic_end 0 && return $result
}

taken_cpus() {
	for number in $(seq 0 $LAST); do
		taken_cpu "$number" || return
	done
}

# strictly COMMAND...: with workers that keep to the CPU that they serve.
strictly() {
	set_to $OURS/affinity_scope cpu && set_to $OURS/affinity_strict 1 || return
	"$@"
	result=$?
	set_to $OURS/affinity_scope default && set_to $OURS/affinity_strict 0 && return $result
}

# A helper that is queued for a CPU that is taken leaves its place to another one: the task wants no
# more than one. Each CPU has its turn.
taken_place() {
	fair_server "$LAST" 0 && control hog_start "$LAST" || return
	has_one_every_time
	result=$?
	control hog_stop || result=1
	fair_server "$LAST" 50000000 && return $result
}

has_one_every_time() {
	for _ in $(seq 0 "$LAST"); do
		start 0 1 "$ANY" $BUSY && has 0 1 && control elastic_end 0 || return
	done
}

# What holds meanwhile

# At its end each task tells of too many threads, and of units that did not run or were not undone
# exactly once.
never_too_many_threads() {
	start 0 1 && start 1 2 && start 2 63 || return
	for most in 0 auto 1 1000 0 2 auto 1 1000 auto; do
		limit $most && node_limits $most && step 0 1 2 && step 0 1 2 || return
	done
	limit 1000 && node_limits 1000 && control elastic_end 0 && control elastic_end 2 &&
		has 1 $((LAST < 2 ? LAST : 2))
}

# Of all tasks together, once those have left who had a chunk when the limit was lowered.
limits_are_kept() {
	start 0 && start 1 && start 2 || return
	for most in $((HELPERS - 1)) 1 "$HELPERS" 0 1 "$HELPERS"; do
		limit "$most" && leaves "$most" 0 1 2 && control elastic_watch || return
		for _ in 1 2 3 4 5; do
			step 0 1 2 || return
		done
		control elastic_most "$most" || return
	done
}

# changing_limits FILE: until there is FILE.
changing_limits() {
	until [ -e "$1" ]; do
		for most in 0 auto 1 "$HELPERS" 1000; do
			limit "$most" && node_limits "$most"
			sleep 0.0"$(below 5)"
			node_limits "$(below 2)"
		done
	done
	limit auto && node_limits auto
}

under_changing_limits() {
	rm -f /tmp/enough
	changing_limits /tmp/enough &
	"$@"
	result=$?
	touch /tmp/enough
	wait $! && return $result
}

# ends END FLAGS: two tasks, one of which comes to that end while helpers come and go.
ends() {
	for _ in 1 2 3 4 5; do
		start 0 "$HELPERS" $EVERY $((KILLABLE + $2)) && start 1 "$HELPERS" $EVERY "$2" &&
			step 0 1 && step 0 1 && control "elastic_$1" 0 && step 1 &&
			control elastic_end 0 && control elastic_end 1 || return
	done
}

late_tasks() {
	for how in end fail kill; do
		check "p19: a late task gets the helpers of one whose end is: $how" elastic late $how
	done
	check "p19: a late task with a busy caller" elastic late end $BUSY
	check "p19: a late task that is walked" elastic late end $WALK
	check "p19: a late task that can be killed" elastic late end $KILLABLE
	check "p19: late tasks on the first node" elastic late end 0 0
	check "p19: late tasks on every node" elastic late fail 0 $EVERY
}

limits_in_the_middle() {
	check "p19: a lowered limit" elastic lowered 0
	check "p19: a lowered limit, and a walk" elastic lowered $WALK
	check "p19: a lowered limit, and a task that can be killed" elastic lowered $KILLABLE
	check "p19: a limit of 0 for good" elastic lowered_for_good
	check "p19: a raised limit" elastic raised 0
	check "p19: a raised limit, and a busy caller" elastic raised $BUSY
	check "p19: a raised limit, and a walk" elastic raised $WALK
	if [ "$(cat "$KTASK/node0/rlim_max")" -gt 0 ]; then
		check "p19: a raised limit of a node" elastic node_raised
		check "p19: a lowered limit of a node" elastic node_lowered
	fi
}

cpus_in_the_middle() {
	check "p19: a CPU that comes online" elastic cpu_comes
	check "p19: a CPU that goes offline, and comes back" elastic cpu_goes
	check "p19: a CPU that is isolated, and no longer" elastic cpu_is_isolated
	check "p19: a CPU that was isolated" elastic isolated_before
}

energy_in_the_middle() {
	check "p19: the machine begins to save energy, and ends it" \
		elastic with_driver "" saving_begins
	check "p19: the machine saved energy" elastic with_driver "" saving_ends
	check "p19: power_aware changes" elastic with_driver "" saving_is_ignored
}

fairness() {
	check "p19: two tasks share" elastic fair 2 $ANY $ANY
	check "p19: three tasks share" elastic fair 3 $ANY $ANY $ANY
	check "p19: two walks share" elastic fair_beside $WALK
	check "p19: two tasks with busy callers share" elastic fair_beside $BUSY
	check "p19: a task that wants few gets these" elastic few_wanted
	if [ -e "$KTASK/node1" ] && [ "$(node_cpus 1)" -gt 0 ]; then
		check "p19: tasks of different nodes share" elastic fair 2 0 1
		check "p19: a task of one node beside one of all" elastic fair 3 $EVERY 0 1
		[ "$(cat "$KTASK/node0/rlim_max")" -lt 2 ] ||
			check "p19: two tasks share one node" elastic fair_on_one_node
	fi
	for number in 2 3; do
		check "p19: nobody is moved back and forth between $number tasks" elastic stays $number
	done
}

meanwhile() {
	check "p19: a helper that cannot run holds nobody up" elastic strictly taken_cpus
	check "p19: a helper that gets no CPU leaves its place" elastic strictly taken_place
	check "p12: never too many threads as limits change" elastic never_too_many_threads
	check "p10: limits that change are kept" elastic limits_are_kept
	for how in end fail kill; do
		check "p1 p7 p8: helpers come and go, and the end is: $how" \
			elastic under_changing_limits ends $how 0
		check "p1 p7 p8: the same with a walk: $how" elastic under_changing_limits ends $how $WALK
	done
	check "p1 p2 p3 p7 p8: random tasks as limits change" \
		elastic under_changing_limits run_case p1_p2_p3_p7_p8_random 2000
}

if [ "$CPUS" -eq 1 ]; then
	skip "p19: helpers that join and leave" "there are none with one CPU"
else
	reason=$(no_governors)
	saves=$?
	load
	set_to /sys/module/ktask_test/parameters/patience "$PATIENCE"
	HELPERS=$(cat "$KTASK/rlim_max")
	late_tasks
	limits_in_the_middle
	cpus_in_the_middle
	if [ $saves -eq 0 ]; then
		skip "p19: energy-saving governors" "$reason"
	else
		energy_in_the_middle
	fi
	fairness
	meanwhile
	unload
fi
