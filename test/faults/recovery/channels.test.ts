import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RunDirectory, runDirectoryAt } from '../../../src/disk/run-directory.ts';
import { byChannel } from '../../../src/documents/outcome.ts';
import { CHANNELS } from '../../../src/documents/stream.ts';
import { readEarlier } from '../../../src/journal/earlier.ts';
import { channelOfEntry, decodeLine, isOfChannel } from '../../../src/journal/journal.ts';
import { Recorder } from '../../../src/journal/recorder.ts';
import { pieceOf } from '../../helpers/phase-text.ts';

const WRITER = fileURLToPath(new URL('../../fixtures/phase-writer.ts', import.meta.url));

let dataDir: string;
let directory: RunDirectory;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'runwire-phases-'));
  directory = runDirectoryAt(join(dataDir, 'r'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

test('a writer of both phases that is killed again and again loses no byte and repeats none', async () => {
  for (const ms of [0, 5, 20, 40, 11]) {
    const writer: ChildProcess = spawn(process.execPath, [WRITER, directory.root], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const gone = once(writer, 'exit');
    if (writer.stdout) await once(writer.stdout, 'data');
    await sleep(ms);
    writer.kill('SIGKILL');
    expect((await gone)[1]).toBe('SIGKILL');
  }
  const recorded = await readEarlier(directory, 3);
  const recorder = new Recorder({ directory, firstSeq: 3, maxOutputBytes: 2 ** 30, recorded });
  const ended = recorder.end();
  recorder.close();

  expect(ended.loss).toBeNull();
  const entries = readFileSync(directory.journal, 'utf8')
    .split('\n')
    .flatMap((line) => decodeLine(Buffer.from(line))?.entry ?? []);
  expect(entries.every(({ seq }, at) => seq === 3 + at)).toBe(true);
  expect(ended.nextSeq).toBe(3 + entries.length);
  const facts = byChannel(ended);
  for (const channel of CHANNELS) {
    const bytes = readFileSync(directory[channel]);
    expect(bytes.length).toBeGreaterThan(0);
    expect(bytes.equals(pieceOf(channel, 0, bytes.length)), channel).toBe(true);
    expect(facts[channel]).toMatchObject({ bytes: bytes.length, kept: bytes.length });
    let told = 0;
    for (const entry of entries)
      if (isOfChannel(entry) && channelOfEntry(entry) === channel) {
        expect(entry).toMatchObject({ type: expect.not.stringMatching('gap'), offset: told });
        told += entry.length;
      }
    expect(told).toBe(bytes.length);
  }
});
