/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments that stand in one string, as in a container's variable. */
#include "option.h"
#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\n\r"

/* One word, its quotes taken away, to where it stood; NULL: a quote that is not closed. */
static char *take_word(char **at)
{
	char *word = *at, *to = *at, quote = 0;
	const char *from = *at;

	for (; *from && (quote || !strchr(BLANKS, *from)); from++) {
		if (quote && *from == quote)
			quote = 0;
		else if (!quote && (*from == '"' || *from == '\''))
			quote = *from;
		else if (*from == '\\' && quote != '\'' && from[1])
			*to++ = *++from;
		else
			*to++ = *from;
	}
	*at = (char *)from + (*from != 0);
	*to = '\0';
	return quote ? NULL : word;
}

int option_words(struct option_list *into, const char *text)
{
	char *copy = xstrdup(text), *at = copy, *word;
	int r = 0;

	for (;;) {
		at += strspn(at, BLANKS);
		if (!*at)
			break;
		word = into->n < OPTION_LIST_MAX ? take_word(&at) : NULL;
		if (!word) {
			r = into->n < OPTION_LIST_MAX ? -EINVAL : -E2BIG;
			break;
		}
		into->item = xrealloc(into->item, into->n + 1, sizeof(*into->item));
		into->item[into->n++] = xstrdup(word);
	}
	free(copy);
	return r;
}
