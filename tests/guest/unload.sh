# SPDX-License-Identifier: GPL-2.0
# P17: loading and unloading.

refused_while_used() {
	load
	if rmmod ktask_rs 2>/dev/null; then
		echo "unloaded under a consumer"
		return 1
	fi
	unload
}

# A file of ours that is open keeps us loaded.
refused_while_a_file_is_open() {
	insmod ktask_rs.ko || return
	for file in stats rlim_max node0/rlim_cur; do
		exec 3< "$KTASK"/$file
		if rmmod ktask_rs 2>/dev/null; then
			echo "unloaded while $file was open"
			exec 3<&-
			return 1
		fi
		read -r _ <&3 && exec 3<&- || return
	done
	rmmod ktask_rs
}

# Unloads the consumer while its task runs, and ktask right after it.
unload_while_running() {
	for i in 1 2 3 4 5 6 7 8 9 10; do
		load && control start_background && unload || return
	done
}

slab_kib() {
	echo 3 > /proc/sys/vm/drop_caches
	sed -n 's/^SUnreclaim: *\([0-9]*\) kB/\1/p' /proc/meminfo
}

percpu_kib() {
	sed -n 's/^Percpu: *\([0-9]*\) kB/\1/p' /proc/meminfo
}

cycles() {
	i=0
	while [ $i -lt "$1" ]; do
		insmod ktask_rs.ko && rmmod ktask_rs || return
		i=$((i + 1))
	done
}

# The first rounds fill the kernel's caches; one leaked helper a round would show.
load_200_times() {
	cycles 50 || return
	sleep 1
	slab=$(slab_kib)
	percpu=$(percpu_kib)
	cycles 150 || return
	sleep 1
	at_least "per-CPU memory not leaked" 0 $((percpu + 32 - $(percpu_kib))) || return
	# KASAN keeps what is freed for some time. What is not freed there, kmemleak finds.
	[ -e "$DEBUGFS/kmemleak" ] ||
		at_least "memory not leaked" 0 $((slab + 150 - $(slab_kib)))
}

check "p17: refused while a consumer is loaded" refused_while_used
check "p17: refused while a file is open" refused_while_a_file_is_open
check "p17: unloaded while tasks run" unload_while_running
check "p17: loaded and unloaded 200 times" load_200_times
check "p17: nothing is left" nothing_left
