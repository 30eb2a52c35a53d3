# make            build/libjythonsock.so
# make check      everything that scripts/test runs, with what is installed
# make install    PREFIX= DESTDIR=
# make clean
# WERROR=1 and SANITIZE=address,undefined (or thread) are for our own builds.

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
VERSION = 0.1.0

CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
           -Wwrite-strings -Wpointer-arith -Wvla -Wundef -Wno-missing-field-initializers
ifdef WERROR
WARNINGS += -Werror
endif
ifdef SANITIZE
SANITIZERS = -fsanitize=$(SANITIZE) -fno-omit-frame-pointer
endif

COMMON = -std=c11 -D_GNU_SOURCE -U_FORTIFY_SOURCE -fPIC -fvisibility=hidden -fno-plt -MMD -MP $(WARNINGS) $(SANITIZERS)

COMPAT = $(patsubst compat/%.c,$(BUILD)/compat/%.o,$(wildcard compat/*.c))
OBJECTS = $(COMPAT) $(patsubst shim/%.c,$(BUILD)/shim/%.o,$(wildcard shim/*.c))
LIBRARY = $(BUILD)/libjythonsock.so

TABLES = $(BUILD)/rules.json

all: $(LIBRARY) $(TABLES)

# The tables of compat/ for the launcher.
$(TABLES): scripts/lib/tables.c compat/policy.c $(wildcard compat/*.def compat/*.h)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -std=c11 -D_GNU_SOURCE $(WARNINGS) -Icompat -o $(BUILD)/tables scripts/lib/tables.c compat/policy.c
	$(BUILD)/tables > $@

$(LIBRARY): $(OBJECTS)
	$(CC) -shared -static-libgcc -Wl,-z,now,-z,relro,-z,defs,--as-needed $(SANITIZERS) $(LDFLAGS) -o $@ $^

# compat/ sees its own headers only: a call in the wrong direction does not build.
$(BUILD)/compat/%.o: compat/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(COMMON) -Wpedantic -Icompat -c -o $@ $<

$(BUILD)/shim/%.o: shim/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(COMMON) -DJYTHONSOCK_VERSION='"$(VERSION)"' -Icompat -Ishim -c -o $@ $<

# What the tests run: probes and hosts (a lib*.c is a library to preload) know
# nothing of ours; units link compat/ alone.
TESTED = $(CFLAGS) -std=c11 -D_GNU_SOURCE -MMD -MP $(WARNINGS) $(SANITIZERS) -pthread
UNIT_SANITIZERS ?= -fsanitize=address,undefined -fno-sanitize-recover=all
PROBES = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/probes/*.c))
HOSTS = $(patsubst %.c,$(BUILD)/%,$(filter-out tests/hosts/lib%,$(wildcard tests/hosts/*.c))) \
        $(patsubst %.c,$(BUILD)/%.so,$(wildcard tests/hosts/lib*.c))
UNITS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*.c))

probes: $(PROBES)
hosts: $(HOSTS)
units: $(UNITS)

$(BUILD)/tests/unit/%: tests/unit/%.c $(wildcard compat/*.c)
	@mkdir -p $(@D)
	$(CC) $(TESTED) $(UNIT_SANITIZERS) -Icompat -o $@ $(filter %.c,$^)

# What is static in the library is linked with all of it.
$(BUILD)/tests/unit/fdtable: tests/unit/fdtable.c $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(TESTED) -Icompat -Ishim -o $@ $^

$(BUILD)/tests/hosts/lib%.so: tests/hosts/lib%.c
	@mkdir -p $(@D)
	$(CC) $(TESTED) -fPIC -shared -o $@ $<

$(BUILD)/tests/%: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(TESTED) -o $@ $< $(LDLIBS)

# TESTS="tests/one.bats": only these.
check: all probes hosts units
	scripts/lib/run-bats $(or $(TESTS),$(wildcard tests/*.bats))

install: all
	install -D -m 755 $(LIBRARY) $(DESTDIR)$(PREFIX)/lib/libjythonsock.so
	install -D -m 755 scripts/jythonsock $(DESTDIR)$(PREFIX)/bin/jythonsock
	install -d $(DESTDIR)$(PREFIX)/share/jythonsock
	install -m 644 $(TABLES) $(wildcard scripts/lib/*.bash scripts/lib/*.jq scripts/lib/report.*) \
	  scripts/pytest_jythonsock.py $(DESTDIR)$(PREFIX)/share/jythonsock
	install -m 644 $(wildcard scripts/lib/compare_*.py) $(DESTDIR)$(PREFIX)/share/jythonsock
	install -m 755 scripts/lib/compare $(DESTDIR)$(PREFIX)/share/jythonsock

clean:
	rm -rf $(BUILD)

.PHONY: all probes hosts units clean check install

-include $(OBJECTS:.o=.d) $(addsuffix .d,$(PROBES) $(HOSTS) $(UNITS))
