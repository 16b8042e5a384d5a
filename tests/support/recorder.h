/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * An I/O seam that notes each write and sync in their order, passes them on, and fails the ones it
 * is told to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"

#define RECORDER_OPS_MAX 8192

struct record {
	bool is_sync;
	bool failed;	 /* was not passed on */
	bool is_zero;	 /* nothing but zeros were written */
	bool is_direct;	 /* the descriptor had O_DIRECT */
	bool is_aligned; /* buffer, offset and length are multiples of 512 */
	uint64_t offset_bytes;
	size_t len_bytes;
};

enum recorder_fault {
	RECORDER_ERRNO,	  /* -1 and recorder.fault_errno */
	RECORDER_NOTHING, /* a write of 0 bytes; a sync that fails with EIO */
	RECORDER_SHORT,	  /* a write of half of it, in whole sectors if possible; syncs succeed */
};

struct recorder {
	struct jota_io io; /* hand this to the code under test */
	struct jota_io below;
	size_t count;
	size_t fault_from, fault_to; /* numbers of operations: from <= number < to fail */
	enum recorder_fault fault;
	int fault_errno;
	/* Called after operation `number` was passed on; NULL: none. */
	void (*after)(void *ctx, size_t number, const struct record *op);
	void *after_ctx;
	struct record op[RECORDER_OPS_MAX];
};

/**
 * Over the production seam on a root prefix. Aborts the test when that fails, or when more
 * operations come than fit.
 */
void recorder_init(struct recorder *r, const char *root);

/** From operation `number` on, `count` of them fail; numbers start at 0 with the first one ever. */
void recorder_fail(struct recorder *r, size_t number, size_t count, enum recorder_fault fault,
		   int fault_errno);
