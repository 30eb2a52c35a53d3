/* State of one shadow socket: how it begins, and how its parts are read. */
#include "shadow.h"

#include "decide.h"

#include <string.h>

void shadow_init(struct shadow *sock, enum kind kind, int family)
{
	sock->pid = 0;
	sock->cookie = 0;
	sock->coming = 0;
	sock->kind = sock->type = sock->proto = (unsigned char)kind;
	sock->family = (unsigned char)family;
	sock->role = UNMADE;
	sock->link = IDLE;
	sock->naming = UNNAMED;
	sock->nonblocking = 0;
	sock->python = 0;
	sock->ended = 0;
	sock->past = 0;
	sock->error = 0;
	sock->left = 0;
	sock->woken = 0;
	sock->forever = 0;
	sock->kept = 0;
	sock->parked = 0;
	sock->told = 0;
	for (int direction = RECEIVE; direction <= SEND; direction++) {
		sock->timeout_set[direction] = 0;
		sock->timeout_zero[direction] = 0;
		sock->buffer_set[direction] = 0;
		sock->buffer[direction] = 0;
	}
	sock->early = 0;
	sock->guard = 0;
	sock->name.len = 0;
	sock->peer.len = 0;
	shadow_rearm(sock);
}

void shadow_rearm(struct shadow *sock)
{
	atomic_store_explicit(&sock->armed, decide_armed(sock), memory_order_release);
}

bool guard_take(_Atomic uint32_t *guard)
{
	for (int patience = 100; patience > 0; patience--) {
		uint32_t idle = 0;

		if (atomic_compare_exchange_weak_explicit(guard, &idle, 1, memory_order_acquire, memory_order_relaxed))
			return true;
	}
	return false;
}

void guard_give(_Atomic uint32_t *guard)
{
	atomic_store_explicit(guard, 0, memory_order_release);
}

bool shadow_keep(struct shadow *sock, struct address *which, const void *addr, socklen_t len)
{
	if (!guard_take(&sock->guard))
		return false;
	which->len = len < sizeof which->in6 ? len : (socklen_t)sizeof which->in6;
	memset(&which->in6, 0, sizeof which->in6);
	memcpy(&which->in6, addr, which->len);
	guard_give(&sock->guard);
	return true;
}

bool shadow_recall(const struct shadow *sock, const struct address *which, struct address *copy)
{
	_Atomic uint32_t *guard = (_Atomic uint32_t *)(uintptr_t)&sock->guard; /* which says nothing of the socket */

	if (!guard_take(guard))
		return false;
	memcpy(copy, which, sizeof *copy);
	guard_give(guard);
	return true;
}

enum timing shadow_timing(const struct shadow *sock, int direction)
{
	unsigned char python = atomic_load(&sock->python);

	if (python)
		return (enum timing)(python - 1);
	if (atomic_load(&sock->nonblocking))
		return NONBLOCKING;
	return atomic_load(&sock->timeout_set[direction]) ? TIMEOUT : BLOCKING;
}
