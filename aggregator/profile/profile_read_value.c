/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_read_value.h"
#include "profile_number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

bool read_wrong(struct reader *r, const char *place, const char *key, const char *what)
{
	if (r->err)
		return false;
	r->err = -EBADMSG;
	snprintf(r->why, r->why_size, "%s%s%s: %s", place, *place && *key ? "." : "", key, what);
	return false;
}

static const char *wanted(json_type type)
{
	switch (type) {
	case JSON_OBJECT:
		return "an object is needed";
	case JSON_ARRAY:
		return "an array is needed";
	case JSON_STRING:
		return "a string is needed";
	case JSON_INTEGER:
		return "a whole number is needed";
	default:
		return "a value of another type is needed";
	}
}

json_t *read_member(struct reader *r, json_t *of, const char *place, const char *key,
		    json_type type)
{
	json_t *v = json_object_get(of, key);

	if (v && json_typeof(v) == type)
		return v;
	read_wrong(r, place, key, v ? wanted(type) : "is missing");
	return NULL;
}

json_t *read_array(struct reader *r, json_t *of, const char *place, const char *key, size_t n)
{
	json_t *v = read_member(r, of, place, key, JSON_ARRAY);
	char what[64];

	if (!v || json_array_size(v) == n)
		return v;
	snprintf(what, sizeof(what), "%zu elements, %zu are needed", json_array_size(v), n);
	read_wrong(r, place, key, what);
	return NULL;
}

bool read_u64(struct reader *r, json_t *of, const char *place, const char *key, uint64_t max,
	      uint64_t *to)
{
	json_t *v = read_member(r, of, place, key, JSON_INTEGER);
	char what[64];

	if (!v)
		return false;
	*to = (uint64_t)json_integer_value(v);
	if (json_integer_value(v) >= 0 && *to <= max)
		return true;
	snprintf(what, sizeof(what), "0 to %llu is allowed", (unsigned long long)max);
	return read_wrong(r, place, key, what);
}

bool read_number(struct reader *r, json_t *of, const char *place, const char *key, double *to)
{
	json_t *v = json_object_get(of, key);

	if (!json_is_number(v))
		return read_wrong(r, place, key, v ? "a number is needed" : "is missing");
	*to = json_number_value(v);
	return true;
}

bool read_bool(struct reader *r, json_t *of, const char *place, const char *key, bool *to)
{
	json_t *v = json_object_get(of, key);

	if (!json_is_boolean(v))
		return read_wrong(r, place, key, v ? "true or false is needed" : "is missing");
	*to = json_is_true(v);
	return true;
}

bool read_long(struct reader *r, json_t *of, const char *place, const char *key, long double *to)
{
	json_t *v = read_member(r, of, place, key, JSON_STRING);

	if (!v)
		return false;
	if (!number_read_long(json_string_value(v), to))
		return read_wrong(r, place, key, "a number in a string is needed");
	return true;
}

bool read_u64s(json_t *array, size_t n, uint64_t max, uint64_t *to)
{
	if (!json_is_array(array) || json_array_size(array) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		json_t *v = json_array_get(array, i);

		if (!json_is_integer(v) || json_integer_value(v) < 0 ||
		    (uint64_t)json_integer_value(v) > max)
			return false;
		to[i] = (uint64_t)json_integer_value(v);
	}
	return true;
}

bool read_bytes(struct reader *r, json_t *of, const char *place, const char *key, unsigned limit,
		uint8_t *to, unsigned most, uint8_t *n)
{
	json_t *v = read_member(r, of, place, key, JSON_ARRAY);
	uint64_t number[16];

	if (!v)
		return false;
	if (json_array_size(v) > most || most > 16)
		return read_wrong(r, place, key, "more states than the history is long");
	*n = (uint8_t)json_array_size(v);
	if (!read_u64s(v, *n, limit - 1, number))
		return read_wrong(r, place, key, "numbers of states are needed");
	for (unsigned i = 0; i < *n; i++)
		to[i] = (uint8_t)number[i];
	return true;
}
