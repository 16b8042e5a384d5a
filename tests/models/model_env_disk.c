// SPDX-License-Identifier: LGPL-2.1-or-later
// SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
//
// The redundant environment on disk: u32 LE CRC-32 of the data, u8 serial ("flags", not covered
// by the CRC), then "name=value\0" entries and one more "\0". Rules from U-Boot's env/common.c
// and env/mmc.c (2023.01).
#include "model_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_BYTES 5

static uint32_t crc32_of(const uint8_t *data, size_t len_bytes)
{
	uint32_t nibble[16];
	uint32_t crc = 0xffffffffU;

	for (uint32_t i = 0; i < 16; i++) {
		nibble[i] = i;
		for (int bit = 0; bit < 4; bit++)
			nibble[i] = (nibble[i] >> 1) ^ ((nibble[i] & 1U) != 0 ? 0xedb88320U : 0);
	}
	for (size_t i = 0; i < len_bytes; i++) {
		crc ^= data[i];
		crc = (crc >> 4) ^ nibble[crc & 15U];
		crc = (crc >> 4) ^ nibble[crc & 15U];
	}
	return ~crc;
}

/* An unreadable or short copy counts as bad, as in U-Boot. */
static bool read_copy(const struct model_machine *m, int copy, uint8_t *ret_data)
{
	int fd = open(m->env_path, O_RDONLY | O_CLOEXEC);
	size_t done = 0;

	if (fd < 0)
		return false;
	while (done < m->env_size_bytes) {
		ssize_t n = pread(fd, ret_data + done, m->env_size_bytes - done,
				  (off_t)(m->env_offset_bytes[copy] + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	(void)close(fd);
	return done == m->env_size_bytes &&
	       crc32_of(ret_data + HEADER_BYTES, m->env_size_bytes - HEADER_BYTES) ==
		       bootimg_le32(ret_data);
}

static int choose_copy(bool good0, bool good1, uint8_t flags0, uint8_t flags1)
{
	if (!good0 || !good1)
		return good0 ? 0 : good1 ? 1 : -1;
	if (flags0 == 255 && flags1 == 0)
		return 1;
	if (flags1 == 255 && flags0 == 0)
		return 0;
	return flags1 > flags0 ? 1 : 0;
}

/* U-Boot drops a backslash and keeps what follows; "name" and "name=" delete. */
static int import_data(struct model_env *env, const uint8_t *data, size_t len_bytes)
{
	char *text = malloc(len_bytes + 1);
	int ret = 0;

	if (text == NULL)
		return -ENOMEM;
	memcpy(text, data, len_bytes);
	text[len_bytes] = '\0';
	for (size_t at = 0; ret == 0 && at < len_bytes && text[at] != '\0';) {
		char *entry = text + at;

		at += strlen(entry) + 1;
		char *equals = strchr(entry, '=');
		char *to = entry;
		for (const char *from = entry; *from != '\0'; from++) {
			if (*from == '\\' && from[1] != '\0' && equals != NULL && from > equals)
				from++;
			*to++ = *from;
		}
		*to = '\0';
		if (equals != NULL)
			*equals = '\0';
		ret = env_put(env, entry, equals == NULL || equals[1] == '\0' ? NULL : equals + 1);
	}
	free(text);
	return ret;
}

/* -ENODATA: no copy is valid. */
int env_load(const struct model_machine *m, struct model_env *env)
{
	uint8_t *copies = calloc(2, m->env_size_bytes);

	if (copies == NULL)
		return -ENOMEM;
	env_free(env);
	bool good0 = read_copy(m, 0, copies);
	bool good1 = read_copy(m, 1, copies + m->env_size_bytes);
	int choice = choose_copy(good0, good1, copies[4], copies[m->env_size_bytes + 4]);
	int ret = -ENODATA;
	if (choice >= 0) {
		const uint8_t *chosen = copies + (size_t)choice * m->env_size_bytes;

		env->current_copy = choice;
		env->stored = true;
		env->flags = chosen[4];
		ret = import_data(env, chosen + HEADER_BYTES, m->env_size_bytes - HEADER_BYTES);
	}
	free(copies);
	return ret;
}

static bool put_char(uint8_t *data, size_t size_bytes, size_t *at, char c)
{
	if (*at + 1 >= size_bytes) /* the last byte belongs to the terminator */
		return false;
	data[(*at)++] = (uint8_t)c;
	return true;
}

static bool put_text(uint8_t *data, size_t size_bytes, size_t *at, const char *text, bool escape)
{
	bool fits = true;

	for (; fits && *text != '\0'; text++) {
		if (escape && *text == '\\')
			fits = put_char(data, size_bytes, at, '\\');
		fits = fits && put_char(data, size_bytes, at, *text);
	}
	return fits;
}

/* data comes zeroed, so the terminator is there already. */
static int export_data(struct model_env *env, uint8_t *data, size_t size_bytes)
{
	size_t at = 0;

	env_sort(env);
	for (size_t i = 0; i < env->count; i++)
		if (!put_text(data, size_bytes, &at, env->vars[i].name, false) ||
		    !put_char(data, size_bytes, &at, '=') ||
		    !put_text(data, size_bytes, &at, env->vars[i].value, true) ||
		    !put_char(data, size_bytes, &at, '\0'))
			return -ENOSPC;
	return 0;
}

static ssize_t write_some(const struct model_machine *m, int fd, const uint8_t *data, size_t len,
			  off_t at_bytes)
{
	return m->io.pwrite != NULL ? m->io.pwrite(m->io.user, fd, data, len, at_bytes) :
				      pwrite(fd, data, len, at_bytes);
}

static int write_all(const struct model_machine *m, const uint8_t *data, uint64_t at_bytes)
{
	size_t done = 0;
	int ret = 0;
	int fd = open(m->env_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	while (ret == 0 && done < m->env_size_bytes) {
		ssize_t n = write_some(m, fd, data + done, m->env_size_bytes - done,
				       (off_t)(at_bytes + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			ret = n < 0 ? -errno : -EIO;
		else
			done += (size_t)n;
	}
	if (ret == 0 && (m->io.fsync != NULL ? m->io.fsync(m->io.user, fd) : fsync(fd)) != 0)
		ret = -errno;
	if (close(fd) != 0 && ret == 0)
		ret = -errno;
	return ret;
}

int env_write_copy(const struct model_machine *m, const struct model_env *env, int copy,
		   uint8_t flags)
{
	struct model_env sorted = *env;
	uint8_t *data = calloc(1, m->env_size_bytes);

	if (data == NULL)
		return -ENOMEM;
	int ret = export_data(&sorted, data + HEADER_BYTES, m->env_size_bytes - HEADER_BYTES);
	if (ret == 0) {
		uint32_t crc = crc32_of(data + HEADER_BYTES, m->env_size_bytes - HEADER_BYTES);

		for (int i = 0; i < 4; i++)
			data[i] = (uint8_t)(crc >> (8 * i));
		data[4] = flags;
		ret = write_all(m, data, m->env_offset_bytes[copy]);
	}
	free(data);
	return ret;
}

/* U-Boot raises the serial even when the write fails, and with the default environment it takes
 * copy 0 for the current one: both are its behaviour. */
int env_save(const struct model_machine *m, struct model_env *env)
{
	int copy = env->current_copy == 0 ? 1 : 0;

	env->flags++;
	int ret = env_write_copy(m, env, copy, env->flags);
	if (ret == 0)
		env->current_copy = copy;
	return ret;
}
