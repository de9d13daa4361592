import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuTime } from '../cpu.ts';
import { fillHistory } from '../history-records.ts';
import type { Aim, Bench, Part } from '../part.ts';
import { type RunwireServer, runwire } from '../peers/runwire.ts';
import { median, spread } from '../statistics.ts';
import { megabytes, type Table, withSpread } from '../tables.ts';
import { fillUnfinished } from '../unfinished-records.ts';

/** One start of a server. Seconds since its process was begun; null: not measured there. */
interface Start {
  listening: number;
  /** Nothing is being looked for any more. */
  recovered: number;
  /** A run that was POSTed as soon as it listened has its result. */
  firstRun: number | null;
  /** The longest that GET /healthz took until all was recovered, one request after the other. */
  worstAnswer: number;
  /** Processor time of the server until then. */
  cpu: number;
  /** Peak of the server's resident memory until then, bytes. */
  peak: number;
}

interface Scene {
  name: string;
  starts: Start[];
}

export interface RecoveryReport {
  records: number;
  programs: number;
  scenes: Scene[];
}

interface Recovery {
  queued: number;
  resumed: number;
  lost: number;
  still_recovering: number;
}

/** Says a line every 5 s, for ever. */
const PROGRAM = ['/bin/sh', '-c', 'i=0; while :; do i=$((i+1)); echo "line $i"; sleep 5; done'];
const SETTINGS = {
  RUNWIRE_LOG_LEVEL: 'warn',
  RUNWIRE_DRAIN_SECONDS: '0',
  RUNWIRE_MAX_QUEUE: '1000000',
  RUNWIRE_KILL_GRACE_SECONDS: '0',
};

/** A server that was killed, and how soon the next one listens, has taken up what was left, and does new work. */
export const recovery: Part<RecoveryReport> = {
  name: 'recovery',
  async run(bench) {
    const records = bench.quick ? 2000 : 100_000;
    const programs = bench.quick ? 20 : 500;
    const count = records.toLocaleString('en-US');
    const report: RecoveryReport = { records, programs, scenes: [] };
    const scene = async (name: string, prepare: (data: string) => Promise<Setting>): Promise<void> => {
      bench.say(`recovery: ${name}`);
      report.scenes.push({ name, starts: await startsOf(bench, report.scenes.length, prepare) });
    };
    await scene('nothing', async () => ({ left: 0 }));
    await scene(`${count} finished records`, (data) => withHistory(data, records));
    await scene(`${count} finished records, ${programs} running programs`, async (data) => ({
      ...(await withHistory(data, records)),
      programs,
      left: programs,
    }));
    for (const waiting of [records / 10, records]) {
      const many = waiting.toLocaleString('en-US');
      await scene(`${many} waiting manual runs`, (data) => withWaiting(data, 'manual', waiting));
      await scene(`${many} queued programs`, (data) => withWaiting(data, 'subprocess', waiting));
    }
    return report;
  },
  tables,
  aims,
};

/** What is there when the server is killed. */
interface Setting {
  /** Programs to be started before the kill. */
  programs?: number;
  /** Runs that the next server finds unfinished and carries on. */
  left: number;
  /** Runs that wait before any new one: that is not waited for. */
  queued?: number;
  settings?: Record<string, string>;
}

async function startsOf(
  bench: Bench,
  index: number,
  prepare: (data: string) => Promise<Setting>,
): Promise<Start[]> {
  const directory = bench.directory(`recovery-${index}`);
  const data = join(directory, 'data');
  const log = join(directory, 'runwire.log');
  const { programs = 0, left, queued = 0, settings } = await prepare(data);
  const start = () =>
    runwire(data, log, { ...SETTINGS, RUNWIRE_MAX_CONCURRENT: String(programs + 64), ...settings });
  let server = await start();
  const starts: Start[] = [];
  try {
    for (let program = 0; program < programs; program++) await submit(server, PROGRAM);
    for (let round = 0; round < bench.rounds; round++) {
      await kill(server);
      const begun = performance.now();
      server = await start();
      starts.push(await watch(server, begun, { left, queued }));
      if (programs > 0) await sleep(5500); // each says something to this server
    }
    return starts;
  } finally {
    await server.stop();
  }
}

