/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/payload.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/io.h"
#include "support/run.h"
#include "support/scratch.h"
#include "swu/decoder.h"
#include "swu/emit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <openssl/evp.h>

#define MIB (UINT64_C(1) << 20)
/* More than all blocks together hold, and not a multiple of anything. */
#define INPUT_BYTES (8 * MIB + 12345)
#define OUT_AT 1003

static struct scratch scratch;
static uint8_t *input;
static char in_path[PATH_MAX], out_path[PATH_MAX];
static int in_fd, out_fd;

/* Noise, zeros and text in turn. */
static void fill(uint8_t *data, size_t len)
{
	uint32_t state = 12345;

	for (size_t i = 0; i < len; i++) {
		state = state * 1664525u + 1013904223u;
		data[i] = (uint8_t)(i / 70000 % 3 == 0 ? state >> 24 :
				    i / 70000 % 3 == 1 ? 0 :
							 'a' + (state >> 30));
	}
}

static void setup(void)
{
	scratch_make(&scratch);
	input = malloc(INPUT_BYTES);
	ck_assert_ptr_nonnull(input);
	fill(input, INPUT_BYTES);
	scratch_write(&scratch, "/in", input, INPUT_BYTES);
	scratch_write(&scratch, "/out", "", 0);
	scratch_path(&scratch, "/in", in_path);
	scratch_path(&scratch, "/out", out_path);
	in_fd = open(in_path, O_RDONLY | O_CLOEXEC);
	out_fd = open(out_path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(in_fd, 0);
	ck_assert_int_ge(out_fd, 0);
}

static void teardown(void)
{
	(void)close(in_fd);
	(void)close(out_fd);
	free(input);
	scratch_drop(&scratch, "/in");
	scratch_drop(&scratch, "/out");
	scratch_remove(&scratch);
}

static struct jota_payload payload(enum jota_compression compression, bool encrypt)
{
	struct jota_payload p = { .name = "rootfs",
				  .path = in_path,
				  .in_fd = in_fd,
				  .in_bytes = INPUT_BYTES,
				  .compression = compression,
				  .workers = 2,
				  .encrypt = encrypt,
				  .io = &scratch.io,
				  .out_path = out_path,
				  .out_fd = out_fd,
				  .out_offset_bytes = OUT_AT,
				  .out_max_bytes = UINT32_MAX };

	memset(p.aes_key, 0x5a, sizeof(p.aes_key));
	memset(p.aes_iv, 0x3c, sizeof(p.aes_iv));
	return p;
}

struct seen {
	uint64_t at_bytes;
};

static int compare(void *ctx, const uint8_t *data, size_t len, struct jota_err *err)
{
	struct seen *seen = ctx;

	if (seen->at_bytes + len > INPUT_BYTES || memcmp(input + seen->at_bytes, data, len) != 0)
		return jota_fail(err, EBADMSG, "differs behind %llu.",
				 (unsigned long long)seen->at_bytes);
	seen->at_bytes += len;
	return 0;
}

static uint8_t *read_output(const struct jota_payload_result *result)
{
	uint8_t *packed = malloc(result->packed_bytes);

	ck_assert_ptr_nonnull(packed);
	ck_assert_int_eq(
		jota_io_pread_all(out_fd, packed, result->packed_bytes, OUT_AT, "out", NULL), 0);
	return packed;
}

/* As a device undoes it. */
static void check_content(const struct jota_payload *p, const uint8_t *packed, uint64_t bytes)
{
	struct jota_swu_aes_key key = { .key_bytes = 32 };
	struct jota_swu_decoder *decoder = NULL;
	struct seen seen = { 0 };
	struct jota_err err = { 0 };
	char iv[33];

	memcpy(key.key, p->aes_key, sizeof(key.key));
	jota_emit_hex(p->aes_iv, sizeof(p->aes_iv), iv);
	ck_assert_int_eq(jota_swu_decoder_open(p->compression, p->encrypt ? &key : NULL, iv,
					       compare, &seen, &decoder, &err),
			 0);
	ck_assert_msg(jota_swu_decoder_feed(decoder, packed, bytes, &err) == 0, "%s", err.msg);
	ck_assert_msg(jota_swu_decoder_finish(decoder, &err) == 0, "%s", err.msg);
	jota_swu_decoder_free(decoder);
	ck_assert_uint_eq(seen.at_bytes, INPUT_BYTES);
}

static void check_sums(const struct jota_payload_result *result, const uint8_t *packed)
{
	uint8_t digest[32];
	uint32_t sum = 0;

	ck_assert_int_eq(EVP_Digest(packed, result->packed_bytes, digest, NULL, EVP_sha256(), NULL),
			 1);
	ck_assert_mem_eq(digest, result->sha256, sizeof(digest));
	for (uint64_t i = 0; i < result->packed_bytes; i++)
		sum += packed[i];
	ck_assert_uint_eq(sum, result->check);
}

/* Bit 0: encryption; the rest: the method. */
START_TEST(what_goes_in_comes_out_on_a_device)
{
	struct jota_payload p = payload((enum jota_compression)(_i / 2), _i % 2 != 0);
	struct jota_payload_result result;
	struct jota_err err = { 0 };
	uint8_t *packed;

	ck_assert_msg(jota_payload_run(&p, &result, &err) == 0, "said: %s", err.msg);
	packed = read_output(&result);
	check_sums(&result, packed);
	check_content(&p, packed, result.packed_bytes);
	if (p.compression != JOTA_COMPRESSION_NONE)
		ck_assert_uint_lt(result.packed_bytes, INPUT_BYTES * 2 / 3);
	else
		ck_assert_uint_eq(result.packed_bytes,
				  p.encrypt ? (INPUT_BYTES / 16 + 1) * 16 : INPUT_BYTES);
	free(packed);
}
END_TEST

START_TEST(the_number_of_threads_changes_no_byte)
{
	struct jota_payload p = payload((enum jota_compression)_i, true);
	struct jota_payload_result one, many;
	struct jota_err err = { 0 };

	p.workers = 1;
	ck_assert_msg(jota_payload_run(&p, &one, &err) == 0, "said: %s", err.msg);
	p.workers = 5;
	ck_assert_msg(jota_payload_run(&p, &many, &err) == 0, "said: %s", err.msg);
	ck_assert_uint_eq(one.packed_bytes, many.packed_bytes);
	ck_assert_mem_eq(one.sha256, many.sha256, sizeof(one.sha256));
}
END_TEST

/* Lengths around the borders of a block of ours and of the cipher's. */
static const uint64_t lengths[] = { 1,	    15,	    16,	     17,      524287, 524288,
				    524289, 524304, 1048575, 1048576, 1048577 };

START_TEST(every_length_is_padded_right)
{
	struct jota_payload p = payload(JOTA_COMPRESSION_NONE, true);
	struct jota_payload_result result;
	struct jota_swu_aes_key key = { .key_bytes = 32 };
	struct jota_swu_decoder *decoder = NULL;
	struct seen seen = { 0 };
	uint8_t *packed;
	char iv[33];

	p.in_bytes = lengths[_i];
	ck_assert_int_eq(jota_payload_run(&p, &result, NULL), 0);
	packed = read_output(&result);
	memcpy(key.key, p.aes_key, sizeof(key.key));
	jota_emit_hex(p.aes_iv, sizeof(p.aes_iv), iv);
	ck_assert_int_eq(
		jota_swu_decoder_open(p.compression, &key, iv, compare, &seen, &decoder, NULL), 0);
	ck_assert_int_eq(jota_swu_decoder_feed(decoder, packed, result.packed_bytes, NULL), 0);
	ck_assert_int_eq(jota_swu_decoder_finish(decoder, NULL), 0);
	jota_swu_decoder_free(decoder);
	ck_assert_uint_eq(seen.at_bytes, lengths[_i]);
	free(packed);
}
END_TEST

START_TEST(a_part_of_a_file_is_packed_alone)
{
	struct jota_payload p = payload(JOTA_COMPRESSION_NONE, false);
	struct jota_payload_result result;
	uint8_t *packed;

	p.in_offset_bytes = 3 * MIB;
	p.in_bytes = 2 * MIB;
	ck_assert_int_eq(jota_payload_run(&p, &result, NULL), 0);
	ck_assert_uint_eq(result.packed_bytes, 2 * MIB);
	packed = read_output(&result);
	ck_assert_mem_eq(packed, input + 3 * MIB, 2 * MIB);
	free(packed);
}
END_TEST

START_TEST(a_file_that_changed_since_it_was_planned_is_refused)
{
	struct jota_payload p = payload(JOTA_COMPRESSION_NONE, false);
	struct jota_payload_result result;
	struct jota_err err = { 0 };
	struct stat seen;

	ck_assert_int_eq(fstat(p.in_fd, &seen), 0);
	p.in_seen = &seen;
	ck_assert_int_eq(jota_payload_run(&p, &result, &err), 0);
	seen.st_mtim.tv_nsec ^= 1;
	ck_assert_int_eq(jota_payload_run(&p, &result, &err), -ESTALE);
}
END_TEST

/* Operations that do something else at the first write. */
static atomic_bool stop;

static ssize_t write_and_touch(void *ctx, int fd, const void *data, size_t len, uint64_t at)
{
	const struct timespec times[2] = { { 1, 0 }, { 1, 0 } };

	(void)ctx;
	(void)utimensat(AT_FDCWD, in_path, times, 0);
	return pwrite(fd, data, len, (off_t)at);
}

static ssize_t write_and_grow(void *ctx, int fd, const void *data, size_t len, uint64_t at)
{
	(void)ctx;
	ck_assert_int_eq(truncate(in_path, INPUT_BYTES + 1), 0);
	return pwrite(fd, data, len, (off_t)at);
}

static ssize_t write_and_shrink(void *ctx, int fd, const void *data, size_t len, uint64_t at)
{
	(void)ctx;
	ck_assert_int_eq(truncate(in_path, 100), 0);
	return pwrite(fd, data, len, (off_t)at);
}

static ssize_t write_full(void *ctx, int fd, const void *data, size_t len, uint64_t at)
{
	(void)ctx;
	if (at > MIB) {
		errno = ENOSPC;
		return -1;
	}
	return pwrite(fd, data, len, (off_t)at);
}

static ssize_t write_and_stop(void *ctx, int fd, const void *data, size_t len, uint64_t at)
{
	(void)ctx;
	atomic_store(&stop, true);
	(void)usleep(300000);
	return pwrite(fd, data, len, (off_t)at);
}

static int sync_never(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	return 0;
}

static const struct {
	struct jota_io_ops ops;
	int rc;
	const char *says;
} accidents[] = {
	{ { write_and_touch, sync_never }, -ESTALE, "was written while it was read" },
	{ { write_and_grow, sync_never }, -ESTALE, "changed its size while it was read" },
	{ { write_and_shrink, sync_never }, -ESTALE, "became shorter while it was read" },
	{ { write_full, sync_never }, -ENOSPC, "the disk is full after" },
	{ { write_and_stop, sync_never }, -ECANCELED, "interrupted while packing 'rootfs'" },
};

START_TEST(an_accident_ends_the_run_with_a_sentence)
{
	struct jota_payload p = payload(JOTA_COMPRESSION_NONE, true);
	struct jota_io io = scratch.io;
	struct jota_payload_result result;
	struct jota_err err = { 0 };

	io.ops = &accidents[_i].ops;
	p.io = &io;
	p.cancel = &stop;
	atomic_store(&stop, false);
	ck_assert_int_eq(jota_payload_run(&p, &result, &err), accidents[_i].rc);
	ck_assert_msg(strstr(err.msg, accidents[_i].says) != NULL, "said: %s", err.msg);
}
END_TEST

START_TEST(what_grows_beyond_a_member_is_refused)
{
	struct jota_payload p = payload(JOTA_COMPRESSION_ZSTD, false);
	struct jota_payload_result result;
	struct jota_err err = { 0 };

	p.out_max_bytes = MIB;
	ck_assert_int_eq(jota_payload_run(&p, &result, &err), -EFBIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "no file in a .swu can be larger"));
}
END_TEST

