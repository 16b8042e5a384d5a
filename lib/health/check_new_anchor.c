/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Would the new slot have taken this very update? Its certificates are read out of its own tree, and the signature that
 * swupdate has just accepted is checked against them. Where they lie: field anchor, else public-key-file in the new root's swupdate.cfg, else
 * where the running swupdate was told (-k).
 */
#define _GNU_SOURCE
#include "health/new_check.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "swu/verify.h"

#include <errno.h>
#include <libconfig.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HOST_CONFIG "/etc/swupdate.cfg"
#define CONFIG_BYTES_MAX 65536u
#define ANCHOR_BYTES_MAX (1u << 20)
#define DESCRIPTION_BYTES_MAX (4u << 20)
#define WORD_BYTES 128

enum { ANCHOR };
static const struct jota_field fields[] = {
	[ANCHOR] = { .name = "anchor",
		     .type = JOTA_FIELD_PATH,
		     .about = "certificates, or a public key, in the new root" },
};

/* What the new slot's swupdate would be told. */
struct trust {
	char path[PATH_MAX]; /* "": not known */
	char purpose[WORD_BYTES], signer_name[WORD_BYTES];
};

static void take_word(const config_t *parsed, const char *key, char *word, size_t bytes)
{
	const char *text;

	if (config_lookup_string(parsed, key, &text) == CONFIG_TRUE && strlen(text) < bytes)
		memcpy(word, text, strlen(text) + 1);
}

static int read_host_config(const struct jota_newroot *root, struct trust *ret, struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	config_t parsed;
	int r = jota_newroot_text(root, HOST_CONFIG, CONFIG_BYTES_MAX, &text, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* It would be read from the running system. */
	if (strstr(text, "@include"))
		return 0;
	config_init(&parsed);
	if (config_read_string(&parsed, text) == CONFIG_TRUE) {
		take_word(&parsed, "globals.public-key-file", ret->path, sizeof(ret->path));
		take_word(&parsed, "globals.cert-purpose", ret->purpose, sizeof(ret->purpose));
		take_word(&parsed, "globals.forced-signer-name", ret->signer_name,
			  sizeof(ret->signer_name));
	} else {
		r = jota_fail(err, EINVAL, "'" HOST_CONFIG "' of the new root, line %d: %s.",
			      config_error_line(&parsed), config_error_text(&parsed));
	}
	config_destroy(&parsed);
	return r;
}

static int find_trust(const struct jota_check_run *run, const struct jota_newroot *root,
		      struct trust *ret, struct jota_err *err)
{
	const struct jota_value *value = run->check->value;
	int r = read_host_config(root, ret, err);

	if (r == 0 && value[ANCHOR].set)
		(void)snprintf(ret->path, sizeof(ret->path), "%s", value[ANCHOR].text);
	else if (r == 0 && ret->path[0] == '\0' && run->context->anchor)
		(void)snprintf(ret->path, sizeof(ret->path), "%s", run->context->anchor);
	return r;
}

/* What is to be checked, as swupdate left it. */
struct signed_text {
	char *text, *signature;
	size_t text_bytes, signature_bytes;
};

static int read_update(const struct jota_check_run *run, struct signed_text *ret,
		       struct jota_err *err)
{
	const struct jota_io plain = { .ops = run->io->ops, .ctx = run->io->ctx, .root = "/" };
	char path[PATH_MAX];
	int r, n;

	if (!run->context->update_dir)
		return jota_fail(err, ENOENT, "nobody says where the signature of the update is.");
	n = snprintf(path, sizeof(path), "%s/sw-description.sig", run->context->update_dir);
	if (n < 0 || (size_t)n >= sizeof(path))
		return jota_fail(err, ENAMETOOLONG, "'%.160s'", run->context->update_dir);
	r = jota_io_read_file(&plain, path, DESCRIPTION_BYTES_MAX, &ret->signature,
			      &ret->signature_bytes, err);
	path[strlen(path) - strlen(".sig")] = '\0';
	if (r == 0)
		r = jota_io_read_file(&plain, path, DESCRIPTION_BYTES_MAX, &ret->text,
				      &ret->text_bytes, err);
	return r;
}

/* OpenSSL takes certificates by path: a file in memory is one. */
static int keep_anchor(const char *text, char path[64], struct jota_err *err)
{
	size_t len = strlen(text), done = 0;
	CLEANUP_FD int fd = memfd_create("anchor", MFD_CLOEXEC);

	while (fd >= 0 && done < len) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return jota_fail(err, n < 0 ? errno : EIO, "keep the certificates");
		done += (size_t)n;
	}
	if (fd < 0)
		return jota_fail(err, errno, "keep the certificates");
	(void)snprintf(path, 64, "/proc/self/fd/%d", fd);
	return take_fd(&fd);
}

