/** How what is no output of a run is told: a line on stderr, in JSON where the output is. */
export const telling = { json: false };
