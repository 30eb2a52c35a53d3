/* The last counts of a process, whichever way it ends: exit, quick_exit, _exit, exec. */
#include "report.h"
#include "tally.h"

#include <signal.h>
#include <stdlib.h>

void report_count(const struct tally *tally, const char *final)
{
	struct line line;

	line_begin(&line);
	line_number(&line, "id", tally_index(tally));
	line_number(&line, "count", (long long)atomic_load(&tally->count));
	line_number(&line, "pid", getpid());
	line_text(&line, "final", final, 16);
	report_write(&line);
}

static void tell_lost(void)
{
	uint64_t lost = atomic_load(&tally_process()->lost);
	char text[80], *end = text + sizeof text;

	if (atomic_exchange(&tally_process()->lost_told, lost) == lost)
		return;
	text_copy(text_number(text, end, (long long)lost), end, " findings at call sites beyond the table's room");
	report_note("overflow", text);
}

/* A signal handler may run on a stack of a few KiB, too small for what writes lines. */
static bool is_stack_small(void)
{
	stack_t stack;

	return sigaltstack(NULL, &stack) == 0 && stack.ss_flags & SS_ONSTACK;
}

/* What was told already is not told again: an exec may fail, and fail again. */
void report_counts(const char *final)
{
	int saved = errno;

	/* Neither for the parent of a vfork child, nor for a fork child that found nothing. */
	if (!report_wanted() || !fdtable_is_mine() || !atomic_load(&tally_process()->introduced) || is_stack_small())
		return;
	tell_lost();
	for (uint32_t i = 0; i < TALLIES; i++) {
		struct tally *tally = tally_at(i);
		uint32_t told = atomic_load_explicit(&tally->told, memory_order_relaxed);
		uint64_t count = atomic_load_explicit(&tally->count, memory_order_relaxed);

		if (told == 0 || count <= told)
			continue;
		atomic_store(&tally->told, count < UINT32_MAX ? (uint32_t)count : UINT32_MAX);
		report_count(tally, final);
	}
	errno = saved;
}

__attribute__((destructor)) static void at_exit(void)
{
	report_counts("exit");
}

static void at_quick(void)
{
	report_counts("quick_exit");
}

void report_prepare_end(void)
{
	(void)at_quick_exit(at_quick); /* without it only that end's counts are missing */
}

SHIM void _exit(int status)
{
	report_counts("_exit");
	REAL(_exit)(status);
	__builtin_unreachable();
}

SHIM_TWIN(_Exit, _exit);
