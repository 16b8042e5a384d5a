/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Image handlers: a verified stream of SWUpdate becomes the image of one role in the inactive
 * slot.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/number.h"
#include "host.h"
#include "suite.h"
#include "update/session.h"
#include "write/bootimg.h"

struct image_type {
	const char *name;
	enum jota_role role;
	/* header checked before the first byte is written, id while it streams */
	bool is_boot_image;
};

static const struct image_type image_types[] = {
	{ "jetson-bootimg", JOTA_ROLE_KERNEL, true },
	{ "jetson-bootloader", JOTA_ROLE_BOOTLOADER, false },
	{ "jetson-rootfs", JOTA_ROLE_ROOTFS, false },
};

/*
 * Sizes are SWUpdate's own properties, the others those of write/part.h; anything else is somebody's
 * mistake or belief.
 */
static const char *const known_properties[] = { "decompressed-size", "decrypted-size", "part",
						"offset", "total" };

/*
 * One image on its way. SWUpdate takes the first member for a descriptor when an offset is
 * given.
 */
struct feed {
	int fd;
	const struct image_type *type;
	struct jota_suite *suite;
	struct jota_session *session;
	struct jota_writer *writer;
	struct jota_piece piece;
	uint64_t fed_bytes;
	uint8_t *prefix; /* start of a boot image, until its header can be judged */
	size_t prefix_bytes, prefix_want_bytes;
	struct jota_bootimg_check *check;
	struct jota_err err;
};

static int refuse_field(const struct img_type *img, const char *field, const char *why,
			struct jota_err *err)
{
	return jota_fail(err, EINVAL, "'%s' (%s): sw-description must not give %s: %s.", img->fname,
			 img->type, field, why);
}

static int check_fields(const struct img_type *img, struct jota_err *err)
{
	const char *slot_rule = "the handler finds the inactive slot on the device";

	if (img->device[0])
		return refuse_field(img, "device", slot_rule, err);
	if (img->path[0])
		return refuse_field(img, "path", slot_rule, err);
	if (img->volname[0] || img->mtdname[0])
		return refuse_field(img, "volume or mtdname", slot_rule, err);
	if (img->seek)
		return refuse_field(img, "offset", "an image fills its partition from the start",
				    err);
	if (img->id.install_if_different || img->id.install_if_higher)
		return refuse_field(
			img, "install-if-different or install-if-higher",
			"the comparison is with the running slot, and skipping would leave an old part "
			"in the new slot",
			err);
	return 0;
}

static int check_properties(struct img_type *img, struct jota_err *err)
{
	struct dict_entry *e;

	LIST_FOREACH(e, &img->properties, next)
	{
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(known_properties); i++)
			known |= !strcmp(e->key, known_properties[i]);
		if (!known)
			return jota_fail(
				err, EINVAL,
				"'%s' (%s): unknown property '%.64s'; known are decompressed-size, "
				"decrypted-size, part, offset and total.",
				img->fname, img->type, e->key);
	}
	return 0;
}

/* Bytes that will arrive at the device. SWUpdate knows only those of the file in the .swu. */
static int find_size(struct img_type *img, uint64_t *ret_bytes, struct jota_err *err)
{
	const char *property = img->compressed	 ? "decompressed-size" :
			       img->is_encrypted ? "decrypted-size" :
						   NULL;
	const char *text;

	if (img->size <= 0)
		return jota_fail(
			err, EINVAL,
			"'%s' (%s): file of %lld bytes in the .swu, more than 0 are needed.",
			img->fname, img->type, img->size);
	if (!property) {
		*ret_bytes = (uint64_t)img->size;
		return 0;
	}
	text = dict_get_value(&img->properties, property);
	if (!text)
		return jota_fail(
			err, EINVAL,
			"'%s' (%s): is %s, so properties must give its exact size as %s, which is missing.",
			img->fname, img->type, img->compressed ? "compressed" : "encrypted",
			property);
	if (jota_parse_u64(property, text, 1, INT64_MAX, ret_bytes, err) < 0)
		return jota_wrap(err, "'%s' (%s): ", img->fname, img->type);
	return 0;
}

static int find_part(const struct image_type *type, struct img_type *img, struct jota_part *ret,
		     struct jota_err *err)
{
	int rc = jota_part_parse(dict_get_value(&img->properties, "part"),
				 dict_get_value(&img->properties, "offset"),
				 dict_get_value(&img->properties, "total"), ret, err);

	if (rc < 0)
		return jota_wrap(err, "'%s' (%s): ", img->fname, img->type);
	if (rc > 0 && type->role != JOTA_ROLE_ROOTFS)
		return jota_fail(err, EINVAL,
				 "'%s' (%s): part, offset and total are for a jetson-rootfs; images "
				 "of other types come whole.",
				 img->fname, img->type);
	return 0;
}

/* What sw-description says about the file, before anything of the device is looked at. */
static int find_piece(const struct image_type *type, struct img_type *img, struct jota_piece *ret,
		      struct jota_err *err)
{
	int rc = check_fields(img, err);

	ret->role = type->role;
	ret->name = img->fname;
	if (!rc)
		rc = check_properties(img, err);
	if (!rc)
		rc = find_part(type, img, &ret->part, err);
	return rc ? rc : find_size(img, &ret->bytes, err);
}

static int open_writer(struct feed *f)
{
	const struct jota_pending *p = &f->suite->pending;
	int rc = jota_session_image(f->session, &f->piece, p->change, p->count, &f->writer, &f->err);

	jota_suite_sync(f->suite);
	return rc;
}

