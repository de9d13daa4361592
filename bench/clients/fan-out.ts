import { connect, type Socket } from 'node:net';
import { ChunkedBody } from '../chunked-body.ts';
import { answerPlans } from '../client.ts';
import { monotonic } from '../clock.ts';
import { SharedBody } from '../shared-body.ts';
import { percentile } from '../statistics.ts';

/** One run that prints at a steady rate, and many readers of its events, some of whom stop reading until it has ended. */
export interface FanOutPlan {
  port: number;
  emitter: string;
  readers: number;
  /** So many of them stop after the head of the answer. */
  stopped: number;
  bytesPerSecond: number;
  seconds: number;
  /** From now until the program begins to print: all readers must be there by then. */
  leadSeconds: number;
  limitSeconds: number;
}

export interface FanOutReport {
  /** Of the program, as decoded from one reader's events; all others got the same bytes. */
  output: number;
  /** Bytes that one reader got. */
  received: number;
  /** From the program's write to a reader's read, ms, over those that did not stop. */
  lagP50: number;
  lagP99: number;
  lagMax: number;
  /** From the time the program should end until the readers that did not stop have all, and until all have. */
  readSeconds: number;
  allSeconds: number;
  clientCpuSeconds: number;
}

const WRITES_PER_SECOND = 100;
/** All sockets read into it: what is in it is dealt with before the next read. */
const BUFFER = Buffer.alloc(256 * 1024);

/** One reader of the events. */
class Reader {
  readonly done = Promise.withResolvers<void>();
  readonly #shared: SharedBody;
  readonly #lags: number[] | null;
  readonly #body = new ChunkedBody();
  readonly #socket: Socket;
  #position = 0;
  #mark = 0;
  #stopped: boolean;

  constructor(plan: FanOutPlan, path: string, shared: SharedBody, lags: number[] | null) {
    this.#shared = shared;
    this.#lags = lags;
    this.#stopped = lags === null;
    this.#socket = connect({
      host: '127.0.0.1',
      port: plan.port,
      onread: { buffer: BUFFER, callback: (count) => this.#take(BUFFER.subarray(0, count)) },
    });
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`);
    this.#socket.once('error', this.done.reject);
    this.#socket.once('close', () => {
      if (!this.#body.ended) this.done.reject(new Error('a stream was broken off'));
    });
  }

  resume(): void {
    this.#stopped = false;
    this.#socket.resume();
  }

  destroy(): void {
    this.done.promise.catch(() => {});
    this.#socket.destroy();
  }

  /** False stops reading. */
  #take(bytes: Buffer): boolean {
    try {
      this.#body.push(bytes, (start, end) => {
        if (!this.#shared.take(this.#position, bytes.subarray(start, end)))
          throw new Error('two readers got different bytes');
        this.#position += end - start;
      });
      if (this.#body.status !== 0 && this.#body.status !== 200)
        throw new Error(`answered ${this.#body.status}`);
      this.#lag();
      if (this.#body.ended) this.#end();
    } catch (error) {
      this.done.reject(error);
      return false;
    }
    return !(this.#stopped && this.#body.status === 200);
  }

  #lag(): void {
    if (this.#lags === null) return;
    const now = monotonic();
    const { marks } = this.#shared;
    for (let mark = marks[this.#mark]; mark && mark.at <= this.#position; mark = marks[++this.#mark])
      this.#lags.push((now - mark.time) / 1e6);
  }

  #end(): void {
    if (this.#position === this.#shared.length) this.done.resolve();
    else this.done.reject(new Error('a reader got less than another'));
    this.#socket.destroy();
  }
}

async function fanOut(plan: FanOutPlan): Promise<FanOutReport> {
  const begin = monotonic() + plan.leadSeconds * 1e9;
  const write = plan.bytesPerSecond / WRITES_PER_SECOND;
  const command = [plan.emitter, write, 1e6 / WRITES_PER_SECOND, plan.seconds, begin].map(String);
  const origin = `http://127.0.0.1:${plan.port}`;
  const accepted = await fetch(`${origin}/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ runtime_kind: 'subprocess', command, timeout_seconds: plan.limitSeconds }),
  });
  const path = accepted.headers.get('location') ?? '';
  if (accepted.status !== 202) throw new Error(`${accepted.status} ${await accepted.text()}`);
  await accepted.text();
  const shared = new SharedBody(plan.bytesPerSecond * plan.seconds * 1.5 + 1e6);
  const lags: number[] = [];
  const cpu = process.cpuUsage();
  const readers = Array.from({ length: plan.readers }, (_, index) => {
    const stops = index < plan.stopped;
    return { stops, reader: new Reader(plan, `${path}/events`, shared, stops ? null : lags) };
  });
  const sinceEnd = () => (monotonic() - begin) / 1e9 - plan.seconds;
  const all = (which: typeof readers) => Promise.all(which.map(({ reader }) => reader.done.promise));
  try {
    await all(readers.filter(({ stops }) => !stops));
    const readSeconds = sinceEnd();
    for (const { reader } of readers.filter(({ stops }) => stops)) reader.resume();
    await all(readers);
    const allSeconds = sinceEnd();
    const { user, system } = process.cpuUsage(cpu);
    return {
      output: shared.verify(),
      received: shared.length,
      lagP50: percentile(lags, 0.5),
      lagP99: percentile(lags, 0.99),
      lagMax: percentile(lags, 1),
      readSeconds,
      allSeconds,
      clientCpuSeconds: (user + system) / 1e6,
    };
  } finally {
    for (const { reader } of readers) reader.destroy();
    await (await fetch(`${origin}${path}`, { method: 'DELETE' })).text();
  }
}

await answerPlans(fanOut);
