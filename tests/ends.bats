#!/usr/bin/env bats
# How a process ends, and what its findings' last counts are then.
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # variables of Bats and of findings.bash

load findings

setup() {
  findings_setup
}

teardown() {
  programs_teardown
}

# finals: "why count" of each final count, in order.
finals() {
  ask '[.[] | select(.final) | "\(.final) \(.count)"] | join(", ")'
}

# A module with a place that is found as often as one likes.
look_module() {
  program look.py <<'END'
import socket
s = socket.socket()
def look(times):
    for i in range(times):
        s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
END
  export PYTHONPATH=$PWD
}

@test "a fork child has findings and counts of its own" {
  program fork.py <<'END'
import os, socket
s = socket.socket()
def look():
    s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
look()
if os.fork() == 0:
    look(); look()
    raise SystemExit
os.wait()
look()
END
  shim "$PYTHON" fork.py
  [[ $(ask '[.[] | select(.process) | .pid] | unique | length') == 2 ]]
  [[ $(ask '[.[] | select(.rule == "introspection-option") | .pid] | unique | length') == 2 ]]
  [[ $(ask '[.[] | select(.final) | .count] | sort | join(" ")') == '2 2' ]]
}

@test "a vfork child writes nothing over its parent's counts" {
  program spawn.py <<'END'
import socket, subprocess
s = socket.socket()
def look():
    s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
look()
for i in range(3):
    subprocess.check_call(["true"])
look()
END
  shim "$PYTHON" spawn.py
  whole
  [[ $(ask '[.[] | select(.process) | .process] | map(select(endswith("/true") or endswith("/coreutils"))) | length') == 3 ]]
  [[ $(ask '[.[] | select(.final) | .count] | join(" ")') == 2 ]]
}

@test "exec: the last counts are told before the program is replaced" {
  look_module
  shim "$PYTHON" -c 'import look, os; look.look(7); os.execvp("true", ["true"])'
  [[ $(finals) == 'exec 7' ]]
  [[ $(ask '[.[] | if .process then "process" elif .final then "final" else empty end] | join(" ")') == 'process final process' ]]
  run "$JYTHONSOCK" report text "$REPORT"
  assert_line --partial '(7 times)'
}

@test "an exec that fails is not the end: the counts go on" {
  look_module
  shim "$PYTHON" -c 'import look, os
look.look(7)
for i in range(3):
    try: os.execv("/nonexistent", ["x"])
    except OSError: pass
look.look(5)'
  [[ $(finals) == 'exec 7, exit 12' ]]
  run "$JYTHONSOCK" report text "$REPORT"
  assert_line --partial '(12 times)'
}

@test "_exit tells the last counts, in a fork child too" {
  look_module
  shim "$PYTHON" -c 'import look, os; look.look(7); os._exit(3)' || [[ $? == 3 ]]
  [[ $(finals) == '_exit 7' ]]
  : >"$REPORT"
  shim "$PYTHON" -c 'import look, multiprocessing
multiprocessing.set_start_method("fork")
workers = [multiprocessing.Process(target=look.look, args=(n,)) for n in (5, 8)]
for w in workers: w.start(); w.join()
look.look(3)'
  [[ $(finals) == '_exit 5, _exit 8, exit 3' ]]
  run "$JYTHONSOCK" report text "$REPORT"
  assert_line --partial '(16 times)'
}

@test "a fork child that found nothing ends without a word" {
  look_module
  shim "$PYTHON" -c 'import look, os
look.look(7)
if os.fork() == 0: os._exit(0)
os.wait()
if os.fork() == 0: os.execvp("true", ["true"])
os.wait()'
  [[ $(finals) == 'exit 7' ]]
  [[ $(ask '[.[] | select(.process) | .process | split("/")[-1]] | join(" ")') == "$(basename "$(realpath "$PYTHON")") true" ]]
}

@test "however a C program ends, once, and with its own status" {
  program end.c <<'END'
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void look(int s, int times)
{
	int value;
	socklen_t len = sizeof value;

	while (times--)
		getsockopt(s, SOL_SOCKET, SO_ERROR, &value, &len);
}

static void late(void)
{
	look(socket(AF_INET, SOCK_STREAM, 0), 2);
}

int main(int argc, char **argv)
{
	const char *how = argv[argc - 1];

	look(socket(AF_INET, SOCK_STREAM, 0), 7);
	if (!strcmp(how, "vfork")) {
		if (vfork() == 0)
			_exit(1);
		wait(NULL);
		look(socket(AF_INET, SOCK_STREAM, 0), 2);
	}
	if (!strcmp(how, "_Exit"))
		_Exit(4);
	at_quick_exit(late);
	if (!strcmp(how, "quick_exit"))
		quick_exit(5);
	return 6;
}
END
  gcc -O0 -o end end.c
  local how status
  for how in _Exit:4:'_exit 7' quick_exit:5:'quick_exit 9' vfork:6:'exit 9' return:6:'exit 7'; do
    : >"$REPORT"
    status=0
    shim ./end "${how%%:*}" || status=$?
    [[ $how == *":$status:"* ]]
    [[ $(finals) == "${how##*:}" ]] || fail "$how: $(finals)"
  done
}

@test "a signal handler on a small stack can still end the process" {
  program handler.c <<'END'
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static char *memory; /* a stack of half of it; nothing lies below */
static long frame;   /* what the kernel puts onto a handler's stack */

enum { HALF = 65536 };

static void measure(int signal)
{
	char here;

	frame = memory + 2 * HALF - &here;
	(void)signal;
}

static void end(int signal)
{
	_exit(signal);
}

static void raise_on(size_t size, void (*handler)(int))
{
	stack_t stack = { .ss_sp = memory + HALF, .ss_size = size };
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK };

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

int main(void)
{
	int value;
	socklen_t len = sizeof value;

	memory = mmap(NULL, 2 * HALF, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(memory + HALF, HALF, PROT_READ | PROT_WRITE);
	for (int i = 0; i < 7; i++)
		getsockopt(socket(AF_INET, SOCK_STREAM, 0), SOL_SOCKET, SO_ERROR, &value, &len);
	raise_on(HALF, measure);
	raise_on((size_t)frame + 3000, end);
	return 0;
}
END
  gcc -Wl,-z,now -o handler handler.c # a lazy call would save all registers on that stack
  run ./handler
  [[ $status == 10 ]]
  run shim ./handler
  [[ $status == 10 ]] # SIGUSR1
}

@test "a thread that is to be cancelled goes on to its own cancellation point" {
  program cancel.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int reached;

static void *work(void *unused)
{
	int one = 1;

	pthread_cancel(pthread_self());
	setsockopt(socket(AF_INET, SOCK_STREAM, 0), SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
	reached = 1;
	pthread_testcancel();
	return unused;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, work, NULL);
	pthread_join(thread, NULL);
	puts(reached ? "reached" : "cut off");
	return 0;
}
END
  gcc -pthread -o cancel cancel.c
  run ./cancel
  assert_output reached
  run shim ./cancel
  assert_output reached
  [[ $(ask '[.[] | select(.rule == "unsupported-option")] | length') == 1 ]]
}

@test "a program killed by SIGKILL leaves whole lines, and its findings" {
  program killed.py <<'END'
import os, signal, socket
s = socket.socket()
for i in range(150):
    s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
os.kill(os.getpid(), signal.SIGKILL)
END
  run shim "$PYTHON" killed.py
  [[ $status == 137 ]]
  whole
  [[ $(ask '[.[] | select(.rule)] | length') == 1 ]]
  [[ $(ask '[.[].count // 0] | max') == 100 ]]
}
