/* Which trust store the JVM would use, and the reading of its file. */
#include "truststore.h"

#include "shim.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct truststore truststore;

/* --- settings -------------------------------------------------------------- */

static void keep(char *to, size_t size, const char *text, size_t len)
{
	if (len >= size) {
		truststore.too_long = true;
		return;
	}
	memcpy(to, text, len);
	to[len] = '\0';
}

/* The program may change its directory before it opens its first connection. */
static void keep_path(char *to, const char *text, size_t len)
{
	size_t used = 0;

	if (len && text[0] != '/' && getcwd(to, PATH_MAX - 1)) {
		used = strlen(to);
		to[used++] = '/';
	}
	keep(to + used, PATH_MAX - used, text, len);
}

static bool named(const char *option, const char *name, const char **value)
{
	size_t len = strlen(name);

	if (strncmp(option, name, len) != 0)
		return false;
	*value = option + len;
	return true;
}

static void read_java_option(const char *option)
{
	const char *value;

	if (named(option, "-Djavax.net.ssl.trustStore=", &value)) {
		truststore.source = JAVA_OPTION;
		truststore.path[0] = '\0';
		keep_path(truststore.path, value, strlen(value));
	} else if (named(option, "-Djavax.net.ssl.trustStorePassword=", &value)) {
		keep(truststore.password, sizeof truststore.password, value, strlen(value));
	}
}

/* Words as the JVM splits them: white space ends one, quotes of either kind hide
 * it, there are no escapes. */
static void read_java_options(const char *text)
{
	char word[PATH_MAX + 64] = "";
	size_t used = 0;
	char quote = 0;

	for (;; text++) {
		if (*text && (quote ? *text != quote : !strchr(" \t\n\r\f\v\"'", *text))) {
			if (used < sizeof word - 1)
				word[used++] = *text;
		} else if (*text && quote) {
			quote = 0;
		} else if (*text == '"' || *text == '\'') {
			quote = *text;
		} else {
			word[used] = '\0';
			read_java_option(word);
			used = 0;
			if (!*text)
				return;
		}
	}
}

static const char *setting(const char *name)
{
	const char *value = secure_getenv(name);

	return value && *value ? value : NULL;
}

static const char *read_trust_all(char *reason, size_t size)
{
	const char *value = setting("JYTHONSOCK_TRUST_ALL");

	if (!value || strcmp(value, "0") == 0)
		return NULL;
	if (strcmp(value, "1") != 0) {
		snprintf(reason, size, "'%.40s' is neither 0 nor 1", value);
		return "JYTHONSOCK_TRUST_ALL";
	}
	truststore.trust_all = true;
	return NULL;
}

const char *truststore_settings(char *reason, size_t size)
{
	const char *store = setting("JYTHONSOCK_TRUSTSTORE"), *password = setting("JYTHONSOCK_TRUSTSTORE_PASSWORD");
	const char *options = setting("JAVA_TOOL_OPTIONS"), *home, *value;

	if (options)
		read_java_options(options);
	if (store && strcmp(store, "java") == 0) {
		truststore.source = JVM_STORE;
	} else if (store) {
		truststore.source = NAMED_STORE;
		truststore.password[0] = '\0'; /* of the other store */
		truststore.path[0] = '\0';
		keep_path(truststore.path, store, strlen(store));
	}
	if (password)
		keep(truststore.password, sizeof truststore.password, password, strlen(password));
	home = truststore.source == JVM_STORE || truststore.source == JAVA_OPTION ? setting("JAVA_HOME") : NULL;
	if (home)
		keep_path(truststore.java_home, home, strlen(home));
	if (truststore.source == HOST_STORE) {
		value = setting("SSL_CERT_FILE");
		if (value)
			keep_path(truststore.host_file, value, strlen(value));
		value = setting("SSL_CERT_DIR");
		if (value)
			keep(truststore.host_directory, PATH_MAX, value, strlen(value));
	}
	return read_trust_all(reason, size);
}

const char *truststore_name(void)
{
	switch (truststore.source) {
	case JVM_STORE:
		return "the JVM's own";
	case NAMED_STORE:
	case JAVA_OPTION:
		return truststore.path;
	default:
		return "the system's default";
	}
}

/* --- reading --------------------------------------------------------------- */

enum { CHUNK = 65536, LARGEST = 64 << 20 };

static const char *read_all(int fd, struct truststore_file *file)
{
	size_t room = 0;
	ssize_t got;

	for (;;) {
		if (file->size == room) {
			unsigned char *more = room < LARGEST ? realloc(file->data, room + CHUNK + room / 2) : NULL;

			if (!more)
				return room < LARGEST ? "out of memory" : "too large";
			file->data = more;
			room += CHUNK + room / 2;
		}
		got = REAL(read)(fd, file->data + file->size, room - file->size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return strerrorname_np(errno);
		if (got == 0)
			return NULL;
		file->size += (size_t)got;
	}
}

static const char *read_path(const char *path, struct truststore_file *file)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *why;

	if (fd < 0)
		return strerrorname_np(errno);
	why = read_all(fd, file);
	REAL(close)(fd);
	return why;
}

