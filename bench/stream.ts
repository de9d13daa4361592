import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import type { ReaderPlan, ReaderReport } from './clients/reader.ts';
import { describeMachine } from './machine.ts';
import { type RunwireServer, runwire } from './peers/runwire.ts';
import { type Growth, residentBytes, watchResident } from './resident.ts';
import { ratios, type Spread, spread, table } from './statistics.ts';

const { values: options } = parseArgs({
  options: {
    bytes: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    /** No run and no reader lasts longer. */
    'limit-seconds': { type: 'string', default: '120' },
    memory: { type: 'boolean', default: false },
    'data-dir': { type: 'string', default: '.runwire' },
    json: { type: 'string' },
  },
});

const MB = 1e6;
const bytes = Number(options.bytes ?? (options.memory ? 5 * 2 ** 30 : 2 ** 30));
const limitSeconds = Number(options['limit-seconds']);
const run = promisify(execFile);

const LINE = 'a line of text as a compiler or a test run prints it: 12345 passed, 0 failed';
/** Programs as text for sh, so that the pipe into cat and the run start the very same. */
const PROGRAMS: Record<string, (count: number) => string> = {
  'text lines': (count) => `yes '${LINE}' | head -c ${count}`,
  'zero bytes': (count) => `head -c ${count} /dev/zero`,
};

async function read(plan: ReaderPlan): Promise<ReaderReport> {
  const { stdout } = await run(process.execPath, [
    join(import.meta.dirname, 'clients/reader.ts'),
    JSON.stringify(plan),
  ]);
  return JSON.parse(stdout) as ReaderReport;
}

interface Submitted {
  url: string;
  /** The finished record; throws unless the run succeeded with every byte kept. */
  finished(): Promise<unknown>;
}

async function submit(server: RunwireServer, script: string, count: number): Promise<Submitted> {
  const origin = `http://127.0.0.1:${server.port}`;
  const response = await fetch(`${origin}/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      runtime_kind: 'subprocess',
      command: ['/bin/sh', '-c', script],
      timeout_seconds: limitSeconds,
      options: { max_output_bytes: count },
    }),
  });
  const text = await response.text();
  if (response.status !== 202) throw new Error(`${response.status} ${text}`);
  const url = `${origin}${response.headers.get('location')}`;
  return {
    url,
    finished: async () => {
      const record = (await (await fetch(`${url}?wait=${limitSeconds}`)).json()) as {
        status: string;
        outcome: { stdout: { bytes: number; kept: number } } | null;
      };
      const kept = record.outcome?.stdout.kept;
      if (record.status !== 'succeeded' || kept !== count) {
        throw new Error(`the run ended as ${record.status} with ${kept} of ${count} bytes kept`);
      }
      return record;
    },
  };
}

const remove = (url: string) => fetch(url, { method: 'DELETE' });
const since = (begin: number) => (performance.now() - begin) / 1000;

/** Seconds of one round, each from the start of the program. */
interface Round {
  cat: number;
  run: number;
  raw: number;
  sse: number;
  sseReceived: number;
}

async function round(server: RunwireServer, program: string): Promise<Round> {
  const beginCat = performance.now();
  await run('/bin/sh', ['-c', `${program} | cat >/dev/null`]);
  const cat = since(beginCat);

  const begin = performance.now();
  const { url, finished } = await submit(server, program, bytes);
  const timed = async <T>(work: Promise<T>) => ({ value: await work, seconds: since(begin) });
  const [ended, raw, sse] = await Promise.all([
    timed(finished()),
    timed(read({ url: `${url}/stdout?follow=true`, as: 'raw', seconds: limitSeconds })),
    timed(read({ url: `${url}/events`, as: 'sse', seconds: limitSeconds })),
  ]);
  for (const [name, { value }] of Object.entries({ raw, sse })) {
    if (!value.complete || value.output !== bytes) {
      throw new Error(
        `the ${name} reader got ${value.output} of ${bytes} bytes, complete: ${value.complete}`,
      );
    }
  }
  await remove(url);
  return { cat, run: ended.seconds, raw: raw.seconds, sse: sse.seconds, sseReceived: sse.value.received };
}

async function throughput(server: RunwireServer) {
  const rows = [['1 run, 2 readers', 's', 'MB/s', '× the time of cat (least–most)']];
  const results: Record<string, Round[]> = {};
  for (const [name, program] of Object.entries(PROGRAMS)) {
    const rounds: Round[] = [];
    for (let i = 0; i < Number(options.rounds); i++) rounds.push(await round(server, program(bytes)));
    results[name] = rounds;
    const of = (key: keyof Round) => rounds.map((each) => each[key]);
    const ratio = ({ median, min, max }: Spread) =>
      `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
    for (const [label, key] of [
      ['| cat', 'cat'],
      ['run finished', 'run'],
      ['raw follower has all', 'raw'],
      ['SSE reader has all', 'sse'],
    ] as const) {
      const { median } = spread(of(key));
      const cells = [median.toFixed(2), (bytes / MB / median).toFixed(0), ratio(ratios(of(key), of('cat')))];
      rows.push([`${name}: ${label}`, ...cells]);
    }
    rows.push([`${name}: SSE bytes a byte of output`, (spread(of('sseReceived')).median / bytes).toFixed(2)]);
  }
  console.log(`${bytes} bytes of output; median of ${options.rounds} rounds\n\n${table(rows)}`);
  return results;
}