START_TEST(what_no_device_boots_is_refused_while_it_is_read)
{
	struct jota_payload p = payload(JOTA_COMPRESSION_ZSTD, true);
	struct jota_payload_result result;
	struct jota_err err = { 0 };

	p.is_boot_image = true;
	ck_assert_int_eq(jota_payload_run(&p, &result, &err), -EBADMSG);
	ck_assert_msg(strstr(err.msg, in_path) != NULL, "said: %s", err.msg);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("payload");
	TCase *tc = tcase_create("payload");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, what_goes_in_comes_out_on_a_device, 0, 2 * JOTA_COMPRESSION_COUNT);
	tcase_add_loop_test(tc, the_number_of_threads_changes_no_byte, JOTA_COMPRESSION_ZLIB,
			    JOTA_COMPRESSION_COUNT);
	tcase_add_loop_test(tc, every_length_is_padded_right, 0,
			    (int)(sizeof(lengths) / sizeof(lengths[0])));
	tcase_add_test(tc, a_part_of_a_file_is_packed_alone);
	tcase_add_test(tc, a_file_that_changed_since_it_was_planned_is_refused);
	tcase_add_loop_test(tc, an_accident_ends_the_run_with_a_sentence, 0,
			    (int)(sizeof(accidents) / sizeof(accidents[0])));
	tcase_add_test(tc, what_grows_beyond_a_member_is_refused);
	tcase_add_test(tc, what_no_device_boots_is_refused_while_it_is_read);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
