# SPDX-License-Identifier: GPL-2.0
# The commands people type; Kbuild is what the kernel's build reads.

BUILD = scripts/build KDIR='$(KDIR)' V='$(V)' CLIPPY='$(CLIPPY)' W='$(W)'

# A mistyped name would be taken for one that was not given.
KNOWN = KDIR M V CLIPPY W KERNELS INSTALL_MOD_%
GIVEN = $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
UNKNOWN = $(filter-out $(KNOWN),$(GIVEN))
ifneq ($(UNKNOWN),)
$(error there is no $(firstword $(UNKNOWN))=; see make help)
endif

.PHONY: modules help setup consumer guest run test test-debug check bench install clean

modules:
	@$(BUILD) modules

help:
	@echo 'make                  build the modules for the stock kernel of make setup'
	@echo 'make KDIR=DIR         ... for the kernel whose build tree is DIR'
	@echo 'make setup            prepare the build root and stock kernel (make does it too)'
	@echo 'make consumer M=DIR   build the module in DIR against ktask; KDIR= as above'
	@echo 'make run              see it work: clear gigantic pages in a NUMA guest'
	@echo 'make test             run all tests'
	@echo 'make test-debug       run the guest tests on two kernels with sanitizers'
	@echo 'make check            check the sources: format, warnings, style, documentation'
	@echo 'make bench            measure ktask side by side with padata and others'
	@echo 'make guest            a shell in the guest; scripts/guest --help for more'
	@echo 'make install          install ktask_rs.ko for the running kernel, or KDIR='
	@echo 'make clean            remove what was built'
	@echo
	@echo 'CLIPPY=1 for more warnings, V=1 to see the commands'

setup:
	@scripts/setup

consumer:
	@$(BUILD) consumer M='$(M)'

guest:
	@scripts/guest

run:
	@scripts/run

test:
	@scripts/test $(KERNELS:%=--kernel %)

test-debug:
	@scripts/test --kernel kasan --kernel kcsan

check:
	@scripts/check

bench:
	@scripts/bench

install:
	@$(BUILD) install

clean:
	rm -rf build
