import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RedoLog, type RedoTurn } from '../../../src/store/redo-log.ts';

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runwire-redo-'));
  file = join(directory, 'redo');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const turn = (number: number): RedoTurn => ({
  number,
  operations: [
    { op: 'insert', text: `Ünïcode, "quotes"\n and ${'x'.repeat(number)}` },
    { op: 'remove', number },
  ],
});

function contents() {
  const log = new RedoLog(file, { sync: false });
  const read = log.read();
  log.close();
  return read;
}

test.each([false, true])('turns are read again as they were appended (synced: %s)', (sync) => {
  const log = new RedoLog(file, { sync });
  for (let number = 1; number <= 3; number++) log.append(turn(number));
  expect(log.size).toBe(statSync(file).size);
  log.close();
  expect(contents()).toEqual({ turns: [turn(1), turn(2), turn(3)], torn: 0 });
});

test('wherever a crash tore the last turn, the whole ones are read, and appending goes on behind them', () => {
  const log = new RedoLog(file, { sync: false });
  log.append(turn(1));
  const whole = log.size;
  log.append(turn(2));
  log.close();
  const bytes = readFileSync(file);
  for (let size = whole; size < bytes.length; size++) {
    writeFileSync(file, bytes.subarray(0, size));
    const again = new RedoLog(file, { sync: false });
    expect(again.read()).toEqual({ turns: [turn(1)], torn: size - whole });
    again.append(turn(3));
    again.close();
    expect(contents().turns).toEqual([turn(1), turn(3)]);
  }
});

test('no byte of a turn can be another one without it being seen', () => {
  const log = new RedoLog(file, { sync: false });
  log.append(turn(1));
  log.close();
  const bytes = readFileSync(file);
  for (let at = 0; at < bytes.length; at++) {
    const other = Buffer.from(bytes);
    other.writeUInt8(other.readUInt8(at) ^ 1, at);
    writeFileSync(file, other);
    expect(contents().turns, `byte ${at}`).toEqual([]);
  }
});

test.each([
  ['zeros, as a power cut leaves them', Buffer.alloc(5000)],
  ['anything else', Buffer.from('deadbeef 7 [\n\n{"op":1}\n')],
])('%s at the end are cut off and counted', (_, bytes) => {
  const log = new RedoLog(file, { sync: false });
  log.append(turn(1));
  const whole = log.size;
  log.close();
  appendFileSync(file, bytes);
  expect(contents()).toEqual({ turns: [turn(1)], torn: bytes.length });
  expect(statSync(file).size).toBe(whole);
});

test('what is in the database is taken out', () => {
  const log = new RedoLog(file, { sync: false });
  log.append(turn(1));
  log.clear();
  expect(log.size).toBe(0);
  expect(statSync(file).size).toBe(0);
  log.append(turn(2));
  log.close();
  expect(contents().turns).toEqual([turn(2)]);
});

test('nobody but the owner may read it', () => {
  contents();
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('a turn goes to its place also where the file was cut short behind our back', () => {
  const log = new RedoLog(file, { sync: false });
  log.append(turn(1));
  truncateSync(file, 3);
  log.append(turn(2));
  log.close();
  expect(contents().turns).toEqual([]);
});
