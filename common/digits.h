/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DIGITS_H
#define PROXTOP_DIGITS_H

/*
 * Digits eight at a time in one register: how many a number has costs no loop and, what is
 * dearer, no branch that guesses it.  What is written last may be followed by up to seven
 * bytes of no meaning: DIGITS_ROOM is enough for any number here with them.
 */
#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_ROOM  40u /* 20 digits, sign, point, 6 decimals, and what is written behind */
#define DECIMALS_MAX 6u

#define DIGITS_8 UINT64_C(100000000) /* one more than eight digits hold */

/* v < DIGITS_8 as eight values of 0 to 9, the first digit in the lowest byte. */
static inline uint64_t digits_of(uint32_t v)
{
	/* Halves that are divided side by side, by multiplying: exact for up to four digits
	 * and up to two. */
	uint64_t x = v / 10000 | (uint64_t)(v % 10000) << 32, q;

	q = x * 10486 >> 20 & UINT64_C(0x0000007f0000007f);
	x = q | (x - q * 100) << 16;
	q = x * 103 >> 10 & UINT64_C(0x000f000f000f000f);
	return q | (x - q * 10) << 8;
}

static inline void digits_store(char *to, uint64_t bytes)
{
	bytes = htole64(bytes);
	memcpy(to, &bytes, sizeof(bytes));
}

#define DIGITS_ASCII UINT64_C(0x3030303030303030)

/* v < DIGITS_8 without zeros in front.  All return where the next byte goes. */
static inline char *digits_first(char *to, uint32_t v)
{
	uint64_t digits = digits_of(v);
	/* The last digit is shown in any case. */
	unsigned zeros = (unsigned)__builtin_ctzll(digits | UINT64_C(1) << 56) & 0x38;

	digits_store(to, (digits | DIGITS_ASCII) >> zeros);
	return to + 8 - zeros / 8;
}

/* v < DIGITS_8, all eight */
static inline char *digits_next(char *to, uint32_t v)
{
	digits_store(to, digits_of(v) | DIGITS_ASCII);
	return to + 8;
}

static inline char *digits_u64(char *to, uint64_t v)
{
	if (v < DIGITS_8)
		return digits_first(to, (uint32_t)v);
	if (v < DIGITS_8 * DIGITS_8) {
		to = digits_first(to, (uint32_t)(v / DIGITS_8));
	} else {
		to = digits_first(to, (uint32_t)(v / (DIGITS_8 * DIGITS_8)));
		to = digits_next(to, (uint32_t)(v / DIGITS_8 % DIGITS_8));
	}
	return digits_next(to, (uint32_t)(v % DIGITS_8));
}

static const uint32_t digits_power[] = {1,      10,      100,      1000,     10000,
					100000, 1000000, 10000000, 100000000};

/* The point and part / 10^decimals, without zeros at the end: nothing of 0. */
static inline char *digits_fraction(char *to, uint32_t part, unsigned decimals)
{
	/* At most six of the eight: the last two are 0 and make room for the point. */
	uint64_t digits = digits_of(part * digits_power[8 - decimals]) << 8 | '.';
	unsigned n = (71 - (unsigned)__builtin_clzll(digits)) / 8;

	digits_store(to, digits | DIGITS_ASCII << 8);
	return to + (n > 1 ? n : 0);
}

/* 0 <= fraction < 1, times 10^decimals, rounded as digits_double() does it, exactly.  odd:
 * is the digit before odd? */
uint32_t digits_round(double fraction, unsigned decimals, bool odd);

/* Can digits_double() write it?  Not what is negative, large or not a number. */
static inline bool digits_can(double v)
{
	return v >= 0 && v < 1e15;
}

/* n / 10000, n < DIGITS_8, without zeros at either end: both halves at once. */
static inline char *digits_small(char *to, uint32_t n)
{
	uint64_t digits = digits_of(n), fraction = digits >> 32 << 8 | '.';
	unsigned zeros = (unsigned)__builtin_ctz((uint32_t)digits | 1u << 24) & 0x18;
	unsigned size = (71 - (unsigned)__builtin_clzll(fraction)) / 8;

	digits_store(to, (digits | DIGITS_ASCII) >> zeros);
	to += 4 - zeros / 8;
	digits_store(to, fraction | DIGITS_ASCII << 8);
	return to + (size > 1 ? size : 0);
}

/* v rounded half to even to at most DECIMALS_MAX decimals, without zeros at the end. */
static inline char *digits_double(char *to, double v, unsigned decimals)
{
	double scaled = v * digits_power[decimals], off;
	uint64_t whole;
	uint32_t part;

	/* A product is off by less than 2^-26 here and 2^-30 below: only close to a half that
	 * can matter. */
	if (v < 9999 && decimals <= 4) {
		part = (uint32_t)(int32_t)(scaled + 0.5);
		off = scaled - (int32_t)part;
		if (__builtin_expect(__builtin_fabs(off) < 0.499999, 1))
			return digits_small(to, part * digits_power[4 - decimals]);
	}
	whole = (uint64_t)(int64_t)v;
	v -= (double)(int64_t)whole;
	scaled = v * digits_power[decimals];
	part = (uint32_t)(int32_t)(scaled + 0.5);
	off = scaled - (int32_t)part;
	if (__builtin_expect(__builtin_fabs(off) > 0.499999, 0))
		part = digits_round(v, decimals, whole & 1);
	whole += part == digits_power[decimals];
	part = part == digits_power[decimals] ? 0 : part;
	to = digits_u64(to, whole);
	return decimals ? digits_fraction(to, part, decimals) : to;
}

#endif
