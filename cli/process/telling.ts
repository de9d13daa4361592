/** How what is no output of a run is told: a line on stderr, in JSON where the output is. `isRaw`: of a terminal where a line feed only feeds lines. */
export const telling = { json: false, isRaw: false };
