/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* jetson-swu lint: a sw-description, alone or in a .swu, by the rules of SWUpdate and of our hook. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "show.h"
#include "swu/lint.h"
#include "verbs.h"

static const char usage_text[] =
	"usage: jetson-swu lint [OPTION]... FILE\n"
	"       jetson-swu lint --rules\n"
	"\n"
	"Checks a sw-description, or the one in a .swu, for what SWUpdate, the handlers or the hook\n"
	"would refuse. Neither signature nor content is looked at.\n"
	"\n"
	"  --layout NAME  layout of the devices; without it, any known one must fit\n"
	"  --template     build completes it: hashes, sizes and vectors may be missing\n"
	"  --strict       refuse warnings too\n"
	"  --json         report as JSON\n"
	"  --rules        list every rule\n"
	"\n"
	"Exit codes: 0 good, 1 refused, 2 wrong usage, 3 unreadable.\n";

struct words {
	const char *layout_name, *path;
	const struct jota_layout *layout;
	bool strict, json, template;
};

static int show_rules(void)
{
	const char *code, *meaning;
	bool fatal;

	for (size_t i = 0; (code = jota_swu_lint_code(i, &meaning, &fatal)); i++)
		(void)printf("%-22s %-8s %s\n", code, fatal ? "error" : "warning", meaning);
	return EXIT_GOOD;
}

/* The whole text of a file; an archive's first member has its own way. */
static int read_text(int fd, const char *path, char **ret, struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	struct stat st;
	size_t size_bytes;
	int rc;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return jota_fail(err, EINVAL, "'%s' is no regular file.", path);
	if (st.st_size > (off_t)JOTA_SWU_TEXT_MAX)
		return jota_fail(err, EFBIG, "'%s' is larger than %u bytes.", path,
				 JOTA_SWU_TEXT_MAX);
	size_bytes = (size_t)st.st_size;
	text = malloc(size_bytes + 1);
	if (!text)
		return jota_fail(err, ENOMEM, "read '%s'", path);
	rc = jota_io_pread_all(fd, text, size_bytes, 0, path, err);
	if (rc < 0)
		return rc;
	text[size_bytes] = '\0';
	if (strlen(text) != size_bytes)
		return jota_fail(err, EBADMSG, "'%s' is no text file: NUL byte at %zu.", path,
				 strlen(text));
	*ret = take_ptr(&text);
	return 0;
}

static bool is_archive(int fd)
{
	char magic[5];

	return pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	       memcmp(magic, "07070", sizeof(magic)) == 0;
}

static int read_description(const char *path, struct jota_swu_description *ret, struct jota_err *err)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	CLEANUP_FREE char *text = NULL;
	struct swu_file swu;
	int rc;

	if (fd < 0)
		return jota_fail(err, errno, "open '%s'", path);
	if (!is_archive(fd)) {
		rc = read_text(fd, path, &text, err);
		return rc < 0 ? rc : jota_swu_description_parse(path, text, ret, err);
	}
	rc = swu_open(path, true, &swu, err);
	if (!rc) {
		*ret = swu.description;
		swu.has_description = false;
	}
	swu_close(&swu);
	return rc;
}

/* What build puts in is no mistake before. */
static void drop_completed(struct jota_swu_findings *f)
{
	static const char *const completed[] = { "missing-sha256", "bad-sha256",  "missing-size",
						 "bad-size",	   "missing-ivt", "bad-ivt" };
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++) {
		bool drop = false;

		for (size_t c = 0; c < sizeof(completed) / sizeof(completed[0]); c++)
			drop |= strcmp(f->finding[i].code, completed[c]) == 0;
		if (!drop)
			f->finding[kept++] = f->finding[i];
	}
	f->count = kept;
}

static int show(const struct words *w, const struct jota_swu_findings *f)
{
	size_t fatal = jota_swu_findings_fatal(f);
	bool good = fatal == 0 && (!w->strict || f->count == 0);
	int code = EXIT_GOOD;

	if (w->json) {
		json_object *root = json_object_new_object();

		json_object_object_add(root, "schema", json_u64(1));
		json_object_object_add(root, "file", json_text(w->path));
		json_object_object_add(root, "good", json_object_new_boolean(good));
		json_object_object_add(root, "findings", json_findings(f));
		code = json_show(root);
	} else {
		show_findings(f, stdout);
	}
	if (good || code != EXIT_GOOD)
		return code;
	show_error("'%s' is refused: %zu errors, %zu warnings", w->path, fatal, f->count - fatal);
	return EXIT_REFUSED;
}

/* What cannot be parsed is refused by the device too: a finding like the others. */
static int check(const struct words *w)
{
	struct jota_swu_description d = { 0 };
	struct jota_swu_findings f = { 0 };
	struct jota_err err = { 0 };
	int code = EXIT_UNREADABLE, rc = read_description(w->path, &d, &err);

	if (rc == -EBADMSG)
		rc = jota_swu_finding_add(&f, true, 0, "bad-description", "%.300s", err.msg);
	else if (!rc)
		rc = jota_swu_lint(&d, w->layout, &f, &err);
	if (w->template)
		drop_completed(&f);
	if (rc < 0)
		show_error("%s", err.msg);
	else
		code = show(w, &f);
	jota_swu_findings_done(&f);
	jota_swu_description_done(&d);
	return code;
}

int verb_lint(int argc, char **argv)
{
	static const struct option known[] = {
		{ "layout", required_argument, NULL, 'l' },
		{ "template", no_argument, NULL, 't' },
		{ "strict", no_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "rules", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct words w = { 0 };
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		switch (option) {
		case 'l':
			w.layout_name = optarg;
			break;
		case 's':
			w.strict = true;
			break;
		case 'j':
			w.json = true;
			break;
		case 't':
			w.template = true;
			break;
		case 'r':
			return show_rules();
		case 'h':
			(void)fputs(usage_text, stdout);
			return EXIT_GOOD;
		default:
			return show_bad_option("lint", option, argv);
		}
	}
	if (argc - optind != 1) {
		show_error("lint: one file is expected; try 'jetson-swu lint --help'");
		return EXIT_USAGE;
	}
	w.path = argv[optind];
	if (!find_layout(w.layout_name, &w.layout))
		return EXIT_USAGE;
	return check(&w);
}
