/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Tables of keys that turn a libconfig group into a struct; inner to the recipe. */
#pragma once

#include <stddef.h>

#include <libconfig.h>

struct jota_err;

enum jota_key_type {
	JOTA_KEY_TEXT,	/* char * */
	JOTA_KEY_PATH,	/* char *, from the folder of the file */
	JOTA_KEY_BOOL,	/* bool */
	JOTA_KEY_UINT,	/* unsigned, min..max */
	JOTA_KEY_BYTES, /* uint64_t: a number or "2 GiB" */
	JOTA_KEY_WORDS, /* struct jota_strings: list of texts, or one */
	JOTA_KEY_CALL,	/* take() decides */
};

struct jota_key_reader {
	const char *path;   /* of the file */
	const char *folder; /* "" or with '/' at its end */
	void *owner;
};

struct jota_key {
	const char *name;
	enum jota_key_type type;
	size_t offset_bytes;
	unsigned min, max;
	int (*take)(const struct jota_key_reader *reader, const config_setting_t *setting,
		    void *object, struct jota_err *err);
};

/** Fill object from a group. -EINVAL names file, line and key; -ENOMEM. */
int jota_keys_take(const struct jota_key_reader *reader, const config_setting_t *group,
		   const struct jota_key *keys, size_t key_count, void *object,
		   struct jota_err *err);
/** Text of a setting, copied. -EINVAL when it is no text or empty. */
int jota_key_text(const struct jota_key_reader *reader, const config_setting_t *setting, char **ret,
		  struct jota_err *err);
/** Fail with "file line n: " in front; fmt is a whole sentence. */
int jota_key_fail(const struct jota_key_reader *reader, unsigned line, struct jota_err *err,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
