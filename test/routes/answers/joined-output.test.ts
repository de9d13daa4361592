import { expect, test } from 'vitest';
import { joinedOutput, joinedRange } from '../../../routes/answers/joined-output.ts';
import type { EventLog, ReadOptions } from '../../../src/log/event-log.ts';
import { LoggedEvent } from '../../../src/log/logged-event.ts';

const LENGTH = 10;
const EVENTS = 6;

/** A log of six events of ten bytes each, 'a', 'b' and so on; the capture has other bytes where `lost` is told of. */
function logWithout(lost: number): EventLog {
  const readInto = async (_name: string, offset: number, bytes: Buffer): Promise<number> => {
    for (let at = 0; at < bytes.length; at++) bytes[at] = 0x61 + Math.floor((offset + at) / LENGTH);
    return bytes.length;
  };
  const events = Array.from({ length: EVENTS }, (_, at) => {
    const entry = { seq: at + 1, time: 0, type: 'stdout' as const, phase: 'command' as const };
    const bytes = { offset: at * LENGTH, length: LENGTH };
    return new LoggedEvent('run', { ...entry, ...bytes, ...(at === lost && { sum: 1 }) }, { readInto });
  });
  async function* read({ after }: ReadOptions) {
    yield events.filter(({ seq }) => seq > after);
  }
  return { read } as unknown as EventLog;
}

async function textOf(source: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const bytes of source) text += bytes.toString();
  return text;
}

const whole = Array.from({ length: EVENTS }, (_, at) => String.fromCharCode(0x61 + at).repeat(LENGTH)).join(
  '',
);

test('what comes before lost output is sent, and then the stream fails, also when it is opened again there', async () => {
  const open = joinedOutput(logWithout(3), 'command', false);
  const first = open();
  expect(String((await first.next()).value)).toBe(whole.slice(0, 30));
  await first.return(undefined); // the reader took nothing for long
  for (let n = 0; n < 2; n++) await expect(textOf(open())).rejects.toThrow('not what its journal says');
});

test('a part of the output is served whatever became of the rest', async () => {
  for (const [start, end] of [
    [0, 30],
    [0, 10],
    [5, 12],
    [29, 30],
    [40, 60],
    [45, 46],
    [7, 7],
  ] as const)
    expect(await textOf(joinedRange(logWithout(3), 'command', start, end))).toBe(whole.slice(start, end));
  await expect(textOf(joinedRange(logWithout(3), 'command', 29, 31))).rejects.toThrow(
    'not what its journal says',
  );
});

test('every part of the output is those bytes', async () => {
  for (let start = 0; start <= whole.length; start++)
    for (let end = start; end <= whole.length; end += 7)
      expect(await textOf(joinedRange(logWithout(-1), 'command', start, end))).toBe(whole.slice(start, end));
});

test('output that begins at a byte goes on where it was, however often it is opened again', async () => {
  for (let from = 0; from <= whole.length; from++) {
    const open = joinedOutput(logWithout(-1), 'command', false, from);
    const first = open();
    const begun = String((await first.next()).value ?? '');
    await first.return(undefined);
    expect(begun + (await textOf(open()))).toBe(whole.slice(from));
  }
});
