import { constants } from 'node:os';
import { z } from 'zod';
import type { Status } from './result.ts';
import type { GapReason } from './stream.ts';
import { TerminalSize } from './terminal.ts';

/** What a client says over …/terminal beside what is typed, each a text frame of JSON. */
export const TerminalOrder = z.discriminatedUnion('type', [
  TerminalSize.extend({ type: z.literal('resize') }),
  z.strictObject({ type: z.literal('eof') }),
  z.strictObject({
    type: z.literal('signal'),
    signal: z.string().refine((name) => name in constants.signals, {
      error: 'must be the name of a signal of this system, e.g. SIGINT',
    }),
  }),
]);
export type TerminalOrder = z.infer<typeof TerminalOrder>;

/** What the server says there beside what the terminal shows. */
export type TerminalNotice =
  /** Bytes that were shown and are not kept, so that nobody sees them. */
  | { type: 'gap'; offset: number; length: number; reason: GapReason }
  /** What was sent could not be done; the words of the problem that a request would have met. */
  | { type: 'error'; code: string; detail: string }
  /** The run has finished, and this was all. `offset`: bytes that it has shown. */
  | { type: 'end'; offset: number; status: Status; exit_code: number | null };
