/* Reading PKCS12 with libcrypto's pieces.  Its own PKCS12_parse would not do: it
 * wants a MAC, and cannot tell what a JVM trusts from what it only keeps. */
#include "ssl_store.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char malformed[] = "a malformed PKCS12 store";

unsigned char *der_list_add(struct der_list *list, size_t size)
{
	struct der *der = malloc(sizeof *der + size);

	if (!der)
		return NULL;
	der->next = NULL;
	der->size = size;
	*(list->last ? list->last : &list->first) = der;
	list->last = &der->next;
	return der->data;
}

void der_list_free(struct der_list *list)
{
	struct der *next;

	for (struct der *der = list->first; der; der = next) {
		next = der->next;
		free(der);
	}
}

enum { MOST_ITERATIONS = 5000000 }; /* PKCS12KeyStore */
enum { NID_PKCS7_DATA = 21, NID_PKCS7_ENCRYPTED = 26, NID_LOCAL_KEY_ID = 157 };
enum { NID_KEY_BAG = 150, NID_SHROUDED_KEY_BAG = 151, NID_CERTIFICATE_BAG = 152, NID_X509_CERTIFICATE = 158 };

/* The head of OpenSSL's PKCS7, public in every version. */
struct pkcs7_head {
	unsigned char *asn1;
	long length;
	int state, detached;
	ASN1_OBJECT *type;
	void *content;
};

static const char *unpack(const struct openssl_calls *call, PKCS7 *part, const char *password, STACK **bags)
{
	const struct pkcs7_head *head = (const void *)part;
	int type = call->OBJ_obj2nid(head->type);

	*bags = NULL;
	if (!head->content || (type != NID_PKCS7_DATA && type != NID_PKCS7_ENCRYPTED))
		return "a PKCS12 store of an unknown kind";
	if (type == NID_PKCS7_ENCRYPTED && !*password)
		return NULL; /* Java leaves out what it cannot decrypt */
	*bags = type == NID_PKCS7_DATA ? call->PKCS12_unpack_p7data(part) :
		call->PKCS12_unpack_p7encdata(part, password, (int)strlen(password));
	return *bags ? NULL : "a PKCS12 store that cannot be decrypted";
}

/* A trusted entry carries Oracle's trustedKeyUsage. */
static bool is_trusted(const struct openssl_calls *call, const PKCS12_SAFEBAG *bag)
{
	ASN1_OBJECT *oracle = call->OBJ_txt2obj("2.16.840.1.113894.746875.1.1", 1);
	const STACK *attributes = call->PKCS12_SAFEBAG_get0_attrs(bag);
	bool found = oracle && attributes && call->X509at_get_attr_by_OBJ(attributes, oracle, -1) >= 0;

	call->ASN1_OBJECT_free(oracle);
	return found;
}

struct pkcs12 {
	const struct openssl_calls *call;
	STACK *all; /* of stacks of bags */
};

static bool is_key(const struct openssl_calls *call, const PKCS12_SAFEBAG *bag)
{
	int nid = call->PKCS12_SAFEBAG_get_nid(bag);

	return nid == NID_KEY_BAG || nid == NID_SHROUDED_KEY_BAG;
}

static bool is_certificate(const struct openssl_calls *call, const PKCS12_SAFEBAG *bag)
{
	return call->PKCS12_SAFEBAG_get_nid(bag) == NID_CERTIFICATE_BAG &&
	       call->PKCS12_SAFEBAG_get_bag_nid(bag) == NID_X509_CERTIFICATE;
}

/* Is this the certificate of a private key in the store?  Java trusts those too. */
static bool belongs_to_key(const struct pkcs12 *store, const PKCS12_SAFEBAG *certificate)
{
	const struct openssl_calls *call = store->call;
	const ASN1_TYPE *id = call->PKCS12_SAFEBAG_get0_attr(certificate, NID_LOCAL_KEY_ID), *other;

	for (int i = 0; id && i < call->OPENSSL_sk_num(store->all); i++) {
		const STACK *bags = call->OPENSSL_sk_value(store->all, i);

		for (int j = 0; j < call->OPENSSL_sk_num(bags); j++) {
			const PKCS12_SAFEBAG *bag = call->OPENSSL_sk_value(bags, j);

			other = is_key(call, bag) ? call->PKCS12_SAFEBAG_get0_attr(bag, NID_LOCAL_KEY_ID) : NULL;
			if (other && call->ASN1_TYPE_cmp(id, other) == 0)
				return true;
		}
	}
	return false;
}

