# SPDX-License-Identifier: GPL-2.0
# The sample that walks and frees a list of pages.

LIST=$DEBUGFS/free_list

value() {
	sed -n "s/^$1 //p" "$LIST"/result
}

# frees PAGES THREADS
frees() {
	set_to "$LIST"/pages "$1" && set_to "$LIST"/threads "$2" && set_to "$LIST"/run 1 || return
	same verified yes "$(value verified)" && same freed "$1" "$(value freed)" &&
		same threads_asked "$2" "$(value threads_asked)"
}

# On a busy host the caller may be done before a helper starts.
helpers_take_part() {
	for _ in $(seq 30); do
		frees 65536 4 && at_least "chunks" 2 "$(value chunks)" || return
		[ "$(value chunks_of_helpers)" -gt 0 ] && return
	done
	echo "no helper ever took part"
	return 1
}

# A list of no pages is no task.
no_pages() {
	before=$(stat chunks)
	frees 0 4 && same chunks "$before" "$(stat chunks)"
}

# Most of the memory is taken by huge pages, so that there is little to try.
not_enough_memory() {
	pool=/proc/sys/vm/nr_hugepages
	echo $(($(mem_free_mib) * 7 / 8 / 2)) > $pool
	free=$(mem_free_mib)
	set_to "$LIST"/pages 4294967295
	error=$(set_to "$LIST"/run 1 2>&1)
	memory_is_back "$free"
	status=$?
	echo 0 > $pool
	case $error in
	*"memory"*) return $status ;;
	*) echo "expected ENOMEM: '$error'"; return 1 ;;
	esac
}

# What the killed one would have said is not there, but that of the run before.
killed_while_it_allocates() {
	frees 1 1 && set_to "$LIST"/pages 200000 || return
	free=$(mem_free_mib)
	sh -c 'echo 1 > "$1"' sh "$LIST"/run &
	victim=$!
	while [ "$(mem_free_mib)" -gt $((free - 64)) ]; do :; done
	kill -KILL $victim
	wait $victim 2> /dev/null
	same "status" 137 $? && same "pages of the last result" 1 "$(value pages)" &&
		memory_is_back "$free"
}

refuses_bad_values() {
	for value in -1 abc 4294967296; do
		refuses "$LIST"/pages $value || return
	done
	refuses "$LIST"/threads 65537 && refuses "$LIST"/threads x || return
	for value in 0 2 x; do
		if set_to "$LIST"/run $value 2> /dev/null; then
			echo "run took $value"
			return 1
		fi
	done
}

insmod ktask_rs.ko
insmod free_list.ko
free=$(mem_free_mib)
check "free_list: 1 thread" frees 65536 1
check "free_list: 2 threads" frees 65536 2
check "free_list: a list that is no multiple of anything" frees 65537 4
check "free_list: helpers take part" helpers_take_part
check "free_list: 1 page" frees 1 4
check "free_list: no pages" no_pages
check "free_list: memory is back" memory_is_back "$free"
check "free_list: not enough memory" not_enough_memory
check "free_list: killed while it allocates" killed_while_it_allocates
check "free_list: bad values" refuses_bad_values
check "free_list: unloads" rmmod free_list
check "free_list leaves no helper behind" same "helpers left" 0 "$(helpers_now)"
rmmod ktask_rs
