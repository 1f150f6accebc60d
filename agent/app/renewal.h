/*
 * struct renewal: keeps this server's certificate good. A member, which holds the collective's CA,
 * issues itself a new one at two thirds of the life of the present one, and whenever the present
 * one is not the CA's; a standalone server's is left as it is, with warnings 30, 7 and 1 days before
 * its end.
 */
#ifndef APP_RENEWAL_H
#define APP_RENEWAL_H

struct agent;
struct renewal;

/* Before the loop runs: a certificate that is due is made at once, so that nobody sees the old one. */
struct renewal *renewal_new(struct agent *agent);
void renewal_free(struct renewal *renewal);
/* Looks soon: the state of the membership has changed, and there is no certificate yet. */
void renewal_consider(struct renewal *renewal);
/* Looks now; a new certificate takes as long as the disk does. */
void renewal_check(struct renewal *renewal);

#endif
