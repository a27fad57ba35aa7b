# SPDX-License-Identifier: GPL-2.0
"""The kernel's padata, changed so that it can be part of a module.

padata_do_multithreaded() exists during boot only and is not exported.  What is
changed is what it is linked with, never what it does.
"""

import re

from lib.failure import Failure

# Stand-ins for what is not exported, which only the serializing half of padata
# uses, and which nobody calls here.
STAND_INS = """
#undef alloc_workqueue_attrs
#define alloc_workqueue_attrs() NULL
#define free_workqueue_attrs(attrs) ((void)(attrs))
#define apply_workqueue_attrs(wq, attrs) 0
#define cpuhp_state_add_instance_nocalls_cpuslocked(state, node) ((void)(state))
"""

# Its header declares the functions under their own names; these are ours.
OWN_NAMES = """
int bench_padata_start(void);
"""

START = """
int bench_padata_start(void)
{
	bench_padata_init();
	return padata_works ? 0 : -ENOMEM;
}
"""

PUBLIC = ["padata_init", "padata_alloc", "padata_free", "padata_alloc_shell", "padata_free_shell",
          "padata_do_parallel", "padata_do_serial", "padata_do_multithreaded",
          "padata_set_cpumask"]


def as_module(source):
    """The text of kernel/padata.c as part of a module, from the text that the kernel has."""
    text = re.sub(r"^EXPORT_SYMBOL\w*\(.*\);\n", "", source, flags=re.MULTILINE)
    text = re.sub(r"\b__(init|initdata|ref|exit)\b ?", "", text)
    for name in PUBLIC:
        text, count = re.subn(rf"\b{name}\(", f"bench_{name}(", text)
        if not count:
            raise Failure(f"kernel/padata.c has no {name}() any more")
    includes = list(re.finditer(r"^#include .*\n", text, re.MULTILINE))
    if not includes:
        raise Failure("kernel/padata.c includes nothing")
    last = includes[-1].end()
    ours = "".join(declaration(text, name) for name in PUBLIC)
    return (text[:last] + OWN_NAMES + ours + STAND_INS + text[last:] + START)


def declaration(text, name):
    """The prototype of a function that is defined in text."""
    found = re.search(rf"^(\w[^;{{}}()]*\bbench_{name}\([^;{{}}]*\))\n{{", text, re.MULTILINE)
    if not found:
        raise Failure(f"kernel/padata.c does not define {name}() any more")
    return found[1] + ";\n"