async function memory(server: RunwireServer) {
  const lines = PROGRAMS['text lines'] as (count: number) => string;
  const idle: Record<string, number> = {
    server: residentBytes(server.pid),
    supervisor: residentBytes(server.supervisorPid() ?? 0),
  };
  // Warm: code is loaded and buffers have their size.
  const warm = await submit(server, lines(64 * 2 ** 20), 64 * 2 ** 20);
  await Promise.all([
    warm.finished(),
    read({ url: `${warm.url}/stdout?follow=true`, as: 'raw', seconds: 30 }),
    read({ url: `${warm.url}/events`, as: 'sse', seconds: 30 }),
  ]);
  await sleep(1000);
  const supervisor = server.supervisorPid();
  if (supervisor === undefined)
    throw new Error('there is no process with src/supervisor/main.ts of this data directory');

  const stopWatch = watchResident({ server: server.pid, supervisor });
  const begin = performance.now();
  const { url, finished } = await submit(server, lines(bytes), bytes);
  // The slow readers stay 20 s longer than the run, so that what would wait for them in memory is seen.
  const slow = { bytesPerSecond: MB, seconds: limitSeconds };
  const readers = Promise.all([
    read({ ...slow, url: `${url}/stdout?follow=true`, as: 'raw' }),
    read({ ...slow, url: `${url}/events`, as: 'sse' }),
  ]);
  readers.catch(() => {});
  await finished();
  const ranSeconds = since(begin);
  await sleep(20_000);
  const growth: Record<string, Growth> = stopWatch();
  const grown = Object.values(growth).map(({ before, peak }) => peak - before);
  const mb = (value: number) => (value / MB).toFixed(0);
  const rows = [['resident MB', 'idle', 'before', 'peak', 'after', 'growth']];
  for (const [name, { before, peak, after }] of Object.entries(growth)) {
    rows.push([name, mb(idle[name] ?? Number.NaN), mb(before), mb(peak), mb(after), mb(peak - before)]);
  }
  console.log(
    `${bytes} bytes of output in ${ranSeconds.toFixed(1)} s, a raw and an SSE reader at 1 MB/s\n\n${table(rows)}`,
  );
  console.log(`\nwithin 100 MB: ${grown.every((value) => value <= 100 * MB) ? 'yes' : 'NO'}`);
  return { ranSeconds, idle, growth };
}

mkdirSync(options['data-dir'], { recursive: true });
const directory = mkdtempSync(resolve(options['data-dir'], 'bench-'));
const machine = describeMachine(directory);
console.log(
  `${machine.cores} cores, ${machine.cpu}, Linux ${machine.kernel}, Node ${machine.node}, data on ${machine.dataOn}`,
);
const server = await runwire(join(directory, 'data'), join(directory, 'runwire.log'), {
  RUNWIRE_MAX_OUTPUT_BYTES: String(bytes),
});
try {
  const result = options.memory ? { memory: await memory(server) } : { throughput: await throughput(server) };
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify({ machine, bytes, ...result }, null, 2)}\n`);
} finally {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
}
process.exit();
