import { z } from 'zod';

const cells = z.number().int().min(1).max(1000);

/** How large a terminal is, in characters. */
export const TerminalSize = z.strictObject({ cols: cells, rows: cells });
export type TerminalSize = z.infer<typeof TerminalSize>;

/** What a program in a terminal finds as TERM where nobody says another. */
export const DEFAULT_TERM = 'xterm-256color';
