/* Loaded objects and what they see. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <link.h>

/* The object that holds an address; NULL: none. */
struct link_map *library_of(const void *address);

/* The file it was loaded from. */
const char *library_name(const struct link_map *map);

/* A handle of it for dlsym; closing it is the caller's affair. */
void *library_handle(const struct link_map *map);

/* A function as this object sees it; NULL: it sees none. */
void *library_sees(const struct link_map *map, const char *name);

/* Last resort: the function from whatever loaded object has it. */
void *library_any(const struct link_map *map, const char *name);

#endif
