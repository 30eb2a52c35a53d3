/* Between the files that write lines of the report. */
#ifndef REPORT_H
#define REPORT_H

#include "line.h"
#include "shim.h"

struct tally;

/* Close the line and append it by one write, after the first line of this process.
 * False: it could not be. */
bool report_write(struct line *line);

/* Add which socket, of what kind and in what state. */
void report_socket(struct line *line, const struct shadow *sock);

/* --- final.c ------------------------------------------------------------- */

/* Write how often a finding was met so far; final: why for the last time, or NULL. */
void report_count(const struct tally *tally, const char *final);

/* At start: quick_exit, too, is to tell the last counts. */
void report_prepare_end(void);

/* --- process.c ----------------------------------------------------------- */

/* The first line of a process: who it is and what the shim does in it. */
void process_line(struct line *line);

#endif