/* The writer knows the device, not the image. */
static int push_bytes(struct feed *f, const uint8_t *data, size_t len_bytes)
{
	if (jota_writer_push(f->writer, data, len_bytes, &f->err) < 0)
		return jota_wrap(&f->err, "'%s' (%s): ", f->piece.name, f->type->name);
	return 0;
}

/* The header is complete: judge it while the device is still untouched, then start to write. */
static int release_prefix(struct feed *f)
{
	struct jota_bootimg hdr;
	int rc = jota_bootimg_parse(f->prefix, f->prefix_bytes, f->piece.bytes, &hdr, &f->err);

	if (!rc)
		rc = jota_bootimg_check_open(&hdr, &f->check, &f->err);
	if (rc < 0)
		return jota_wrap(&f->err, "'%s' (%s): ", f->piece.name, f->type->name);
	rc = open_writer(f);
	if (rc < 0)
		return rc;
	jota_bootimg_check_feed(f->check, f->prefix, f->prefix_bytes);
	return push_bytes(f, f->prefix, f->prefix_bytes);
}

static int feed_bytes(struct feed *f, const uint8_t *data, size_t len_bytes)
{
	f->fed_bytes += len_bytes;
	if (!f->writer && f->prefix_want_bytes) {
		size_t missing = f->prefix_want_bytes - f->prefix_bytes;
		size_t take = len_bytes < missing ? len_bytes : missing;
		int rc;

		memcpy(f->prefix + f->prefix_bytes, data, take);
		f->prefix_bytes += take;
		if (f->prefix_bytes < f->prefix_want_bytes)
			return 0;
		rc = release_prefix(f);
		if (rc < 0)
			return rc;
		data += take;
		len_bytes -= take;
	}
	if (!len_bytes)
		return 0;
	if (f->check)
		jota_bootimg_check_feed(f->check, data, len_bytes);
	return push_bytes(f, data, len_bytes);
}

static int feed_callback(void *out, const void *data, size_t len_bytes)
{
	struct feed *f = out;

	return feed_bytes(f, data, len_bytes) < 0 ? -1 : 0;
}

static int start_feed(struct feed *f, struct img_type *img)
{
	int rc = jota_suite_session(f->suite, &f->session, &f->err);

	if (rc < 0)
		return rc;
	if (!f->type->is_boot_image)
		return open_writer(f);
	f->prefix_want_bytes = f->piece.bytes < JOTA_BOOTIMG_PREFIX_BYTES ?
				       (size_t)f->piece.bytes :
				       JOTA_BOOTIMG_PREFIX_BYTES;
	f->prefix = malloc(f->prefix_want_bytes);
	if (!f->prefix)
		return jota_fail(&f->err, ENOMEM, "'%s': hold the boot image's header", img->fname);
	return 0;
}

/* copyimage() returned 0: SWUpdate saw the right hash. Only now may the image become one. */
static int end_feed(struct feed *f)
{
	char what[300];
	struct jota_said said = { .what = what };
	struct jota_write_report report;
	int rc;

	if (!f->writer)
		return jota_fail(&f->err, ENODATA,
				 "'%s' (%s): the stream ended after %" PRIu64 " of %" PRIu64
				 " bytes",
				 f->piece.name, f->type->name, f->fed_bytes, f->piece.bytes);
	if (f->check) {
		rc = jota_bootimg_check_finish(f->check, &f->err);
		if (rc < 0)
			return jota_wrap(&f->err, "'%s' (%s): ", f->piece.name, f->type->name);
	}
	(void)snprintf(what, sizeof(what), "verifying %s", f->piece.name);
	rc = jota_session_image_done(f->session, jota_say_progress, &said, &report, &f->err);
	if (rc == JOTA_PARTS_TO_COME) {
		INFO("%s: part %" PRIu64 " taken, %" PRIu64 " of %" PRIu64 " bytes", f->piece.name,
		     f->piece.part.number, f->piece.part.offset_bytes + f->piece.bytes,
		     f->piece.part.total_bytes);
		return 0;
	}
	if (rc < 0)
		return rc;
	INFO("%s: %" PRIu64 " bytes written to slot %s, read back and equal", f->piece.name,
	     report.image_bytes, jota_slot_name(jota_session_target(f->session)));
	return 0;
}

static int install_image(struct img_type *img, void *data)
{
	struct feed f = { .fd = -1, .type = data, .suite = jota_suite() };
	bool streamed = false;
	int rc;

	rc = jota_suite_admit(f.suite, f.type->name, &f.err);
	if (!rc && strcmp(img->type, f.type->name) != 0)
		rc = jota_fail(&f.err, EINVAL, "%s: called for an image of type '%.64s'",
			       f.type->name, img->type);
	if (!rc)
		rc = find_piece(f.type, img, &f.piece, &f.err);
	if (!rc)
		rc = start_feed(&f, img);
	if (!rc) {
		streamed = true;
		rc = copyimage(&f, img, feed_callback);
		/*
		 * A failure of ours passes through SWUpdate as a bare -ENOSPC; its own it has
		 * logged itself.
		 */
		if (!rc)
			rc = end_feed(&f);
	}
	if (rc < 0) {
		if (f.err.errnum)
			ERROR("%s", f.err.msg);
		else if (streamed)
			ERROR("'%s' (%s): the stream was not good, the slot stays empty",
			      img->fname, img->type);
		jota_suite_abort(f.suite);
	}
	jota_bootimg_check_free(f.check);
	free(f.prefix);
	return rc < 0 ? -1 : 0;
}

int jota_image_register(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(image_types); i++) {
		if (register_handler(image_types[i].name, install_image, IMAGE_HANDLER,
				     (void *)&image_types[i]) < 0) {
			fprintf(stderr,
				"jetson handlers: swupdate does not take the handler '%s'.\n",
				image_types[i].name);
			return -1;
		}
	}
	return 0;
}
