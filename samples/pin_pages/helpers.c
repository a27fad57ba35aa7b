// SPDX-License-Identifier: GPL-2.0
/* One thin function for each thing that the sample needs of the kernel. */
#include <linux/cpuset.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "helpers.h"

long pin_pages_pin(unsigned long addr, size_t count, bool fault, struct page **pages)
{
	unsigned int flags = FOLL_WRITE | FOLL_LONGTERM | (fault ? 0 : FOLL_NOFAULT);
	long pinned;

	cond_resched();
	/* What is mapped already would be pinned without a look at signals. */
	if (fatal_signal_pending(current))
		return -EINTR;
	pinned = pin_user_pages_fast(addr, min_t(size_t, count, INT_MAX), flags, pages);
	return pinned ?: -EFAULT;
}

void pin_pages_unpin(struct page **pages, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (i % 1024 == 0)
			cond_resched();
		if (pages[i])
			unpin_user_page(pages[i]);
		pages[i] = NULL;
	}
}

#ifdef CONFIG_CPUSETS
static void use_nodes_of(struct task_struct *task)
{
	nodemask_t nodes;

	task_lock(task);
	nodes = task->mems_allowed;
	task_unlock(task);
	set_mems_allowed(nodes);
}
#else
static void use_nodes_of(struct task_struct *task)
{
}
#endif

bool pin_pages_borrow(struct mm_struct *mm, struct task_struct *caller)
{
	if (current->mm)
		return false;
	kthread_use_mm(mm);
	use_nodes_of(caller);
	return true;
}

void pin_pages_give_back(struct mm_struct *mm)
{
	/* What a kernel thread has: all nodes. */
	set_mems_allowed(node_states[N_MEMORY]);
	kthread_unuse_mm(mm);
}
