import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';

/** What the test writes into the file that KILL_ORDER names. */
export interface KillOrder {
  point: string;
  /** Counted from the order on; default 1. */
  nth?: number;
  /** Killed just before: a pid. */
  also?: number;
}

/** Where the order is; empty while there is none. */
export const file = process.env.KILL_ORDER ?? '';
let counting = '';
let count = 0;

/** The process is here. Returns unless this is where it is to die. */
export function at(point: string): void {
  const text = readFileSync(file, 'utf8');
  if (text === '') return;
  const order = JSON.parse(text) as KillOrder;
  if (order.point !== point) return;
  if (text !== counting) {
    counting = text;
    count = 0;
  }
  count++;
  if (count < (order.nth ?? 1)) return;
  flushCompileCache(); // the next process starts faster
  if (order.also !== undefined) process.kill(order.also, 'SIGKILL');
  process.kill(process.pid, 'SIGKILL');
}

/** Is this the point that the test waits for. */
export function isOrdered(point: string): boolean {
  return readFileSync(file, 'utf8').includes(`"point":${JSON.stringify(point)}`);
}

export interface Points {
  before?: string;
  /** For a promise: when it has settled well, before anybody else is told. */
  after?: string;
  /** Calls that count. */
  when?: (args: readonly unknown[]) => boolean;
}

/** Make points of the calls of a method. Throws when there is no such method any more: then a point is not tried. */
export function pointsOf(owner: object, method: string, { before, after, when }: Points): void {
  const original: unknown = Reflect.get(owner, method);
  if (typeof original !== 'function') throw new Error(`kill-at: there is no method ${method}`);
  Reflect.set(owner, method, function (this: unknown, ...args: unknown[]): unknown {
    const counts = when === undefined || when(args);
    if (counts && before !== undefined) at(before);
    const result: unknown = Reflect.apply(original, this, args);
    if (!counts || after === undefined) return result;
    if (result instanceof Promise) result.then(() => at(after)).catch(() => {});
    else at(after);
    return result;
  });
}
