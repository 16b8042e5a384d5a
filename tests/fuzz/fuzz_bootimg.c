/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Boot image: header, then the running check of its id, fed in pieces.
 * Input: the image; its last 4 bytes say how many pages of zeros follow it, how many bytes more than
 * that are claimed, and how the image is cut into pieces.
 */
#include "fuzz/fuzz.h"

#include "base/bytes.h"
#include "write/bootimg.h"

#define CONTROL_BYTES 4u
#define PAGE_BYTES 2048u

/* Result of the check over the image in pieces; step 0: in one. */
static int check_image(const struct jota_bootimg *hdr, const uint8_t *image, size_t len_bytes,
		       uint8_t step, struct jota_err *err)
{
	struct jota_bootimg_check *check = NULL;
	uint32_t random = step;
	int r = jota_bootimg_check_open(hdr, &check, err);

	PROMISE(r == 0);
	for (size_t at = 0, piece; at < len_bytes; at += piece) {
		random = random * 1103515245u + 12345u;
		piece = step == 0 ? len_bytes : (random >> 16) % (16u * step);
		piece = piece < len_bytes - at ? piece : len_bytes - at;
		jota_bootimg_check_feed(check, image + at, piece);
	}
	r = jota_bootimg_check_finish(check, err);
	jota_bootimg_check_free(check);
	return r;
}

static void judge_header(const struct jota_bootimg *hdr, uint64_t image_bytes)
{
	uint64_t parts_bytes = hdr->kernel_size_bytes + hdr->ramdisk_size_bytes +
			       hdr->second_size_bytes + hdr->recovery_dtbo_size_bytes +
			       hdr->dtb_size_bytes;

	PROMISE(hdr->header_version <= 2 && hdr->kernel_size_bytes > 0);
	PROMISE(hdr->page_size_bytes >= 2048 && hdr->page_size_bytes <= 16384);
	PROMISE(hdr->total_bytes % hdr->page_size_bytes == 0 && hdr->total_bytes <= image_bytes);
	PROMISE(hdr->page_size_bytes + parts_bytes <= hdr->total_bytes);
	PROMISE(strlen(hdr->cmdline) <= 512 + 1024);
	fuzz_plant(hdr->header_version == 2 && hdr->recovery_dtbo_size_bytes > 0, hdr->cmdline);
}

/* libFuzzer's own; absent, and never called, where a corpus is only replayed. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t len_bytes, size_t room_bytes);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len_bytes, size_t room_bytes, unsigned seed);

/* An image is padding for the most part: three of four mutations go into a field. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len_bytes, size_t room_bytes, unsigned seed)
{
	static const size_t field[] = { 8, 16, 24, 36, 40, 64, 576, 608, 1632, 1644, 1648, 2104 };
	size_t at = field[seed / 4 % (sizeof(field) / sizeof(field[0]))];

	if (seed % 4 == 0 || at + 4 > len_bytes)
		return LLVMFuzzerMutate(data, len_bytes, room_bytes);
	(void)LLVMFuzzerMutate(data + at, 4, 4);
	return len_bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	const uint8_t *control;
	struct jota_bootimg hdr;
	struct jota_err err = { 0 }, again = { 0 };
	uint8_t *image, *prefix;
	size_t given_bytes, prefix_bytes;
	int r;

	if (len_bytes < CONTROL_BYTES)
		return 0;
	len_bytes -= CONTROL_BYTES;
	control = data + len_bytes;
	given_bytes = len_bytes + control[0] % 64u * PAGE_BYTES;
	prefix_bytes = given_bytes < JOTA_BOOTIMG_PREFIX_BYTES ? given_bytes :
								 JOTA_BOOTIMG_PREFIX_BYTES;
	image = fuzz_copy(data, len_bytes, given_bytes);
	prefix = fuzz_copy(image, prefix_bytes, prefix_bytes);
	r = jota_bootimg_parse(prefix, prefix_bytes, given_bytes + control[1], &hdr, &err);
	fuzz_check_result(r, &err);
	if (r == 0) {
		judge_header(&hdr, given_bytes + control[1]);
		given_bytes -= control[2] % (given_bytes + 1);
		r = check_image(&hdr, image, given_bytes, 0, &err);
		fuzz_check_result(r, &err);
		PROMISE(check_image(&hdr, image, given_bytes, control[3], &again) == r);
		PROMISE(r == 0 || strcmp(err.msg, again.msg) == 0);
		PROMISE(r < 0 || given_bytes + hdr.page_size_bytes > hdr.total_bytes);
	}
	free(prefix);
	free(image);
	return 0;
}
