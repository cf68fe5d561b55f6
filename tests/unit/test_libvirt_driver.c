/* SPDX-License-Identifier: Apache-2.0 */
/* The libvirt connector on the real library, with the test driver that it has inside. */
#include "capture.h"
#include "fakedir.h"
#include "hub.h"
#include "sample.h"
#include "source.h"

#include <libvirt/libvirt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#define URI "test:///default"

static uint64_t boot_now(void *arg)
{
	struct timespec t;

	(void)arg;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct viewer {
	struct hub *hub;
	struct source *source;
	struct vm_list *list;
};

static struct source_options options(const char *uri)
{
	return (struct source_options){
		.procfs = "/proc",
		.rootfs = "/nonexistent",
		.connection = uri,
		.interval = 0.5,
		.families = ~0u,
		.now_ns = boot_now,
	};
}

static void view(struct viewer *v, const char *uri)
{
	struct source_options o = options(uri);

	memset(v, 0, sizeof(*v));
	v->hub = hub_new();
	assert_int_equal(source_libvirt.open(&v->source, &o, v->hub), 0);
}

static void view_end(struct viewer *v)
{
	source_libvirt.close(v->source);
	vm_list_free(v->list);
	hub_free(v->hub);
}

/* The latest list; waits for one that has n VMs. */
static const struct vm_list *wait_list(struct viewer *v, unsigned n)
{
	for (int i = 0; i < PATIENCE_S * 100; i++) {
		struct vm_list *list = hub_take_list(v->hub);

		if (list) {
			vm_list_free(v->list);
			v->list = list;
		}
		if (v->list && v->list->n == n)
			return v->list;
		pause_ms(10);
	}
	fail_msg("no list with %u VMs came", n);
	return NULL;
}

/* Within less than the 10 s after which a list comes anyway: an event must have come. */
static void wait_state(struct viewer *v, uint64_t key, enum vm_state state)
{
	for (int i = 0; i < 700; i++) {
		if (hub_get_state(v->hub, key) == state)
			return;
		pause_ms(10);
	}
	fail_msg("the state is %d", hub_get_state(v->hub, key));
}

static void test_life(void **state)
{
	struct viewer v, second;
	virConnectPtr admin;
	virDomainPtr domain;
	uint64_t key;

	(void)state;
	view(&v, URI);
	admin = virConnectOpen(URI);
	assert_non_null(admin);
	domain = virDomainLookupByName(admin, "test");
	assert_non_null(domain);
	key = wait_list(&v, 1)->vms[0].key;
	assert_string_equal(v.list->vms[0].name, "test");
	assert_string_equal(v.list->vms[0].uuid, "6695eb01-f6a4-8304-79aa-97f2502e193f");
	assert_int_equal(v.list->vms[0].cores, 2);
	assert_int_equal(v.list->vms[0].memory_kib, 8388608);
	assert_int_equal(v.list->vms[0].pid, 0);
	assert_int_equal(v.list->vms[0].n_nics, 1);
	wait_state(&v, key, VM_RUNNING);

	/* Several at once share the process's one event loop. */
	view(&second, URI);
	wait_list(&second, 1);

	assert_int_equal(virDomainSuspend(domain), 0);
	wait_state(&v, key, VM_PAUSED);
	wait_state(&second, key, VM_PAUSED);
	view_end(&second);
	assert_int_equal(virDomainResume(domain), 0);
	wait_state(&v, key, VM_RUNNING);

	assert_int_equal(virDomainDestroy(domain), 0);
	wait_list(&v, 0);
	assert_int_equal(virDomainCreate(domain), 0);
	assert_true(wait_list(&v, 1)->vms[0].key != key);
	view_end(&v);
	virDomainFree(domain);
	virConnectClose(admin);
}

/* Opened and closed again and again, at any moment. */
static void test_again(void **state)
{
	struct viewer v;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		view(&v, URI);
		pause_ms(i % 5 * 10);
		view_end(&v);
	}
	view(&v, URI);
	wait_list(&v, 1);
	view_end(&v);
}

#define UUID(n) "4dea22b3-1d52-d8f3-2516-782e98ab310" #n

static void test_odd_names(void **state)
{
	static const char config[] =
		"<node>"
		"<domain type='test'><name>a &quot;b&quot; &lt;c&gt; '\\</name><uuid>" UUID(
			1) "</uuid><memory>1000</memory><os><type>hvm</type></os></domain>"
			   "<domain type='test'><name>\xc3\xa9\xe2\x82\xac</name><uuid>" UUID(
				   2) "</uuid><memory>1000</memory><os><type>hvm</type></os></"
				      "domain>"
				      "<domain type='test'><name>123</name><uuid>" UUID(
					      3) "</uuid><memory unit='MiB'>2</memory><vcpu "
						 "current='1'>2</vcpu>"
						 "<os><type>hvm</type></os></domain>"
						 "</node>";
	static const char *const names[] = {"a \"b\" <c> '\\", "\xc3\xa9\xe2\x82\xac", "123"};
	struct fakedir dir;
	struct viewer v;
	char uri[128];

	(void)state;
	fake_new(&dir);
	fake_write(&dir, "node.xml", config);
	snprintf(uri, sizeof(uri), "test://%s/node.xml", dir.path);
	view(&v, uri);
	wait_list(&v, 3);
	for (unsigned i = 0; i < 3; i++) {
		bool found = false;

		for (unsigned k = 0; k < 3; k++)
			found |= !strcmp(v.list->vms[k].name, names[i]);
		if (!found)
			fail_msg("%s is not in the list", names[i]);
	}
	view_end(&v);
	fake_free(&dir);
}

static void say(void *arg, const char *line)
{
	char *text = arg;

	strcat(strcat(text, line), "\n");
}

static void test_check(void **state)
{
	struct source_options o = options(URI);
	char text[4096] = "";

	(void)state;
	assert_int_equal(source_libvirt.check(&o, say, text), 0);
	assert_non_null(strstr(text, "libvirt: connected to test:///default: libvirt "));
	assert_non_null(strstr(text, "libvirt: 1 running VM\n"));
	o.connection = "nonsense:///";
	*text = 0;
	assert_int_equal(source_libvirt.check(&o, say, text), 1);
	assert_non_null(strstr(text, "Failed to connect to libvirt (nonsense:///): "));
}

/* What cannot be connected to is said once, by us: libvirt prints nothing of its own. */
static void test_no_such_uri(void **state)
{
	struct capture c;
	struct viewer v;

	(void)state;
	capture_begin(&c);
	view(&v, "nonsense:///");
	wait_list(&v, 0);
	assert_true(capture_wait(&c, "Failed to connect to libvirt (nonsense:///): "));
	pause_ms(2500); /* it has been tried again by then */
	assert_int_equal(capture_count(&c, "\n"), 1);
	view_end(&v);
	capture_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),        cmocka_unit_test(test_again),
		cmocka_unit_test(test_odd_names),   cmocka_unit_test(test_check),
		cmocka_unit_test(test_no_such_uri),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
