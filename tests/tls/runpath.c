/* runpath NAME: opens a library by a name that only this program's own RUNPATH can resolve. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	void *handle = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
	const char *(*which)(void);

	if (!handle) {
		puts(dlerror());
		return 1;
	}
	*(void **)&which = dlsym(handle, "which");
	puts(which());
	return dlclose(handle);
}
