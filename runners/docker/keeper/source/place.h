#pragma once
#include "options.h"

/* The directory of a run as its keeper has it. */
struct place { int directory, journal, control, input, input_end; };

/* DONE, or the exit code of what was said on stderr. */
int claim_place(const struct options *options, struct place *place);
/* What only the one who has the place may put there. */
void furnish_place(const struct options *options, const struct place *place);
