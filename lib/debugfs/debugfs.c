// SPDX-License-Identifier: GPL-2.0
/* See debugfs.h. Built into each module that uses it, so that THIS_MODULE is that module. */
#include <linux/module.h>
#include <linux/uaccess.h>

#include "debugfs.h"

/* Longest text that is accepted. */
#define TEXT_MAX 64

static int ktask_debugfs_show(struct seq_file *seq, void *unused)
{
	const struct ktask_debugfs_file *file = seq->private;

	if (file->show)
		file->show(file, seq);
	return 0;
}

static int ktask_debugfs_open(struct inode *inode, struct file *filp)
{
	return single_open(filp, ktask_debugfs_show, inode->i_private);
}

static ssize_t ktask_debugfs_write(struct file *filp, const char __user *from,
				   size_t len, loff_t *pos)
{
	const struct ktask_debugfs_file *file = file_inode(filp)->i_private;
	char text[TEXT_MAX];
	int err;

	if (!file->store)
		return -EACCES;
	if (len > sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, len))
		return -EFAULT;
	err = file->store(file, text, len);
	return err ?: len;
}

static const struct file_operations ktask_debugfs_fops = {
	.owner = THIS_MODULE,
	.open = ktask_debugfs_open,
	.read = seq_read,
	.write = ktask_debugfs_write,
	.llseek = seq_lseek,
	.release = single_release,
};

void ktask_debugfs_create_file(const char *name, struct dentry *dir,
			       const struct ktask_debugfs_file *file)
{
	umode_t mode = (file->show ? 0400 : 0) | (file->store ? 0200 : 0);

	debugfs_create_file(name, mode, dir, (void *)file, &ktask_debugfs_fops);
}
