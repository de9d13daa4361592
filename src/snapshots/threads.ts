import { extname } from 'node:path';
import { type MessagePort, Worker } from 'node:worker_threads';
import { carried, thrown } from './carried.ts';
import { Control } from './control.ts';
import type { FromThread, Given, JobName, Jobs, ToThread } from './messages.ts';

/** Beside us: TypeScript in the repository, JavaScript in the package. */
const MAIN = new URL(`./thread${extname(import.meta.filename)}`, import.meta.url);
const MOST = 2;
const IDLE_MS = 10_000;
/** Most of what is made there is short-lived, and what is not is some hundred bytes a file: a tree of millions fits. */
const MEMORY = { maxYoungGenerationSizeMb: 3, maxOldGenerationSizeMb: 1024 };

interface Running {
  control: Control;
  onStaged: () => Promise<void>;
  resolve(answer: Jobs[JobName]['answer']): void;
  reject(error: unknown): void;
}

interface Thread {
  worker: Worker;
  called: Int32Array;
  running: Running | null;
  /** Whose job it may help. */
  helps: Control | null;
  idle: NodeJS.Timeout | null;
}

export interface RunOptions {
  signal?: AbortSignal | undefined;
  onStaged?: (() => Promise<void>) | undefined;
}

/** At most two threads, each with one job at a time; made when they are needed, and ended when nothing was for a while. */
export class Threads {
  readonly #given: Omit<Given, 'called'>;
  readonly #main: URL;
  readonly #threads = new Set<Thread>();
  readonly #waiting: (() => void)[] = [];
  readonly #running = new Set<Running>();
  #closed = false;

  /** `main`: the file that each of them runs. */
  constructor(given: Omit<Given, 'called'>, main = MAIN) {
    this.#given = given;
    this.#main = main;
  }

  /** Throws what the work throws; where the thread ends in the midst of it an Error that says so. */
  async run<Name extends JobName>(
    name: Name,
    job: Jobs[Name]['job'],
    { signal, onStaged = async () => {} }: RunOptions = {},
  ): Promise<Jobs[Name]['answer']> {
    let thread = this.#free();
    while (thread === null) {
      await new Promise<void>((wake) => this.#waiting.push(wake));
      thread = this.#free();
    }
    const control = new Control();
    const abort = (): void => control.abort();
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
    try {
      return await this.#give(thread, control, name, job, onStaged);
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#waiting.shift()?.();
    }
  }

  /** What can be given up is given up, the rest is waited for. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { control } of this.#running) control.abort();
    for (const wake of this.#waiting.splice(0)) wake();
    while (this.#running.size > 0) await new Promise<void>((over) => this.#waiting.push(over));
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  /** Null: wait, and ask again. */
  #free(): Thread | null {
    if (this.#closed) throw new Error('the server is shutting down');
    const free = [...this.#threads].filter(({ running }) => running === null);
    const unused = free.find(({ helps }) => helps === null);
    // One that helps is taken away from that only where there is no other.
    return unused ?? (this.#threads.size < MOST ? this.#start() : (free[0] ?? null));
  }

  #give<Name extends JobName>(
    thread: Thread,
    control: Control,
    name: Name,
    job: Jobs[Name]['job'],
    onStaged: () => Promise<void>,
  ): Promise<Jobs[Name]['answer']> {
    const { promise, resolve, reject } = Promise.withResolvers<Jobs[Name]['answer']>();
    const running: Running = { control, onStaged, resolve, reject };
    this.#running.add(running);
    thread.running = running;
    this.#busy(thread);
    Atomics.store(thread.called, 0, 1);
    try {
      say(thread, { type: 'job', name, job, control: control.shared });
    } catch (error) {
      reject(error); // it is no plain data
    }
    return promise.finally(() => {
      this.#running.delete(running);
      for (const other of this.#threads) if (other.helps === control) this.#rest(other);
      if (this.#threads.has(thread)) this.#rest(thread);
    });
  }

  #start(): Thread {
    const called = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const worker = new Worker(this.#main, {
      name: 'trees',
      // What the process was started with is not meant for it: --input-type, --eval.
      execArgv: [],
      env: {},
      resourceLimits: MEMORY,
      workerData: { ...this.#given, called } satisfies Given,
    });
    const thread: Thread = { worker, called: new Int32Array(called), running: null, helps: null, idle: null };
    this.#threads.add(thread);
    let failure: unknown = null;
    worker.on('message', (message: FromThread) => this.#heard(thread, message));
    worker.on('error', (error) => {
      failure = error;
      this.#threads.delete(thread);
    });
    worker.on('exit', (code) => {
      this.#threads.delete(thread);
      if (thread.idle) clearTimeout(thread.idle);
      thread.helps?.helperDied();
      const words = `the thread that worked on the files ended in the midst of it (exit code ${code})`;
      thread.running?.reject(new Error(words, { cause: failure }));
    });
    return thread;
  }

  #heard(thread: Thread, message: FromThread): void {
    const { running } = thread;
    if (running === null) return;
    if (message.type === 'done') running.resolve(message.answer);
    else if (message.type === 'failed') running.reject(thrown(message.error));
    else if (message.type === 'call') this.#lend(thread, running.control, message.port);
    else
      running.onStaged().then(
        () => say(thread, { type: 'staged', error: null }),
        (error) => say(thread, { type: 'staged', error: carried(error) }),
      );
  }

  /** Whoever is free helps; nobody has to. */
  #lend(asking: Thread, control: Control, port: MessagePort): void {
    const helper =
      [...this.#threads].find((each) => each !== asking && each.running === null) ??
      (this.#threads.size < MOST ? this.#start() : null);
    if (helper === null) return port.close();
    helper.helps = control;
    this.#busy(helper);
    say(helper, { type: 'help', port, control: control.shared }, [port]);
  }

  #busy(thread: Thread): void {
    if (thread.idle) clearTimeout(thread.idle);
    thread.idle = null;
    thread.worker.ref();
  }

  #rest(thread: Thread): void {
    thread.helps = null;
    if (thread.running && this.#running.has(thread.running)) return;
    thread.running = null;
    thread.worker.unref();
    thread.idle ??= setTimeout(() => {
      this.#threads.delete(thread);
      void thread.worker.terminate();
    }, IDLE_MS).unref();
  }
}

function say(thread: Thread, message: ToThread, transfer: MessagePort[] = []): void {
  thread.worker.postMessage(message, transfer);
}
