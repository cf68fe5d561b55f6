/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as the aggregator's outputs write it. */
#include "output_format_kit.h"

static void check_origin(json_t *j)
{
	assert_string_equal(text_of(j, "host_name"), "kvm \"1\"");
	assert_string_equal(text_of(j, "host_id"), "id-kvm \"1\"");
	assert_true(number_of(j, "epoch") == 7);
	assert_true(number_of(j, "seq") == 5);
}

static void json_root(void **state)
{
	struct rig *r = *state;
	json_t *j, *d;

	fill_all(r);
	use(r, "json+tcp://h:1?verbose=1");
	j = event(print(r, "kvm \"1\""), 0);
	assert_string_equal(text_of(j, "@timestamp"), "2026-11-24T17:18:45.000Z");
	assert_true(number_of(j, "interval") == 1);
	check_origin(j);
	assert_true(number_of(json_object_get(j, "host"), "ram_Total") == 16000000);
	d = json_array_get(json_object_get(j, "domains"), 0);
	assert_string_equal(text_of(d, "UUID"), "u-1");
	assert_int_equal(json_array_size(json_object_get(d, "disks")), 1);
	json_decref(j);
	use(r, "json+tcp://h:1?metrics=cpu_*");
	j = event(print(r, "kvm \"1\""), 0);
	check_origin(j);
	d = json_array_get(json_object_get(j, "domains"), 0);
	assert_true(number_of(d, "cpu_total") == 25);
	assert_null(json_object_get(d, "io_MBRD/s"));
	assert_null(json_object_get(json_object_get(j, "host"), "ram_Total"));
	json_decref(j);
}

static void json_vm(void **state)
{
	struct rig *r = *state;
	const char *text;
	json_t *j, *v;

	fill_all(r);
	vm(r, "u-2", "new\nline\xff");
	use(r, "json-vm+tcp://h:1");
	text = print(r, "kvm \"1\"");
	assert_int_equal(count(text, "\n"), 3);
	assert_int_equal(r->render->n_cuts, 3);
	j = event(text, 0);
	check_origin(j);
	assert_string_equal(text_of(j, "scope"), "host");
	assert_true(number_of(j, "ram_Total") == 16000000);
	json_decref(j);
	j = event(text, 1);
	check_origin(j);
	assert_string_equal(text_of(j, "@timestamp"), "2026-11-24T17:18:45.000Z");
	assert_string_equal(text_of(j, "scope"), "vm");
	assert_string_equal(text_of(j, "UUID"), "u-1");
	assert_true(number_of(j, "vmid") == 100);
	assert_true(number_of(j, "cpu_total") == 25);
	json_object_foreach(j, text, v) assert_false(json_is_object(v) || json_is_array(v));
	json_decref(j);
	j = event(r->render->out.data, 2);
	assert_string_equal(text_of(j, "name"), "new\nline\xef\xbf\xbd");
	json_decref(j);
	use(r, "json-vm+tcp://h:1?nest=proxtop");
	j = event(print(r, "kvm \"1\""), 1);
	assert_int_equal(json_object_size(j), 2);
	assert_string_equal(text_of(j, "@timestamp"), "2026-11-24T17:18:45.000Z");
	check_origin(json_object_get(j, "proxtop"));
	assert_string_equal(text_of(json_object_get(j, "proxtop"), "UUID"), "u-1");
	json_decref(j);
}

static void keep_of(struct rig *r, const char *host)
{
	struct output_item i = {.before = kit_frame_of(r->before, host, 7, 4),
				.now = kit_frame_of(r->now, host, 7, 5),
				.stream = 1};

	assert_int_equal(render_item(r->render, &i), 0);
	assert_int_equal(r->render->out.used, 0);
	frame_unref(i.before);
	frame_unref(i.now);
}

static void json_cluster(void **state)
{
	struct rig *r = *state;
	const char *const hosts[] = {"kvm \"1\"", "kvm2", "kvm2"};
	json_t *j, *c, *h;

	fill_all(r);
	use(r, "json-cluster+tcp://h:1?interval=1s");
	assert_true(render_is_whole(r->render));
	assert_true(render_whole_in_ms(r->render, true) <= 1001);
	assert_true(render_whole_in_ms(r->render, true) > 0);
	for (unsigned i = 0; i < 3; i++)
		keep_of(r, hosts[i]);
	assert_int_equal(render_whole(r->render), 0);
	assert_int_equal(r->render->n_cuts, 1);
	buf_byte(&r->render->out, '\0');
	j = event(r->render->out.data, 0);
	assert_true(number_of(j, "interval") == 1);
	c = json_object_get(j, "cluster");
	assert_true(number_of(c, "hosts") == 2 && number_of(c, "domains") == 2);
	assert_true(number_of(json_object_get(c, "host"), "ram_Total") == 2 * 16000000);
	/* Of both the same: so is the whole. */
	assert_true(number_of(json_object_get(c, "domain"), "cpu_total") == 25);
	assert_null(json_object_get(json_object_get(c, "domain"), "vmid"));
	assert_null(json_object_get(json_object_get(c, "domain"), "UUID"));
	assert_int_equal(json_array_size(json_object_get(j, "hosts")), 2);
	for (size_t i = 0; i < 2; i++) {
		h = json_array_get(json_object_get(j, "hosts"), i);
		assert_true(number_of(h, "seq") == 5);
		assert_true(number_of(json_object_get(h, "host"), "ram_Total") == 16000000);
		assert_int_equal(json_array_size(json_object_get(h, "domains")), 1);
	}
	json_decref(j);
}

