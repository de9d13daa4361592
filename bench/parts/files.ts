import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cpuTime } from '../cpu.ts';
import type { Bench, Part } from '../part.ts';
import { type RunwireServer, runwire } from '../peers/runwire.ts';
import { watchResident } from '../resident.ts';
import { inTurns } from '../rounds.ts';
import { figure } from '../tables.ts';
import { aims, type FilesReport, type FilesRound, type FilesRow, OWN, tables } from './files-report.ts';

const SMALL = { files: 1000, bytes: 4096 };
const LIMIT_MS = 120_000;
const PROBE_EVERY_MS = 5;

/** One thing to do with files: by the server, and by a program on the same disk. */
interface Task {
  what: string;
  /** In words, and for a shell in a new directory. */
  peer: string;
  script: string;
  curl(server: RunwireServer, kept: Kept): string[];
  /** What was sent is removed after each round. Not of many files: ext4 is slow to make new ones right after that. */
  isLarge: boolean;
}

/** Runs whose files are fetched. */
interface Kept {
  small: string;
  big: string;
}

const run = promisify(execFile);

/** Files into a run and out of it, beside tar, cp and cat on the same disk. */
export const files: Part<FilesReport> = {
  name: 'files',
  async run(bench) {
    if (!(await hasCurl())) {
      bench.skip('files: curl is not there');
      return null;
    }
    const directory = bench.directory('files');
    const bytes = bench.quick ? 2 ** 24 : 1e9;
    await makeFiles(directory, bytes);
    const settings = { RUNWIRE_MAX_UPLOAD_BYTES: String(2 * bytes) };
    const server = await runwire(join(directory, 'data'), join(directory, 'runwire.log'), settings);
    try {
      const rows: FilesRow[] = [];
      const kept = await keep(server, directory);
      for (const task of tasks(directory, bytes)) {
        bench.say(`files: ${task.what}`);
        const own = () => byRunwire(server, task.curl(server, kept), task.isLarge);
        await own(); // warm
        const sides = [
          { name: OWN, measure: own },
          { name: task.peer, measure: () => byPeer(bench, task) },
        ];
        for (const [{ name }, rounds] of await inTurns(sides, bench.rounds, ({ measure }) => measure()))
          rows.push({ what: task.what, name, rounds });
      }
      return { rows };
    } finally {
      await server.stop();
    }
  },
  tables,
  aims,
};

async function hasCurl(): Promise<boolean> {
  try {
    await run('curl', ['--version']);
    return true;
  } catch {
    return false;
  }
}

/** Bytes of no pattern, so that nothing on the way is faster than it would be. */
async function makeFiles(directory: string, bytes: number): Promise<void> {
  const { files: count, bytes: length } = SMALL;
  await run('/bin/sh', ['-c', `head -c ${bytes} /dev/urandom >big`], { cwd: directory });
  mkdirSync(join(directory, 'small'));
  for (let index = 0; index < count; index++)
    writeFileSync(join(directory, `small/${index}`), Buffer.alloc(length, `${index} `));
  await run('tar', ['cf', 'small.tar', 'small'], { cwd: directory });
  await run('tar', ['cf', 'big.tar', 'big'], { cwd: directory });
}

function tasks(directory: string, bytes: number): Task[] {
  const gigabyte = `${figure(bytes / 1e9)} GB`;
  const many = `${SMALL.files} files of ${SMALL.bytes / 1024} KB`;
  const file = (name: string): string => join(directory, name);
  const send = (part: string) => (server: RunwireServer) => [...submission(server), '-F', part];
  const fetched = (of: keyof Kept, path: string) => (_: RunwireServer, kept: Kept) => [`${kept[of]}/${path}`];
  return [
    {
      what: `in: ${many}, a tar`,
      peer: 'tar x',
      script: 'tar xf ../small.tar',
      curl: send(`archive=@${file('small.tar')}`),
      isLarge: false,
    },
    {
      what: `in: ${gigabyte}, a file`,
      peer: 'cp',
      script: 'cp ../big big',
      curl: send(`f=@${file('big')};filename=big`),
      isLarge: true,
    },
    {
      what: `in: ${gigabyte}, a tar`,
      peer: 'tar x',
      script: 'tar xf ../big.tar',
      curl: send(`archive=@${file('big.tar')}`),
      isLarge: true,
    },
    {
      what: `out: ${many}, a tar`,
      peer: 'tar c | cat',
      script: 'tar c -C .. small | cat >/dev/null',
      curl: fetched('small', 'archive'),
      isLarge: false,
    },
    {
      what: `out: ${gigabyte}, a tar`,
      peer: 'tar c | cat',
      script: 'tar c -C .. big | cat >/dev/null',
      curl: fetched('big', 'archive'),
      isLarge: true,
    },
    {
      what: `out: ${gigabyte}, a file`,
      peer: 'cat | cat',
      script: 'cat ../big | cat >/dev/null',
      curl: fetched('big', 'files/big'),
      isLarge: true,
    },
  ];
}

