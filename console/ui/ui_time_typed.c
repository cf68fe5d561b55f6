/* SPDX-License-Identifier: Apache-2.0 */
/* A time as it is typed: from here, or by the clock. */
#include "ui_state.h"

#include <ctype.h>
#include <time.h>

#define SECOND   UINT64_C(1000000000)
#define DAY      (86400 * SECOND)
#define SPAN_MAX (UINT64_C(100) * 366 * 86400) /* seconds; nothing is recorded for so long */

/* -5m, +90s, -1h30m: false when it is none, or more than a hundred years. */
static bool parse_span(const char *text, int64_t *ret)
{
	bool back = *text == '-';
	uint64_t sum = 0;

	if (*text != '-' && *text != '+')
		return false;
	for (text++; *text;) {
		uint64_t n = 0;
		unsigned digits = 0, unit;

		for (; isdigit((unsigned char)*text) && digits < 7; digits++)
			n = n * 10 + (uint64_t)(*text++ - '0');
		switch (*text) {
		case 'd':
			unit = 86400;
			break;
		case 'h':
			unit = 3600;
			break;
		case 'm':
			unit = 60;
			break;
		case 's':
		case '\0':
			unit = 1;
			break;
		default:
			return false;
		}
		if (!digits)
			return false;
		sum += n * unit;
		text += *text != '\0';
	}
	*ret = back ? -(int64_t)sum : (int64_t)sum;
	return sum > 0 && sum <= SPAN_MAX;
}

/* What is left of it must be nothing. */
static bool parsed(const char *text, const char *format, struct tm *tm)
{
	const char *end = strptime(text, format, tm);

	return end && !*end;
}

/* The second that it says: without a date on the day of `here`.  -1: none. */
static time_t clock_of(const char *text, const struct tm *here, struct tm *ret, bool *ret_dated)
{
	static const char *const formats[] = {"%H:%M:%S", "%H:%M", "%Y-%m-%d %H:%M:%S",
					      "%Y-%m-%d %H:%M", "%Y-%m-%d"};

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		*ret = *here;
		ret->tm_sec = 0;
		*ret_dated = formats[i][1] == 'Y';
		if (*ret_dated)
			ret->tm_hour = ret->tm_min = 0;
		if (!parsed(text, formats[i], ret))
			continue;
		ret->tm_isdst = -1;
		return mktime(ret);
	}
	return -1;
}

/* What is later than the newest sample can be has not come yet: after midnight, 23:50 is
 * yesterday's.  In a recording only where that is in it. */
static bool is_of_yesterday(const struct ui *u, time_t t)
{
	const struct source_status *s = &u->status;
	uint64_t at = (uint64_t)t * SECOND, end = s->replay ? s->newest_wall_ns : u->now_ns;

	return end && at > end && (!s->replay || at - DAY >= s->oldest_wall_ns);
}

static bool parse_clock(const struct ui *u, const char *text, uint64_t *ret_ns)
{
	time_t here = (time_t)(u->world->wall_ns / SECOND), t;
	struct tm day, tm;
	bool dated;

	if (!localtime_r(&here, &day))
		return false;
	t = clock_of(text, &day, &tm, &dated);
	if (t < 0)
		return false;
	if (!dated && is_of_yesterday(u, t)) {
		day.tm_mday--;
		t = clock_of(text, &day, &tm, &dated);
	}
	*ret_ns = (uint64_t)t * SECOND + (SECOND - 1); /* that second is in */
	return true;
}

void ui_time_typed(struct ui *u, const char *text)
{
	int64_t seconds;
	uint64_t at;

	if (!u->has_moment)
		return;
	while (*text == ' ')
		text++;
	if (parse_span(text, &seconds))
		ui_jump(u, seconds);
	else if (parse_clock(u, text, &at))
		ui_go(u, SOURCE_AT, at);
	else
		ui_say(u, "Not a time: 14:30, 14:30:05, 2026-01-31 14:30, -5m or +90s");
}
