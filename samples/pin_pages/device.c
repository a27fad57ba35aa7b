// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/pin_pages. In C, as a device of the kernel crate lets its module be
 * unloaded while a file is open (7.2).
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "helpers.h"
#include "pin_pages.h"

static int pin_pages_open(struct inode *inode, struct file *file)
{
	file->private_data = rust_pin_pages_open();
	return file->private_data ? 0 : -ENOMEM;
}

static int pin_pages_release(struct inode *inode, struct file *file)
{
	rust_pin_pages_release(file->private_data);
	return 0;
}

static long pin_pages_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct pin_pages_buffer buffer;

	switch (cmd) {
	case PIN_PAGES_PIN:
		if (copy_from_user(&buffer, (void __user *)arg, sizeof(buffer)))
			return -EFAULT;
		if (buffer.unused)
			return -EINVAL;
		return rust_pin_pages_pin(file->private_data, buffer.addr, buffer.size,
					  buffer.threads);
	case PIN_PAGES_UNPIN:
		return rust_pin_pages_unpin(file->private_data);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations pin_pages_fops = {
	.owner = THIS_MODULE,
	.open = pin_pages_open,
	.release = pin_pages_release,
	.unlocked_ioctl = pin_pages_ioctl,
};

static struct miscdevice pin_pages_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pin_pages",
	.fops = &pin_pages_fops,
	.mode = 0600,
};

int pin_pages_register(void)
{
	return misc_register(&pin_pages_device);
}

void pin_pages_deregister(void)
{
	misc_deregister(&pin_pages_device);
}
