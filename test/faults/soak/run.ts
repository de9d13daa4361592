import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { DOCKER_HOST, testImage } from '../../helpers/docker/image.ts';
import { own } from '../../helpers/own-id.ts';
import { processesWith } from '../../helpers/processes.ts';
import { soakBackend } from './backend.ts';
import { live, newStory, type Story } from './client.ts';
import { type Kind, type Plan, planRuns } from './plan.ts';
import { Random } from './random.ts';
import { type Breaks, insist, postJson } from './request.ts';
import { chaos, SoakServer, steadyPort } from './server.ts';
import { type Figures, judge } from './verdict.ts';
import { startWorkers } from './worker.ts';

export interface SoakOptions {
  seed: number;
  runs: number;
  /** After so long no run is begun and nothing is killed any more. */
  seconds: number;
  kinds: readonly Kind[];
  dataDir: string;
  marks: string;
}

/** Clients that work at the same time, each with one run after the other. */
const CLIENTS = 14;
const CONCURRENT = 10;
const WORKERS = 6;
const JUDGES = 4;
const SETTLE_MS = 60_000;

/** Runs of all kinds beside a server that is killed again and again. `failures`: all that does not hold, in words. */
export async function soak(options: SoakOptions): Promise<{ failures: string[]; report: string }> {
  const { seed, runs, seconds, kinds, dataDir, marks } = options;
  mkdirSync(dataDir, { mode: 0o700 });
  const began = performance.now();
  const failures: string[] = [];
  const plans = planRuns(seed, runs, kinds);
  const breaks: Breaks = { requests: 0, resumes: 0, claims: 0 };
  await using backend = await soakBackend(plans, seed);
  const server = new SoakServer({
    dataDir,
    port: await steadyPort(),
    variables: {
      RUNWIRE_LOG_LEVEL: 'warn',
      RUNWIRE_MAX_CONCURRENT: String(CONCURRENT),
      RUNWIRE_MAX_CALLS: String(CONCURRENT),
      RUNWIRE_DOCKER_MOUNT_ROOTS: marks,
      ...(DOCKER_HOST !== '' && { DOCKER_HOST }),
    },
  });
  try {
    await server.listens();
    const around = {
      name: own(`soak-${seed}`),
      backend: backend.url,
      marks,
      image: kinds.includes('docker') ? await testImage() : null,
    };
    const calm = new AbortController();
    const enough = setTimeout(() => calm.abort(), seconds * 1000);
    const killing = chaos(server, new Random(seed + 1), calm.signal);
    const workers = startWorkers(server.url, plans, breaks, WORKERS);
    const stories = plans.map((plan) => newStory(plan, around));
    await each(stories, CLIENTS, async (story) => {
      if (calm.signal.aborted) return;
      try {
        await live(story, { url: server.url, around, breaks });
      } catch (error) {
        failures.push(`run ${story.plan.n} (${story.plan.kind}): ${wordsOf(error)}`);
      }
    });
    clearTimeout(enough);
    calm.abort();
    await killing;
    const livedMs = performance.now() - began;
    await endOrphans(server.url, stories, breaks);
    await settled(server.url, breaks);
    await workers.end();
    for (const words of workers.lost) failures.push(`a living worker lost its claim: ${words}`);
    // What is judged is what the next server finds on the disk.
    await server.killServer();
    server.killSupervisor();
    await server.restart(new Random(seed), 0);

    const records = await allRecords(server.url, breaks);
    failures.push(...forgotten(stories, records), ...overtaken(records));
    const figures: Figures[] = [];
    const told = new Map(stories.map((story) => [story.id, story]));
    await each(records, JUDGES, async (record) => {
      const id = record.invocation.invocation_id;
      const plan = plans[Number(record.invocation.metadata.soak)];
      if (plan === undefined) throw new Error(`${id} is of no plan`);
      try {
        figures.push(await judge(id, plan, told.get(id) ?? null, { server, backend, marks }));
      } catch (error) {
        failures.push(`run ${plan.n} (${plan.kind}): ${wordsOf(error)}`);
      }
    });
    if (figures.length === 0) failures.push('nothing was judged');
    failures.push(...(await leftovers(records, dataDir)));
    const took = { livedMs, allMs: performance.now() - began };
    const begun = plans.filter((_, n) => stories[n]?.begun);
    const report = reportOf({ seed, plans: begun, records, figures, breaks, server, took });
    const said = server.said + readFileSync(`${dataDir}/supervisor.log`, 'utf8');
    return { failures: [...failures, ...complaints(said)], report };
  } finally {
    await server.stop();
    for (const pid of processesWith(dataDir)) process.kill(pid, 'SIGTERM');
    for (let n = 0; n < 500 && processesWith(dataDir).length > 0; n++) await sleep(20);
  }
}

