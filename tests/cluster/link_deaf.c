/* SPDX-License-Identifier: Apache-2.0 */
/* What takes longer than a unit test may: readers that never read are sent away after 10 s,
 * and who stops in the middle of a message after 30 s; a good client is served all the
 * while.  Prints what it saw; 0: all was well. */
#include "link_server_kit.h"

#define ANSWER (16u << 20)
#define DEAF   8u

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int client_of(struct station *s, const char *request)
{
	int fd = raw_connect(s->server);

	raw_hello(fd, SP_REQ);
	if (request)
		raw_request(fd, 1, request);
	return fd;
}

static unsigned pipes(const struct station *s)
{
	struct link_stats stats;

	link_stats(s->server, &stats);
	return stats.pipes;
}

int main(void)
{
	static char answer_text[ANSWER];
	double begun = seconds(), slowest = 0, deaf_gone = 0, stopped_gone = 0;
	struct link_client *c;
	struct station s;
	int fd[DEAF + 1];

	station_open(&s, 16, 64, 1000);
	c = dial(&s);
	for (unsigned i = 0; i < DEAF; i++) {
		fd[i] = client_of(&s, "hold");
		link_reply(station_take(&s), answer_text, ANSWER);
	}
	fd[DEAF] = client_of(&s, NULL);
	raw_length(fd[DEAF], 500);
	while (seconds() - begun < 45 && !stopped_gone) {
		double at = seconds();

		ask_well(c, "beside deaf ones", "take");
		if (seconds() - at > slowest)
			slowest = seconds() - at;
		if (!deaf_gone && pipes(&s) == 2)
			deaf_gone = seconds() - begun;
		if (pipes(&s) == 1)
			stopped_gone = seconds() - begun;
		pause_ms(20);
	}
	printf("deaf ones were sent away after %.1f s, one that stopped after %.1f s; the slowest "
	       "answer meanwhile took %.3f s\n",
	       deaf_gone, stopped_gone, slowest);
	for (unsigned i = 0; i <= DEAF; i++)
		close(fd[i]);
	link_client_close(c);
	station_close(&s);
	return !(deaf_gone > 9 && deaf_gone < 20 && stopped_gone > 29 && slowest < 2);
}
