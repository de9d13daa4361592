import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { Agent, request } from 'undici';
import type { LoadReport } from './clients/load.ts';
import { describeMachine } from './machine.ts';
import { freePort, httpRequest, start, stop, untilListening } from './peer.ts';
import { type RunwireServer, runwire } from './peers/runwire.ts';
import { residentBytes, watchResident } from './resident.ts';
import { ratios, spread, table } from './statistics.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    concurrency: { type: 'string', default: '1,16,64' },
    /** http_async runs in flight; 0: none. */
    flying: { type: 'string', default: '5000' },
    /** How long they fly. */
    'flight-seconds': { type: 'string', default: '20' },
    'data-dir': { type: 'string', default: '.runwire' },
    json: { type: 'string' },
  },
});
const run = promisify(execFile);
const script = (name: string) => join(import.meta.dirname, name);

/** http runs per second against the same calls made by undici, in turns. */
async function compare(server: RunwireServer, backend: string, rounds: number, seconds: number) {
  const invocation = {
    runtime_kind: 'http',
    options: { http: { url: `${backend}/call`, body: { question: true } } },
  };
  const byRunwire = async (connections: number, forSeconds: number): Promise<LoadReport> => {
    const plan = {
      host: '127.0.0.1',
      port: server.port,
      request: httpRequest(server.port, '/invocations?wait=30', invocation),
      expect: '"status":"succeeded"',
      connections,
      seconds: forSeconds,
      requests: 1_000_000,
    };
    const { stdout } = await run(process.execPath, [script('load.ts'), JSON.stringify(plan)]);
    return JSON.parse(stdout) as LoadReport;
  };
  const byUndici = async (connections: number, forSeconds: number): Promise<LoadReport> => {
    const args = [`${backend}/call`, String(connections), String(forSeconds)];
    const { stdout } = await run(process.execPath, [script('fixtures/undici-calls.ts'), ...args]);
    return JSON.parse(stdout) as LoadReport;
  };
  await byRunwire(16, Math.min(2, seconds));
  const rows = [];
  for (const connections of options.concurrency.split(',').map(Number)) {
    const mine: LoadReport[] = [];
    const direct: LoadReport[] = [];
    for (let round = 0; round < rounds; round++) {
      mine.push(await byRunwire(connections, seconds));
      direct.push(await byUndici(connections, seconds));
    }
    const rate = (reports: LoadReport[]) => reports.map(({ perSecond }) => perSecond);
    rows.push({
      connections,
      runsPerSecond: spread(rate(mine)),
      callsPerSecond: spread(rate(direct)),
      ratio: ratios(rate(mine), rate(direct)),
      p50: spread(mine.map(({ p50 }) => p50)),
      p99: spread(mine.map(({ p99 }) => p99)),
    });
  }
  return rows;
}

