# SPDX-License-Identifier: GPL-2.0
# The pages of the machine, as the suites of samples see them: pools of huge pages, what is pinned,
# what is free.

# Sizes in KiB.
# shellcheck disable=SC2034 # for the suites
GIGANTIC=1048576 HUGE=2048

pools() {
	echo /sys/devices/system/node/node[0-9]*/hugepages/hugepages-"$1"kB
}

# reserve PAGE_KIB PAGES: so many on each node.
reserve() {
	for pool in $(pools "$1"); do
		echo "$2" > "$pool/nr_hugepages" || return
		same "$pool" "$2" "$(cat "$pool/nr_hugepages")" || return
	done
}

free_pages() {
	cat "/sys/kernel/mm/hugepages/hugepages-$1kB/free_hugepages"
}

pin_counter() {
	sed -n "s/^nr_foll_pin_$1 //p" /proc/vmstat
}

# What is pinned now, by anybody. Each CPU has a part of the counters, to be added up first.
pinned() {
	echo 1 > /proc/sys/vm/stat_refresh
	echo $(($(pin_counter acquired) - $(pin_counter released)))
}

# With what CPUs keep for themselves, which can be hundreds of MiB.
mem_free_mib() {
	awk '$1 == "nr_free_pages" || $1 == "count:" { pages += $2 }
		END { print int(pages / 256) }' /proc/zoneinfo
}

# memory_is_back MIB: as much is free as was before, but for what the kernel keeps.
memory_is_back() {
	at_least "free memory, in MiB" $(($1 - 32)) "$(mem_free_mib)"
}
