import { styleText } from 'node:util';
import type { RunRecord, SessionRecord, WorkspaceRecord } from '../../client/runwire.ts';

export type Colour = Parameters<typeof styleText>[0];

/** As NO_COLOR, FORCE_COLOR and the terminal of standard output say. */
export const coloured = (colour: Colour, text: string): string =>
  text === '' ? text : styleText(colour, text, { stream: process.stdout });

export const bold = (text: string): string => coloured('bold', text);

/** Of runs, by what became of them. */
export const COLOUR_OF: { readonly [status in RunRecord['status']]: Colour } = {
  pending: 'yellow',
  running: 'cyan',
  succeeded: 'green',
  failed: 'red',
  timed_out: 'red',
  rejected: 'red',
  cancelled: 'magenta',
};

/** Of workspaces and sessions. */
export const COLOUR_OF_STATE: {
  readonly [state in (WorkspaceRecord | SessionRecord)['state']]?: Colour;
} = {
  filling: 'yellow',
  preparing: 'yellow',
  restoring: 'yellow',
  ready: 'green',
  failed: 'red',
};
