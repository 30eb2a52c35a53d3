/* Where a caller's own TLS library is.  One that was loaded for one module only
 * (RTLD_LOCAL) is invisible to RTLD_NEXT, and there may be two: ask from the
 * caller's place in the list of loaded objects. */
#include "library.h"

#include "shim.h"

#include <string.h>

/* dladdr also looks for the nearest symbol, through the whole table, and takes the
 * loader's lock: a signal handler may find its own thread with it. */
struct link_map *library_of(const void *address)
{
#if __GLIBC_PREREQ(2, 35)
	struct dl_find_object found;

	return _dl_find_object((void *)address, &found) == 0 ? found.dlfo_link_map : NULL;
#else
	struct link_map *map = NULL;
	Dl_info info;

	return dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) ? map : NULL;
#endif
}

const char *library_name(const struct link_map *map)
{
	return map->l_name[0] ? map->l_name : "the program";
}

void *library_handle(const struct link_map *map)
{
	return REAL(dlopen)(map->l_name, RTLD_LAZY | RTLD_NOLOAD);
}

/* The main program sees us first. */
void *library_sees(const struct link_map *map, const char *name)
{
	void *handle, *found;

	if (!map->l_name[0])
		return dlsym(RTLD_NEXT, name);
	handle = library_handle(map);
	if (!handle)
		return NULL;
	found = dlsym(handle, name);
	REAL(dlclose)(handle);
	return found;
}

void *library_any(const struct link_map *map, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	while (map->l_prev)
		map = map->l_prev;
	for (; map && !found; map = map->l_next)
		if (map->l_name[0] && strcmp(map->l_name, "linux-vdso.so.1") != 0)
			found = library_sees(map, name);
	return found;
}
