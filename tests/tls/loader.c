/* loader FLAGS LIBRARY...: opens each LIBRARY (client.c as a shared object) with dlopen,
 * FLAGS of local, global, deepbind, namespace, and runs one after the other on each
 * "NAME PORT" line: so several libssl take turns in one process.  FLAGS reload: each is
 * opened for one line and closed again, so that it may lie where another one was.
 * WAY in the environment is the client's, "connect" by default. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int client_main(int, char **);

static client_main *open_client(const char *kind, const char *file, void **handle)
{
	int flags = RTLD_NOW | (strcmp(kind, "global") == 0 ? RTLD_GLOBAL : RTLD_LOCAL);
	client_main *client;

	if (strcmp(kind, "deepbind") == 0)
		flags |= RTLD_DEEPBIND;
	*handle = strcmp(kind, "namespace") == 0 ? dlmopen(LM_ID_NEWLM, file, flags) : dlopen(file, flags);
	if (!*handle) {
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
	*(void **)&client = dlsym(*handle, "client_main");
	return client;
}

int main(int argc, char **argv)
{
	static char program[] = "client", connect[] = "connect", line[200];
	char *arguments[] = { program, getenv("WAY") ? getenv("WAY") : connect, line, NULL };
	int reload = argc > 2 && strcmp(argv[1], "reload") == 0;
	client_main *clients[8];
	void *handle;

	if (argc < 3 || argc > 10)
		return 2;
	for (int i = 2; i < argc && !reload; i++)
		clients[i - 2] = open_client(argv[1], argv[i], &handle);
	while (fgets(line, sizeof line, stdin))
		for (int i = 2; i < argc; i++) {
			if (reload)
				clients[i - 2] = open_client(argv[1], argv[i], &handle);
			clients[i - 2](3, arguments);
			if (reload)
				dlclose(handle);
		}
	return 0;
}
