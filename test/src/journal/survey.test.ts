import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RunDirectory, runDirectoryAt } from '../../../src/disk/run-directory.ts';
import { encodeEntry, encodeNote } from '../../../src/journal/journal.ts';
import { Recorder } from '../../../src/journal/recorder.ts';
import { survey } from '../../../src/journal/survey.ts';

let directory: RunDirectory;
beforeEach(() => {
  directory = runDirectoryAt(mkdtempSync(join(tmpdir(), 'runwire-survey-')));
});
afterEach(() => rmSync(directory.root, { recursive: true, force: true }));

function recordTwo(): void {
  const recorder = new Recorder({ directory, firstSeq: 3, maxOutputBytes: 100 });
  recorder.write('stdout', Buffer.from('one '));
  recorder.write('stdout', Buffer.from('two'));
  recorder.end();
  recorder.close();
}

test('a survey finds where the first lost bytes are told of, and changes no file', async () => {
  recordTwo();
  truncateSync(directory.stdout, 5);
  appendFileSync(directory.journal, '{"seq":5,"ti');
  const before = [readFileSync(directory.journal), readFileSync(directory.stdout)];

  const found = await survey(directory, 3, () => null);

  const [journal, stdout] = before;
  expect([readFileSync(directory.journal), readFileSync(directory.stdout)]).toEqual(before);
  const lines = String(journal).split('\n');
  expect(found).toMatchObject({
    ...{ size: journal?.length, whole: String(journal).lastIndexOf('\n') + 1 },
    ...{ nextSeq: 5, firstLost: (lines[0]?.length ?? 0) + 1, cut: false, notes: [] },
    streams: { stdout: { size: stdout?.length, told: 7, claimed: 7, capture: { sound: 4, broken: true } } },
  });
});

test('behind a line that does not follow no event counts, and of notes the last of each sort', async () => {
  recordTwo();
  const size = readFileSync(directory.journal).length;
  const last = encodeNote({ exit: 2 });
  appendFileSync(
    directory.journal,
    [
      encodeEntry({ seq: 9, time: 1, type: 'progress' }),
      encodeNote({ exit: 1 }),
      encodeEntry({ seq: 5, time: 1, type: 'progress' }),
      last,
    ].join(''),
  );
  const heard: unknown[] = [];

  const found = await survey(directory, 3, (note) => {
    heard.push(note.exit);
    return null;
  });

  expect(found).toMatchObject({ cut: true, whole: size, nextSeq: 5, notes: [last] });
  expect(heard).toEqual([1, 2]);
});
