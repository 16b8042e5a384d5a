/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * One file on its way into a .swu: read, compressed, encrypted, digested and written in one pass.
 * Each step has a thread and hands blocks of fixed size to the next, so memory does not grow with
 * the file. The same input gives the same output, however many threads there are.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "swu/recipe.h"

struct jota_err;
struct jota_io;
struct stat;

#define JOTA_AES_KEY_BYTES 32u
#define JOTA_AES_IV_BYTES 16u
#define JOTA_SHA256_BYTES 32u

/** Told now and then how much of the input has been read. */
typedef void (*jota_payload_progress_fn)(void *ctx, const char *name, uint64_t done_bytes,
					 uint64_t total_bytes);

struct jota_payload {
	const char *name; /* in the .swu, for messages */
	const char *path; /* of the input, for messages */
	int in_fd;	  /* regular file */
	/* what the file was when it was planned: parts of one image are of one file; NULL: as it is now */
	const struct stat *in_seen;
	/* part of the input that this member carries; its end must be the end of the file or before */
	uint64_t in_offset_bytes, in_bytes;
	bool is_boot_image; /* judged on the way as the device judges it */
	enum jota_compression compression;
	int level;	  /* 0: the default of the method */
	unsigned workers; /* threads of the compressor, at least 1 */
	bool encrypt;
	uint8_t aes_key[JOTA_AES_KEY_BYTES], aes_iv[JOTA_AES_IV_BYTES];
	const struct jota_io *io;
	const char *out_path; /* for messages */
	int out_fd;
	uint64_t out_offset_bytes, out_max_bytes;
	jota_payload_progress_fn progress; /* NULL: nobody listens */
	void *progress_ctx;
	const atomic_bool *cancel; /* set by a signal handler, NULL: never */
};

struct jota_payload_result {
	uint64_t packed_bytes;
	uint8_t sha256[JOTA_SHA256_BYTES]; /* of the packed bytes */
	uint32_t check;			   /* cpio's sum of them */
};

/**
 * Run one payload to its end. Blocks. -EBADMSG: not the boot image that a device takes; -ESTALE: the
 * input changed while it was read; -EFBIG: more than out_max_bytes; -ENOSPC; -ECANCELED; others from
 * the operating system. On failure the output has undefined bytes from out_offset_bytes on.
 */
int jota_payload_run(const struct jota_payload *p, struct jota_payload_result *ret,
		     struct jota_err *err);
