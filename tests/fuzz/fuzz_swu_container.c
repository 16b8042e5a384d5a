/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The headers of a .swu. Input: the file. */
#define _GNU_SOURCE /* memfd_create */
#include "fuzz/fuzz.h"

#include "swu/container.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* What a member says must lie in the file, where its header can be made again from what was read. */
static void judge_member(const struct jota_swu_index *index, const struct jota_swu_member *m,
			 const uint8_t *data, size_t len_bytes)
{
	uint8_t header[JOTA_SWU_HEADER_MAX];
	struct jota_err err = { 0 };
	size_t header_bytes = 0;

	PROMISE(memchr(m->name, '\0', sizeof(m->name)) != NULL);
	PROMISE(jota_swu_name_check(m->name, NULL) == 0);
	PROMISE(jota_swu_index_find(index, m->name) == m);
	PROMISE(m->data_offset_bytes + m->size_bytes <= index->end_bytes);
	PROMISE(m->data_offset_bytes % 4 == 0);
	PROMISE(jota_swu_header_encode(m->name, m->size_bytes, m->check, 0, header, &header_bytes,
				       &err) == 0);
	PROMISE(header_bytes <= m->data_offset_bytes && m->data_offset_bytes <= len_bytes);
	PROMISE(memcmp(header + 110, data + m->data_offset_bytes - header_bytes + 110,
		       header_bytes - 110) == 0);
}

static void judge(const struct jota_swu_index *index, const uint8_t *data, size_t len_bytes)
{
	PROMISE(index->count >= 1 && index->count <= JOTA_SWU_MEMBERS_MAX);
	PROMISE(index->end_bytes <= len_bytes);
	PROMISE(strcmp(index->member[0].name, JOTA_SWU_DESCRIPTION) == 0);
	for (size_t i = 0; i < index->count; i++)
		judge_member(index, &index->member[i], data, len_bytes);
	for (size_t i = index->end_bytes; i < len_bytes; i++)
		PROMISE(data[i] == 0);
	fuzz_plant(index->count == 2 && !index->member[1].has_check && index->member[1].check != 0,
		   index->member[1].name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	struct jota_swu_index index, untouched;
	struct jota_err err = { 0 };
	int fd = memfd_create("swu", MFD_CLOEXEC), r;

	PROMISE(fd >= 0 && pwrite(fd, data, len_bytes, 0) == (ssize_t)len_bytes);
	memset(&index, 0xa5, sizeof(index));
	untouched = index;
	r = jota_swu_index_read(fd, "input", &index, &err);
	fuzz_check_result(r, &err);
	if (r == 0) {
		judge(&index, data, len_bytes);
		jota_swu_index_done(&index);
	} else {
		PROMISE(r == -EBADMSG);
		PROMISE(memcmp(&index, &untouched, sizeof(index)) == 0);
	}
	PROMISE(close(fd) == 0);
	return 0;
}
