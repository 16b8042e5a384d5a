/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* O_DIRECT is an extension of Linux. */
#define _GNU_SOURCE

#include "support/recorder.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR_BYTES 512u

static struct record *note(struct recorder *r, int fd)
{
	struct record *op;

	if (r->count == RECORDER_OPS_MAX) {
		(void)fprintf(stderr, "recorder: more than %d operations\n", RECORDER_OPS_MAX);
		abort();
	}
	op = &r->op[r->count++];
	*op = (struct record){ .is_direct = (fcntl(fd, F_GETFL) & O_DIRECT) != 0 };
	return op;
}

static bool is_due(const struct recorder *r)
{
	size_t number = r->count - 1;

	return number >= r->fault_from && number < r->fault_to;
}

static ssize_t record_pwrite(void *ctx, int fd, const void *data, size_t len_bytes,
			     uint64_t offset_bytes)
{
	struct recorder *r = ctx;
	struct record *op = note(r, fd);
	const uint8_t *bytes = data;
	ssize_t n;

	op->offset_bytes = offset_bytes;
	op->len_bytes = len_bytes;
	op->is_zero = len_bytes == 0 ||
		      (bytes[0] == 0 && memcmp(bytes, bytes + 1, len_bytes - 1) == 0);
	op->is_aligned = ((uintptr_t)data | offset_bytes | len_bytes) % SECTOR_BYTES == 0;
	if (is_due(r) && r->fault == RECORDER_SHORT) {
		len_bytes = len_bytes < 2 ? len_bytes : len_bytes / 2;
		if (len_bytes > SECTOR_BYTES)
			len_bytes -= len_bytes % SECTOR_BYTES;
	} else if (is_due(r)) {
		op->failed = true;
		errno = r->fault_errno;
		return r->fault == RECORDER_NOTHING ? 0 : -1;
	}
	n = r->below.ops->pwrite(r->below.ctx, fd, data, len_bytes, offset_bytes);
	if (r->after)
		r->after(r->after_ctx, r->count - 1, op);
	return n;
}

static int record_fsync(void *ctx, int fd)
{
	struct recorder *r = ctx;
	struct record *op = note(r, fd);
	int n;

	op->is_sync = true;
	if (is_due(r) && r->fault != RECORDER_SHORT) {
		op->failed = true;
		errno = r->fault == RECORDER_NOTHING ? EIO : r->fault_errno;
		return -1;
	}
	n = r->below.ops->fsync(r->below.ctx, fd);
	if (r->after)
		r->after(r->after_ctx, r->count - 1, op);
	return n;
}

static const struct jota_io_ops record_ops = {
	.pwrite = record_pwrite,
	.fsync = record_fsync,
};

void recorder_init(struct recorder *r, const char *root)
{
	struct jota_err err = { 0 };

	memset(r, 0, sizeof(*r));
	if (jota_io_init(&r->below, root, &err) < 0) {
		(void)fprintf(stderr, "recorder: %s\n", err.msg);
		abort();
	}
	r->io = r->below;
	r->io.ops = &record_ops;
	r->io.ctx = r;
}

void recorder_fail(struct recorder *r, size_t number, size_t count, enum recorder_fault fault,
		   int fault_errno)
{
	r->fault_from = number;
	r->fault_to = count > SIZE_MAX - number ? SIZE_MAX : number + count;
	r->fault = fault;
	r->fault_errno = fault_errno;
}
