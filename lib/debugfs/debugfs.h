/* SPDX-License-Identifier: GPL-2.0 */
/*
 * debugfs files that keep their module loaded while they are open.
 *
 * Files made with the kernel crate's debugfs do not: a module that is unloaded
 * while one of its files is open leaves the kernel with a pointer to file
 * operations that are gone, and closing the file is an oops (7.2 and 7.3).
 * debugfs.rs is the safe side of this.
 */
#ifndef _KTASK_DEBUGFS_H
#define _KTASK_DEBUGFS_H

#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/types.h>

/* One file; has to stay until the file has been removed. */
struct ktask_debugfs_file {
	/* Writes what the file contains to @seq; NULL if it cannot be read. */
	void (*show)(const struct ktask_debugfs_file *file, struct seq_file *seq);
	/* Takes what was written; an errno, or 0. NULL if it cannot be written. */
	int (*store)(const struct ktask_debugfs_file *file, const char *text,
		     size_t len);
};

/* Creates @file in @dir. As everywhere in debugfs, nobody need know if that fails. */
void ktask_debugfs_create_file(const char *name, struct dentry *dir,
			       const struct ktask_debugfs_file *file);

#endif /* _KTASK_DEBUGFS_H */
