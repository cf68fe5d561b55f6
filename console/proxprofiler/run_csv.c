/* SPDX-License-Identifier: Apache-2.0 */
/* A CSV file: one profile, written at its end. */
#include "batch.h"
#include "csv.h"
#include "document.h"
#include "log.h"
#include "runs.h"
#include "xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES ((size_t)256 << 10)
#define LINE_MAX   ((size_t)1 << 30)

struct csv_run {
	const struct proxprofiler_options *o;
	struct batch batch;
	struct csv *csv;
	struct profile_settings settings;
	struct predict_error *errors; /* with --predict */
	int fd;
	bool ended; /* by a signal: what was read so far is the whole */
};

/* A pipe may have nothing for long: signals must end it all the same. */
static ssize_t read_some(void *arg, char *to, size_t n)
{
	struct csv_run *c = arg;
	ssize_t r;

	do {
		if (c->ended || batch_wait(&c->batch, UINT64_MAX, c->fd) == BATCH_END) {
			c->ended = true;
			return 0;
		}
		r = read(c->fd, to, n);
	} while (r < 0 && (errno == EINTR || errno == EAGAIN));
	return r;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return !strcmp(path, "-") ? "stdin" : slash && slash[1] ? slash + 1 : path;
}

static int settings_of(struct csv_run *c)
{
	struct profile_settings *s = &c->settings;
	const char *wrong;

	proxprofiler_settings(s, c->o);
	s->n_metrics = csv_columns(c->csv);
	for (unsigned i = 0; i < s->n_metrics; i++) {
		snprintf(s->metric[i].name, sizeof(s->metric[i].name), "%s", csv_name(c->csv, i));
		s->metric[i].low = c->o->fixed_min;
		s->metric[i].high = c->o->fixed_max;
	}
	wrong = profile_settings_wrong(s);
	if (wrong)
		log_error("--input=%s: %s", c->o->input, wrong);
	return wrong ? 2 : 0;
}

/* With how wrong it would have been each time. */
static void put_and_predict(struct csv_run *c, struct profile *p, const double *row)
{
	const struct profile_settings *s = &c->settings;
	int state[PROFILE_METRICS_MAX];

	for (unsigned i = 0; i < s->n_metrics; i++)
		predict_error_before(&c->errors[i], &p->metric[i], &s->markov);
	profile_put(p, s, row, state);
	for (unsigned i = 0; i < s->n_metrics; i++)
		predict_error_after(&c->errors[i], &p->metric[i], state[i]);
}

/* 0 or -errno, said. */
static int count_rows(struct csv_run *c, struct profile *p)
{
	const double *row;
	char why[512] = "";
	int r;

	while ((r = csv_next(c->csv, &row, why, sizeof(why))) > 0) {
		if (c->ended)
			return 0; /* its line was not finished */
		if (c->errors)
			put_and_predict(c, p, row);
		else
			profile_put(p, &c->settings, row, NULL);
	}
	if (r < 0 && c->ended)
		return 0;
	if (r < 0)
		log_error("%s", *why ? why : strerror(-r));
	return r;
}

/* 0, or 1 (said). */
static int write_line(struct csv_run *c, const struct profile *p)
{
	struct document d = {.name = name_of(c->o->input),
			     .profile = p,
			     .settings = &c->settings,
			     .errors = c->errors};
	struct buf text;
	bool fits;

	buf_init(&text, LINE_MAX);
	document_put(&text, c->o, &d);
	fits = !text.error && text.used <= sink_record_max(c->batch.sink);
	if (!fits)
		log_error("the profile is larger than what one record may be: %zu bytes",
			  text.used);
	else if (!batch_put(&c->batch, text.data, text.used) && !c->ended)
		batch_wait_for_sink(&c->batch, 0);
	buf_fini(&text);
	return !fits;
}

static int profile_rows(struct csv_run *c)
{
	struct profile p;
	int status = settings_of(c);

	if (status)
		return status;
	profile_init(&p, &c->settings);
	if (c->o->predict)
		c->errors = xcalloc(c->settings.n_metrics, sizeof(*c->errors));
	status = count_rows(c, &p) < 0;
	if (!status)
		status = write_line(c, &p);
	profile_fini(&p, &c->settings);
	free(c->errors);
	return status;
}

static int profile_file(struct csv_run *c)
{
	static const cookie_io_functions_t io = {.read = read_some};
	FILE *from = fopencookie(c, "r", io);
	char why[512] = "";
	int r, status = 1;

	if (!from) {
		log_error("--input=%s: %s", c->o->input, strerror(errno));
		return 1;
	}
	setvbuf(from, NULL, _IOFBF, READ_BYTES);
	r = csv_open(&c->csv, from, c->o->input, why, sizeof(why));
	if (r < 0)
		log_error("%s", *why ? why : strerror(-r));
	else
		status = profile_rows(c);
	csv_close(r < 0 ? NULL : c->csv);
	fclose(from);
	return status;
}

int run_csv(const struct proxprofiler_options *o)
{
	struct csv_run c = {.o = o};
	int status = batch_open(&c.batch, &o->base, true);

	if (!status) {
		c.fd = !strcmp(o->input, "-") ? dup(STDIN_FILENO)
					      : open(o->input, O_RDONLY | O_CLOEXEC);
		if (c.fd < 0) {
			log_error("--input=%s: %s", o->input, strerror(errno));
			status = 1;
		} else {
			status = profile_file(&c);
			close(c.fd);
		}
	}
	batch_close(&c.batch);
	return status;
}
