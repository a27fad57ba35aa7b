# SPDX-License-Identifier: GPL-2.0
# The sample that pins a process's buffer, where the buffer is in ZONE_MOVABLE, which what is pinned
# for long has to leave. The guest needs such memory on node 1 (movablecore=).

NODE1=/tmp/node1
CPUSET=/sys/fs/cgroup/node0

pages_for_node_1() {
	mkdir -p $NODE1 && mount -t tmpfs -o mpol=bind:1 none $NODE1
}

cpuset_of_node_0() {
	echo +cpuset > /sys/fs/cgroup/cgroup.subtree_control
	mkdir -p $CPUSET && echo 0 > $CPUSET/cpuset.mems
}

# Migrated pages go where the cpuset allows, whoever of the threads migrates them.
pinned_within_the_cpuset() {
	for _ in 1 2 3; do
		until_a_helper_starts moved_to_node_0 || return
	done
}

# A new file, as the pages of one that was pinned stay where they have gone.
moved_to_node_0() {
	dd if=/dev/zero of=$NODE1/buffer bs=1M count=128 2> /dev/null || return
	line=$(sh -c 'echo $$ > "$1/cgroup.procs"; exec ./pinbuf -m 128 -t 4 -p -b 0 -f "$2"' \
		sh $CPUSET $NODE1/buffer)
	rm $NODE1/buffer
	same "pages of node 0" "size_mib 128 error 0 elsewhere 0" \
		"$(echo "$line" | sed 's/time_ns.*elsewhere/elsewhere/')"
}

# Workers serve others, too.
workers_may_use_all_nodes() {
	for process in /proc/[0-9]*; do
		case $(cat "$process/comm" 2> /dev/null) in
		kworker/*)
			same "nodes of $process" "Mems_allowed_list:	0-1" \
				"$(grep Mems_allowed_list "$process/status")" || return ;;
		esac
	done
}

insmod ktask_rs.ko
insmod pin_pages.ko
check "pin_movable: there are pages of node 1" pages_for_node_1
check "pin_movable: there is a cpuset of node 0" cpuset_of_node_0
check "pin_movable: pages are migrated within the caller's cpuset" pinned_within_the_cpuset
check "pin_movable: workers may use all nodes again" workers_may_use_all_nodes
umount $NODE1
rmdir $CPUSET
check "pin_movable: unloads" rmmod pin_pages
check "pin_movable leaves no helper behind" same "helpers left" 0 "$(helpers_now)"
rmmod ktask_rs
