import { randomUUID } from 'node:crypto';

/** Of this file of tests and this run of it: another may be on this machine, and some tests search all of it. */
export const OWN = randomUUID().slice(0, 8);

/** An id, or a word, that no other run has. */
export const own = (name: string): string => `${name}-${OWN}`;
