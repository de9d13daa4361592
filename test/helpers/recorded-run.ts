import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runDirectory } from '../../src/disk/run-directory.ts';
import type { RuntimeEvent } from '../../src/documents/event.ts';
import { type Channel, isOfSetup, type Phase, type Stream, streamOf } from '../../src/documents/stream.ts';
import { Recorder } from '../../src/journal/recorder.ts';
import { EventLog } from '../../src/log/event-log.ts';
import { readOutput } from '../../src/log/output-reader.ts';
import { Scratch } from '../../src/log/scratch.ts';
import { normalize } from '../../src/run/verdict.ts';

/** What a program does to its journal. */
export type Step = { write: Channel; bytes: Uint8Array } | { progress: { message?: string; data?: unknown } };

const INVOCATION = {
  schema_version: '0.1',
  contract_kind: 'runtime_invocation',
  invocation_id: 'r',
  runtime_name: 'r',
  runtime_kind: 'fake',
  working_directory: '/tmp',
  command: [],
  environment: {},
  timeout_seconds: null,
  input_payload_path: null,
  output_result_path: null,
  artifact_directory: null,
  metadata: {},
  options: {},
} as const;

export function writeStep(
  output: { write(stream: Stream, bytes: Buffer, phase: Phase): unknown; progress: Recorder['progress'] },
  step: Step,
): void {
  if ('progress' in step) return output.progress(step.progress);
  const { write: channel, bytes } = step;
  output.write(streamOf(channel), Buffer.from(bytes), isOfSetup(channel) ? 'setup' : 'command');
}

/** A run whose output the test writes: real captures, journal and log. `using` removes its files. */
export function recordedRun(options: { maxOutputBytes?: number } = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'runwire-recorded-'));
  const directory = runDirectory(dataDir, 'r');
  mkdirSync(directory.root, { recursive: true });
  const log = new EventLog('r', directory);
  log.status('pending', 1000);
  log.status('running', 1001);
  const recorder = new Recorder({
    directory,
    firstSeq: log.journalSeq,
    maxOutputBytes: options.maxOutputBytes ?? 2 ** 30,
    onAppend: (end) => log.grew(end),
  });
  let ended: ReturnType<typeof normalize> | null = null;
  return {
    log,
    directory,
    recorder,
    take(step: Step): void {
      writeStep(recorder, step);
    },
    finish(): void {
      const { nextSeq, loss: _, ...captures } = recorder.end();
      recorder.close();
      ended = normalize({
        invocation: { ...INVOCATION, command: [] },
        rxpKind: 'unknown',
        directory,
        startedAt: 1001,
        ran: true,
        finishedAt: 2000,
        queueMs: 0,
        collectMs: null,
        reason: null,
        thrown: null,
        outcome: { ended: 'exited', started: true, retrySafe: false, exitCode: 0 },
        captures,
        artifacts: [],
        omitted: [],
        missing: [],
        notes: [],
        nextSeq,
      });
      log.finish({ finishedAt: 2000, ...ended });
    },
    /** The log as a later server makes it from the record. */
    stored(): EventLog {
      if (ended === null) throw new Error('not finished');
      const later = new EventLog('r', directory);
      later.status('pending', 1000);
      later.status('running', 1001);
      later.expectJournal();
      later.finish({ finishedAt: 2000, ...ended });
      return later;
    },
    /** A channel that nothing was written to may have no file. */
    capture: (channel: Channel): Buffer =>
      existsSync(directory[channel]) ? readFileSync(directory[channel]) : Buffer.alloc(0),
    [Symbol.dispose]: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

/** The lines of JSON of all events after a seq; `pace` is awaited after each batch. */
export async function linesOf(
  log: EventLog,
  after = 0,
  follow = true,
  pace: () => Promise<void> | void = () => {},
): Promise<string[]> {
  const lines: string[] = [];
  for await (const batch of log.read({ after, follow })) {
    const output = await readOutput(batch, new Scratch());
    lines.push(...batch.map((event, at) => event.json(output[at] ?? null)));
    await pace();
  }
  return lines;
}

export async function eventsOf(log: EventLog, after = 0, follow = true): Promise<RuntimeEvent[]> {
  return (await linesOf(log, after, follow)).map((line) => JSON.parse(line) as RuntimeEvent);
}

/** The channel that an event tells of; null: of none. */
export function channelOfEvent(event: RuntimeEvent): Channel | null {
  if (event.type !== 'stdout' && event.type !== 'stderr' && event.type !== 'gap') return null;
  const stream = event.type === 'gap' ? event.stream : event.type;
  return event.phase === 'setup' ? `setup_${stream}` : stream;
}

/** The bytes of a channel as its events tell them. */
export function bytesOf(events: readonly RuntimeEvent[], channel: Channel): Buffer {
  return Buffer.concat(
    events.map((event) => {
      if (channelOfEvent(event) !== channel || (event.type !== 'stdout' && event.type !== 'stderr'))
        return Buffer.alloc(0);
      return event.text === undefined ? Buffer.from(event.base64 ?? '', 'base64') : Buffer.from(event.text);
    }),
  );
}
