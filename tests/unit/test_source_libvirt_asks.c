/* SPDX-License-Identifier: Apache-2.0 */
/* When libvirt is asked: what is asked rarely, what events make known. */
#include "libvirt_kit.h"

static void test_first_two(void **state)
{
	struct world *w = *state;
	struct fake_domain *a = fake_add("a");
	uint64_t apart;

	w->o.synchronous = false;
	open_source(w);
	wait_for(fake_get(&a->asked) >= 2, "two questions");
	apart = a->asked_ms[1] - a->asked_ms[0];
	if (apart < 180 || apart > 2000)
		fail_msg("%llu ms apart", (unsigned long long)apart);
	wait_for(hub_is_settled(w->hub), "two answers");
}

/*
 * The balloon is asked for once a minute, but for the first two answers; a quiet VM in one
 * round of four.
 */
static void test_rarely(void **state)
{
	struct world *w = *state;
	struct fake_domain *works = fake_add("works"), *quiet = fake_add("quiet"), is, other;
	struct fake_domain *unknown = fake_add("unknown"), third;

	works->works = true;
	open_threaded(w);
	wait_for(find_vm(w, "quiet") != NULL, "a list");
	/* Of one that is quiet by its counters nobody knows what its process does. */
	hub_set_io_moved(w->hub, key_of(w, "works"), false);
	hub_set_io_moved(w->hub, key_of(w, "quiet"), false);
	wait_for(fake_get(&works->asked) >= 34, "34 questions");
	pthread_mutex_lock(&fake.lock);
	is = *works;
	other = *quiet;
	third = *unknown;
	pthread_mutex_unlock(&fake.lock);
	/* 6 more for a guest that has said nothing yet, 1 more where its minute begins. */
	if (is.balloon_asked < 2 || is.balloon_asked > 9)
		fail_msg("%u of %u questions asked for the balloon", is.balloon_asked, is.asked);
	/* The first five come closer together. */
	if (other.asked < 6 || other.asked > 5 + is.asked / 3)
		fail_msg("%u questions to a VM that works, %u to a quiet one", is.asked,
			 other.asked);
	if (third.asked + 2 < is.asked)
		fail_msg("%u questions, %u to one of which is not known what it does", is.asked,
			 third.asked);
}

static void test_events(void **state)
{
	struct world *w = *state;
	struct fake_domain *a = fake_add("a");
	uint64_t start;

	open_threaded(w);
	wait_for(reads_of(w, "a") == 100, "first values");
	start = fake_ms();
	fake_add("b");
	fake_event(VIR_DOMAIN_EVENT_ID_LIFECYCLE, a);
	wait_for(find_vm(w, "b"), "the new VM");
	/* Without the event it would have been the list of every 10 s. */
	if (fake_ms() - start > 5000)
		fail_msg("after %llu ms", (unsigned long long)(fake_ms() - start));
	wait_for(reads_of(w, "b") == 200, "values of the new VM");

	pthread_mutex_lock(&fake.lock);
	assert_int_equal(a->xml_asked, 1);
	strcpy(strstr(a->xml, "<devices>"),
	       "<devices><disk><target dev='vdb'/></disk></devices></domain>");
	pthread_mutex_unlock(&fake.lock);
	fake_event(VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, a);
	wait_for(!strcmp(find_vm(w, "a")->disks[0].name, "vdb"), "the new description");
	assert_int_equal(fake_get(&fake.domains[1].xml_asked), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_two),
		TEST(test_rarely),
		TEST(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
