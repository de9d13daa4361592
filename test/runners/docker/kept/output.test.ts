import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempDisposableSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KeptOutput } from '../../../../runners/docker/kept-output.ts';
import type { RunOutput } from '../../../../src/contract/context.ts';
import { type RunDirectory, runDirectory } from '../../../../src/disk/run-directory.ts';
import { readEarlier } from '../../../../src/journal/earlier.ts';
import { Recorder } from '../../../../src/journal/recorder.ts';

const bytes = (text: string) => ({ type: 'output', stream: 'stdout', bytes: Buffer.from(text) }) as const;
const gap = (length: number, reason: 'storage' | 'output_limit') =>
  ({ type: 'gap', stream: 'stdout', length, reason }) as const;

async function writer(directory: RunDirectory) {
  mkdirSync(directory.root, { recursive: true });
  const recorded = await readEarlier(directory, 3, { rebooted: false });
  const recorder = new Recorder({ directory, firstSeq: 3, maxOutputBytes: 100, recorded });
  const output = {
    write: (stream, chunk, phase) => void recorder.take(stream, chunk, phase),
    missed: (stream, length, phase) => recorder.miss(stream, length, phase),
    captured: (stream, phase) => recorder.captured(stream, phase),
  } satisfies Partial<RunOutput>;
  return { recorder, kept: new KeptOutput(output as RunOutput, 'setup') };
}

test('What the disk of the engine did not take is a gap, with all that came after it; under a later server too', async () => {
  using room = mkdtempDisposableSync(join(tmpdir(), 'runwire-kept-output-'));
  const directory = runDirectory(room.path, 'run');
  const first = await writer(directory);
  for (const frame of [bytes('one '), gap(20, 'storage'), bytes('two')]) first.kept.take(frame);
  expect(first.kept.lost).toBe(23);
  first.recorder.close(); // as a crash leaves it
  const { recorder, kept } = await writer(directory);
  const all = [bytes('one '), gap(20, 'storage'), bytes('two'), gap(7, 'output_limit')];
  for (const frame of all) kept.take(frame);
  expect(kept.lost).toBe(30);
  const { setup, loss } = recorder.end();
  recorder.close();
  expect([readFileSync(directory.setup_stdout, 'utf8'), loss]).toEqual(['one ', null]);
  const sha256 = createHash('sha256').update('one ').digest('hex');
  const rest = { offset: 4, length: 30, reason: 'storage' };
  expect(setup?.stdout).toEqual({ bytes: 34, kept: 4, sha256, gap: rest });
  expect(readFileSync(directory.journal, 'utf8').trim().split('\n')).toHaveLength(1);
});

test('More than is kept counts, and is no loss', async () => {
  using room = mkdtempDisposableSync(join(tmpdir(), 'runwire-kept-output-'));
  const { recorder, kept } = await writer(runDirectory(room.path, 'run'));
  for (const frame of [bytes('x'.repeat(100)), gap(2 ** 21 + 1, 'output_limit')]) kept.take(frame);
  expect(kept.lost).toBe(0);
  const { setup } = recorder.end();
  recorder.close();
  expect(setup?.stdout).toMatchObject({ bytes: 100 + 2 ** 21 + 1, kept: 100 });
  expect(setup?.stdout.gap).toBeUndefined();
});
