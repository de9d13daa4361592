import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, startClient } from '../../bench/client.ts';
import type { ReaderPlan, ReaderReport } from '../../bench/clients/reader.ts';

let client: Client;

async function read(
  body: string,
  changes: Pick<ReaderPlan, 'as'> & Partial<ReaderPlan>,
): Promise<ReaderReport> {
  await using server = createServer((_, response) => response.end(body));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const plan: ReaderPlan = { url: `http://127.0.0.1:${address.port}/`, seconds: 20, ...changes };
  return await client.ask<ReaderReport>(plan, 40);
}

const output = (seq: number, length: number) =>
  `id: ${seq}\nevent: stdout\ndata: {"seq":${seq},"type":"stdout","length":${length},"text":"${'x'.repeat(length)}"}\n\n`;
const finished = (seq: number) => `id: ${seq}\nevent: finished\ndata: {}\n\n`;

describe('A reader of the bench', () => {
  beforeAll(() => {
    client = startClient(resolve(import.meta.dirname, '../../bench/clients/reader.ts'));
  });
  afterAll(() => client.stop());

  test('counts raw bytes', async () => {
    expect(await read('x'.repeat(100_000), { as: 'raw' })).toMatchObject({ output: 100_000, complete: true });
  });

  test('counts events and the output they stand for', async () => {
    const report = await read(`: hello\n\n${output(1, 5)}${output(2, 70_000)}${finished(3)}`, { as: 'sse' });
    expect(report).toMatchObject({ events: 3, output: 70_005, complete: true });
  });

  test('sees a hole in seq and a missing end', async () => {
    expect(await read(output(1, 5) + finished(3), { as: 'sse' })).toMatchObject({ complete: false });
    expect(await read(output(1, 5), { as: 'sse' })).toMatchObject({ complete: false });
  });

  test('stops taking at its rate', async () => {
    const report = await read('x'.repeat(30e6), { as: 'raw', bytesPerSecond: 1e6, seconds: 1 });
    expect(report.complete).toBe(false);
    expect(report.received).toBeLessThan(20e6);
  });
});
