# SPDX-License-Identifier: GPL-2.0
# The live patch that folio_zero is.

PATCH=/sys/kernel/livepatch/folio_zero
# shellcheck disable=SC2034 # for the suite
PATCH_PARAMETERS=/sys/module/folio_zero/parameters

settled() {
	[ "$(cat $PATCH/transition)" = 0 ]
}

gone() {
	[ ! -e $PATCH ]
}

# enable_patch [PARAMETER=VALUE]...
enable_patch() {
	insmod folio_zero.ko "$@" && until_so 300 settled
}

disable() {
	echo 0 > $PATCH/enabled && until_so 300 gone && until_so 300 rmmod folio_zero
}
