/* A C program with CPython inside: sockets of its own, then of the interpreter,
 * on two threads, before and after Py_FinalizeEx. */
#include <Python.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const script =
	"import socket\n"
	"s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(1); s.settimeout(0)\n"
	"try: s.accept()\n"
	"except socket.timeout: print('timeout', flush=True)\n"
	"except BlockingIOError: print('EAGAIN', flush=True)\n";

static void own_socket(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int rc = bind(fd, (struct sockaddr *)&addr, sizeof addr);

	printf("own socket %d %d\n", rc, listen(fd, 1));
	fflush(stdout);
	close(fd);
}

static void *threaded(void *unused)
{
	PyGILState_STATE state;

	own_socket();
	state = PyGILState_Ensure();
	PyRun_SimpleString(script);
	PyGILState_Release(state);
	own_socket();
	return unused;
}

int main(void)
{
	pthread_t thread;
	PyThreadState *saved;

	own_socket();
	for (int round = 0; round < 2; round++) {
		Py_InitializeEx(0);
		PyRun_SimpleString(script);
		saved = PyEval_SaveThread();
		pthread_create(&thread, NULL, threaded, NULL);
		pthread_join(thread, NULL);
		PyEval_RestoreThread(saved);
		printf("finalized %d\n", Py_FinalizeEx());
		own_socket();
	}
	return 0;
}
