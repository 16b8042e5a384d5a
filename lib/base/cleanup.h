/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Scope attributes: a resource is released on every path out of its block. */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

static inline void jota_cleanup_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void jota_cleanup_free(void *slot)
{
	void **p = slot;

	free(*p);
	*p = NULL;
}

#define CLEANUP_FD __attribute__((cleanup(jota_cleanup_fd)))
#define CLEANUP_FREE __attribute__((cleanup(jota_cleanup_free)))

/** Hand a descriptor out of its scope: returns it and leaves -1 behind. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/** Hand a pointer out of its scope: returns it and leaves NULL behind. */
#define take_ptr(p)                                                                                \
	({                                                                                         \
		__typeof__(p) take_from_ = (p);                                                    \
		__typeof__(*take_from_) taken_ = *take_from_;                                      \
		*take_from_ = NULL;                                                                \
		taken_;                                                                            \
	})
