/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* jetson-swu verify: would a device take this .swu? */
#define _GNU_SOURCE /* strptime, timegm */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/number.h"
#include "show.h"
#include "swu/lint.h"
#include "swu/verify.h"
#include "verbs.h"

static const char usage_text[] =
	"usage: jetson-swu verify -k TRUST [OPTION]... FILE.swu\n"
	"\n"
	"Looks through the whole file: signature and chain, sw-description, every hash and size, and\n"
	"what SWUpdate or the postinstall hook would refuse.\n"
	"\n"
	"  -k, --trust TRUST    what the devices trust: PEM certificates as for swupdate -k, a folder\n"
	"                       of such, or with --method rsa a public key\n"
	"      --no-trust       do not look at the signature (says so)\n"
	"      --method METHOD  cms (default), rsa, rsa-pss: what the devices' SWUpdate verifies\n"
	"      --purpose WORD   emailProtection (default) or codeSigning, as swupdate --cert-purpose\n"
	"      --signer NAME    common name that the signer must have\n"
	"      --crl FILE       revoked certificates, PEM\n"
	"      --at WHEN        judge the certificates at this time: YYYY-MM-DD or seconds since 1970\n"
	"      --layout NAME    layout of the devices; without it, any known one must fit\n"
	"  -K, --aes-key FILE   key as for swupdate -K, to look into encrypted files\n"
	"      --strict         refuse warnings too\n"
	"      --json           report as JSON\n"
	"\n"
	"Exit codes: 0 good, 1 refused, 2 wrong usage, 3 unreadable.\n";

struct words {
	struct jota_swu_trust trust;
	struct jota_swu_verify_options options;
	const char *layout, *path;
	bool no_trust, strict, json;
};

enum {
	OPT_NO_TRUST = 256,
	OPT_METHOD,
	OPT_PURPOSE,
	OPT_SIGNER,
	OPT_CRL,
	OPT_AT,
	OPT_LAYOUT,
	OPT_STRICT,
	OPT_JSON
};

static bool parse_time(const char *text, int64_t *ret_s)
{
	struct jota_err err = { 0 };
	struct tm tm = { 0 };
	uint64_t seconds;
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	if (end && *end == '\0') {
		*ret_s = (int64_t)timegm(&tm);
		return true;
	}
	if (jota_parse_u64("--at", text, 1, INT64_MAX / 2, &seconds, &err) < 0)
		return false;
	*ret_s = (int64_t)seconds;
	return true;
}

/* -1: go on; otherwise the exit code. */
static int take_option(int option, char **argv, struct words *w)
{
	switch (option) {
	case 'k':
		w->trust.anchors = optarg;
		return -1;
	case 'K':
		w->options.aes_key = optarg;
		return -1;
	case 'h':
		(void)fputs(usage_text, stdout);
		return EXIT_GOOD;
	case OPT_NO_TRUST:
		w->no_trust = true;
		return -1;
	case OPT_METHOD:
		if (jota_sign_method_parse(optarg, &w->trust.method) == 0)
			return -1;
		show_error("verify: method '%s' is not known, there are: cms, rsa, rsa-pss", optarg);
		return EXIT_USAGE;
	case OPT_PURPOSE:
		w->trust.purpose = optarg;
		if (strcmp(optarg, "emailProtection") == 0 || strcmp(optarg, "codeSigning") == 0)
			return -1;
		show_error("verify: purpose '%s' is not known, there are: emailProtection, "
			   "codeSigning",
			   optarg);
		return EXIT_USAGE;
	case OPT_SIGNER:
		w->trust.signer_name = optarg;
		return -1;
	case OPT_CRL:
		w->trust.crl = optarg;
		return -1;
	case OPT_AT:
		if (parse_time(optarg, &w->trust.at_s))
			return -1;
		show_error("verify: '%s' is no time, expected YYYY-MM-DD or seconds since 1970",
			   optarg);
		return EXIT_USAGE;
	case OPT_LAYOUT:
		w->layout = optarg;
		return -1;
	case OPT_STRICT:
		w->strict = true;
		return -1;
	case OPT_JSON:
		w->json = true;
		return -1;
	default:
		return show_bad_option("verify", option, argv);
	}
}

static int parse_words(int argc, char **argv, struct words *w)
{
	static const struct option known[] = {
		{ "trust", required_argument, NULL, 'k' },
		{ "no-trust", no_argument, NULL, OPT_NO_TRUST },
		{ "method", required_argument, NULL, OPT_METHOD },
		{ "purpose", required_argument, NULL, OPT_PURPOSE },
		{ "signer", required_argument, NULL, OPT_SIGNER },
		{ "crl", required_argument, NULL, OPT_CRL },
		{ "at", required_argument, NULL, OPT_AT },
		{ "layout", required_argument, NULL, OPT_LAYOUT },
		{ "aes-key", required_argument, NULL, 'K' },
		{ "strict", no_argument, NULL, OPT_STRICT },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option, code;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":k:K:h", known, NULL)) != -1) {
		code = take_option(option, argv, w);
		if (code >= 0)
			return code;
	}
	if (argc - optind != 1) {
		show_error("verify: one file is expected; try 'jetson-swu verify --help'");
		return EXIT_USAGE;
	}
	w->path = argv[optind];
	if (!w->trust.anchors == !w->no_trust) {
		show_error("verify: say what the devices trust with -k TRUST, or --no-trust");
		return EXIT_USAGE;
	}
	w->options.trust = w->no_trust ? NULL : &w->trust;
	return find_layout(w->layout, &w->options.layout) ? -1 : EXIT_USAGE;
}

