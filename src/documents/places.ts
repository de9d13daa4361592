/** What bounds the runs that go on at once: `programs` work on this machine, in `calls` it waits for the work of others. */
export const PLACES = ['programs', 'calls'] as const;
export type Places = (typeof PLACES)[number];
