import type { z } from 'zod';

/** Of each entry more is made than a check. Nobody means so many. */
const MAX_ENTRIES = 10_000;

/** An object with at most so many entries: what else is checked of them is not, where there are more. */
export function bounded<Entries extends z.ZodType<object>>(entries: Entries, most = MAX_ENTRIES): Entries {
  return entries
    .refine((value) => Object.keys(value).length <= most, {
      error: `has more than ${most} entries`,
      abort: true,
    })
    .meta({ maxProperties: most });
}
