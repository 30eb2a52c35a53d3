/* A library for tls_loading.bats: says which copy of it this is. */
const char *which(void);

const char *which(void)
{
	return WHICH;
}
