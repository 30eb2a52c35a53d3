/* Between the files that write lines of the report. */
#ifndef REPORT_H
#define REPORT_H

#include "line.h"
#include "shim.h"

/* Close the line and append it by one write, after the first line of this process.
 * False: it could not be. */
bool report_write(struct line *line);

/* Add which socket, of what kind and in what state. */
void report_socket(struct line *line, const struct shadow *sock);

/* --- process.c ----------------------------------------------------------- */

/* The first line of a process: who it is and what the shim does in it. */
void process_line(struct line *line);

#endif