/** With the first of the lines that are not as expected: all would be too many. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { actual, expected } = error as { actual?: unknown; expected?: unknown };
  const words = error.stack ?? error.message;
  if (!Array.isArray(actual) || !Array.isArray(expected)) return words;
  const at = actual.findIndex((line, n) => JSON.stringify(line) !== JSON.stringify(expected[n]));
  return `${words}\n[${at}] is ${JSON.stringify(actual[at])?.slice(0, 500)}, not ${JSON.stringify(expected[at])?.slice(0, 500)}`;
}

/** Runs of POSTs without an answer have no client that feeds, cancels or knows them. */
async function endOrphans(url: string, stories: readonly Story[], breaks: Breaks): Promise<void> {
  const known = new Set(stories.map(({ id }) => id));
  for (const { invocation, finished_at } of await allRecords(url, breaks))
    if (finished_at === null && !known.has(invocation.invocation_id))
      await insist(`${url}/invocations/${invocation.invocation_id}/cancel`, postJson({}), breaks);
}

/** Every run has ended, and every result has been delivered. */
async function settled(url: string, breaks: Breaks): Promise<void> {
  const giveUpAt = Date.now() + SETTLE_MS;
  for (;;) {
    const open = (await allRecords(url, breaks)).filter(
      ({ finished_at, on_finish }) => finished_at === null || (on_finish && on_finish.state !== 'delivered'),
    );
    if (open.length === 0) return;
    if (Date.now() > giveUpAt) throw new Error(`these do not end: ${open.map(briefly).join('; ')}`);
    await sleep(200);
  }
}

function briefly({ invocation, status, on_finish }: RunRecord): string {
  const { invocation_id: id, runtime_kind: kind, metadata } = invocation;
  return `${id} (${kind}, run ${metadata.soak}): ${status}, delivery ${JSON.stringify(on_finish)}`;
}

async function allRecords(url: string, breaks: Breaks): Promise<RunRecord[]> {
  const records: RunRecord[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { text } = await insist(`${url}/invocations?limit=500${cursor && `&cursor=${cursor}`}`, {}, breaks);
    const page = JSON.parse(text) as { items: RunRecord[]; next_cursor: string | null };
    records.push(...page.items);
    cursor = page.next_cursor;
  }
  return records;
}

/** Every run whose POST was answered is there, and none twice that had a name. */
function forgotten(stories: readonly Story[], records: readonly RunRecord[]): string[] {
  return stories.flatMap(({ plan, id, postsWithoutAnswer }) => {
    const made = records.flatMap(({ invocation }) =>
      invocation.metadata.soak === String(plan.n) ? [invocation.invocation_id] : [],
    );
    if (id !== null && !made.includes(id)) return [`${id} (run ${plan.n}) was forgotten`];
    return made.length > 1 + postsWithoutAnswer
      ? [`run ${plan.n} was made ${made.length} times: ${made.join()}`]
      : [];
  });
}

/** Do it for all, so many at the same time, in order. */
async function each<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const one = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

