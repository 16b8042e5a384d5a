// SPDX-License-Identifier: LGPL-2.1-or-later
// SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
//
// Runs a parsed script as U-Boot 2023.01's hush does. Two of its habits matter: an "if" without a
// branch that ran has the exit code of its last condition, and a value put in for ${name} is read
// again by the parser, so quotes and backslashes in values break the command.
#include "model_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 20000
#define DEPTH_MAX 16

void run_log(struct model_run *run, const char *fmt, ...)
{
	char line[MODEL_TEXT_MAX];
	va_list args;

	if (run->machine->log == NULL)
		return;
	va_start(args, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	run->machine->log(run->machine->log_user, line);
}

/* Returns 1, the exit code of a command that did not do its job. */
int run_stop(struct model_run *run, enum model_outcome outcome, const char *fmt, ...)
{
	va_list args;

	if (run->halted)
		return 1;
	run->halted = true;
	run->result->outcome = outcome;
	va_start(args, fmt);
	(void)vsnprintf(run->result->why, sizeof(run->result->why), fmt, args);
	va_end(args);
	if (outcome != MODEL_BOOTED)
		run_log(run, "%s: %s", model_outcome_name(outcome), run->result->why);
	return 1;
}

static bool append(char *text, size_t *used, const char *more, size_t len)
{
	if (len >= MODEL_TEXT_MAX - *used)
		return false;
	memcpy(text + *used, more, len);
	*used += len;
	text[*used] = '\0';
	return true;
}

/* Puts values in for ${name}; an unset variable is empty. */
static int expand(struct model_run *run, const struct script_word *word, char *ret_text)
{
	size_t used = 0;
	bool fits = true;

	ret_text[0] = '\0';
	for (const char *at = word->text; fits && *at != '\0';) {
		if (*at != '$') {
			fits = append(ret_text, &used, at++, 1);
			continue;
		}
		char name[MODEL_TEXT_MAX];
		size_t name_len = strcspn(at + 2, "}");
		(void)snprintf(name, sizeof(name), "%.*s", (int)name_len, at + 2);
		at += name_len + 3;
		const char *value = env_find(&run->env, name);
		if (value == NULL)
			continue;
		if (strpbrk(value, word->quoted ? "'\\\n" : "'\"\\#\n") != NULL)
			return run_stop(run, MODEL_ERROR,
					"the value of '%s' breaks the command it is used in", name);
		fits = append(ret_text, &used, value, strlen(value));
	}
	if (!fits)
		return run_stop(run, MODEL_ERROR, "a word is longer than %d", MODEL_TEXT_MAX);
	return 0;
}

static int push_word(struct model_run *run, char **argv, size_t *argc, const char *text)
{
	if (*argc == MODEL_WORDS_MAX)
		return run_stop(run, MODEL_ERROR, "more than %d words", MODEL_WORDS_MAX);
	argv[*argc] = strdup(text);
	if (argv[*argc] == NULL)
		return run_stop(run, MODEL_ERROR, "out of memory");
	(*argc)++;
	return 0;
}

/* What is not quoted is split at blanks, and vanishes when empty. */
static int push_expanded(struct model_run *run, const struct script_word *word, char **argv,
			 size_t *argc)
{
	char text[MODEL_TEXT_MAX];
	char *rest = text;

	if (expand(run, word, text) != 0)
		return 1;
	if (word->quoted)
		return push_word(run, argv, argc, text);
	for (char *part = strtok_r(text, " \t", &rest); part != NULL;
	     part = strtok_r(NULL, " \t", &rest))
		if (push_word(run, argv, argc, part) != 0)
			return 1;
	return 0;
}

static int run_command(struct model_run *run, const struct script_node *node)
{
	char *argv[MODEL_WORDS_MAX] = { NULL };
	size_t argc = 0;
	int rc = 0;

	if (++run->steps > STEPS_MAX)
		return run_stop(run, MODEL_ERROR, "more than %d commands: endless", STEPS_MAX);
	for (size_t i = 0; rc == 0 && i < node->word_count; i++)
		rc = push_expanded(run, &node->words[i], argv, &argc);
	if (rc == 0) {
		const struct model_command *command = command_find(argv[0]);

		if (argc - 1 > command->args_max)
			rc = run_stop(run, MODEL_ERROR, "too many words for '%s'", argv[0]);
		else if (argc - 1 < command->args_min)
			rc = 1; /* U-Boot prints the usage */
		else
			rc = command->run(run, argc, argv);
	}
	for (size_t i = 0; i < argc; i++)
		free(argv[i]);
	return rc;
}

static int run_if(struct model_run *run, const struct script_node *node)
{
	int rc = script_run(run, node->condition);

	if (run->halted)
		return rc;
	const struct script_node *body = rc == 0 ? node->then_body : node->else_body;
	return body == NULL ? rc : script_run(run, body);
}

int script_run(struct model_run *run, const struct script_node *list)
{
	int rc = 0;

	for (const struct script_node *node = list; node != NULL && !run->halted;) {
		rc = node->kind == NODE_IF ? run_if(run, node) : run_command(run, node);
		/* One kind of joint per statement: a failed && or a satisfied || ends it. */
		bool skip = (node->follow == FOLLOW_AND && rc != 0) ||
			    (node->follow == FOLLOW_OR && rc == 0);
		while (skip && node->follow != FOLLOW_SEQ)
			node = node->next;
		node = node->next;
	}
	return rc;
}

int command_run_text(struct model_run *run, const char *text)
{
	char why[128] = "";

	if (run->depth == DEPTH_MAX)
		return run_stop(run, MODEL_ERROR, "more than %d nested run", DEPTH_MAX);
	struct script_node *list = script_parse(text, why, sizeof(why));
	if (list == NULL)
		return run_stop(run, MODEL_ERROR, "%s (in '%.60s')", why, text);
	run->depth++;
	int rc = script_run(run, list);
	run->depth--;
	script_free(list);
	return rc;
}
