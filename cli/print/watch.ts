import { setTimeout as pause } from 'node:timers/promises';
import { BusyError, ConnectionError, GatewayError } from '../../client/runwire.ts';
import { endBy, onInterrupt } from '../process/interrupts.ts';
import { telling } from '../process/say.ts';
import { print } from '../process/sink.ts';
import { spinner } from '../process/spinner.ts';
import { Board } from './board.ts';
import { columnsOfOutput } from './table.ts';
import { type OutputFlags, tableOf, type View } from './things.ts';

const EVERY_MS = 1000;

/** What is looked at again and again. */
export interface Watched<T> {
  view: View<T>;
  /** All that is to be shown now. */
  look(): Promise<T[]>;
  /** A thing of which this is another has changed. */
  stateOf(thing: T): string;
  /** A change on one line. */
  lineOf(thing: T): string;
  /** It changes no more. */
  isOver(thing: T): boolean;
  /** One that is not among them any more, as it is now; null: it is not there. */
  again(thing: T): Promise<T | null>;
}

/** Things as they change: on a terminal drawn in place, else a line for each change. Until Ctrl-C. */
export function watch<T>(watched: Watched<T>, flags: OutputFlags): Promise<never> {
  telling.json = flags.output !== 'table';
  const isDrawn = process.stdout.isTTY && flags.output === 'table' && !flags.quiet;
  const show = isDrawn ? drawing(watched.view) : changes(watched, flags);
  return repeat(async () => show(await watched.look()));
}

/** Does this again and again until Ctrl-C, also while the server is away; that it is there must be seen once. */
export async function repeat(act: () => Promise<void>): Promise<never> {
  onInterrupt((_count, signal) => endBy(signal));
  for (let isFirst = true; ; isFirst = false) {
    try {
      await act();
    } catch (error) {
      if (isFirst || !isPassing(error)) throw error;
      spinner.tell('the server is not reached: trying again');
    }
    await pause(EVERY_MS);
  }
}

const isPassing = (error: unknown): boolean =>
  error instanceof ConnectionError || error instanceof BusyError || error instanceof GatewayError;

function drawing<T>(view: View<T>): (things: T[]) => Promise<void> {
  const board = new Board();
  return (things) => board.draw(tableOf(things, view, columnsOfOutput()).trimEnd().split('\n'));
}

function changes<T>(watched: Watched<T>, flags: OutputFlags): (things: T[]) => Promise<void> {
  const { view } = watched;
  const known = new Map<string, T>();
  const tell = async (thing: T): Promise<void> => {
    const id = view.id(thing);
    const before = known.get(id);
    known.set(id, thing);
    if (before !== undefined && watched.stateOf(before) === watched.stateOf(thing)) return;
    await print(`${lineOf(thing, watched, flags)}\n`);
  };
  return async (things) => {
    const ids = new Set(things.map(view.id));
    for (const [id, thing] of known) {
      if (ids.has(id)) continue;
      const now = watched.isOver(thing) ? null : await watched.again(thing);
      if (now === null) known.delete(id);
      else await tell(now);
    }
    for (const thing of things.toReversed()) await tell(thing); // the oldest first
  };
}

function lineOf<T>(thing: T, watched: Watched<T>, { quiet, output }: OutputFlags): string {
  if (quiet) return watched.view.id(thing);
  return output === 'table' ? watched.lineOf(thing) : JSON.stringify(thing);
}
