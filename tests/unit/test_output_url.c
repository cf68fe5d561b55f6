/* SPDX-License-Identifier: Apache-2.0 */
/* What an --output URL may say, what it means, and what is said of one that is wrong. */
#include "output_kit.h"
#include "output_url.h"

#include <errno.h>

static void parses(void **state)
{
	static const struct {
		const char *url, *target, *shown;
		enum output_format format;
		enum output_transport transport;
	} good[] = {
		{"json+tcp://logstash:12345", "logstash:12345", "json+tcp://logstash:12345",
		 FORMAT_JSON, BY_TCP},
		{"json-vm+udp://[::1]:5000", "[::1]:5000", "json-vm+udp://[::1]:5000",
		 FORMAT_JSON_VM, BY_UDP},
		{"json-cluster+tcp://h:1?interval=5s", "h:1", "json-cluster+tcp://h:1?interval=5s",
		 FORMAT_JSON_CLUSTER, BY_TCP},
		{"influx+http://influx:8086/write?db=x", "http://influx:8086/write?db=x",
		 "influx+http://influx:8086/write?db=x", FORMAT_INFLUX, BY_HTTP},
		{"influx+http://h:8086/write?db=x&interval=10s&precision=s&u=me&p=sesame",
		 "http://h:8086/write?db=x&precision=s&u=me&p=sesame",
		 "influx+http://h:8086/write?db=x&interval=10s&precision=s&u=me", FORMAT_INFLUX,
		 BY_HTTP},
		{"influx+https://me:sesame@h/api/v2/write?org=a%20b&bucket=c",
		 "https://me:sesame@h/api/v2/write?org=a%20b&bucket=c",
		 "influx+https://h/api/v2/write?org=a%20b&bucket=c", FORMAT_INFLUX, BY_HTTPS},
		{"json+http://h/in?pass-key=sesame&pass-x=1&verbose=1",
		 "http://h/in?key=sesame&x=1", "json+http://h/in?verbose=1", FORMAT_JSON, BY_HTTP},
		{"openmetrics+file:///var/x%20y.prom", "/var/x y.prom",
		 "openmetrics+file:///var/x%20y.prom", FORMAT_OPENMETRICS, BY_FILE},
		{"text+stdout://", "", "text+stdout://", FORMAT_TEXT, BY_STDOUT},
		{"json+stdout", "", "json+stdout://", FORMAT_JSON, BY_STDOUT},
		{"json+stdout?verbose=1", "", "json+stdout://?verbose=1", FORMAT_JSON, BY_STDOUT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct output_url u;
		char why[256] = "";

		if (output_url_parse(&u, good[i].url, why, sizeof(why)) < 0)
			fail_msg("%s: %s", good[i].url, why);
		assert_string_equal(u.target, good[i].target);
		assert_string_equal(u.shown, good[i].shown);
		assert_int_equal(u.format, good[i].format);
		assert_int_equal(u.transport, good[i].transport);
		output_url_fini(&u);
	}
}

static void options(void **state)
{
	struct output_url u;
	char why[256] = "";

	(void)state;
	assert_int_equal(output_url_parse(&u, "json-cluster+tcp://h:1", why, sizeof(why)), 0);
	assert_int_equal(u.interval_ns, UINT64_C(10000000000));
	output_url_fini(&u);
	assert_int_equal(output_url_parse(&u, "influx+tcp://h:1", why, sizeof(why)), 0);
	assert_true(u.required && !u.verbose && !u.changed && !u.counters);
	assert_true(!u.interval_ns && !u.give_up_ns && u.tick_ns == 1);
	assert_int_equal(u.families, ~0u);
	assert_true(output_url_wants(&u, M_MEM_TOTAL));
	output_url_fini(&u);
	assert_int_equal(
		output_url_parse(&u,
				 "influx+tcp://h:1?interval=500ms&give-up=10m&required=no&verbose=1"
				 "&changed=yes&counters=true&precision=ms&scopes=vm,host_disk"
				 "&collectors=cpu,mem&metrics=cpu%5f*,ram_Total",
				 why, sizeof(why)),
		0);
	assert_true(!u.required && u.verbose && u.changed && u.counters);
	assert_true(u.interval_ns == KIT_S / 2 && u.give_up_ns == 600 * KIT_S &&
		    u.tick_ns == 1000000);
	assert_int_equal(u.scopes, VM | HOST_DISK);
	assert_int_equal(u.families, 1u << F_CPU | 1u << F_MEM);
	assert_true(output_url_wants(&u, M_CPU_TOTAL));
	assert_true(output_url_wants(&u, M_MEM_TOTAL));
	assert_false(output_url_wants(&u, M_MEM_FREE));     /* not named */
	assert_false(output_url_wants(&u, M_PSI_SOME_CPU)); /* not of these families */
	assert_true(output_url_wants(&u, M_UUID));
	output_url_fini(&u);
	/* A number alone is seconds. */
	assert_int_equal(
		output_url_parse(&u, "json+tcp://h:1?interval=10&give-up=20", why, sizeof(why)), 0);
	assert_true(u.interval_ns == 10 * KIT_S && u.give_up_ns == 20 * KIT_S);
	output_url_fini(&u);
	/* by the name as well as by the key */
	assert_int_equal(output_url_parse(&u, "json+tcp://h:1?metrics=mem_free", why, sizeof(why)),
			 0);
	assert_true(output_url_wants(&u, M_MEM_FREE));
	output_url_fini(&u);
}

static void refuses(void **state)
{
	static const struct {
		const char *url, *says;
	} bad[] = {
		{"", "FORMAT+TRANSPORT"},
		{"json", "FORMAT+TRANSPORT"},
		{"json://h:1", "FORMAT+TRANSPORT"},
		{"xml+tcp://h:1", "\"xml\": no such format; allowed: json, json-vm, json-cluster, "
				  "influx, text, openmetrics"},
		{"json+ftp://h:1", "\"ftp\": no such transport; json allows: tcp, udp, http, "
				   "https, file, stdout"},
		{"openmetrics+tcp://h:1", "openmetrics cannot go by tcp; allowed: file"},
		{"json-cluster+udp://h:1", "json-cluster cannot go by udp; allowed: tcp, http, "
					   "https, file, stdout"},
		{"text+udp://h:1", "text cannot go by udp; allowed: tcp, file, stdout"},
		{"json+tcp://h", "\"h\": host:port expected"},
		{"json+tcp://h:0", "host:port expected"},
		{"json+tcp://::1:5", "IPv6 as [::1]:port"},
		{"json+tcp://", "host:port expected"},
		{"json+file://", "a path is missing"},
		{"json+stdout://x", "stdout has no target"},
		{"json+http://", "http://HOST"},
		{"json+http://h:99999/", "http://HOST"},
		{"influx+http://h:8086", "needs the path: /write?db=NAME"},
		{"influx+http://h:8086/?db=x", "needs the path"},
		{"json+tcp://h:1?foo=1", "no option \"foo\" with json+tcp; allowed: interval, "
					 "metrics,"},
		{"json+tcp://h:1?db=x", "no option \"db\""},
		{"json+http://h/?db=x", "pass-NAME"},
		{"json+tcp://h:1?pass-x=1", "no option \"pass-x\""},
		{"influx+http://h/write?dbx=1", "db, rp, u, p"},
		{"json+tcp://h:1?token-file=x", "no option \"token-file\""},
		{"influx+http://h/write?ca-file=x",
		 "no option \"ca-file\" with influx+http; allowed: "},
		{"influx+https://h/write?ca-file=", "ca-file=: must be a path"},
		{"json+tcp://h:1?counters=1", "no option \"counters\""},
		{"text+tcp://h:1?changed=1", "no option \"changed\""},
		{"json+tcp://h:1?interval=", "interval=: must be a time such as 10s"},
		{"json+tcp://h:1?interval=10x", "interval=10x: must be"},
		{"json+tcp://h:1?give-up=10x", "10m (a number alone is seconds), at most 366d"},
		{"json+tcp://h:1?interval=-1", "must be"},
		{"json+tcp://h:1?interval=9ms", "from 10ms"},
		{"json+tcp://h:1?interval=99999999999d", "must be"},
		{"json+tcp://h:1?give-up=0", "must be"},
		{"json+tcp://h:1?required=maybe", "required=maybe: must be yes or no"},
		{"json+tcp://h:1?verbose", "verbose=: must be 0 or 1"},
		{"json+tcp://h:1?verbose=1&verbose=0", "\"verbose\" is given twice"},
		{"json+tcp://h:1?collectors=cpu,foo", "must be some of cpu"},
		{"json+tcp://h:1?metrics=cpu_*,,x", "must be"},
		{"json+tcp://h:1?metrics=nothing_*", "no metric of this format has such a name"},
		{"json+tcp://h:1?metrics=ram_rss", "(without verbose=1)"},
		{"influx+udp://h:1?precision=d", "must be ns, us, ms, s, m or h"},
		{"influx+tcp://h:1?scopes=vms", "must be some of host, vm"},
		{"influx+http://h/write?db", "db: has no value"},
		{"json+file:///x%00y", "%00"},
		{"json+tcp://h:1 ", "blanks"},
		{"json+tcp://h:1\n", "blanks"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct output_url u;
		char why[256] = "";
		int r = output_url_parse(&u, bad[i].url, why, sizeof(why));

		if (r != -EINVAL || !strstr(why, bad[i].says) || strncmp(why, "--output: ", 10) ||
		    strchr(why, '\n'))
			fail_msg("%s: %d, %s", bad[i].url, r, why);
		output_url_fini(&u);
	}
}

/* Nobody sees what is nobody's business, whatever is wrong. */
static void secrets(void **state)
{
	static const char *const urls[] = {
		"influx+http://me:sesame@h:8086",
		"influx+http://me:sesame@h:8086/write?db=x&foo=1",
		"influx+http://h:8086/write?p=sesame&foo=1",
		"influx+http://h:8086/?p=sesame",
		"json+http://h:8086/?pass-token=sesame&foo=1",
		"json+http://me:sesame@h:99999/?foo",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		struct output_url u;
		char why[256] = "";

		assert_int_equal(output_url_parse(&u, urls[i], why, sizeof(why)), -EINVAL);
		if (strstr(why, "sesame") || (u.shown && strstr(u.shown, "sesame")))
			fail_msg("%s: %s", urls[i], why);
		output_url_fini(&u);
	}
}

static void too_long(void **state)
{
	char url[5000], why[256];
	struct output_url u;

	(void)state;
	memset(url, 'a', sizeof(url));
	memcpy(url, "json+file://", 12);
	url[sizeof(url) - 1] = '\0';
	assert_int_equal(output_url_parse(&u, url, why, sizeof(why)), -EINVAL);
	output_url_fini(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),  cmocka_unit_test(options),  cmocka_unit_test(refuses),
		cmocka_unit_test(secrets), cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
