/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a budget of false alarms buys: the profile's surprise next to a z-score and an EWMA chart
 * that have the same budget and learn their thresholds in the same way.
 *
 *   anomaly [--days=N] [--vms=N] [--states=N] [--per-day=N] [--growing]
 */
#include "../unit/anomaly_kit.h"

#include <stdio.h>

struct choice {
	unsigned days, vms, states, per_day;
	bool growing;
};

static bool number_of(const char *arg, const char *name, unsigned *to)
{
	size_t n = strlen(name);

	if (strncmp(arg, name, n))
		return false;
	*to = (unsigned)strtoul(arg + n, NULL, 10);
	return true;
}

static bool read_arguments(int argc, char **argv, struct choice *c)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--growing"))
			c->growing = true;
		else if (!number_of(argv[i], "--days=", &c->days) &&
			 !number_of(argv[i], "--vms=", &c->vms) &&
			 !number_of(argv[i], "--states=", &c->states) &&
			 !number_of(argv[i], "--per-day=", &c->per_day))
			return false;
	}
	return c->days > 10 && c->vms && c->per_day && c->states >= 2 && c->states <= 64;
}

static void print_result(const char *kind, const struct kit_result *r)
{
	for (unsigned w = 0; w < KIT_WAYS; w++) {
		printf("%-8s %-8s %6.3f  ", kind, KIT_WAY[w],
		       r->days ? (double)r->false_alarms[w] / r->days : NAN);
		for (unsigned c = KIT_BURNS; c < KIT_CHANGES; c++) {
			printf(" %5.1f %5.1f ", 100.0 * r->quick[c][w] / r->trials,
			       100.0 * r->found[c][w] / r->trials);
			if (r->found[c][w])
				printf("%6.1f ", (double)r->delay[c][w] / r->found[c][w]);
			else
				printf("     - ");
		}
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	struct choice c = {.days = 60, .vms = 20, .states = 4, .per_day = 1};
	struct alarm_budget_settings b;
	struct profile_settings s;
	int ret = 0;

	if (!read_arguments(argc, argv, &c)) {
		fprintf(stderr, "anomaly: --days=N (above 10), --vms=N, --states=N (2 to 64), "
				"--per-day=N, --growing are allowed\n");
		return 2;
	}
	b = (struct alarm_budget_settings){.per_day = c.per_day, .ticks_per_day = KIT_PER_DAY};
	s = kit_profile_settings(c.states, !c.growing);
	printf("%u VMs of a kind, %u days each, one tick a minute; %u false alarm(s) a day "
	       "allowed; %u states, %s bounds\n"
	       "false: alarms per VM-day.  Of each change: %% found within 3 ticks, %% found "
	       "within %u, mean delay in ticks\n\n%-8s %-8s %6s  ",
	       c.vms, c.days, c.per_day, c.states, c.growing ? "growing" : "fixed", KIT_LATE, "VM",
	       "way", "false");
	for (unsigned i = KIT_BURNS; i < KIT_CHANGES; i++)
		printf(" %-19s", KIT_CHANGE[i]);
	printf("\n");
	for (unsigned k = 0; k < KIT_KINDS; k++) {
		struct kit_result r = {.days = 0};

		for (unsigned v = 0; v < c.vms; v++)
			kit_run(&r, (enum kit_kind)k, 1000 * k + v + 1, c.days, 20, &s, &b);
		if (!r.trials)
			return 1;
		print_result(KIT_KIND[k], &r);
		if (r.false_alarms[KIT_SURPRISE] > r.days * c.per_day) {
			fprintf(stderr, "anomaly: %s: more false alarms than are allowed\n",
				KIT_KIND[k]);
			ret = 1;
		}
	}
	return ret;
}
