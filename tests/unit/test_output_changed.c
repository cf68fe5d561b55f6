/* SPDX-License-Identifier: Apache-2.0 */
/* Only what changed, in both formats. */
#include "output_format_kit.h"

static void changed_json(void **state)
{
	struct rig *r = *state;
	const char *text;
	json_t *j;

	fill_all(r);
	vm(r, "u-2", "idle");
	use(r, "json-vm+tcp://h:1?changed=1");
	text = print(r, "kvm1");
	assert_int_equal(count(text, "\n"), 2); /* of the idle one there is nothing but a name */
	j = event(text, 1);
	assert_true(number_of(j, "uptime") == 77);
	assert_string_equal(text_of(j, "state"), "running");
	json_decref(j);
	/* Nothing has changed: nothing is said. */
	assert_string_equal(print(r, "kvm1"), "");
	sample_set(r->now, SCOPE_VM, 0, M_UPTIME, 78);
	sample_set(r->now, SCOPE_VM, 1, M_UPTIME, 1);
	text = print(r, "kvm1");
	assert_int_equal(count(text, "\n"), 2);
	j = event(text, 0);
	assert_true(number_of(j, "uptime") == 78);
	assert_string_equal(text_of(j, "name"), "web"); /* what names it is always there */
	assert_string_equal(text_of(j, "UUID"), "u-1");
	assert_true(number_of(j, "vmid") == 100);
	assert_null(json_object_get(j, "state"));
	assert_null(json_object_get(j, "cpu_total"));
	json_decref(j);
	/* Less than what is shown is no change; gone and back is one. */
	sample_set(r->now, SCOPE_VCPU, 0, M_RUN, 500001000 + 40);
	sample_set_text(r->now, SCOPE_VM, 0, M_STATE, "paused");
	sample_set(r->now, SCOPE_VM, 1, M_UPTIME, ABSENT);
	text = print(r, "kvm1");
	assert_int_equal(count(text, "\n"), 1);
	j = event(text, 0);
	assert_string_equal(text_of(j, "state"), "paused");
	assert_null(json_object_get(j, "cpu_total"));
	json_decref(j);
	sample_set(r->now, SCOPE_VM, 1, M_UPTIME, 1);
	j = event(print(r, "kvm1"), 0);
	assert_string_equal(text_of(j, "UUID"), "u-2");
	json_decref(j);
	render_forget(r->render);
	assert_int_equal(count(print(r, "kvm1"), "\n"), 3);
}

static void changed_influx(void **state)
{
	struct rig *r = *state;
	const char *text;
	struct point *p;

	fill_all(r);
	use(r, "influx+tcp://h:1?changed=1&counters=1");
	assert_true(count(print(r, "kvm1"), "\n") > 5);
	assert_string_equal(print(r, "kvm1"), "");
	sample_set(r->now, SCOPE_VM_NIC, 1, M_VN_RX_BYTES, 1501);
	text = print(r, "kvm1");
	assert_int_equal(count(text, "\n"), 2); /* the interface, and the sum in the VM */
	p = point(text, "proxtop_vm_nic", 0);
	assert_int_equal(p->fields, 2);
	assert_string_equal(field(p, "receive_total"), "1501i");
	assert_string_equal(field(p, "net_receivedBytes"), "501f");
	p = point(text, "proxtop_vm", 0);
	assert_int_equal(p->fields, 1);
	assert_string_equal(field(p, "net_receivedBytes"), "2001f");
}

/* Rows come, go and change places; streams are apart. */
static void changed_rows(void **state)
{
	struct rig *r = *state;
	struct output_item i = {.before = NULL};

	use(r, "json-vm+tcp://h:1?changed=1&metrics=cpu_cores");
	for (unsigned round = 0; round < 4; round++) {
		sample_clear(r->now);
		for (unsigned n = 0; n < 50; n++) {
			unsigned id = (round % 2 ? 49 - n : n);
			uint32_t v = sample_row(r->now, SCOPE_VM, NO_ROW, 1000 + id);

			sample_set(r->now, SCOPE_VM, v, M_CPU_CORES,
				   id == round ? 100 + round : id);
		}
		i.now = kit_frame_of(r->now, "h", 7, 5 + round);
		for (i.stream = 0; i.stream < 3; i.stream++) {
			unsigned want = round == 0 ? 50 : 2; /* one changes, one changes back */

			assert_int_equal(render_item(r->render, &i), 0);
			if (r->render->n_cuts != want)
				fail_msg("round %u, stream %u: %u events", round, i.stream,
					 r->render->n_cuts);
		}
		frame_unref(i.now);
	}
}

/* Without a base there are no rates, and a base that cannot be read costs no more. */
static void no_base(void **state)
{
	struct rig *r = *state;
	struct frame_head h = {.epoch = 7, .sequence = 4, .host_id = "x"};
	struct output_item i = {.stream = 1};

	fill_all(r);
	use(r, "influx+tcp://h:1?scopes=vm");
	i.now = kit_frame_of(r->now, "h", 7, 5);
	for (unsigned n = 0; n < 2; n++) {
		struct point *p;

		i.before = n ? frame_new(&h, "\xc1\xc1", 2) : NULL;
		assert_int_equal(render_item(r->render, &i), 0);
		buf_byte(&r->render->out, '\0');
		p = point(r->render->out.data, "proxtop_vm", 0);
		assert_string_equal(field(p, "uptime"), "77i");
		assert_string_equal(field(p, "cpu_total"), "");
		frame_unref(i.before);
	}
	frame_unref(i.now);
	i.now = frame_new(&h, "\xc1\xc1", 2);
	i.before = NULL;
	assert_int_equal(render_item(r->render, &i), -EBADMSG);
	assert_int_equal(r->render->out.used, 0);
	frame_unref(i.now);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(changed_json),
		T(changed_influx),
		T(changed_rows),
		T(no_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