static void keep_run(struct rig *r, uint64_t epoch, uint64_t sequence)
{
	struct output_item i = {.now = kit_frame_of(r->now, "kvm1", epoch, sequence), .stream = 1};

	assert_int_equal(render_item(r->render, &i), 0);
	frame_unref(i.now);
}

/* The rest of an earlier run that comes late is not what is now. */
static void json_cluster_late(void **state)
{
	static const uint64_t come[][2] = {{8, 1}, {7, 90}, {8, 2}, {7, 91}, {8, 1}};
	struct rig *r = *state;
	json_t *j, *h;

	fill_all(r);
	use(r, "json-cluster+tcp://h:1?interval=1s");
	for (unsigned i = 0; i < sizeof(come) / sizeof(*come); i++)
		keep_run(r, come[i][0], come[i][1]);
	assert_int_equal(render_whole(r->render), 0);
	buf_byte(&r->render->out, '\0');
	j = event(r->render->out.data, 0);
	assert_int_equal(json_array_size(json_object_get(j, "hosts")), 1);
	h = json_array_get(json_object_get(j, "hosts"), 0);
	assert_true(number_of(h, "epoch") == 8);
	assert_true(number_of(h, "seq") == 2);
	json_decref(j);
}

static void annotate(void *arg, const char *host_id, struct sample *s)
{
	assert_string_equal(arg, "me");
	assert_true(*host_id);
	sample_set_text(s, SCOPE_VM, 0, M_HOST_FROM, "old \"host\"");
	sample_set(s, SCOPE_VM, 0, M_UUID_DUPLICATE, 1);
}

/* What the aggregator adds is in every format that has keys. */
static void annotated(void **state)
{
	static const char *const urls[] = {"json-vm+tcp://h:1", "json-vm+tcp://h:1?metrics=io_*"};
	struct rig *r = *state;
	char from[300], twice[300];
	json_t *j;

	fill_all(r);
	for (size_t i = 0; i < 2; i++) {
		use(r, urls[i]);
		j = event(print(r, "kvm"), 1);
		assert_null(json_object_get(j, metrics[M_HOST_FROM].key));
		json_decref(j);
		r->render->annotate = annotate;
		r->render->annotate_arg = (void *)(uintptr_t) "me";
		j = event(print(r, "kvm"), 1);
		assert_string_equal(text_of(j, metrics[M_HOST_FROM].key), "old \"host\"");
		assert_true(number_of(j, metrics[M_UUID_DUPLICATE].key) == 1);
		json_decref(j);
	}
	use(r, "influx+tcp://h:1?scopes=vm");
	r->render->annotate = annotate;
	r->render->annotate_arg = (void *)(uintptr_t) "me";
	snprintf(from, sizeof(from), "%s=\"old \\\"host\\\"\"", metrics[M_HOST_FROM].key);
	snprintf(twice, sizeof(twice), "%s=1i", metrics[M_UUID_DUPLICATE].key);
	assert_non_null(strstr(print(r, "kvm"), from));
	assert_non_null(strstr(r->render->out.data, twice));
}

/* A VM with as much as there can be stays far below what Logstash takes as one event. */
static void json_vm_size(void **state)
{
	struct rig *r = *state;
	char name[300];
	uint32_t v;

	memset(name, 1, sizeof(name)); /* six bytes each */
	name[sizeof(name) - 1] = '\0';
	v = vm(r, name, name);
	for (int m = 0; m < METRICS; m++) {
		if (!(metrics[m].scopes & VM) || metrics[m].kind == DERIVED)
			continue;
		if (metrics[m].kind == INFO)
			sample_set_text(r->now, SCOPE_VM, v, m, name);
		else
			sample_set(r->now, SCOPE_VM, v, m, UINT64_MAX - 2);
	}
	use(r, "json-vm+tcp://h:1?verbose=1");
	print(r, "h");
	assert_true(r->render->out.used < 1000000 / 20);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(json_root),    T(json_vm),   T(json_vm_size),
		T(json_cluster), T(annotated), T(json_cluster_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
