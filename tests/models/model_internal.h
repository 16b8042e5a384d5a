/* SPDX-License-Identifier: LGPL-2.1-or-later
 * SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
 *
 * What the files of the U-Boot model share.
 */
#pragma once

#include "uboot_model.h"

#define MODEL_VARS_MAX 512
#define MODEL_WORDS_MAX 24
#define MODEL_SECTOR_BYTES 512

struct model_var {
	char *name;
	char *value;
};

/* U-Boot's hash table: the environment in RAM. */
struct model_env {
	struct model_var vars[MODEL_VARS_MAX];
	size_t count;
	uint8_t flags;	  /* the serial number of the copy this came from */
	int current_copy; /* the one that is not overwritten next */
	bool stored;	  /* false: no copy was valid, this is the default environment */
};

int env_load(const struct model_machine *m, struct model_env *env);
int env_load_default(const struct model_machine *m, struct model_env *env);
int env_save(const struct model_machine *m, struct model_env *env);
int env_write_copy(const struct model_machine *m, const struct model_env *env, int copy,
		   uint8_t flags);
void env_free(struct model_env *env);
const char *env_find(const struct model_env *env, const char *name);
int env_put(struct model_env *env, const char *name, const char *value);
unsigned long env_number(const struct model_env *env, const char *name);
void env_sort(struct model_env *env);

/* An Android boot image of version 0 to 2, as decoded from memory. */
struct model_bootimg {
	uint32_t kernel_size_bytes;
	uint32_t ramdisk_size_bytes;
	uint32_t second_size_bytes;
	uint32_t recovery_size_bytes;
	uint32_t dtb_size_bytes;
	uint32_t page_size_bytes;
	uint32_t header_version;
	char cmdline[513];
	uint8_t id[32];
};

bool bootimg_has_magic(const uint8_t *data, size_t len_bytes);
int bootimg_decode(const uint8_t *data, size_t len_bytes, struct model_bootimg *ret_img,
		   char *ret_why, size_t why_size_bytes);
int bootimg_starts(const uint8_t *data, size_t len_bytes, const struct model_bootimg *img,
		   char *ret_why, size_t why_size_bytes);
void bootimg_id(const uint8_t *data, const struct model_bootimg *img, bool with_legacy_dt,
		uint8_t ret_id[20]);
uint32_t bootimg_le32(const uint8_t *p);

const struct model_part *part_find(const struct model_machine *m, const char *name);
int part_size(const struct model_part *part, uint64_t *ret_size_bytes);
int part_read(const struct model_part *part, uint64_t at_bytes, void *ret_data, size_t len_bytes);
int part_start_lba(const struct model_machine *m, const struct model_part *part, uint64_t *ret_lba);
const struct model_part *part_at(const struct model_machine *m, uint64_t lba, uint64_t count,
				 uint64_t *ret_at_bytes);

/* The script, parsed. A word is either wholly quoted or not quoted at all. */
enum node_kind { NODE_COMMAND, NODE_IF };
enum node_follow { FOLLOW_SEQ, FOLLOW_AND, FOLLOW_OR };

struct script_word {
	char *text;
	bool quoted;
};

struct script_node {
	enum node_kind kind;
	enum node_follow follow;
	struct script_node *next;
	struct script_word words[MODEL_WORDS_MAX]; /* NODE_COMMAND */
	size_t word_count;
	struct script_node *condition; /* NODE_IF */
	struct script_node *then_body;
	struct script_node *else_body; /* elif: a single NODE_IF */
};

/* NULL and a reason when the text is outside the known subset. */
struct script_node *script_parse(const char *text, char *ret_why, size_t why_size_bytes);
void script_free(struct script_node *node);

/* One power-on. */
struct model_run {
	const struct model_machine *machine;
	struct model_result *result;
	struct model_env env;
	uint8_t *ram;
	uint64_t ram_addr;
	size_t ram_len_bytes;
	const struct model_part *ram_part;
	bool ram_stale; /* the last read failed: an image of an earlier boot lies there */
	bool mmc_selected;
	bool halted;
	unsigned int depth;
	unsigned int steps;
};

typedef int (*model_command_fn)(struct model_run *run, size_t argc, char **argv);

struct model_command {
	const char *name;
	size_t args_min;
	size_t args_max;
	model_command_fn run;
};

const struct model_command *command_find(const char *name);
int command_run_text(struct model_run *run, const char *text);
int script_run(struct model_run *run, const struct script_node *list);
int run_stop(struct model_run *run, enum model_outcome outcome, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void run_log(struct model_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int run_save_env(struct model_run *run);
int command_bootm(struct model_run *run, size_t argc, char **argv);
int ram_address(struct model_run *run, const char *text, uint64_t *ret_addr);
