import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { startServer } from '../../helpers/server-process.ts';
import { SlowClient } from './socket.ts';

/** What came of it: a thousand readers of one run, of which every second never reads. Bytes, but for `rssMb`. */
export interface CrowdReport {
  run: { status: string; kept: number; sha256: string };
  /** Of what the program wrote. */
  sha256: string;
  /** Hash of the events that the readers got, and how many of them got these. */
  hashes: Record<string, number>;
  readers: number;
  bytes: number;
  /** Of the output in the events that one of them got. */
  outputSha256: string;
  healthMs: number[];
  dropped: string;
  /** Those that were dropped, read what they had and came again: hash of all their events, and how many came so. */
  resumed: Record<string, number>;
  rssMb: { before: number; peak: number; after: number };
  descriptors: { before: number; peak: number; after: number };
}

const [readers = 1000, lines = 40_000, resuming = 6] = process.argv.slice(2).map(Number);
const PATIENCE_S = 12;
const LINE_BYTES = 100;

const dataDir = mkdtempSync(join(tmpdir(), 'runwire-crowd-'));
const server = await startServer(dataDir, {
  RUNWIRE_LOG_LEVEL: 'error',
  RUNWIRE_STALLED_CLIENT_SECONDS: String(PATIENCE_S),
});
const pid = server.child.pid ?? 0;
const port = Number(new URL(server.address).port);
const rssMb = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;
const descriptors = (): number => readdirSync(`/proc/${pid}/fd`).length;
const metric = async (name: string): Promise<string> =>
  new RegExp(`^${name} (\\S+)$`, 'm').exec(await (await fetch(`${server.address}/metrics`)).text())?.[1] ??
  '';

/** Lines that count, as fast as a program that is not stopped by its readers: some MB a second. */
const program = (count: number): string => `
  let n = 0;
  const timer = setInterval(() => {
    let text = '';
    for (let k = 0; k < 400 && n < ${count}; k++) text += String(n++).padStart(9, '0') + '${'x'.repeat(LINE_BYTES - 10)}\\n';
    process.stdout.write(text);
    if (n === ${count}) clearInterval(timer);
  }, 20);`;

async function start(count: number): Promise<string> {
  const response = await fetch(`${server.address}/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ runtime_kind: 'subprocess', command: [process.execPath, '-e', program(count)] }),
  });
  const { invocation } = (await response.json()) as { invocation: { invocation_id: string } };
  return invocation.invocation_id;
}

const eventsOf = (id: string, take: (part: Buffer) => void, after = 0): SlowClient =>
  new SlowClient(
    { port, path: `/invocations/${id}/events`, headers: { 'last-event-id': String(after) } },
    take,
  );

/** Who reads all there is, and keeps a hash of it. */
async function readAll(id: string): Promise<{ hash: string; bytes: number }> {
  const hash = createHash('sha256');
  const client = eventsOf(id, (part) => hash.update(part)).read();
  const complete = await client.ended;
  return { hash: complete ? hash.digest('hex') : 'incomplete', bytes: client.taken };
}

/** Who stops reading after so many bytes, and much later reads what is there and comes again for the rest. */
function stopAfter(id: string, bytes: number): { client: SlowClient; goOn(): Promise<string> } {
  let text = '';
  const take = (part: Buffer): void => {
    text += part.toString('latin1');
  };
  let client = eventsOf(id, take).read(bytes);
  return {
    client,
    async goOn() {
      if (await client.read().ended) return 'never dropped';
      for (;;) {
        text = text.slice(0, text.lastIndexOf('\n\n') + 2);
        client = eventsOf(id, take, seqOf(text)).read();
        if (await client.ended) return text;
      }
    },
  };
}

function seqOf(events: string): number {
  const last = events.lastIndexOf('id: ', events.lastIndexOf('\nevent: '));
  return last === -1 ? 0 : Number.parseInt(events.slice(last + 4), 10);
}

function outputOf(events: string): Buffer {
  const parts = [...events.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => {
    const event = JSON.parse(Buffer.from(data, 'latin1').toString('utf8'));
    return event.type === 'stdout' ? Buffer.from(event.text) : Buffer.alloc(0);
  });
  return Buffer.concat(parts);
}

const count = (hashes: readonly string[]): Record<string, number> =>
  Object.fromEntries([...new Set(hashes)].map((hash) => [hash, hashes.filter((one) => one === hash).length]));
const sha256 = (bytes: Buffer | string): string =>
  createHash('sha256')
    .update(bytes as string, 'latin1')
    .digest('hex');

async function report(): Promise<CrowdReport> {
  // A server that has worked already: what its engine keeps for itself does not count.
  const idle = descriptors();
  const warm = await start(10_000);
  await Promise.all(Array.from({ length: 100 }, () => readAll(warm)));
  while (descriptors() > idle + 5) await sleep(50);
  const before = { rss: rssMb(), descriptors: descriptors() };
  const peak = { rss: 0, descriptors: 0 };
  const watch = setInterval(() => {
    peak.rss = Math.max(peak.rss, rssMb());
    peak.descriptors = Math.max(peak.descriptors, descriptors());
  }, 100);

  const id = await start(lines);
  const stuck: ReturnType<typeof stopAfter>[] = [];
  const reading: ReturnType<typeof readAll>[] = [];
  for (let n = 0; n < readers; n++) {
    if (n % 2 === 1) reading.push(readAll(id));
    // Half of them never read, the others stop at places of their own.
    else stuck.push(stopAfter(id, n % 4 === 0 ? 0 : (n / readers) * 0.8 * lines * LINE_BYTES));
  }
  const healthMs: number[] = [];
  const asking = setInterval(async () => {
    const began = performance.now();
    await fetch(`${server.address}/healthz`);
    healthMs.push(Math.round(performance.now() - began));
  }, 500);
  const record = (await (await fetch(`${server.address}/invocations/${id}?wait=300`)).json()) as RunRecord;
  const results = await Promise.all(reading);
  clearInterval(asking);
  const giveUpAt = performance.now() + PATIENCE_S * 10_000;
  while (Number(await metric('runwire_open_streams')) > 0 && performance.now() < giveUpAt) await sleep(200);
  const dropped = await metric('runwire_stalled_clients_total');
  const resumed = await Promise.all(stuck.slice(-resuming).map((one) => one.goOn()));
  for (const { client } of stuck) client.socket.destroy();
  clearInterval(watch);
  await sleep(500);
  const [sample = ''] = resumed;
  const stdout = record.outcome?.stdout;
  return {
    run: { status: record.status, kept: stdout?.kept ?? 0, sha256: stdout?.sha256 ?? '' },
    sha256: sha256(
      Array.from(
        { length: lines },
        (_, n) => `${String(n).padStart(9, '0')}${'x'.repeat(LINE_BYTES - 10)}\n`,
      ).join(''),
    ),
    hashes: count(results.map(({ hash }) => hash)),
    readers: results.length,
    bytes: results.reduce((sum, result) => sum + result.bytes, 0),
    outputSha256: sha256(outputOf(sample)),
    healthMs,
    dropped,
    resumed: count(resumed.map(sha256)),
    rssMb: { before: before.rss, peak: peak.rss, after: rssMb() },
    descriptors: { before: before.descriptors, peak: peak.descriptors, after: descriptors() },
  };
}

try {
  process.stdout.write(`\n${JSON.stringify(await report())}\n`);
} finally {
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit(0);
