# make            build/libjythonsock.so
# make check      everything that scripts/test runs, with what is installed
# make install    PREFIX= DESTDIR=
# make clean
# WERROR=1 and SANITIZE=address,undefined (or thread) are for our own builds.

CC ?= gcc
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=

CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
           -Wwrite-strings -Wpointer-arith -Wvla -Wundef
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

all: $(LIBRARY)

$(LIBRARY): $(OBJECTS)
	$(CC) -shared -Wl,-z,now,-z,relro,-z,defs,--as-needed $(SANITIZERS) $(LDFLAGS) -o $@ $^

# compat/ sees its own headers only: a call in the wrong direction does not build.
$(BUILD)/compat/%.o: compat/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(COMMON) -Wpedantic -Icompat -c -o $@ $<

$(BUILD)/shim/%.o: shim/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(COMMON) -Icompat -Ishim -c -o $@ $<

clean:
	rm -rf $(BUILD)

.PHONY: all clean check install

-include $(OBJECTS:.o=.d)
