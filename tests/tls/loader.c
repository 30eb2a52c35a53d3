/* loader FLAGS LIBRARY...: opens each LIBRARY (client.c as a shared object) with dlopen,
 * FLAGS of local, global, deepbind, namespace, and runs "connect" of one after the
 * other on each "NAME PORT" line: so several libssl take turns in one process. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef int client_main(int, char **);

int main(int argc, char **argv)
{
	static char program[] = "client", way[] = "connect", line[200];
	char *arguments[] = { program, way, line, NULL };
	client_main *clients[8];
	int flags = RTLD_NOW;

	if (argc < 3)
		return 2;
	flags |= strcmp(argv[1], "global") == 0 ? RTLD_GLOBAL : RTLD_LOCAL;
	if (strcmp(argv[1], "deepbind") == 0)
		flags |= RTLD_DEEPBIND;
	for (int i = 2; i < argc; i++) {
		void *handle = strcmp(argv[1], "namespace") == 0 ? dlmopen(LM_ID_NEWLM, argv[i], flags) : dlopen(argv[i], flags);

		if (!handle) {
			fprintf(stderr, "%s\n", dlerror());
			return 2;
		}
		*(void **)&clients[i - 2] = dlsym(handle, "client_main");
	}
	while (fgets(line, sizeof line, stdin))
		for (int i = 2; i < argc; i++)
			clients[i - 2](3, arguments);
	return 0;
}
