# SPDX-License-Identifier: GPL-2.0
# The sample consumers: real 1 GiB pages, cleared and verified.

# value SAMPLE NAME: one line of the sample's last result.
value() {
	sed -n "s/^$2 //p" "$DEBUGFS/$1/result"
}

# clears SAMPLE NODE THREADS
clears() {
	dir=$DEBUGFS/$1
	set_to "$dir/node" "$2" && set_to "$dir/threads" "$3" &&
		set_to "$dir/pages" 1 && set_to "$dir/run" 1 || return
	same verified yes "$(value "$1" verified)" &&
		same bad_words 0 "$(value "$1" bad_words)" &&
		same node "$2" "$(value "$1" node)" &&
		same bytes $((1 << 30)) "$(value "$1" bytes)" &&
		same threads_asked "$3" "$(value "$1" threads_asked)" || return
	if [ "$(value "$1" threads_used)" -gt "$3" ]; then
		echo "used more threads than asked for"
		return 1
	fi
	at_least "chunks" 1 "$(value "$1" chunks)"
}

# More pages than a node has memory for.
no_memory() {
	dir=$DEBUGFS/$1
	set_to "$dir/pages" 64 || return
	error=$(set_to "$dir/run" 1 2>&1)
	set_to "$dir/pages" 1
	case $error in
	*"memory"*) ;;
	*) echo "expected ENOMEM: '$error'"; return 1 ;;
	esac
}

refused_while_a_file_is_open() {
	exec 3< "$DEBUGFS/$1/result"
	rmmod "$1" 2>/dev/null
	status=$?
	exec 3<&-
	[ "$status" -ne 0 ]
}

insmod ktask_rs.ko
for sample in clear_gigantic clear_gigantic_c; do
	insmod $sample.ko
	check "$sample: node 0, 1 thread" clears $sample 0 1
	check "$sample: node 1, 2 threads" clears $sample 1 2
	check "$sample: no such node" refuses "$DEBUGFS"/$sample/node 77
	check "$sample: node that is no number" refuses "$DEBUGFS"/$sample/node abc
	check "$sample: 0 pages" refuses "$DEBUGFS"/$sample/pages 0
	check "$sample: threads that are no number" refuses "$DEBUGFS"/$sample/threads -3
	check "$sample: not enough memory" no_memory $sample
	check "$sample: not unloaded while a file is open" refused_while_a_file_is_open $sample
	check "$sample: unloads" rmmod $sample
done
check "samples leave no helper behind" same "helpers left" 0 "$(helpers_now)"
rmmod ktask_rs
