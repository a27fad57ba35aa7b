# SPDX-License-Identifier: GPL-2.0
#
# For the Kbuild of a sample in Rust, after its obj-m: the bindings of its helpers.h, which
# helpers.rs beside this file includes.

sample := $(obj-m:.o=)

include $(KTASK_BINDGEN_MK)

export SAMPLE_HELPERS_RS := $(abspath $(obj))/helpers_bindings.rs

$(obj)/helpers_bindings.rs: private bindgen-allow := $(sample)_.*|ktask_debugfs_.*
$(obj)/helpers_bindings.rs: $(src)/helpers.h FORCE
	$(call if_changed_dep,ktask_bindgen)

targets += helpers_bindings.rs

$(obj)/$(sample)_main.o: $(obj)/helpers_bindings.rs
