# SPDX-License-Identifier: GPL-2.0
#
# For Kbuild files: makes Rust bindings from a C header as the kernel makes its
# own (rust/Makefile), with the C flags less those that only GCC knows.
#
#   $(obj)/foo_bindings.rs: private bindgen-allow := regex of functions and types
#   $(obj)/foo_bindings.rs: $(src)/foo.h FORCE
#	$(call if_changed_dep,ktask_bindgen)

ifndef CONFIG_CC_IS_CLANG
ktask-bindgen-skip := -mno-fp-ret-in-387 -mpreferred-stack-boundary=% \
	-mskip-rax-setup -mgeneral-regs-only -msign-return-address=% \
	-mindirect-branch=thunk-extern -mindirect-branch-register \
	-mfunction-return=thunk-extern -mrecord-mcount -mabi=lp64 \
	-mindirect-branch-cs-prefix -mstack-protector-guard% -mtraceback=no \
	-mno-pointers-to-nested-functions -mno-string \
	-mno-strict-align -mstrict-align -mdirect-extern-access \
	-mexplicit-relocs -mno-check-zero-division \
	-fconserve-stack -falign-jumps=% -falign-loops=% \
	-femit-struct-debug-baseonly -fno-ipa-cp-clone -fno-ipa-sra \
	-fno-partial-inlining -fplugin-arg-arm_ssp_per_task_plugin-% \
	-fno-reorder-blocks -fno-allow-store-data-races -fasan-shadow-offset=% \
	-fzero-call-used-regs=% -fno-stack-clash-protection \
	-fno-inline-functions-called-once -fsanitize=bounds-strict \
	-fstrict-flex-arrays=% -fmin-function-alignment=% \
	-fzero-init-padding-bits=% -mno-fdpic \
	-fdiagnostics-show-context -fdiagnostics-show-context=% \
	--param=% --param asan-% -fno-isolate-erroneous-paths-dereference
endif
ktask-bindgen-skip += $(CC_FLAGS_LTO)

ktask-bindgen-target-x86 := x86_64-linux-gnu
ktask-bindgen-target-arm64 := aarch64-linux-gnu
ktask-bindgen-target := $(ktask-bindgen-target-$(SRCARCH))
ifeq ($(ktask-bindgen-target),)
$(error ktask_rs: no bindgen target is known for $(SRCARCH); add it to lib/bindgen.mk)
endif

quiet_cmd_ktask_bindgen = BINDGEN $@
      cmd_ktask_bindgen = \
	$(BINDGEN) $< --rust-target 1.85 --use-core --ctypes-prefix ::kernel::ffi \
		--no-layout-tests --no-debug '.*' --no-doc-comments \
		--enable-function-attribute-detection \
		--no-recursive-allowlist \
		--allowlist-function '$(bindgen-allow)' \
		--allowlist-type 'bool_|$(bindgen-allow)' \
		-o $@ -- $(filter-out $(ktask-bindgen-skip),$(c_flags)) \
		-w --target=$(ktask-bindgen-target) \
		-fno-builtin -D__BINDGEN__ -DMODULE
