/* SPDX-License-Identifier: Apache-2.0 */
/* Options from the environment: PROXTOP_LOG_LEVEL=debug is --log-level=debug. */
#include "option.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

void option_variable(const struct option_table *t, const struct option_row *row, char *to,
		     size_t size)
{
	size_t n = strlen(t->env_prefix);

	snprintf(to, size, "%s%s", t->env_prefix, row->name);
	for (char *c = to + (n < size ? n : 0); *c; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
}

/* The row of an entry "NAME=value" of the environment; NULL when there is none. */
static const struct option_row *row_of(const struct option_table *t, const char *entry,
				       const char **ret_value)
{
	const char *equals = strchr(entry, '=');

	if (!equals)
		return NULL;
	*ret_value = equals + 1;
	for (size_t i = 0; i < t->n; i++) {
		char variable[64];

		option_variable(t, &t->rows[i], variable, sizeof(variable));
		if (strlen(variable) == (size_t)(equals - entry) &&
		    !memcmp(variable, entry, strlen(variable)))
			return t->rows[i].bits & OPTION_NO_ENV ? NULL : &t->rows[i];
	}
	return NULL;
}

int option_environment(struct option_parse *p, char *const *envp)
{
	size_t prefix = strlen(p->table->env_prefix);

	for (; *envp; envp++) {
		const struct option_row *row;
		const char *value;
		char variable[64];
		int r;

		if (strncmp(*envp, p->table->env_prefix, prefix))
			continue;
		row = row_of(p->table, *envp, &value);
		/* An empty one, as in a configuration file with the value left out, is none. */
		if (!row || !*value || p->origin[row - p->table->rows] == FROM_COMMAND_LINE)
			continue;
		option_variable(p->table, row, variable, sizeof(variable));
		r = option_set(p, row, FROM_ENVIRONMENT, variable, value);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_of_others(const struct option_table *t, const char *entry, size_t n)
{
	for (unsigned i = 0; t->others && t->others[i]; i++) {
		const struct option_row row = {.name = t->others[i]};
		char variable[64];

		option_variable(t, &row, variable, sizeof(variable));
		if (strlen(variable) == n && !memcmp(variable, entry, n))
			return true;
	}
	return false;
}

void option_unknown_variables(const struct option_table *t, char *const *envp, char *to,
			      size_t size)
{
	size_t prefix = strlen(t->env_prefix), used = 0;

	*to = '\0';
	for (; *envp; envp++) {
		const char *value;
		size_t n = strcspn(*envp, "=");

		if (strncmp(*envp, t->env_prefix, prefix) || row_of(t, *envp, &value) ||
		    is_of_others(t, *envp, n))
			continue;
		if (used + n + sizeof(", , ...") > size) {
			snprintf(to + used, size - used, "%s", used ? ", ..." : "...");
			return;
		}
		used += (size_t)snprintf(to + used, size - used, "%s%.*s", used ? ", " : "", (int)n,
					 *envp);
	}
	for (char *c = to; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}
