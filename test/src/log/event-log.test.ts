import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EventLog } from '../../../src/log/event-log.ts';
import { readOutput } from '../../../src/log/output-reader.ts';
import { Scratch } from '../../../src/log/scratch.ts';
import { eventsOf, linesOf, recordedRun, type Step } from '../../helpers/recorded-run.ts';

const out = (text: string): Step => ({ write: 'stdout', bytes: Buffer.from(text) });
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('a reader that follows is told of each change, and of idle time, until the end', async () => {
  using run = recordedRun();
  const seen: string[] = [];
  for await (const batch of run.log.read({ after: 0, follow: true, idleMs: 30 })) {
    seen.push(batch.map(({ entry }) => entry.type).join());
    if (seen.length === 1) run.take(out('a'));
    if (batch.length === 0) run.finish();
  }
  expect(seen).toEqual(['status,status', 'stdout', '', 'artifact,artifact,finished']);
});

test('a reader that asks for what is there ends, however fast the run writes', async () => {
  using run = recordedRun();
  for (let n = 0; n < 300; n++) run.take(out('x'));
  let count = 0;
  for await (const batch of run.log.read({ after: 0, follow: false })) {
    count += batch.length;
    for (let n = 0; n < 300; n++) run.take(out('y'));
    if (count > 100_000) throw new Error('it never ends');
  }
  expect(count).toBeGreaterThanOrEqual(302);
  run.finish();
});

test('a run that finishes while it is read shows no hole and nothing after its end', async () => {
  using run = recordedRun();
  for (let n = 0; n < 300; n++) run.take(out('x'));
  const seqs: number[] = [];
  for await (const batch of run.log.read({ after: 0, follow: false })) {
    for (const { seq } of batch) seqs.push(seq);
    if (run.log.lastSeq === null) {
      for (let n = 0; n < 300; n++) run.take(out('y'));
      run.finish();
      run.log.grew(10 ** 9);
    }
  }
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  const all = await eventsOf(run.log);
  expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
  expect(all.at(-1)?.type).toBe('finished');
});

test('a follower of a capture misses no byte, whenever they come', async () => {
  for (let round = 0; round < 30; round++) {
    using run = recordedRun();
    const parts: Buffer[] = [];
    const reading = (async () => {
      for await (const bytes of run.log.readCapture('stdout', { offset: 0, follow: true }))
        parts.push(Buffer.from(bytes));
    })();
    for (let n = 0; n < 20; n++) {
      run.take(out(`${n}\n`));
      for (let turns = 0; turns < (n * round) % 5; turns++) await turn();
      if (n === 10) await expect.poll(() => Buffer.concat(parts).toString()).toContain('10\n');
    }
    run.finish();
    await reading;
    expect(Buffer.concat(parts).equals(run.capture('stdout'))).toBe(true);
  }
});

test('a reader whose signal aborts ends at once, also one that has nothing to wait for', async () => {
  using run = recordedRun();
  const leaving = new AbortController();
  const events = linesOfSignal(run.log, leaving.signal);
  const bytes = bytesOfSignal(run.log, leaving.signal);
  await turn();
  leaving.abort();
  expect(await events).toBe(2);
  expect(await bytes).toBe(0);
  expect(await linesOfSignal(run.log, AbortSignal.abort())).toBe(0);
  expect(run.log.readers).toBe(0);
  run.finish();
});

async function linesOfSignal(log: ReturnType<typeof recordedRun>['log'], signal: AbortSignal) {
  let count = 0;
  for await (const batch of log.read({ after: 0, follow: true, signal })) count += batch.length;
  return count;
}

async function bytesOfSignal(log: ReturnType<typeof recordedRun>['log'], signal: AbortSignal) {
  let count = 0;
  for await (const bytes of log.readCapture('stdout', { offset: 0, follow: true, signal }))
    count += bytes.length;
  return count;
}

test('files are closed when the last reader leaves, and an event kept longer still gives its bytes', async () => {
  using run = recordedRun();
  run.take(out('kept'));
  run.finish();
  const kept = [];
  for await (const batch of run.log.read({ after: 0, follow: true })) kept.push(...batch);
  const output = kept.filter(({ entry }) => entry.type === 'stdout');
  expect(String(await readOutput(output, new Scratch()))).toBe('kept');
  await expect.poll(() => openFiles(run.directory.root)).toEqual([]);
});

/** Which files of a run this process has open (Linux; elsewhere nothing is seen). */
function openFiles(root: string): string[] {
  try {
    return readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        const path = readlinkSync(`/proc/self/fd/${fd}`);
        return path.startsWith(root) ? [path] : [];
      } catch {
        return []; // closed meanwhile
      }
    });
  } catch {
    return [];
  }
}

test('resuming near the end of a hundred thousand events reads a small part of the journal', async () => {
  using run = recordedRun();
  for (let n = 0; n < 100_000; n++) run.take({ progress: { message: `${n}` } });
  run.finish();
  const log = run.stored();
  const before = readBytes();
  const lines = await linesOf(log, 100_000);
  expect(lines.map((line) => JSON.parse(line).seq)).toEqual([100_001, 100_002, 100_003, 100_004, 100_005]);
  const read = readBytes() - before;
  if (before > 0) expect(read).toBeLessThan(run.recorder.position / 4);
});

/** Bytes this process has read so far (Linux; 0 elsewhere). */
function readBytes(): number {
  try {
    return Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
  } catch {
    return 0;
  }
}

test('output that is longer than one batch comes whole and in order', async () => {
  using run = recordedRun();
  const text = Array.from({ length: 40 }, (_, n) => `${n}`.padEnd(60_000, '.')).join('\n');
  run.take(out(text));
  run.take({ write: 'stderr', bytes: Buffer.alloc(3_000_000, 0xff) });
  run.finish();
  const events = await eventsOf(run.log);
  expect(events.map((event) => (event.type === 'stdout' ? event.text : '')).join('') === text).toBe(true);
  const errors = events.flatMap((event) => (event.type === 'stderr' ? [event.base64 ?? ''] : []));
  expect(Buffer.concat(errors.map((base64) => Buffer.from(base64, 'base64'))).length).toBe(3_000_000);
});

test('the newest seq is that of the last event, however long the journal and its lines', async () => {
  using run = recordedRun();
  expect(await run.log.newestSeq()).toBe(2);
  run.take(out('a'));
  expect(await run.log.newestSeq()).toBe(3);
  run.take({ progress: { message: 'm'.repeat(60_000) } });
  expect(await run.log.newestSeq()).toBe(4);
  for (let n = 0; n < 300; n++) run.take(out('x'));
  expect(await run.log.newestSeq()).toBe(304);
  run.finish();
  expect(await run.log.newestSeq()).toBe(run.log.lastSeq);
});

test('the newest seq is known before a server has looked what became of the run of an earlier one', async () => {
  using run = recordedRun();
  for (let n = 0; n < 3; n++) run.take(out('x'));
  const next = new EventLog('r', run.directory);
  next.status('pending', 0);
  next.status('running', 0);
  expect(await next.newestSeq()).toBe(5);
});