/** Many http_async runs in flight: memory of the server, and how evenly their polls come. */
async function fly(server: RunwireServer, backend: string, count: number, seconds: number) {
  const dispatcher = new Agent({ connections: 32 });
  const origin = `http://127.0.0.1:${server.port}`;
  const get = async (url: string) => (await request(url, { dispatcher })).body.json();
  const submit = async (): Promise<void> => {
    const { statusCode, body } = await request(`${origin}/invocations`, {
      dispatcher,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        runtime_kind: 'http_async',
        runtime_name: 'flight',
        timeout_seconds: seconds * 10,
        options: {
          http_async: {
            url: `${backend}/jobs`,
            query: { seconds },
            poll_url_template: '/jobs/{run_id}',
            poll_run_id_path: 'id',
            poll_status_path: 'status',
            poll_terminal_states: ['completed'],
          },
        },
      }),
    });
    const text = await body.text();
    if (statusCode !== 202) throw new Error(`${statusCode} ${text}`);
  };
  const idle = residentBytes(server.pid);
  const begin = performance.now();
  let left = count;
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      while (left-- > 0) await submit();
    }),
  );
  const submitSeconds = (performance.now() - begin) / 1000;
  await sleep(3000);
  const flying = watchResident({ server: server.pid });
  const before = (await get(`${backend}/report`)) as { jobs: number; polls: number[] };
  await sleep(Math.max(1000, seconds * 1000 - (performance.now() - begin) - 1000));
  const { server: memory } = flying();
  const after = (await get(`${backend}/report`)) as { jobs: number; polls: number[] };
  // The last bucket is not over.
  const buckets = after.polls.slice(before.polls.length, -1);
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; await sleep(500)) {
    const { items } = (await get(`${origin}/invocations?status=running&limit=1`)) as { items: unknown[] };
    if (items.length === 0) break;
  }
  const metrics = await (await request(`${origin}/metrics`, { dispatcher })).body.text();
  const succeeded = Number(
    /^runwire_runs\w*\{(?=[^}]*kind="http_async")(?=[^}]*status="succeeded")[^}]*\} (\d+)$/m.exec(
      metrics,
    )?.[1] ?? 0,
  );
  await dispatcher.destroy();
  return { count, idle, submitSeconds, jobs: after.jobs, memory, pollsPer100ms: spread(buckets), succeeded };
}

const root = resolve(options['data-dir']);
mkdirSync(root, { recursive: true });
const directory = mkdtempSync(join(root, 'bench-http-'));
const machine = describeMachine(directory);
const port = await freePort();
const log = join(directory, 'backend.log');
const backend = start([process.execPath, script('fixtures/http-backend.ts'), String(port)], log);
await untilListening(backend, log, port);
const server = await runwire(join(directory, 'data'), join(directory, 'runwire.log'), {
  RUNWIRE_MAX_CONCURRENT: '6000',
});
try {
  const address = `http://127.0.0.1:${port}`;
  const rounds = Number(options.rounds);
  const seconds = Number(options.seconds);
  console.log(
    `${machine.cores} cores, ${machine.cpu}, Linux ${machine.kernel}, Node ${machine.node}, data on ${machine.dataOn}`,
  );
  const rows = await compare(server, address, rounds, seconds);
  const whole = (value: number) => value.toFixed(0);
  console.log(`\nPOST over HTTP/1.1 on loopback; median of ${rounds} rounds of ${seconds} s, in turns\n`);
  console.log(
    table([
      ['at once', 'http runs/s', 'undici calls/s', 'ratio (least–most)', 'p50 ms', 'p99 ms'],
      ...rows.map((row) => [
        String(row.connections),
        whole(row.runsPerSecond.median),
        whole(row.callsPerSecond.median),
        `${row.ratio.median.toFixed(2)} (${row.ratio.min.toFixed(2)}–${row.ratio.max.toFixed(2)})`,
        row.p50.median.toFixed(1),
        row.p99.median.toFixed(1),
      ]),
    ]),
  );
  const count = Number(options.flying);
  const flight = count > 0 ? await fly(server, address, count, Number(options['flight-seconds'])) : null;
  if (flight) {
    const mib = (bytes?: number) => `${((bytes ?? Number.NaN) / 2 ** 20).toFixed(0)} MiB`;
    const { memory, pollsPer100ms: polls } = flight;
    console.log(
      `\n${flight.count} http_async runs in flight: submitted in ${flight.submitSeconds.toFixed(1)} s, ${flight.succeeded} succeeded;` +
        `\nmemory idle ${mib(flight.idle)}, flying ${mib(memory?.before)}, most ${mib(memory?.peak)}, at the end ${mib(memory?.after)};` +
        `\npolls in 100 ms: median ${whole(polls.median)}, ${polls.min} to ${polls.max}`,
    );
  }
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify({ machine, rounds, seconds, rows, flight }, null, 2)}\n`);
} finally {
  await server.stop();
  await stop(backend);
  rmSync(directory, { recursive: true, force: true });
}
