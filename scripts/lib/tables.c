/* Prints the tables of compat/ as JSON, for the launcher: built and run by make. */
#include "policy.h"

#include <netinet/in.h>
#include <stdio.h>

#define UNWRAP(...) __VA_ARGS__

enum { C = 1, L = 2, D = 4, R = 8, N = 16 }; /* roles of options.def */

static const struct {
	const char *message, *linux_does, *since, *why, *instead, *example;
} explained[] = {
#define EXPLAIN(rule, message, linux_does, since, why, instead, example) \
	[rule] = { message, linux_does, since, why, instead, example },
#include "explain.def"
#undef EXPLAIN
};
_Static_assert(sizeof explained / sizeof *explained == RULES, "every rule is explained");

static const unsigned char modes[RULES][PROFILES] = {
#define RULE(id, name, modes, text) { UNWRAP modes },
#include "rules.def"
#undef RULE
};

static const struct {
	const char *level, *option;
	unsigned char roles[PROFILES];
} options[] = {
#define OPTION(level, option, roles) { #level, #option, { UNWRAP roles } },
#include "options.def"
#undef OPTION
};

static void print_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '\n')
			printf("\\n");
		else if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else
			putchar(*text);
	}
	putchar('"');
}

static void print_field(const char *name, const char *text)
{
	printf(",\"%s\":", name);
	print_string(text);
}

static void print_rule(enum rule rule)
{
	printf("{\"name\":\"%s\"", rule_name(rule));
	print_field("text", rule_text(rule));
	print_field("message", explained[rule].message);
	print_field("linux", explained[rule].linux_does);
	print_field("since", explained[rule].since);
	print_field("why", explained[rule].why);
	print_field("instead", explained[rule].instead);
	print_field("example", explained[rule].example);
	printf(",\"modes\":{");
	for (int profile = 0; profile < PROFILES; profile++)
		printf("%s\"%s\":\"%s\"", profile ? "," : "", profile_name((enum profile)profile),
		       mode_name((enum mode)modes[rule][profile]));
	printf("}}");
}

static void print_option(size_t row)
{
	printf("{\"level\":\"%s\",\"option\":\"%s\",\"roles\":{", options[row].level, options[row].option);
	for (int profile = 0; profile < PROFILES; profile++) {
		unsigned roles = options[row].roles[profile];

		printf("%s\"%s\":\"%s%s%s%s\"", profile ? "," : "", profile_name((enum profile)profile),
		       roles & C ? "C" : "", roles & L ? "L" : "", roles & D ? "D" : "", roles & R ? "R" : "");
	}
	printf("}}");
}

int main(void)
{
	printf("{\"profiles\":[");
	for (int profile = 0; profile < PROFILES; profile++)
		printf("%s\"%s\"", profile ? "," : "", profile_name((enum profile)profile));
	printf("],\"rules\":[\n");
	for (int rule = 0; rule < RULES; rule++) {
		print_rule((enum rule)rule);
		printf(rule + 1 < RULES ? ",\n" : "\n");
	}
	printf("],\"options\":[\n");
	for (size_t row = 0; row < sizeof options / sizeof *options; row++) {
		print_option(row);
		printf(row + 1 < sizeof options / sizeof *options ? ",\n" : "\n");
	}
	printf("]}\n");
	return 0;
}
