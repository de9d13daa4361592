import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { type Carried, carried, thrown } from './carried.ts';
import type { Control } from './control.ts';

/** Tasks of one kind, done one after the other. */
export interface Worker<Task, Result> {
  do(task: Task): Result;
  close(): void;
}

/** How a thread comes to do tasks of a kind, from plain data. */
export type Hire = (kind: string, context: unknown, goOn: () => void) => Worker<unknown, unknown>;

/** What the other thread is asked: tasks of which each does some. */
export interface Batch {
  kind: string;
  context: unknown;
  tasks: unknown[];
  words: SharedArrayBuffer;
}
interface Answer {
  results: [number, unknown][];
  error: Carried | null;
}

/** Words of a batch: the next task that nobody has taken, and where the helper stands. */
const NEXT = 0;
const STATE = 1;
const OPEN = 0;
const JOINED = 1;
const OVER = 2;

/** So many tasks are taken at once: there are fewer turns, and the ends are near each other. */
const TAKEN = 16;
/** Fewer are done sooner alone. */
const LEAST_SHARED = 64;
const LOOK_MS = 100;

/** Does tasks together with another thread, when that has nothing else to do. */
export class Crew {
  readonly #hire: Hire;
  readonly #control: Control;
  readonly #call: (port: MessagePort) => void;
  #port: MessagePort | null = null;

  /** `call`: gets the port on which the other thread is asked. */
  constructor(hire: Hire, control: Control, call: (port: MessagePort) => void) {
    this.#hire = hire;
    this.#control = control;
    this.#call = call;
  }

  /** Results in the order of the tasks. Throws what either thread throws, once both are through. */
  all<Task, Result>(kind: string, context: unknown, tasks: readonly Task[]): Result[] {
    const results: Result[] = new Array(tasks.length);
    const words = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
    const isShared = tasks.length >= LEAST_SHARED;
    if (isShared) this.#helper().postMessage({ kind, context, tasks, words } as Batch);
    let failure: { error: unknown } | null = null;
    const worker = this.#hire(kind, context, this.#control.goOn);
    try {
      for (const index of taken(words, tasks.length)) results[index] = worker.do(tasks[index]) as Result;
    } catch (error) {
      failure = { error };
      Atomics.store(new Int32Array(words), NEXT, tasks.length);
    }
    try {
      const answer = isShared ? this.#settled(words) : null;
      for (const [index, result] of answer?.results ?? []) results[index] = result as Result;
      if (failure) throw failure.error;
      if (answer?.error) throw thrown(answer.error);
      // What a helper had taken when it died.
      for (let index = 0; index < tasks.length; index++)
        if (!(index in results)) results[index] = worker.do(tasks[index]) as Result;
    } finally {
      worker.close();
    }
    return results;
  }

  close(): void {
    this.#port?.close();
  }

  #helper(): MessagePort {
    if (this.#port) return this.#port;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.unref();
    this.#call(port2);
    return port1;
  }

  /** Null: nobody helped, or who did has died. */
  #settled(shared: SharedArrayBuffer): Answer | null {
    const words = new Int32Array(shared);
    if (Atomics.compareExchange(words, STATE, OPEN, OVER) === OPEN) return null;
    while (Atomics.load(words, STATE) === JOINED) {
      Atomics.wait(words, STATE, JOINED, LOOK_MS);
      if (this.#control.isHelperGone && Atomics.load(words, STATE) === JOINED) return null;
    }
    return (receiveMessageOnPort(this.#port as MessagePort)?.message as Answer | undefined) ?? null;
  }
}

/** The other side: helps until nothing is left, or `isCalled` away. */
export function help(
  batch: Batch,
  port: MessagePort,
  hire: Hire,
  goOn: () => void,
  isCalled: () => boolean,
): void {
  const { kind, context, tasks, words: shared } = batch;
  const words = new Int32Array(shared);
  if (Atomics.compareExchange(words, STATE, OPEN, JOINED) !== OPEN) return;
  const answer: Answer = { results: [], error: null };
  try {
    const worker = hire(kind, context, goOn);
    try {
      for (const index of taken(shared, tasks.length, isCalled))
        answer.results.push([index, worker.do(tasks[index])]);
    } finally {
      worker.close();
    }
  } catch (error) {
    answer.error = carried(error);
    Atomics.store(words, NEXT, tasks.length);
  }
  port.postMessage(answer);
  Atomics.store(words, STATE, OVER);
  Atomics.notify(words, STATE);
}

function* taken(shared: SharedArrayBuffer, count: number, isCalled = () => false): Generator<number> {
  const words = new Int32Array(shared);
  while (!isCalled()) {
    const first = Atomics.add(words, NEXT, TAKEN);
    if (first >= count) return;
    for (let index = first; index < Math.min(first + TAKEN, count); index++) yield index;
  }
}
