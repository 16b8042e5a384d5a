/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * jetson-swu extract: members of a .swu become files. Names were checked when the archive was read,
 * and still nothing is opened but a new file directly in the folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "join.h"
#include "show.h"
#include "verbs.h"

#define CHUNK_BYTES (256u * 1024u)

static const char usage_text[] =
	"usage: jetson-swu extract [-C DIR] FILE.swu [MEMBER]...\n"
	"       jetson-swu extract --list FILE.swu\n"
	"       jetson-swu extract --join OUT [-K FILE] FILE.swu\n"
	"\n"
	"Writes the members, all or those named, to new files in DIR (default: here). A file that is\n"
	"there is never replaced. Checksums are compared, signatures and hashes are not: 'jetson-swu\n"
	"verify' does that.\n"
	"\n"
	"  -C, --directory DIR  where to; made when it is missing\n"
	"      --list           print names and sizes only\n"
	"      --join OUT       write the root filesystem to OUT, decrypted and decompressed, the parts\n"
	"                       of a split one behind each other\n"
	"  -K, --aes-key FILE   key as for swupdate -K, for --join\n"
	"\n"
	"Exit codes: 0 done, 1 refused, 2 wrong usage, 3 unreadable.\n";

static int copy_bytes(const struct swu_file *swu, const char *path, const struct jota_swu_member *m,
		      const struct jota_io *io, int fd, struct jota_err *err)
{
	CLEANUP_FREE uint8_t *block = malloc(CHUNK_BYTES);
	uint32_t check = 0;
	uint64_t done = 0;

	if (!block)
		return jota_fail(err, ENOMEM, "copy '%s'", m->name);
	while (done < m->size_bytes) {
		size_t len = m->size_bytes - done < CHUNK_BYTES ? (size_t)(m->size_bytes - done) :
								  CHUNK_BYTES;
		int rc = jota_io_pread_all(swu->fd, block, len, m->data_offset_bytes + done, path,
					   err);

		if (!rc)
			rc = jota_io_pwrite_all(io, fd, block, len, done, m->name, err);
		if (rc < 0)
			return rc;
		check = jota_swu_check_add(check, block, len);
		done += len;
	}
	if (!m->has_check || check == m->check)
		return 0;
	return jota_fail(err, EBADMSG,
			 "'%s' has the checksum %08" PRIx32 ", its header says %08" PRIx32
			 ": damaged on the way.",
			 m->name, check, m->check);
}

static int extract_one(const struct swu_file *swu, const char *path, const struct jota_swu_member *m,
		       const struct jota_io *io, int dir, struct jota_err *err)
{
	int fd, rc;

	/* The reader let no such name through; the folder is left by none that a later one might. */
	if (jota_swu_name_check(m->name, err) < 0)
		return -EBADMSG;
	fd = openat(dir, m->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return jota_fail(err, errno, "create '%s'", m->name);
	rc = copy_bytes(swu, path, m, io, fd, err);
	if (close(fd) < 0 && !rc)
		rc = jota_fail(err, errno, "write '%s'", m->name);
	if (rc < 0)
		(void)unlinkat(dir, m->name, 0);
	return rc;
}

static bool is_wanted(const char *name, char *const *wanted, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(wanted[i], name) == 0)
			return true;
	return count == 0;
}

static int open_folder(const char *path, struct jota_err *err)
{
	int fd;

	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		return jota_fail(err, errno, "make the folder '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? jota_fail(err, errno, "open the folder '%s'", path) : fd;
}

static int extract_all(const struct swu_file *swu, const char *path, const char *folder,
		       char *const *wanted, int count, struct jota_err *err)
{
	struct jota_io io;
	CLEANUP_FD int dir = -1;
	int rc;

	for (int i = 0; i < count; i++)
		if (!jota_swu_index_find(&swu->index, wanted[i]))
			return jota_fail(err, ENOENT, "'%s' has no member '%s'.", path, wanted[i]);
	rc = jota_io_init(&io, "/", err);
	if (rc < 0)
		return rc;
	dir = open_folder(folder, err);
	if (dir < 0)
		return dir;
	for (size_t i = 0; i < swu->index.count; i++) {
		if (!is_wanted(swu->index.member[i].name, wanted, count))
			continue;
		rc = extract_one(swu, path, &swu->index.member[i], &io, dir, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void list(const struct swu_file *swu)
{
	for (size_t i = 0; i < swu->index.count; i++)
		(void)printf("%12" PRIu32 "  %s\n", swu->index.member[i].size_bytes,
			     ESCAPED(swu->index.member[i].name));
}

struct words {
	const char *folder, *join, *key;
	bool list;
};

static int run(char *const *words, int count, const struct words *w)
{
	struct jota_err err = { 0 };
	struct swu_file swu;
	int rc = swu_open(words[0], w->join != NULL, &swu, &err), code = EXIT_GOOD;

	if (rc < 0)
		code = EXIT_UNREADABLE;
	else if (w->list)
		list(&swu);
	else if (w->join)
		code = join_rootfs(&swu, words[0], w->key, w->join, &err) < 0 ? EXIT_REFUSED :
										EXIT_GOOD;
	else if (extract_all(&swu, words[0], w->folder, words + 1, count - 1, &err) < 0)
		code = EXIT_REFUSED;
	swu_close(&swu);
	if (code != EXIT_GOOD)
		show_error("%s", err.msg);
	return code;
}

/* Whole files only with --list and --join, and one verb at a time. */
static bool fits(const struct words *w, int count)
{
	if (count < 1 || (w->list && w->join) || (w->key && !w->join))
		return false;
	return count == 1 || (!w->list && !w->join);
}

int verb_extract(int argc, char **argv)
{
	static const struct option known[] = {
		{ "directory", required_argument, NULL, 'C' },
		{ "list", no_argument, NULL, 'l' },
		{ "join", required_argument, NULL, 'j' },
		{ "aes-key", required_argument, NULL, 'K' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct words w = { .folder = "." };
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":C:K:h", known, NULL)) != -1) {
		switch (option) {
		case 'C':
			w.folder = optarg;
			break;
		case 'K':
			w.key = optarg;
			break;
		case 'l':
			w.list = true;
			break;
		case 'j':
			w.join = optarg;
			break;
		case 'h':
			(void)fputs(usage_text, stdout);
			return EXIT_GOOD;
		default:
			return show_bad_option("extract", option, argv);
		}
	}
	if (!fits(&w, argc - optind)) {
		show_error("extract: a file is expected; try 'jetson-swu extract --help'");
		return EXIT_USAGE;
	}
	return run(argv + optind, argc - optind, &w);
}
