// SPDX-License-Identifier: LGPL-2.1-or-later
// SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
//
// Parser for the part of U-Boot's hush that the boot script may use: commands of plain or wholly
// double-quoted words with ${name} in them, lists joined by ; or by && or by ||, and
// if/then/elif/else/fi. Everything else is refused with a reason. && and || in one statement are
// refused too: U-Boot skips to the next semicolon there, which nobody expects.
#include "model_internal.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct parser {
	const char *at;
	char *why;
	size_t why_size_bytes;
	bool failed;
	unsigned int depth;
};

static struct script_node *parse_list(struct parser *p);

static void __attribute__((format(printf, 2, 3))) fail(struct parser *p, const char *fmt, ...)
{
	va_list args;

	if (p->failed)
		return;
	p->failed = true;
	va_start(args, fmt);
	(void)vsnprintf(p->why, p->why_size_bytes, fmt, args);
	va_end(args);
}

void script_free(struct script_node *node)
{
	while (node != NULL) {
		struct script_node *next = node->next;

		for (size_t i = 0; i < node->word_count; i++)
			free(node->words[i].text);
		script_free(node->condition);
		script_free(node->then_body);
		script_free(node->else_body);
		free(node);
		node = next;
	}
}

static void skip_blanks(struct parser *p)
{
	while (*p->at == ' ' || *p->at == '\t')
		p->at++;
}

/* The next word if it is one of hush's reserved ones, which count only where a command starts. */
static bool at_reserved(struct parser *p, const char *word)
{
	size_t len = strlen(word);

	skip_blanks(p);
	return strncmp(p->at, word, len) == 0 && (p->at[len] == '\0' || strchr(" \t;", p->at[len]));
}

static bool take_reserved(struct parser *p, const char *word)
{
	if (!at_reserved(p, word))
		return false;
	p->at += strlen(word);
	return true;
}

static bool at_end_of_list(struct parser *p)
{
	static const char *const ends[] = { "then", "elif", "else", "fi" };

	skip_blanks(p);
	if (*p->at == '\0')
		return true;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (at_reserved(p, ends[i]))
			return true;
	return false;
}

/* Checks "${name}" and moves past it. */
static void pass_variable(struct parser *p)
{
	const char *start = p->at;

	if (p->at[1] != '{')
		return fail(p, "only ${name} is known, found '%.20s'", start);
	p->at += 2;
	const char *name = p->at;
	while (isalnum((unsigned char)*p->at) || *p->at == '_')
		p->at++;
	if (p->at == name || *p->at != '}')
		return fail(p, "only ${name} is known, found '%.20s'", start);
	p->at++;
}

static void parse_word(struct parser *p, struct script_word *word)
{
	const char *start = p->at;

	word->quoted = *p->at == '"';
	if (word->quoted)
		start = ++p->at;
	while (!p->failed && *p->at != '\0' && *p->at != '"') {
		if (!word->quoted && strchr(" \t;&|", *p->at) != NULL)
			break;
		if (strchr("'\\`\n", *p->at) != NULL ||
		    (!word->quoted && strchr("#<>(){}", *p->at) != NULL))
			return fail(p, "unknown syntax at '%.20s'", p->at);
		if (*p->at == '$')
			pass_variable(p);
		else
			p->at++;
	}
	if (p->failed)
		return;
	word->text = strndup(start, (size_t)(p->at - start));
	if (word->text == NULL)
		return fail(p, "out of memory");
	if (word->quoted && *p->at != '"')
		return fail(p, "no closing quote after '%.20s'", word->text);
	if (word->quoted)
		p->at++;
	if (*p->at != '\0' && strchr(" \t;&|", *p->at) == NULL)
		fail(p, "a word must be wholly quoted or not at all: '%.20s'", word->text);
}

