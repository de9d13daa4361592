import { setTimeout as sleep } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import type { RuntimeEvent } from '../../../src/documents/event.ts';
import type { Reading } from './plan.ts';
import type { Breaks } from './request.ts';

const PAUSE_MS = 50;
const GIVE_UP_MS = 240_000;

/** What one client got of a run, over all its connections. */
export interface Reader {
  readonly reading: Reading;
  /** Events, as lines of JSON; [] for a reader of bytes. */
  readonly lines: readonly string[];
  /** Of a reader of bytes; null for a reader of events. */
  readonly bytes: Buffer | null;
  /** It has all. */
  readonly finished: boolean;
}

/** Events from the body of an answer, in either form, with the state that a resumption needs. */
export class EventReader implements Reader {
  readonly reading: Reading;
  readonly bytes = null;
  readonly lines: string[] = [];
  finished = false;
  lastSeq = 0;

  constructor(reading: Reading) {
    this.reading = reading;
  }

  /** Take one connection's answer until it ends or breaks. */
  async take(body: AsyncIterable<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    const sse = this.reading.view === 'sse';
    const parser = createParser({ onEvent: ({ data, id }) => this.#event(data, id) });
    let rest = '';
    for await (const chunk of body) {
      const text = decoder.decode(chunk, { stream: true });
      if (sse) parser.feed(text);
      else {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) this.#event(line);
      }
      if (this.reading.restMs > 0) await sleep(this.reading.restMs);
    }
  }

  /** How the next connection begins where this one broke off. */
  get resumption(): { path: string; headers: Record<string, string> } {
    return this.reading.view === 'sse'
      ? { path: 'events', headers: { accept: 'text/event-stream', 'last-event-id': String(this.lastSeq) } }
      : { path: `events?after=${this.lastSeq}`, headers: { accept: 'application/x-ndjson' } };
  }

  #event(line: string, id?: string): void {
    const { seq, type } = JSON.parse(line) as RuntimeEvent;
    if (seq !== this.lastSeq + 1) throw new Error(`event ${seq} came after ${this.lastSeq}`);
    if (id !== undefined && id !== String(seq)) throw new Error(`event ${seq} has the id ${id}`);
    if (this.finished) throw new Error(`event ${seq} came after finished`);
    this.lastSeq = seq;
    this.finished = type === 'finished';
    this.lines.push(line);
  }
}

/** Bytes of one stream, or of both in order of arrival. */
export class ByteReader implements Reader {
  readonly reading: Reading;
  readonly lines: string[] = [];
  bytes: Buffer = Buffer.alloc(0);
  finished = false;

  constructor(reading: Reading) {
    this.reading = reading;
  }

  /** After a crash it begins with the first byte again, and must be what it was. */
  async take(body: AsyncIterable<Uint8Array>): Promise<void> {
    const { view, restMs } = this.reading;
    const chunks: Uint8Array[] = [];
    const broken = await collect(body, chunks, restMs);
    const now = Buffer.concat(chunks);
    const common = Math.min(this.bytes.length, now.length);
    if (!this.bytes.subarray(0, common).equals(now.subarray(0, common)))
      throw new Refused(`${view} is not what it was before the crash`);
    if (broken === null && now.length < this.bytes.length)
      throw new Refused(`${view} is shorter than it was before the crash`);
    if (now.length > this.bytes.length) this.bytes = now;
    if (broken !== null) throw broken;
    this.finished = true;
  }

  get resumption(): { path: string; headers: Record<string, string> } {
    return { path: `${this.reading.view}?follow=true`, headers: {} };
  }
}

/** Follow a run, over every crash, until the reader has all. */
export async function follow(run: string, reader: EventReader | ByteReader, breaks: Breaks): Promise<void> {
  const giveUpAt = Date.now() + GIVE_UP_MS;
  for (let connections = 0; !reader.finished; await sleep(PAUSE_MS))
    try {
      const { path, headers } = reader.resumption;
      const response = await fetch(`${run}/${path}`, { headers });
      if (response.status !== 200)
        throw new Refused(`${run}/${path}: ${response.status}: ${await response.text()}`);
      if (connections++ > 0) breaks.resumes++;
      if (response.body) await reader.take(response.body);
    } catch (error) {
      if (!isBroken(error)) throw error;
      if (Date.now() > giveUpAt) throw new Error(`${run} does not end`, { cause: error });
    }
}

/** Returns why the body broke off, or null when it ended in order. */
async function collect(
  body: AsyncIterable<Uint8Array>,
  chunks: Uint8Array[],
  restMs: number,
): Promise<unknown> {
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      if (restMs > 0) await sleep(restMs);
    }
    return null;
  } catch (error) {
    return error;
  }
}

/** An answer that is a fault of the server's and not of its death. */
class Refused extends Error {}

/** What fetch says of a connection that could not be made, or that broke. */
function isBroken(error: unknown): boolean {
  return error instanceof TypeError && (error.message === 'fetch failed' || error.message === 'terminated');
}
