# SPDX-License-Identifier: GPL-2.0
# Whatever comes to mind, written to every file and given to every function; "fuzz" is fuzz.c.
# FUZZ_SEED=NUMBER draws the same again, as far as several writers at once can. ROUNDS is how often
# a file of ktask is written to by the one, and by the several.

: "${FUZZ_SEED:=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}"
echo "# FUZZ_SEED=$FUZZ_SEED"

: "${ROUNDS:=10000}"
MOST=2147483647
last_node=$(($(find /sys/devices/system/node -name "node[0-9]*" -maxdepth 1 | wc -l) - 1))

# fuzz_ktask MODE ROUNDS
fuzz_ktask() {
	set -- "$1" "$FUZZ_SEED" "$2"
	for file in "$KTASK"/rlim_max "$KTASK"/node*/rlim_max; do
		set_to "$file" auto
		set -- "$@" "$file" 0-$MOST,auto "${file%max}cur" none
	done
	./fuzz "$@" "$KTASK/max_threads" 1-$MOST "$KTASK/power_aware" 0-1 \
		"$KTASK/respect_affinity" 0-1 "$KTASK/stats" none
}

# Limits and knobs change all the time while tasks run.
fuzz_ktask_at_work() {
	insmod ktask_fuzz.ko seed="$FUZZ_SEED" tasks=$((ROUNDS / 10)) &
	fuzz_ktask crowd "$ROUNDS"
	status=$?
	wait $! && rmmod ktask_fuzz && return $status
}

as_before() {
	for file in "$KTASK"/rlim_max "$KTASK"/node*/rlim_max; do
		set_to "$file" auto || return
	done
	set_to "$KTASK"/max_threads 4 && set_to "$KTASK"/power_aware 1 &&
		set_to "$KTASK"/respect_affinity 0 && same "helpers left" 0 "$(helpers_now)" &&
		insmod ktask_fuzz.ko tasks=100 && rmmod ktask_fuzz
}

# fuzz_sample MODE SAMPLE RULE: RULE is "~" for files with the kernel's own number parser.
fuzz_sample() {
	dir=$DEBUGFS/$2
	./fuzz "$1" "$FUZZ_SEED" $((ROUNDS / 3)) "$dir/threads" "$3"0-65536 "$dir/pages" "$3"1-65536 \
		"$dir/node" "~0-$last_node" "$dir/run" none "$dir/result" none
}

# fuzz_tasks MODULE
fuzz_tasks() {
	insmod "$1.ko" seed="$FUZZ_SEED" tasks=$((ROUNDS / 5)) && rmmod "$1"
}

check "p9: random tasks without ktask" fuzz_tasks ktask_fuzz_serial
check "module parameter" \
	./fuzz module "$FUZZ_SEED" $((ROUNDS / 200)) ktask_rs.ko max_threads "$KTASK/max_threads" 1-$MOST
insmod ktask_rs.ko
check "p9: random tasks" fuzz_tasks ktask_fuzz
check "files of ktask, one writer" fuzz_ktask files "$ROUNDS"
check "files of ktask, several writers, while tasks run" fuzz_ktask_at_work
check "ktask is as before" as_before
for sample in clear_gigantic clear_gigantic_c; do
	# Not every kernel can allocate gigantic pages.
	[ -e $sample.ko ] || continue
	insmod $sample.ko
	[ $sample = clear_gigantic ] && rule='' || rule='~'
	check "files of $sample, one writer" fuzz_sample files $sample "$rule"
	check "files of $sample, several writers" fuzz_sample crowd $sample "$rule"
	check "$sample unloads" rmmod $sample
done
rmmod ktask_rs