function submission({ port }: RunwireServer): string[] {
  const invocation = { runtime_kind: 'subprocess', command: ['/bin/true'] };
  return [`http://127.0.0.1:${port}/invocations`, '-F', `invocation=${JSON.stringify(invocation)}`];
}

async function keep(server: RunwireServer, directory: string): Promise<Kept> {
  const sent = async (part: string): Promise<string> => {
    const { stdout } = await run('curl', ['-sS', '--fail', ...submission(server), '-F', part]);
    return addressOf(server, stdout);
  };
  const small = await sent(`archive=@${join(directory, 'small.tar')}`);
  return { small, big: await sent(`f=@${join(directory, 'big')};filename=big`) };
}

function addressOf({ port }: RunwireServer, record: string): string {
  const { invocation } = JSON.parse(record) as { invocation: { invocation_id: string } };
  return `http://127.0.0.1:${port}/invocations/${invocation.invocation_id}`;
}

/** Until the server has said that they are there, or curl has all of them. What comes after that is not counted. */
async function byRunwire(server: RunwireServer, words: string[], isLarge: boolean): Promise<FilesRound> {
  const resident = watchResident({ server: server.pid }, PROBE_EVERY_MS);
  const health = watchHealth(server);
  const before = cpuTime([server.pid]).own;
  const begin = performance.now();
  const isSent = words.includes('-F');
  const output = isSent ? [] : ['-o', '/dev/null'];
  const { stdout } = await run('curl', ['-sS', '--fail', ...output, ...words], { timeout: LIMIT_MS });
  const seconds = (performance.now() - begin) / 1000;
  const cpu = cpuTime([server.pid]).own - before;
  const { before: least = 0, peak = 0 } = resident().server ?? {};
  const healthMs = await health();
  if (isSent) await finished(addressOf(server, stdout), isLarge);
  return { seconds, cpu, grown: peak - least, healthMs };
}

async function finished(address: string, isRemoved: boolean): Promise<void> {
  const { status } = (await (await fetch(`${address}?wait=30`)).json()) as { status: string };
  if (status !== 'succeeded') throw new Error(`the run ended as ${status}`);
  if (!isRemoved) return;
  const answer = await fetch(address, { method: 'DELETE' });
  if (!answer.ok) throw new Error(`DELETE: ${answer.status}`);
}

/** Asks all the time how the server is. Returns how it stops: with the longest that an answer took, ms. */
function watchHealth({ port }: RunwireServer): () => Promise<number> {
  let longest = 0;
  let over = false;
  const ask = () =>
    new Promise<void>((resolve, reject) => {
      const begin = performance.now();
      get({ port, host: '127.0.0.1', path: '/healthz', agent: false }, (answer) => {
        longest = Math.max(longest, performance.now() - begin);
        answer.resume().once('close', resolve);
      }).once('error', reject);
    });
  const asking = (async () => {
    for (; !over; await sleep(PROBE_EVERY_MS)) await ask();
  })();
  return async () => {
    over = true;
    await asking;
    return longest;
  };
}

/** In a new directory. */
async function byPeer(bench: Bench, { script, isLarge }: Task): Promise<FilesRound> {
  const place = bench.directory(`files/peer-${randomUUID()}`);
  const begin = performance.now();
  await run('/bin/sh', ['-c', script], { cwd: place, timeout: LIMIT_MS });
  const seconds = (performance.now() - begin) / 1000;
  if (isLarge) rmSync(place, { recursive: true, force: true });
  return { seconds, cpu: 0, grown: 0, healthMs: 0 };
}
