/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "show.h"
#include "swu/verify.h"

static int read_description(struct swu_file *swu, const char *path, struct jota_err *err)
{
	const struct jota_swu_member *m = &swu->index.member[0];
	CLEANUP_FREE char *text = NULL;
	int rc = jota_swu_member_read(swu->fd, path, m, JOTA_SWU_TEXT_MAX, &text, err);

	if (rc < 0)
		return rc;
	if (strlen(text) != m->size_bytes)
		return jota_fail(err, EBADMSG, "'%s': sw-description is no text file.", path);
	rc = jota_swu_description_parse(JOTA_SWU_DESCRIPTION, text, &swu->description, err);
	swu->has_description = rc == 0;
	return rc;
}

int swu_open(const char *path, bool want_description, struct swu_file *ret, struct jota_err *err)
{
	struct stat st;
	int rc;

	*ret = (struct swu_file){ .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };
	if (ret->fd < 0 || fstat(ret->fd, &st) < 0)
		return jota_fail(err, errno, "open '%s'", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return jota_fail(err, EINVAL, "'%s' is no regular file.", path);
	ret->bytes = (uint64_t)st.st_size;
	rc = jota_swu_index_read(ret->fd, path, &ret->index, err);
	if (rc < 0)
		return rc;
	rc = read_description(ret, path, err);
	return want_description ? rc : 0;
}

void swu_close(struct swu_file *swu)
{
	jota_swu_index_done(&swu->index);
	if (swu->has_description)
		jota_swu_description_done(&swu->description);
	if (swu->fd >= 0)
		(void)close(swu->fd);
	swu->fd = -1;
}
