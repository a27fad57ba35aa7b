/* SPDX-License-Identifier: GPL-2.0 */
/* What programs say to /dev/pin_pages. */
#ifndef _PIN_PAGES_H
#define _PIN_PAGES_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct pin_pages_buffer - what to pin
 * @addr: where it begins, at a multiple of the page size
 * @size: bytes, a multiple of the page size
 * @threads: the most threads to use; 0 for as many as ktask takes by itself
 * @unused: 0
 */
struct pin_pages_buffer {
	__u64	addr;
	__u64	size;
	__u32	threads;
	__u32	unused;
};

/*
 * Pins a buffer of the calling process for as long as the file is open, or until
 * PIN_PAGES_UNPIN. One at a time: EBUSY. The buffer has to be mapped as a whole,
 * writable (EFAULT), and counts against RLIMIT_MEMLOCK (ENOMEM).
 */
#define PIN_PAGES_PIN	_IOW(0xb7, 1, struct pin_pages_buffer)
#define PIN_PAGES_UNPIN	_IO(0xb7, 2)

#endif /* _PIN_PAGES_H */
