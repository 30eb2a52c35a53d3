/* Findings: one line of JSON each.  A finding is written once for a rule and call
 * site, and counted from then on.  No malloc, no stdio, no lock; errno is kept. */
#include "report.h"
#include "only.h"
#include "repeat.h"
#include "symbols.h"
#include "tally.h"

#include <string.h>
#include <sys/syscall.h>

static bool by_test;         /* JYTHONSOCK_BY_TEST: each test has findings of its own */
static bool closely;         /* no occasion is like another: that, or JYTHONSOCK_ONLY */
static char first_test[256]; /* PYTEST_CURRENT_TEST at start */

void report_tests(const char *test, bool separately)
{
	text_copy(first_test, first_test + sizeof first_test, test ? test : "");
	by_test = separately;
	closely = by_test || only_set;
}

static const char *const linux_text[RULES] = {
#define EXPLAIN(rule, message, linux_does, since, why, instead, example) [rule] = linux_does,
#include "explain.def"
#undef EXPLAIN
};

static const char *role_name(const struct shadow *sock)
{
	static const char *const names[] = {
		[UNMADE] = "unmade", [CLIENT] = "client", [LISTENER] = "listener",
		[DATAGRAM] = "made", [DEAD] = "dead",
	};

	return names[sock->role];
}

void report_socket(struct line *line, const struct shadow *sock)
{
	if (sock->cookie)
		line_number(line, "socket", (long long)sock->cookie);
	line_text(line, "kind", sock->kind == TCP ? "tcp" : "udp", 8);
	line_text(line, "state", role_name(sock), 16);
}

static const char *current_test(const struct site *site)
{
	const char *test = site->python ? frames_test() : first_test;

	return test && *test ? test : NULL;
}

/* Which option was set too early? */
static void add_late_option(struct line *line, const struct shadow *sock)
{
	char text[128];
	int level, option;

	if (!late_option(sock, &level, &option))
		return;
	symbols_option(level, option, text, sizeof text);
	line_text(line, "option", text, sizeof text);
}

static void describe(struct line *line, struct verdict v, const struct occasion *at, struct site *site, int linux_error)
{
	char text[256] = "fails with ";

	line_text(line, "rule", rule_name(v.rule), 64);
	line_text(line, "mode", mode_name(v.mode), 16);
	line_text(line, "profile", profile_name(policy.profile), 16);
	line_text(line, "call", at->call, 32);
	if (at->fd >= 0)
		line_number(line, "fd", at->fd);
	if (at->sock)
		report_socket(line, at->sock);
	if (linux_error) {
		text_copy(text + strlen(text), text + sizeof text, symbols_errno(linux_error));
		line_text(line, "linux", text, sizeof text);
	} else {
		line_text(line, "linux", linux_text[v.rule], 256);
	}
	line_text(line, "jython", rule_text(v.rule), 256);
	if (v.rc < 0)
		line_text(line, "errno", symbols_errno(v.err), 32);
	if (symbols_arguments(at, text, sizeof text))
		line_text(line, "arguments", text, sizeof text);
	if (v.rule == LATE_OPTION_ERROR && at->sock)
		add_late_option(line, at->sock);
	line_number(line, "pid", getpid());
	line_number(line, "thread", syscall(SYS_gettid));
	line_time(line, "time");
	line_text(line, "test", current_test(site), 300);
	site_describe(site, line);
}

static bool is_power_of_ten(uint64_t count)
{
	while (count >= 10 && count % 10 == 0)
		count /= 10;
	return count == 1;
}

/* More call sites than the table holds. */
static void overflow(void)
{
	if (atomic_fetch_add(&tally_process()->lost, 1) == 0)
		report_note("overflow", "more call sites than the table holds: those after this line are counted, not written");
}

static inline void count_at(struct tally *place, bool alone)
{
	uint64_t count = tally_count(place, alone);

	if (count % 10 == 0 && is_power_of_ten(count))
		report_count(place, NULL);
}

/* Count what may be nothing new; where, or NULL: it is new.  Alone: no other thread
 * counts at this place now (Python's lock is held). */
static inline struct tally *recount(uint64_t site_key, uint64_t what, bool alone)
{
	struct tally *seen = tally_seen(tally_mix(site_key, what));
	uint32_t owner = seen ? atomic_load_explicit(&seen->owner, memory_order_acquire) : 0;
	struct tally *place = owner ? tally_at(owner - 1) : NULL;

	if (place)
		count_at(place, alone);
	return place;
}

static uint64_t what_of(struct verdict v, const struct occasion *at)
{
	return tally_mix(v.rule, (uint64_t)(at->level + 1) << 32 | (uint32_t)at->option);
}

/* Count it; the first of its place is written.  Returns the place's tally, or NULL. */
static struct tally *record(struct verdict v, const struct occasion *at, struct site *site, int linux_error)
{
	uint64_t what = what_of(v, at), count;
	struct tally *seen, *place;
	bool fresh;

	if (by_test && current_test(site))
		what = tally_mix_text(what, current_test(site));
	seen = tally_of(tally_mix(site->key, what), &fresh);
	if (seen && atomic_load(&seen->owner)) {
		place = tally_at(atomic_load(&seen->owner) - 1);
	} else {
		place = tally_of(tally_mix(site_key(site), what + 1), &fresh);
		if (seen && place)
			atomic_store(&seen->owner, tally_index(place) + 1);
	}
	if (!place) {
		overflow();
		return NULL;
	}
	count = tally_count(place, false);
	if (!atomic_load_explicit(&place->told, memory_order_relaxed) && !atomic_exchange(&place->told, 1)) {
		struct line line;

		line_begin(&line);
		line_number(&line, "id", tally_index(place));
		describe(&line, v, at, site, linux_error);
		report_write(&line);
	} else if (count >= 10 && count % 10 == 0 && is_power_of_ten(count)) {
		report_count(place, NULL);
	}
	return place;
}