static bool list_certificate(const struct pkcs12 *store, const PKCS12_SAFEBAG *bag, struct der_list *list)
{
	const struct openssl_calls *call = store->call;
	X509 *cert = call->PKCS12_SAFEBAG_get1_cert(bag);
	unsigned char *at;
	int size = cert ? call->i2d_X509(cert, NULL) : -1;
	bool good = size > 0 && (at = der_list_add(list, (size_t)size)) != NULL && call->i2d_X509(cert, &at) == size;

	call->X509_free(cert);
	return good;
}

static const char *list_certificates(const struct pkcs12 *store, struct der_list *list)
{
	const struct openssl_calls *call = store->call;

	for (int i = 0; i < call->OPENSSL_sk_num(store->all); i++) {
		const STACK *bags = call->OPENSSL_sk_value(store->all, i);

		for (int j = 0; j < call->OPENSSL_sk_num(bags); j++) {
			const PKCS12_SAFEBAG *bag = call->OPENSSL_sk_value(bags, j);

			if (is_certificate(call, bag) && (is_trusted(call, bag) || belongs_to_key(store, bag)) &&
			    !list_certificate(store, bag, list))
				return TRUSTSTORE_BAD_CERTIFICATE;
		}
	}
	return NULL;
}

static const char *unpack_all(struct pkcs12 *store, STACK *parts, const char *password)
{
	const struct openssl_calls *call = store->call;
	const char *why = NULL;
	STACK *bags;

	for (int i = 0; i < call->OPENSSL_sk_num(parts) && !why; i++) {
		why = unpack(call, call->OPENSSL_sk_value(parts, i), password, &bags);
		if (bags && !call->OPENSSL_sk_push(store->all, bags)) {
			call->OPENSSL_sk_pop_free(bags, call->PKCS12_SAFEBAG_free);
			why = TRUSTSTORE_NO_MEMORY;
		}
	}
	return why;
}

/* NULL, or what is wrong with the digest; Java, too, bounds the work it takes. */
static const char *check_mac(const struct openssl_calls *call, PKCS12 *file, const char *password)
{
	const ASN1_INTEGER *iterations = NULL;
	const void *ignored;

	if (!*password || !call->PKCS12_mac_present(file))
		return NULL;
	call->PKCS12_get0_mac(&ignored, &ignored, &ignored, &iterations, file);
	if (iterations && (call->ASN1_INTEGER_get(iterations) < 0 || call->ASN1_INTEGER_get(iterations) > MOST_ITERATIONS))
		return "a PKCS12 store with too many MAC iterations";
	return call->PKCS12_verify_mac(file, password, (int)strlen(password)) ? NULL : "wrong password";
}

static const char *read_pkcs12(const struct openssl_calls *call, PKCS12 *file, const char *password, struct der_list *list)
{
	struct pkcs12 store = { call, call->OPENSSL_sk_new_null() };
	const char *why = check_mac(call, file, password);
	STACK *parts = NULL, *bags;

	if (!why && (!store.all || !(parts = call->PKCS12_unpack_authsafes(file))))
		why = malformed;
	if (!why) {
		why = unpack_all(&store, parts, password);
		if (!why)
			why = list_certificates(&store, list);
	}
	if (parts)
		call->OPENSSL_sk_pop_free(parts, call->PKCS7_free);
	while (store.all && call->OPENSSL_sk_num(store.all) > 0) {
		bags = call->OPENSSL_sk_pop(store.all);
		call->OPENSSL_sk_pop_free(bags, call->PKCS12_SAFEBAG_free);
	}
	call->OPENSSL_sk_free(store.all);
	return why;
}

const char *pkcs12_read(const struct openssl_calls *call, const unsigned char *data, size_t size,
			const char *password, struct der_list *list)
{
	const char *why = malformed;
	PKCS12 *file;

	if (size > INT_MAX)
		return why;
	file = call->d2i_PKCS12(NULL, &data, (long)size);
	if (file)
		why = read_pkcs12(call, file, password, list);
	call->PKCS12_free(file);
	return why;
}