/* File.isFile() and canRead(): otherwise TrustStoreManager goes on to the next. */
static bool usable(const char *path)
{
	struct stat facts;

	return path[0] && stat(path, &facts) == 0 && S_ISREG(facts.st_mode) && access(path, R_OK) == 0;
}

static const char *read_jvm(struct truststore_file *file)
{
	static const char *const stores[] = { "/lib/security/jssecacerts", "/lib/security/cacerts" };
	char path[PATH_MAX + 32];

	for (size_t i = 0; truststore.java_home[0] && i < sizeof stores / sizeof *stores; i++) {
		snprintf(path, sizeof path, "%s%s", truststore.java_home, stores[i]);
		if (usable(path))
			return read_path(path, file);
	}
	return read_path("/etc/ssl/certs/java/cacerts", file);
}

static bool starts_with(const struct truststore_file *file, const char *magic, size_t len)
{
	return file->size >= len && memcmp(file->data, magic, len) == 0;
}

const char *truststore_sniff(struct truststore_file *file, bool java_only)
{
	static const char begin[] = "-----BEGIN ";

	if (file->size == 0)
		return "the file is empty";
	if (starts_with(file, "\xce\xce\xce\xce", 4))
		return "a JCEKS store, which Java reads only when told so";
	if (starts_with(file, "\xfe\xed\xfe\xed", 4))
		file->kind = STORE_JKS;
	else if (file->data[0] == 0x30)
		file->kind = STORE_PKCS12;
	else if (!java_only && memmem(file->data, file->size, begin, sizeof begin - 1))
		file->kind = STORE_PEM;
	else
		return java_only ? "neither JKS nor PKCS12" : "neither PEM nor JKS nor PKCS12";
	return NULL;
}

static bool is_named_none(void)
{
	const char *name = strrchr(truststore.path, '/');

	return name && strcmp(name, "/NONE") == 0;
}

const char *truststore_read(struct truststore_file *file)
{
	const char *why;

	if (truststore.too_long)
		return "its name or password is too long";
	if (truststore.source == JAVA_OPTION && is_named_none())
		return "NONE";
	if (truststore.source == NAMED_STORE || (truststore.source == JAVA_OPTION && usable(truststore.path)))
		why = read_path(truststore.path, file);
	else
		why = read_jvm(file);
	return why ? why : truststore_sniff(file, truststore.source != NAMED_STORE);
}

void truststore_used(const char *library)
{
	char text[2048];

	snprintf(text, sizeof text, "client handshakes of %.500s are checked; the trust store is %s%.1000s", library,
		 truststore.trust_all ? "all-trusting, instead of " : "", truststore_name());
	report_note("tls", text);
}

void truststore_refused(const char *why)
{
	char text[2048];

	snprintf(text, sizeof text, "%.1500s: %s: nothing is trusted", truststore_name(), why);
	report_note("truststore", text);
}

void truststore_distrusts(int error, const char *why, int depth)
{
	static _Atomic unsigned said[4];
	unsigned bit = 1U << (error & 31);
	char text[2048];

	if (!report_wanted() || atomic_fetch_or(&said[error >> 5 & 3], bit) & bit)
		return;
	snprintf(text, sizeof text, "%s at depth %d; the trust store is %.1500s", why, depth, truststore_name());
	report_note("tls-verify", text);
}

/* --- once a process -------------------------------------------------------- */

static void *build_now(struct truststore_slot *slot, void *(*build)(void *), void *arg)
{
	void *made = atomic_load(&slot->made);

	if (!made) {
		made = build(arg);
		atomic_store_explicit(&slot->made, made, memory_order_release);
	}
	atomic_store(&slot->loading, 0);
	syscall(SYS_futex, &slot->loading, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	return made;
}

void *truststore_once(struct truststore_slot *slot, void *(*build)(void *), void *arg)
{
	int owner, self = (int)getpid();
	void *made;

	while (!(made = atomic_load_explicit(&slot->made, memory_order_acquire))) {
		owner = 0;
		if (atomic_compare_exchange_strong(&slot->loading, &owner, self))
			return build_now(slot, build, arg);
		if (owner == self)
			syscall(SYS_futex, &slot->loading, FUTEX_WAIT, self, NULL, NULL, 0);
		else /* a fork left the thread that was at it behind */
			atomic_compare_exchange_strong(&slot->loading, &owner, 0);
	}
	return made;
}