static void check_command(struct parser *p, const struct script_node *node)
{
	const struct script_word *name = &node->words[0];

	if (name->quoted || strchr(name->text, '$') != NULL || strchr(name->text, '=') != NULL)
		return fail(p, "a command must be a plain word, found '%s'", name->text);
	const struct model_command *command = command_find(name->text);
	if (command == NULL)
		return fail(p, "unknown command '%s'", name->text);
	if (node->word_count - 1 > command->args_max)
		fail(p, "too many words for '%s'", name->text);
}

static void parse_command(struct parser *p, struct script_node *node)
{
	node->kind = NODE_COMMAND;
	for (skip_blanks(p); !p->failed && *p->at != '\0' && strchr(";&|", *p->at) == NULL;
	     skip_blanks(p)) {
		if (node->word_count == MODEL_WORDS_MAX)
			return fail(p, "more than %d words", MODEL_WORDS_MAX);
		parse_word(p, &node->words[node->word_count]);
		if (node->words[node->word_count].text != NULL)
			node->word_count++;
	}
	if (p->failed)
		return;
	if (node->word_count == 0)
		return fail(p, "a command is missing at '%.20s'", p->at);
	check_command(p, node);
}

/* After "if" or "elif". */
static void parse_if(struct parser *p, struct script_node *node)
{
	node->kind = NODE_IF;
	if (++p->depth > 16)
		return fail(p, "more than 16 nested if");
	node->condition = parse_list(p);
	if (!p->failed && !take_reserved(p, "then"))
		return fail(p, "'then' is missing at '%.20s'", p->at);
	node->then_body = parse_list(p);
	if (p->failed)
		return;
	if (take_reserved(p, "elif")) {
		node->else_body = calloc(1, sizeof(*node));
		if (node->else_body == NULL)
			return fail(p, "out of memory");
		parse_if(p, node->else_body);
	} else {
		if (take_reserved(p, "else"))
			node->else_body = parse_list(p);
		if (!p->failed && !take_reserved(p, "fi"))
			fail(p, "'fi' is missing at '%.20s'", p->at);
	}
	p->depth--;
}

/* Moves past what joins this node to the next; false at the end of the list. */
static bool parse_joint(struct parser *p, struct script_node *node, enum node_follow *chain)
{
	skip_blanks(p);
	if (*p->at == ';') {
		p->at++;
		*chain = FOLLOW_SEQ;
		return !at_end_of_list(p);
	}
	if (strncmp(p->at, "&&", 2) != 0 && strncmp(p->at, "||", 2) != 0) {
		if (*p->at != '\0')
			fail(p, "unknown syntax at '%.20s'", p->at);
		return false;
	}
	node->follow = *p->at == '&' ? FOLLOW_AND : FOLLOW_OR;
	if (node->kind == NODE_IF)
		fail(p, "'fi' followed by '%.2s' is not supported", p->at);
	if (*chain != FOLLOW_SEQ && *chain != node->follow)
		fail(p, "&& and || in one statement do not work in U-Boot");
	*chain = node->follow;
	p->at += 2;
	return true;
}

static struct script_node *parse_list(struct parser *p)
{
	enum node_follow chain = FOLLOW_SEQ;
	struct script_node *head = NULL;
	struct script_node **tail = &head;
	bool more = true;

	while (more && !p->failed) {
		struct script_node *node = calloc(1, sizeof(*node));

		if (node == NULL) {
			fail(p, "out of memory");
			break;
		}
		*tail = node;
		tail = &node->next;
		if (!take_reserved(p, "if"))
			parse_command(p, node);
		else if (chain != FOLLOW_SEQ)
			fail(p, "'if' after && or || is not supported");
		else
			parse_if(p, node);
		more = !p->failed && parse_joint(p, node, &chain);
	}
	return head;
}

struct script_node *script_parse(const char *text, char *ret_why, size_t why_size_bytes)
{
	struct parser p = { .at = text, .why = ret_why, .why_size_bytes = why_size_bytes };
	struct script_node *list = parse_list(&p);

	skip_blanks(&p);
	if (!p.failed && *p.at != '\0')
		fail(&p, "unexpected '%.20s'", p.at);
	if (!p.failed)
		return list;
	script_free(list);
	return NULL;
}