/* Taking Python's lock again and again would slow its threads down: after a
 * thousand findings of one rule from one call of CPython's, only each 64th is
 * looked at closely; the others count where the last one did. */
static uint64_t throttle_key(enum rule rule, const struct occasion *at)
{
	uint64_t key = tally_mix((uintptr_t)at->site, (uint64_t)rule << 32 | (uint32_t)at->option);

	return tally_mix(key, (uintptr_t)at >> 4 & 0xff);
}

static bool is_throttled(struct tally *throttle)
{
	uint64_t count = tally_count(throttle, false) - 1;
	uint32_t owner = atomic_load_explicit(&throttle->owner, memory_order_relaxed);

	if (count < 1000 || count % 64 == 0 || !owner)
		return false;
	count_at(tally_at(owner - 1), false);
	return true;
}

/* The slower way to see that it is one. */
static bool is_repetition(struct verdict v, const struct occasion *at)
{
	struct frames_now now = frames_now();
	uint64_t key = frames_peek(now);
	struct tally *place = key ? recount(key, what_of(v, at), true) : NULL;

	if (place && frames_is_known(frames_held, at->site))
		repeat_keep(v, at, now, place);
	return place != NULL;
}

/* Is there nothing to be done but to count? */
static bool is_counted(struct verdict v, const struct occasion *at, bool by_openssl, enum frames_way *way,
		       struct tally **throttle)
{
	uint64_t key = throttle_key(v.rule, at);
	bool fresh;

	if (frames_locked(at) && is_repetition(v, at))
		return true;
	*throttle = tally_seen(key);
	if (*throttle && (by_openssl || !frames_is_known(frames_released, at->site)) && is_throttled(*throttle))
		return true; /* find_again has asked in the other case */
	*way = frames_way(at, by_openssl);
	if (*way == FRAMES_NONE)
		return recount(site_native_key(at), what_of(v, at), false) != NULL;
	if (*way == FRAMES_UNLOCKED && !*throttle)
		*throttle = tally_of(key, &fresh);
	return false;
}

/* OpenSSL's calls are put down to its caller. */
static const struct occasion *outside_openssl(const struct occasion *at, struct occasion *outside)
{
	if (!site_is_openssl(at->site))
		return at;
	*outside = *at;
	outside->site = (void *)(uintptr_t)site_outside(at->site);
	return outside;
}

bool rule_holds(enum rule rule, const struct occasion *at)
{
	struct occasion outside;
	struct site site;
	int saved = errno;
	bool holds;

	if (rule_mode(rule) != ENFORCE || !only_set)
		return rule_mode(rule) == ENFORCE;
	at = outside_openssl(at, &outside);
	site_enter(&site, at, frames_way(at, at == &outside));
	holds = only_covers(rule, &site);
	site_leave(&site);
	errno = saved;
	return holds;
}

static struct verdict find_slowly(struct verdict v, const struct occasion *at, int linux_error)
{
	enum frames_way way;
	struct tally *throttle = NULL, *place = NULL;
	struct occasion outside;
	struct site site;
	int saved = errno;

	if (!report_wanted() && !only_set)
		return v;
	at = outside_openssl(at, &outside);
	if (closely) {
		way = frames_way(at, at == &outside);
	} else if (is_counted(v, at, at == &outside, &way, &throttle)) {
		errno = saved;
		return v;
	}
	site_enter(&site, at, way);
	if (only_set && v.mode == ENFORCE && !only_admits(v.rule, &site))
		v.mode = REPORT;
	if (report_wanted())
		place = record(v, at, &site, linux_error);
	if (throttle && place)
		atomic_store(&throttle->owner, tally_index(place) + 1);
	site_leave(&site);
	errno = saved;
	return v;
}

/* Most findings are repetitions, which must be cheap. */
static inline bool find_again(struct verdict v, const struct occasion *at)
{
	struct tally *throttle;

	if (closely)
		return false;
	if (frames_is_known(frames_held, at->site))
		return repeated(v, at);
	if (!frames_is_known(frames_released, at->site))
		return !frames_found && recount(site_native_key(at), what_of(v, at), false);
	throttle = tally_seen(throttle_key(v.rule, at));
	return throttle && is_throttled(throttle);
}

static struct verdict find(struct verdict v, const struct occasion *at, int linux_error)
{
	return v.mode == OFF || find_again(v, at) ? v : find_slowly(v, at, linux_error);
}

struct verdict report_finding(struct verdict v, const struct occasion *at)
{
	return find(v, at, 0);
}

void report_note(const char *subject, const char *text)
{
	int saved = errno;
	struct line line;

	if (!report_wanted())
		return;
	line_begin(&line);
	line_text(&line, "note", subject, 64);
	line_text(&line, "text", text, 1024);
	line_number(&line, "pid", getpid());
	line_time(&line, "time");
	report_write(&line);
	errno = saved;
}

static __attribute__((noinline)) bool settle(struct verdict v, const struct occasion *at, int *rc)
{
	if (!find_again(v, at))
		v = find_slowly(v, at, 0);
	if (v.mode != ENFORCE)
		return false;
	*rc = v.rc;
	if (v.rc < 0)
		errno = v.err;
	return true;
}

bool settled(struct verdict v, const struct occasion *at, int *rc)
{
	return v.mode != OFF && settle(v, at, rc);
}

int mapped(struct verdict v, const struct occasion *at, int err)
{
	v = find(v, at, err);
	return v.mode == ENFORCE ? v.err : err;
}
