import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { EventSource, fetch } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RuntimeEvent } from '../../src/documents/event.ts';
import { buildEngine, type TestEngine } from '../helpers/build-engine.ts';
import { exited, scripted } from '../helpers/fake-runner.ts';
import { type Step, writeStep } from '../helpers/recorded-run.ts';
import { steps } from './steps.ts';

const TYPES = ['status', 'stdout', 'stderr', 'progress', 'artifact', 'gap', 'finished'];
const programs = new Map<string, Step[]>();
let server: TestEngine;
let address: string;
let count = 0;

const runner = scripted(async ({ invocation, output }) => {
  for (const step of programs.get(invocation.invocation_id) ?? []) {
    writeStep(output, step);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return exited();
});

beforeAll(async () => {
  server = buildEngine({ runners: [runner] });
  address = await server.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => server[Symbol.asyncDispose]());

interface Received {
  id: string;
  type: string;
  data: string;
}

/** As a browser reads: reconnects until the server says 204. */
function byEventSource(url: string): Promise<Received[]> {
  const source = new EventSource(url);
  const received: Received[] = [];
  return new Promise((resolve, reject) => {
    for (const type of TYPES)
      source.addEventListener(type, (event) => {
        const { lastEventId, data } = event as unknown as { lastEventId: string; data: string };
        received.push({ id: lastEventId, type, data });
      });
    source.addEventListener('message', () => reject(new Error('an event without a type')));
    source.onerror = () => {
      if (received.at(-1)?.type !== 'finished') return;
      source.close();
      resolve(received);
    };
  });
}

async function byParser(url: string, lastEventId?: string): Promise<Received[]> {
  const received: Received[] = [];
  const parser = createParser({
    onEvent: ({ id = '', event = '', data }) => received.push({ id, type: event, data }),
    onError: (error) => {
      throw error;
    },
  });
  const headers = { accept: 'text/event-stream', ...(lastEventId && { 'last-event-id': lastEventId }) };
  const response = await fetch(url, { headers });
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  // Cut anew, at the worst places: byte by byte.
  for (const byte of new Uint8Array(await response.arrayBuffer()))
    parser.feed(decoder.decode(Uint8Array.of(byte), { stream: true }));
  parser.feed(decoder.decode());
  return received;
}

async function byNdjson(url: string): Promise<string[]> {
  const text = await (await fetch(url, { headers: { accept: 'application/x-ndjson' } })).text();
  return text.split('\n').slice(0, -1);
}

/** What ends a line to somebody: HTML, ECMAScript, Python's str.splitlines, Unicode (UAX 14). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const ANY_BREAK = /\r\n|[\n\r\u2028\u2029\u0085\u000b\u000c\u001c-\u001e]/;

test('two independent clients and the bare lines tell the same events, of any text', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (program) => {
      const id = `run-${++count}`;
      programs.set(id, program);
      await server.post({ runtime_kind: 'scripted', invocation_id: id });
      const url = `${address}/invocations/${id}/events`;
      const [browser, parsed, lines] = await Promise.all([byEventSource(url), byParser(url), byNdjson(url)]);
      expect(parsed).toEqual(browser);
      expect(parsed.map(({ data }) => data)).toEqual(lines);
      const events = lines.map((line) => JSON.parse(line) as RuntimeEvent);
      expect(parsed.map(({ id: seq, type }) => ({ seq, type }))).toEqual(
        events.map(({ seq, type }) => ({ seq: String(seq), type })),
      );
      const messages = program.flatMap((step) => ('progress' in step ? [step.progress.message] : []));
      expect(events.flatMap((event) => (event.type === 'progress' ? [event.message] : []))).toEqual(
        messages.map((message) => message?.toWellFormed()),
      );
      const middle = events.length >> 1;
      expect(await byParser(url, String(middle))).toEqual(parsed.slice(middle));
      expect((await fetch(url, { headers: { 'last-event-id': String(events.length) } })).status).toBe(204);
    }),
    { numRuns: 25 },
  );
}, 300_000);

test('whoever splits lines, by whatever rule, sees the same lines, of any text', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (program) => {
      const id = `lines-${++count}`;
      programs.set(id, program);
      await server.post({ runtime_kind: 'scripted', invocation_id: id });
      for (const accept of ['text/event-stream', 'application/x-ndjson']) {
        const response = await fetch(`${address}/invocations/${id}/events`, { headers: { accept } });
        const text = await response.text();
        expect(text.split(ANY_BREAK)).toEqual(text.split('\n'));
      }
    }),
    { numRuns: 25 },
  );
}, 300_000);

test('line breaks, NUL, byte order marks and what looks like framing arrive as they were written', async () => {
  const text = 'a\nb\rc\r\nd\u2028e\u2029f\0g\ufeffh\n\nid: 7\nevent: finished\ndata: {}\n\n: x\n\u0085😀';
  for (const value of [text, `\ufeff${text}`]) {
    const id = `text-${++count}`;
    programs.set(id, [
      { write: 'stdout', bytes: Buffer.from(value) },
      { progress: { message: value, data: { [value]: value } } },
    ]);
    await server.post({ runtime_kind: 'scripted', invocation_id: id });
    const received = await byEventSource(`${address}/invocations/${id}/events`);
    const events = received.map(({ data }) => JSON.parse(data) as RuntimeEvent);
    expect(events.map((event) => (event.type === 'stdout' ? event.text : '')).join('')).toBe(value);
    expect(events.find((event) => event.type === 'progress')).toMatchObject({
      message: value,
      data: { [value]: value },
    });
  }
});