static bool is_good(const struct jota_swu_report *r, const struct words *w)
{
	return jota_swu_findings_fatal(&r->findings) == 0 && (!w->strict || r->findings.count == 0);
}

static const char *show_date(int64_t at_s, char buf[32])
{
	time_t at = (time_t)at_s;
	struct tm tm;

	if (at_s == 0 || !gmtime_r(&at, &tm) || strftime(buf, 32, "%Y-%m-%d", &tm) == 0)
		return NULL;
	return buf;
}

static void show_text(const struct jota_swu_report *r, const struct words *w)
{
	for (size_t i = 0; i < r->signer_count; i++) {
		char buf[32];
		const char *until = show_date(r->signer[i].not_after_s, buf);

		(void)printf("signed by %s (%s%s%s)\n", ESCAPED(r->signer[i].subject),
			     ESCAPED(r->signer[i].digest), until ? ", until " : "",
			     until ? until : "");
	}
	for (size_t i = 0; r->checked && i < r->index.count; i++) {
		const struct jota_swu_checked *is = &r->checked[i];
		const char *name = r->index.member[i].name;

		if (!is->entry)
			continue;
		(void)printf(
			"%-9s %-24s %10s%s%s\n", jota_swu_section_name(is->entry->section),
			ESCAPED(name), SIZE(r->index.member[i].size_bytes),
			is->content_known && is->content_bytes != r->index.member[i].size_bytes ?
				", content " :
				"",
			is->content_known && is->content_bytes != r->index.member[i].size_bytes ?
				SIZE(is->content_bytes) :
				"");
	}
	show_findings(&r->findings, stdout);
	if (is_good(r, w))
		(void)printf("'%s' is good%s\n", ESCAPED(w->path),
			     r->signature_checked ? "" : ", its signature was not checked");
}

static json_object *json_members(const struct jota_swu_report *r)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; r->checked && i < r->index.count; i++) {
		const struct jota_swu_checked *is = &r->checked[i];
		json_object *one = json_object_new_object();
		char hex[65];

		for (size_t b = 0; b < sizeof(is->sha256); b++)
			(void)snprintf(hex + 2 * b, 3, "%02x", is->sha256[b]);
		json_object_object_add(one, "name", json_text(r->index.member[i].name));
		json_object_object_add(one, "bytes", json_u64(r->index.member[i].size_bytes));
		json_object_object_add(one, "sha256", json_text(hex));
		json_object_object_add(one, "content_bytes",
				       is->content_known ? json_u64(is->content_bytes) : NULL);
		json_object_array_add(list, one);
	}
	return list;
}

static int show_json(const struct jota_swu_report *r, const struct words *w)
{
	json_object *root = json_object_new_object(), *signers = json_object_new_array();

	for (size_t i = 0; i < r->signer_count; i++) {
		json_object *one = json_object_new_object();
		char buf[32];

		json_object_object_add(one, "subject", json_text(r->signer[i].subject));
		json_object_object_add(one, "digest", json_text(r->signer[i].digest));
		json_object_object_add(one, "until",
				       json_text(show_date(r->signer[i].not_after_s, buf)));
		json_object_array_add(signers, one);
	}
	json_object_object_add(root, "schema", json_u64(1));
	json_object_object_add(root, "file", json_text(w->path));
	json_object_object_add(root, "bytes", json_u64(r->file_bytes));
	json_object_object_add(root, "good", json_object_new_boolean(is_good(r, w)));
	json_object_object_add(root, "signature_checked",
			       json_object_new_boolean(r->signature_checked));
	json_object_object_add(root, "signers", signers);
	json_object_object_add(root, "version", json_text(r->description.version));
	json_object_object_add(root, "members", json_members(r));
	json_object_object_add(root, "findings", json_findings(&r->findings));
	return json_show(root);
}

/* A line that rewrites itself, for people at a terminal only. */
static void show_progress(void *ctx, const char *member, uint64_t done_bytes, uint64_t total_bytes)
{
	(void)ctx;
	(void)fprintf(stderr, "\r\033[K%3.0f %% %s",
		      total_bytes ? 100.0 * (double)done_bytes / (double)total_bytes : 0.0,
		      ESCAPED(member));
}

int verb_verify(int argc, char **argv)
{
	struct jota_swu_report report = { 0 };
	struct words w = { 0 };
	struct jota_err err = { 0 };
	bool terminal = isatty(STDERR_FILENO) == 1;
	int code = parse_words(argc, argv, &w);

	if (code >= 0)
		return code;
	w.options.progress = terminal ? show_progress : NULL;
	if (jota_swu_verify(w.path, &w.options, &report, &err) < 0) {
		jota_swu_report_done(&report);
		show_error("%s", err.msg);
		return EXIT_UNREADABLE;
	}
	if (terminal)
		(void)fputs("\r\033[K", stderr);
	if (w.json)
		code = show_json(&report, &w);
	else
		show_text(&report, &w);
	if (code < 0)
		code = EXIT_GOOD;
	if (code == EXIT_GOOD && !is_good(&report, &w)) {
		size_t fatal = jota_swu_findings_fatal(&report.findings);

		show_error("'%s' is refused: %zu errors, %zu warnings", w.path, fatal,
			   report.findings.count - fatal);
		code = EXIT_REFUSED;
	}
	jota_swu_report_done(&report);
	return code;
}
