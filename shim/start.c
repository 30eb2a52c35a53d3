/* The environment becomes the policy, once, before anything is decided. */
#include "only.h"
#include "truststore.h"

#include <limits.h>
#include <string.h>

_Atomic bool started;

/* A setting that we cannot honour would make a silently weaker checker. */
__attribute__((noreturn)) static void refuse(const char *variable, const char *reason)
{
	static const char prefix[] = "jythonsock: ";
	struct iovec parts[] = {
		{ (void *)(uintptr_t)prefix, sizeof prefix - 1 },
		{ (void *)(uintptr_t)variable, strlen(variable) },
		{ (void *)(uintptr_t)": ", 2 },
		{ (void *)(uintptr_t)reason, strlen(reason) },
		{ (void *)(uintptr_t)"\n", 1 },
	};

	if (REAL(writev)(STDERR_FILENO, parts, sizeof parts / sizeof *parts) < 0)
		REAL(_exit)(125);
	REAL(_exit)(125);
	__builtin_unreachable();
}

static void read_profile(void)
{
	const char *value = secure_getenv("JYTHONSOCK_PROFILE");
	char reason[128];

	if (policy_set_profile(value && *value ? value : profile_name((enum profile)0)))
		return;
	snprintf(reason, sizeof reason, "unknown profile '%.40s'; the profiles are: 2.5, 2.5.3, 2.7", value);
	refuse("JYTHONSOCK_PROFILE", reason);
}

static void read_rules(void)
{
	const char *value = secure_getenv("JYTHONSOCK_RULES");
	char reason[1024];

	if (value && policy_override(value, reason, sizeof reason))
		refuse("JYTHONSOCK_RULES", reason);
}

static void read_report(void)
{
	const char *value = secure_getenv("JYTHONSOCK_REPORT");
	char reason[PATH_MAX + 128];

	if (value && *value && !report_open(value, reason, sizeof reason))
		refuse("JYTHONSOCK_REPORT", reason);
	if (!value || !*value)
		policy_silence();
	events_wanted = secure_getenv("JYTHONSOCK_EVENTS") != NULL;
	report_tests(secure_getenv("PYTEST_CURRENT_TEST"), secure_getenv("JYTHONSOCK_BY_TEST") != NULL);
}

static void read_only(void)
{
	const char *value = secure_getenv("JYTHONSOCK_ONLY");
	char reason[512];

	if (value && *value && !only_parse(value, reason, sizeof reason))
		refuse("JYTHONSOCK_ONLY", reason);
}

static void read_truststore(void)
{
	char reason[128];
	const char *variable = truststore_settings(reason, sizeof reason);

	if (variable)
		refuse(variable, reason);
}

void start(void)
{
	static _Atomic int claimed;
	int saved = errno;

	/* A constructor of another library may come first, and alone: before main
	 * there is one thread, so the loser of this race is a nested call. */
	if (atomic_exchange(&claimed, 1))
		return;
	fdtable_start();
	memory_start();
	read_profile();
	read_rules();
	read_only();
	read_truststore();
	read_report();
	frames_find();
	report_process();
	(void)REAL(_exit); /* a fork child that ends must not wait for the loader's lock */
	atomic_store_explicit(&started, true, memory_order_release);
	errno = saved;
}

__attribute__((constructor)) static void at_load(void)
{
	start_once();
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		track_inherited(fd);
}
