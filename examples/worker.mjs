#!/usr/bin/env node
// A worker for manual runs, without dependencies: Node 20 or later.
//
//   RUNWIRE_URL=http://127.0.0.1:7070 node worker.mjs PROGRAM [ARGUMENT...]
//
// For every run it claims it starts PROGRAM with the invocation (JSON) on standard input, reports what it writes as
// it comes, uploads what it leaves in $RUNWIRE_ARTIFACT_DIR, and completes the run with its exit code.
// RUNWIRE_TOKEN: token of the server, if it has one. RUNWIRE_RUNTIME_NAME: only runs of this name. WORKER_RUNS: stop after
// so many runs.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const {
  RUNWIRE_URL = 'http://127.0.0.1:7070',
  RUNWIRE_TOKEN,
  RUNWIRE_RUNTIME_NAME,
  WORKER_RUNS,
} = process.env;
const [program, ...args] = process.argv.slice(2);
if (!program) {
  console.error('usage: worker.mjs PROGRAM [ARGUMENT...]');
  process.exit(2);
}
const LEASE_SECONDS = 60;
const MAX_BATCH_BYTES = 256 * 1024;

/** The claim is lost, or the run is over: its work is of no use to anyone. */
class Fenced extends Error {}

/** One request, tried again while the network or the server has trouble. Null: 204. */
async function call(method, path, token, body, type = 'application/json') {
  const headers = { 'content-type': type, ...(token && { authorization: `Bearer ${token}` }) };
  for (let wait = 250; ; wait = Math.min(wait * 2, 15_000)) {
    const answer = await fetch(new URL(path, RUNWIRE_URL), { method, headers, body }).catch((error) => error);
    if (answer instanceof Response && answer.status < 500 && answer.status !== 429) {
      const text = await answer.text();
      if (answer.ok) return text === '' ? null : JSON.parse(text);
      if (answer.status === 409) throw new Fenced(text);
      throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    }
    await sleep(wait);
  }
}

/** Sends what comes in order, many chunks at a time. The offset makes a batch that is sent twice count once. */
function reporter(claim) {
  const taken = { stdout: 0, stderr: 0 };
  let waiting = [];
  let sending = Promise.resolve();
  const flush = async () => {
    while (waiting.length > 0) {
      const batch = [];
      for (let size = 0; waiting.length > 0 && size < MAX_BATCH_BYTES; size += batch.at(-1).base64.length)
        batch.push(waiting.shift());
      await call('POST', claim.urls.events, claim.token, JSON.stringify(batch));
    }
  };
  return {
    write(type, chunk) {
      waiting.push({ type, offset: taken[type], base64: chunk.toString('base64') });
      taken[type] += chunk.length;
      sending = sending.then(flush);
      sending.catch(() => {});
      return sending;
    },
    done: () => sending,
    drop() {
      waiting = [];
    },
  };
}

/** Heartbeats that answer early when the run is to be cancelled. */
async function listen(claim, over, stop) {
  while (!over.aborted) {
    const wait = { wait_seconds: LEASE_SECONDS / 4 };
    const { cancel_requested } = await call('POST', claim.urls.heartbeat, claim.token, JSON.stringify(wait));
    if (cancel_requested) return stop();
  }
}

async function work({ invocation, claim }) {
  const directory = await mkdtemp(join(tmpdir(), 'worker-'));
  const output = reporter(claim);
  const over = new AbortController();
  const environment = { ...process.env, ...invocation.environment, RUNWIRE_ARTIFACT_DIR: directory };
  delete environment.RUNWIRE_TOKEN;
  try {
    const child = spawn(program, args, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.on('error', () => {}); // it may not read
    child.stdin.end(JSON.stringify(invocation));
    const ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ code, signal }));
    });
    let cancelled = false;
    const fenced = new Promise((_, reject) => {
      const give = (error) => {
        child.kill('SIGKILL');
        reject(error);
      };
      for (const type of ['stdout', 'stderr'])
        child[type].on('data', (chunk) => {
          // No faster than the server takes it.
          child[type].pause();
          output.write(type, chunk).then(() => child[type].resume(), give);
        });
      listen(claim, over.signal, () => {
        cancelled = true;
        child.kill('SIGTERM');
      }).catch((error) => over.signal.aborted || give(error));
    });
    const { code, signal } = await Promise.race([ended, fenced]);
    await output.done();
    for (const name of await readdir(directory))
      await call(
        'PUT',
        `${claim.urls.artifacts}/${encodeURIComponent(name)}`,
        claim.token,
        await readFile(join(directory, name)),
        'application/octet-stream',
      );
    const status = cancelled ? 'cancelled' : code === 0 ? 'succeeded' : 'failed';
    const completion = { status, exit_code: code, ...(signal && { error_summary: `killed by ${signal}` }) };
    over.abort();
    await call('POST', claim.urls.completion, claim.token, JSON.stringify(completion));
    console.log(`${invocation.invocation_id} ${status}`);
  } catch (error) {
    over.abort();
    output.drop();
    if (error instanceof Fenced) return console.error(`${invocation.invocation_id} is no longer ours`);
    const completion = { status: 'failed', error_summary: String(error.message) };
    await call('POST', claim.urls.completion, claim.token, JSON.stringify(completion)).catch(() => {});
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const request = {
  worker: `${hostname()} ${process.pid}`,
  lease_seconds: LEASE_SECONDS,
  wait_seconds: 30,
  ...(RUNWIRE_RUNTIME_NAME && { runtime_name: RUNWIRE_RUNTIME_NAME }),
};
for (let runs = 0; WORKER_RUNS === undefined || runs < Number(WORKER_RUNS); ) {
  const claimed = await call('POST', '/manual/claims', RUNWIRE_TOKEN, JSON.stringify(request));
  if (claimed === null) continue;
  runs++;
  await work(claimed);
}
process.exit(0);
