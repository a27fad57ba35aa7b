# SPDX-License-Identifier: GPL-2.0
# The sample that pins a process's buffer.

# pins EXPECTED ARGUMENT...: what pinbuf says, less the time.
pins() {
	expected=$1
	shift
	same "pinbuf $*" "$expected" "$(./pinbuf "$@" | sed 's/ time_ns [0-9]*//')" &&
		same "pinned now" 0 "$(pinned)"
}

# In pages of 4 KiB, whatever the buffer is made of.
all() {
	echo "size_mib $1 error 0 acquired $(($1 * 256)) released ${2:-0}"
}

# fails ERRNO MIB ARGUMENT...: and all is as before.
fails() {
	error=$1
	mib=$2
	shift 2
	line=$(./pinbuf -m "$mib" "$@")
	case $line in
	"size_mib $mib error $error "*) ;;
	*) echo "expected error $error: $line"; return 1 ;;
	esac
	same "pinned now" 0 "$(pinned)"
}

# fails, but not before some of it was pinned.
fails_half_way() {
	fails "$@" || return
	line=${line#* acquired }
	at_least "pinned for a time" 1 "${line%% *}"
}

# Where a helper gets the chunk with the hole, the caller is to pin it when the task is done, and
# there is nothing for ktask to undo.
undone_by_ktask() {
	before=$(stat undone_ranges)
	for _ in $(seq 30); do
		fails_half_way 14 512 -p -h -t "$1" || return
		[ "$(stat undone_ranges)" -gt "$before" ] && return
	done
	echo "ktask never undid anything"
	return 1
}

helpers_pin() {
	until_a_helper_starts pins "$(all 512)" -m 512 -p -t 4
}

# The caller's policy wants pages of a node that neither it nor the first helper runs on.
memory_policy_holds() {
	for _ in 1 2 3; do
		until_a_helper_starts bound_to_the_other_node || return
	done
}

bound_to_the_other_node() {
	line=$(taskset -c "$(cat /sys/devices/system/node/node0/cpulist)" ./pinbuf -m 256 -t 4 -b 1)
	same "pages of node 1" "size_mib 256 error 0 elsewhere 0" \
		"$(echo "$line" | sed 's/time_ns.*elsewhere/elsewhere/')"
}

hugetlb_pages() {
	echo 64 > /proc/sys/vm/nr_hugepages
	pins "$(all 128)" -m 128 -g && pins "$(all 128)" -m 128 -g -p
	status=$?
	echo 0 > /proc/sys/vm/nr_hugepages
	return $status
}

# Helpers get nobody past a limit: half of the buffer is more than the process may have.
hugetlb_limit_holds() {
	group=/sys/fs/cgroup/few_pages
	echo 64 > /proc/sys/vm/nr_hugepages
	echo +hugetlb > /sys/fs/cgroup/cgroup.subtree_control
	mkdir -p $group && echo 67108864 > $group/hugetlb.2MB.max || return
	for _ in 1 2 3 4 5; do
		line=$(sh -c 'echo $$ > "$1/cgroup.procs"; exec ./pinbuf -m 128 -g -t 4' sh $group)
		case $line in
		"size_mib 128 error 14 "*) ;;
		*) echo "expected error 14: $line"; return 1 ;;
		esac
	done
	rmdir $group && echo 0 > /proc/sys/vm/nr_hugepages && same "pinned now" 0 "$(pinned)"
}

everything_pinned() {
	[ "$(pinned)" -eq "$1" ]
}

killed_with_a_pinned_buffer() {
	./pinbuf -m 64 -s > /dev/null &
	holder=$!
	until_so 30 everything_pinned 16384
	status=$?
	if rmmod pin_pages 2> /dev/null; then
		echo "unloaded while a file was open"
		return 1
	fi
	kill -KILL $holder
	wait $holder 2> /dev/null
	until_so 30 everything_pinned 0 && return $status
}

# Whenever it happens; the buffer is not there yet, so that it takes some time.
killed_while_it_pins() {
	for delay in 0.01 0.03 0.1 0.2 0.3; do
		./pinbuf -m 512 > /dev/null &
		sleep $delay
		kill -KILL $!
		wait $! 2> /dev/null
		until_so 30 everything_pinned 0 || return
	done
}

insmod ktask_rs.ko
insmod pin_pages.ko
# What others have pinned would be in the way.
check "pin_pages: nothing is pinned before" same "pinned" 0 "$(pinned)"
check "pin_pages: a buffer that is there" pins "$(all 64)" -m 64 -p
check "pin_pages: a buffer that is not there yet" pins "$(all 64)" -m 64
check "pin_pages: one thread" pins "$(all 64)" -m 64 -t 1
check "pin_pages: helpers pin" helpers_pin
check "pin_pages: a memory policy holds" memory_policy_holds
check "pin_pages: unpinned when asked" pins "$(all 64 16384)" -m 64 -u
check "pin_pages: hugetlb pages" hugetlb_pages
check "pin_pages: a limit on hugetlb pages holds" hugetlb_limit_holds
for threads in 1 4; do
	check "pin_pages: the middle is missing, $threads threads" fails_half_way 14 512 -h -t $threads
	check "pin_pages: the middle is missing, the rest is there, $threads threads" \
		undone_by_ktask $threads
	check "pin_pages: the middle is read-only, $threads threads" \
		fails_half_way 14 512 -r -p -t $threads
done
check "pin_pages: one buffer at a time" pins "size_mib 64 error 16 acquired 16384 released 0" -2
check "pin_pages: not at a page" fails 22 64 -a 1
check "pin_pages: an empty buffer" fails 22 0
check "pin_pages: an address that is none" fails 14 64 -a 140737488355328
check "pin_pages: a buffer beyond the address space" fails 22 64 -e
check "pin_pages: a buffer larger than all memory" fails 12 1048577 -e -a -549756342272
check "pin_pages: as much as may be locked" fails 0 64 -l 64
check "pin_pages: more than may be locked" fails 12 64 -l 63
check "pin_pages: killed with a pinned buffer" killed_with_a_pinned_buffer
check "pin_pages: killed while it pins" killed_while_it_pins
check "pin_pages: unloads" rmmod pin_pages
check "pin_pages leaves no helper behind" same "helpers left" 0 "$(helpers_now)"
rmmod ktask_rs
