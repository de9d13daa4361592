#pragma once
#include "options.h"

/* The directory of a run as its keeper has it. */
struct place { int directory, journal, control, input, input_end; };

/* Where what the program left running writes: the same directory's name with this behind it. */
#define LATE ".late"

/* DONE, or the exit code of what was said on stderr. */
int claim_place(const struct options *options, struct place *place);
/* The same for LATE: only a journal is there. False: there is none. */
bool claim_late(const char *path, struct place *late);
/* What only the one who has the place may put there. */
void furnish_place(const struct options *options, const struct place *place);