async function watch(
  server: RunwireServer,
  begun: number,
  { left, queued }: { left: number; queued: number },
): Promise<Start> {
  const since = (): number => (performance.now() - begun) / 1000;
  const listening = since();
  const firstRun = queued > 0 ? Promise.resolve(null) : submit(server, ['/bin/true'], '?wait=50').then(since);
  let worstAnswer = 0;
  let over = false;
  const watching = (async () => {
    while (!over) {
      const asked = performance.now();
      await (await fetch(`${originOf(server)}/healthz`)).text();
      worstAnswer = Math.max(worstAnswer, (performance.now() - asked) / 1000);
      await sleep(5);
    }
  })();
  let found = await recoveryOf(server);
  while (found.still_recovering > 0) {
    await sleep(5);
    found = await recoveryOf(server);
  }
  const recovered = since();
  const { own: cpu } = cpuTime([server.pid]);
  if (found.resumed !== left || found.queued !== queued || found.lost > 0)
    throw new Error(`${left} runs were left and ${queued} queued: ${JSON.stringify(found)}`);
  const first = await firstRun;
  over = true;
  await watching;
  return { listening, recovered, firstRun: first, worstAnswer, cpu, peak: peakBytes(server.pid) };
}

/** As a crash does it: the supervisor stays. */
async function kill({ pid }: RunwireServer): Promise<void> {
  process.kill(pid, 'SIGKILL');
  while (isAlive(pid)) await sleep(5);
}

async function withHistory(data: string, records: number): Promise<Setting> {
  const server = await runwire(data, `${data}.fill.log`, SETTINGS);
  const template = await submit(server, ['/bin/true'], '?wait=30');
  await server.stop();
  await fillHistory(data, template, records);
  return { left: 0 };
}

async function withWaiting(data: string, kind: 'manual' | 'subprocess', records: number): Promise<Setting> {
  const manual = kind === 'manual';
  const settings: Record<string, string> = manual ? {} : { RUNWIRE_MAX_CONCURRENT: '1' };
  const server = await runwire(data, `${data}.fill.log`, { ...SETTINGS, ...settings });
  const first = await submit(server, PROGRAM, '', manual ? 'manual' : kind);
  const template = manual ? first : await submit(server, ['/bin/true']);
  await kill(server);
  await fillUnfinished(data, { template, count: records - 1, directories: manual });
  return manual ? { left: records } : { left: 1, queued: records, settings };
}

const originOf = ({ port }: RunwireServer): string => `http://127.0.0.1:${port}`;

/** The id of the new run. */
async function submit(
  server: RunwireServer,
  command: string[],
  query = '',
  kind = 'subprocess',
): Promise<string> {
  const answer = await fetch(`${originOf(server)}/invocations${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      runtime_kind: kind,
      ...(kind === 'subprocess' && { command, working_directory: '/tmp' }),
    }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status}: ${text}`);
  const { invocation, status } = JSON.parse(text) as {
    invocation: { invocation_id: string };
    status: string;
  };
  if (query !== '' && status !== 'succeeded') throw new Error(`the run is ${status}`);
  return invocation.invocation_id;
}

async function recoveryOf(server: RunwireServer): Promise<Recovery> {
  const { recovery: found } = (await (await fetch(`${originOf(server)}/readyz`)).json()) as {
    recovery: Recovery;
  };
  return found;
}

function peakBytes(pid: number): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * 1024;
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function tables({ scenes }: RecoveryReport): Table[] {
  const column = (starts: readonly Start[], of: (start: Start) => number | null): string => {
    const values = starts.map(of).filter((value) => value !== null);
    return values.length === 0 ? '–' : withSpread(spread(values));
  };
  return [
    {
      title: 'The next server after SIGKILL, seconds from the start of its process',
      notes: [
        `Median of ${scenes[0]?.starts.length ?? 0} kills, with the least and the most.`,
        'The new run is POSTed as soon as it listens; behind queued ones it is not waited for.',
        'Processor: time of the server until all was taken up. Worst answer: of GET /healthz, one after the other, until all was taken up.',
      ],
      columns: [
        'left by the one before',
        'listens',
        'all taken up',
        'first new run done',
        'worst answer',
        'processor',
        'peak MB',
      ],
      rows: scenes.map(({ name, starts }) => [
        name,
        column(starts, ({ listening }) => listening),
        column(starts, ({ recovered }) => recovered),
        column(starts, ({ firstRun }) => firstRun),
        column(starts, ({ worstAnswer }) => worstAnswer),
        column(starts, ({ cpu }) => cpu),
        megabytes(median(starts.map(({ peak }) => peak))),
      ]),
    },
  ];
}

function aims({ scenes }: RecoveryReport): Aim[] {
  return scenes.slice(1).map(({ name, starts }) => {
    const seconds = median(starts.map(({ listening }) => listening));
    return {
      aim: `left by a killed server: ${name}: the next one listens in < 2 s`,
      measured: `${seconds.toFixed(2)} s`,
      reached: seconds < 2,
    };
  });
}
