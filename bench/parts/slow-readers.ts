import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startClient } from '../client.ts';
import type { ReaderPlan, ReaderReport } from '../clients/reader.ts';
import type { Part } from '../part.ts';
import { type RunwireServer, runwire } from '../peers/runwire.ts';
import { type Growth, watchResident } from '../resident.ts';
import { figure, megabytes } from '../tables.ts';

export interface SlowReadersReport {
  bytes: number;
  ranSeconds: number;
  growth: Record<string, Growth>;
}

const LIMIT_SECONDS = 180;
const READERS_BYTES_PER_SECOND = 1e6;
const LINE = 'a line of text as a compiler or a test run prints it: 12345 passed, 0 failed';

/** Memory while a run prints far more than its two readers take. Needs as many bytes of free disk as it prints. */
export const slowReaders: Part<SlowReadersReport> = {
  name: 'slow-readers',
  async run(bench) {
    const bytes = bench.quick ? 64 * 2 ** 20 : 5 * 2 ** 30;
    const directory = bench.directory('slow-readers');
    const settings = { RUNWIRE_MAX_OUTPUT_BYTES: String(bytes) };
    const server = await runwire(join(directory, 'data'), join(directory, 'runwire.log'), settings);
    const clients = ['raw', 'sse'].map(() => startClient(join(import.meta.dirname, '../clients/reader.ts')));
    const read = (url: string, plan: Omit<ReaderPlan, 'url' | 'as'>) =>
      Promise.all(
        clients.map((client, index) => {
          const as = index === 0 ? 'raw' : 'sse';
          const whole: ReaderPlan = {
            ...plan,
            as,
            url: `${url}${as === 'raw' ? '/stdout?follow=true' : '/events'}`,
          };
          return client.ask<ReaderReport>(whole, LIMIT_SECONDS + 30);
        }),
      );
    try {
      // Warm: code is loaded and buffers have their size.
      const warm = await submit(server, 64 * 2 ** 20);
      await Promise.all([finished(warm, 64 * 2 ** 20), read(warm, { seconds: 30 })]);
      await sleep(1000);
      const watched = watchResident({ server: server.pid, supervisor: server.supervisorPid() ?? 0 });
      const begin = performance.now();
      const url = await submit(server, bytes);
      const linger = bench.quick ? 1 : 20;
      const reading = read(url, { bytesPerSecond: READERS_BYTES_PER_SECOND, seconds: LIMIT_SECONDS });
      reading.catch(() => {}); // they are cut off below
      await finished(url, bytes);
      const ranSeconds = (performance.now() - begin) / 1000;
      // The readers stay longer than the run, so that what would wait for them in memory is seen.
      await sleep(linger * 1000);
      return { bytes, ranSeconds, growth: watched() };
    } finally {
      for (const client of clients) client.stop();
      await server.stop();
    }
  },
  tables: ({ bytes, ranSeconds, growth }) => [
    {
      title: `${(bytes / 2 ** 30).toFixed(2)} GiB of output and two readers of 1 MB/s`,
      notes: [
        `The run took ${figure(ranSeconds)} s. Resident memory in MB, ten times a second, until 20 s after it.`,
      ],
      columns: ['', 'before', 'peak', 'after', 'growth'],
      rows: Object.entries(growth).map(([name, { before, peak, after }]) => [
        name,
        ...[before, peak, after, peak - before].map(megabytes),
      ]),
    },
  ],
  aims: ({ growth }) =>
    Object.entries(growth).map(([name, { before, peak }]) => ({
      aim: `slow readers: the ${name} grows by ≤ 100 MB`,
      measured: `${megabytes(peak - before)} MB`,
      reached: peak - before <= 100e6,
    })),
};

/** The address of the run. */
async function submit(server: RunwireServer, bytes: number): Promise<string> {
  const origin = `http://127.0.0.1:${server.port}`;
  const response = await fetch(`${origin}/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      runtime_kind: 'subprocess',
      command: ['/bin/sh', '-c', `yes '${LINE}' | head -c ${bytes}`],
      timeout_seconds: LIMIT_SECONDS,
      options: { max_output_bytes: bytes },
    }),
  });
  if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
  return `${origin}${response.headers.get('location')}`;
}

/** Throws unless the run succeeded with every byte kept. */
async function finished(url: string, bytes: number): Promise<void> {
  const record = (await (await fetch(`${url}?wait=${LIMIT_SECONDS}`)).json()) as {
    status: string;
    outcome: { stdout: { kept: number } } | null;
  };
  if (record.status !== 'succeeded' || record.outcome?.stdout.kept !== bytes)
    throw new Error(`the run ended as ${record.status} with ${record.outcome?.stdout.kept} bytes kept`);
}
