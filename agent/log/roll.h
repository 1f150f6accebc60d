/*
 * struct roll: what the log says of the other members: who came, who is gone, who leads. What there
 * was at first is one line; later each change is one, and a member that comes and goes does not flood
 * the log (log/report.h). This member itself is the state machines' business.
 */
#ifndef LOG_ROLL_H
#define LOG_ROLL_H

struct loop;
struct roll;
struct roster;

struct roll *roll_new(struct loop *loop, const char *self);
/* NULL is fine. */
void roll_free(struct roll *roll);
/* After any change of the roster; nothing is said before that is complete. */
void roll_call(struct roll *roll, const struct roster *roster);

#endif