/** Runs that wait for a place begin in the order in which they came. */
function overtaken(records: readonly RunRecord[]): string[] {
  const begun = records
    .filter(({ invocation, started_at }) => invocation.runtime_kind !== 'manual' && started_at !== null)
    .map(({ invocation, created_at, started_at }) => ({
      id: invocation.invocation_id,
      created: Date.parse(created_at),
      started: Date.parse(started_at ?? ''),
    }))
    .sort((a, b) => a.created - b.created || a.started - b.started);
  const words: string[] = [];
  let latest = begun[0];
  for (const run of begun) {
    if (latest && run.created > latest.created && run.started < latest.started)
      words.push(`${run.id} came after ${latest.id} and began before it`);
    if (!latest || run.started > latest.started) latest = run;
  }
  return words;
}

/** Processes and containers that outlive their runs. */
async function leftovers(records: readonly RunRecord[], dataDir: string): Promise<string[]> {
  const ids = new Set(records.map(({ invocation }) => invocation.invocation_id));
  let words: string[] = [];
  for (let n = 0; n < 100; n++) {
    words = [...processes(ids), ...(records.some(isDocker) ? containers(dataDir) : [])];
    if (words.length === 0) return [];
    await sleep(100);
  }
  return words;
}

const isDocker = ({ invocation }: RunRecord): boolean => invocation.runtime_kind === 'docker';

function processes(ids: ReadonlySet<string>): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
      const name = 'RUNWIRE_INVOCATION_ID=';
      const id = environment.find((word) => word.startsWith(name))?.slice(name.length);
      return id !== undefined && ids.has(id) ? [`process ${pid} of ${id} is left`] : [];
    } catch {
      return []; // no process, or gone by now
    }
  });
}

function containers(dataDir: string): string[] {
  const server = readFileSync(`${dataDir}/docker-server-id`, 'utf8').trim();
  const args = ['ps', '-a', '--filter', `label=runwire.server=${server}`, '--format', '{{.ID}} {{.Status}}'];
  const { stdout, stderr, status } = spawnSync('docker', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [`container ${line} is left`]));
}

/** Lines that a server which is only killed has no reason to print. */
function complaints(said: string): string[] {
  return said.split('\n').filter((line) => /"level":(50|60)|Error:|rejection|cannot start/i.test(line));
}

interface Facts {
  seed: number;
  plans: readonly Plan[];
  records: readonly RunRecord[];
  figures: readonly Figures[];
  breaks: Breaks;
  server: SoakServer;
  took: { livedMs: number; allMs: number };
}

function reportOf({ seed, plans, records, figures, breaks, server, took }: Facts): string {
  const count = (words: readonly string[]): string => {
    const counts = new Map<string, number>();
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
    return [...counts].map(([word, n]) => `${word} ${n}`).join(', ');
  };
  const sum = (of: (figures: Figures) => number): number =>
    figures.reduce((total, one) => total + of(one), 0);
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  const { server: servers, supervisor, both, starting } = server.kills;
  return [
    `seed ${seed}: ${plans.length} runs begun, ${records.length} made, in ${seconds(took.livedMs)} s (${seconds(took.allMs)} s with all checks)`,
    `killed: server ${servers.length} (while it started ${starting}), supervisor ${supervisor.length}, both at once ${both}; server started ${server.starts} times`,
    `kinds: ${count(plans.map(({ kind }) => kind))}`,
    `statuses: ${count(figures.map(({ status }) => status))}`,
    `ended: ${count(figures.map(({ ended }) => ended))}`,
    `lost or never started: ${count(records.flatMap(({ invocation, outcome, result }) => (outcome?.ended === 'lost' || outcome?.ended === 'never_started' ? [`${invocation.runtime_kind}, ${outcome.ended}, ${result?.error_summary}:`] : [])))}`,
    `compared: ${sum(({ bytes }) => bytes)} bytes, ${sum(({ events }) => events)} events`,
    `broken off: ${breaks.requests} requests, ${breaks.resumes} streams resumed, ${breaks.claims} claims`,
  ].join('\n');
}