/* The first finding's sentence, which has its full stop. */
static void take_finding(const struct jota_swu_findings *findings, struct jota_err *err)
{
	const char *text = findings->count ? findings->finding[0].text : "nobody signed.";
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == '.')
		len--;
	(void)jota_fail(err, EKEYREJECTED, "%.*s.", (int)(len < 400 ? len : 400), text);
}

/* 1 good, 0 not: the sentence is in err; -errno. */
static int try_method(const struct jota_swu_trust *trust, const struct signed_text *update,
		      struct jota_err *err)
{
	struct jota_swu_findings findings = { 0 };
	struct jota_swu_signer signer[JOTA_SWU_SIGNERS_MAX];
	size_t count = 0;
	int r = jota_swu_signature_check(trust, update->text, update->text_bytes, update->signature,
					 update->signature_bytes, &findings, signer, &count, err);

	if (r == 0 && count > 0)
		r = 1;
	else if (r == 0)
		take_finding(&findings, err);
	jota_swu_findings_done(&findings);
	return r;
}

static int check_signature(const struct trust *trust, const char *anchor_text,
			   const struct signed_text *update, struct jota_err *err)
{
	char path[64];
	CLEANUP_FD int fd = keep_anchor(anchor_text, path, err);
	struct jota_swu_trust swu = {
		.method = JOTA_SIGN_CMS,
		.anchors = path,
		.purpose = strcmp(trust->purpose, "codeSigning") == 0 ? "codeSigning" : NULL,
		.signer_name = trust->signer_name[0] ? trust->signer_name : NULL,
	};
	int r;

	if (fd < 0)
		return fd;
	if (!strstr(anchor_text, "BEGIN PUBLIC KEY"))
		return try_method(&swu, update, err);
	swu.method = JOTA_SIGN_RSA;
	r = try_method(&swu, update, err);
	if (r != 0)
		return r;
	swu.method = JOTA_SIGN_RSA_PSS;
	return try_method(&swu, update, err);
}

static void judge(const struct trust *trust, const struct jota_newroot *root,
		  const struct signed_text *update, struct jota_finding *ret)
{
	CLEANUP_FREE char *anchor = NULL;
	struct jota_err err = { 0 };
	int r = jota_newroot_text(root, trust->path, ANCHOR_BYTES_MAX, &anchor, &err);

	if (r < 0) {
		jota_found(ret, JOTA_FAIL, JOTA_WHY_NO_ANCHOR, "%s", err.msg);
		return;
	}
	r = check_signature(trust, anchor, update, &err);
	if (r > 0)
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK,
			   "'%.120s' of the new root accepts this update", trust->path);
	else
		jota_found(ret, JOTA_FAIL, JOTA_WHY_ANCHOR_REFUSES,
			   "'%.80s' of the new root does not accept this update: %s", trust->path,
			   err.msg);
}

static void look(const struct jota_check_run *run, const struct jota_newroot *root,
		 struct jota_finding *ret)
{
	struct signed_text update = { 0 };
	struct trust trust = { 0 };
	struct jota_err err = { 0 };

	if (find_trust(run, root, &trust, &err) < 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_NO_ANCHOR, "%s", err.msg);
	else if (trust.path[0] == '\0')
		jota_new_not_looked_at(ret, "no public-key-file in '" HOST_CONFIG
					    "' of the new root, and no field anchor");
	else if (read_update(run, &update, &err) < 0)
		jota_new_not_looked_at(ret, "%s", err.msg);
	else
		judge(&trust, root, &update, ret);
	free(update.text);
	free(update.signature);
}

static void run_anchor(const struct jota_check_run *run, struct jota_finding *ret)
{
	struct jota_newroot *root = jota_new_open(run, ret);

	if (root)
		look(run, root, ret);
	jota_newroot_free(root);
}

const struct jota_check_kind jota_kind_new_anchor = {
	.name = "new-anchor",
	.about = "the new root trusts who signed this update",
	.phases = 1u << JOTA_PHASE_PREFLIP,
	.field = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.run = run_anchor,
};
