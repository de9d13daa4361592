import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  readFromSupervisor,
  readLastWords,
  readToSupervisor,
} from '../../../../src/supervisor/protocol/checks.ts';
import { Alien, lineSplitter } from '../../../../src/supervisor/protocol/lines.ts';
import type { FromSupervisor, ToSupervisor } from '../../../../src/supervisor/protocol/messages.ts';

const stream = {
  bytes: 9,
  kept: 9,
  sha256: 'a'.repeat(64),
  gap: { offset: 9, length: 1, reason: 'storage' },
};
const captures = { stdout: stream, stderr: stream, setup: { stdout: stream, stderr: stream } };
const step = { command: ['sh'], exit_code: null, signal: 'SIGKILL', ms: 1.5, error: 'no such program' };
const setup = { steps: [step], done: false, ms: 2, stdout: stream, stderr: stream };
const facts = {
  ...{ pid: 1, code: -1, signal: null, stdout: stream, stderr: stream, next_seq: 3, capture_error: null },
  ...{ setup, failure: { code: 'ENOENT', message: 'no such file' } },
  usage: { cpu_user_ms: 0.5, cpu_system_ms: 0, max_rss_bytes: null },
  kill: { signals: ['SIGTERM'], survivors: 0 },
  timings: { spawn_ms: 1, run_ms: 2.5 },
};
const failure = { code: 'ENOENT', message: 'no such file' };

/** One of each, whole. */
const TO: { [Op in ToSupervisor['op']]: object } = {
  hello: { version: 4, key: 'k' },
  spawn: {
    ...{ run: 'r', command: ['true'], environment: ['A=b'], working_directory: '/', directory: '/r' },
    ...{ first_seq: 3, max_output_bytes: 0, stdin: { kind: 'text', text: '' }, limits: { open_files: 9 } },
    setup: { commands: [['true']], time_limit: { ms: 1, grace_ms: 0 }, session: true },
    terminal: { cols: 80, rows: 24 },
  },
  adopt: { run: 'r', directory: '/r', first_seq: 3, started_at: 1.5, rebooted: true, setup: true },
  stdin: { run: 'r', n: 1, base64: '', eof: true },
  resize: { run: 'r', n: 1, cols: 80, rows: 24 },
  signal: { run: 'r', n: 1, signal: 'SIGHUP' },
  stop: { run: 'r', grace_ms: 0.5 },
  end: { n: 1, directories: ['/r'] },
  forget: { run: 'r' },
  quit: {},
};
const FROM: { [Op in FromSupervisor['op']]: object } = {
  welcome: { version: 2, runs: ['r'] },
  started: { run: 'r', pid: 1 },
  began: { run: 'r', ms_ago: 0.5 },
  failed: { run: 'r', failure, captures, next_seq: 3 },
  grew: { run: 'r', end: 1 },
  active: { run: 'r' },
  exit: { run: 'r', facts, end: 1 },
  lost: { run: 'r', captures, end: 1, next_seq: 3, kill: facts.kill, steps: [step] },
  absent: { run: 'r' },
  unreadable: { run: 'r', message: '' },
  reply: { n: 1, error: null },
};

/** Every place in a message that holds a value, as the way there. */
function placesIn(value: unknown, way: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [way];
  return [way, ...Object.entries(value).flatMap(([name, inner]) => placesIn(inner, [...way, name]))];
}

function withOther(value: unknown, [name, ...way]: string[], other: unknown): unknown {
  if (name === undefined) return other;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[name] = withOther(copy[name], way, other);
  return copy;
}

describe.each([
  ['a server', TO, readToSupervisor],
  ['a supervisor', FROM, readFromSupervisor],
])('A message of %s', (_who, messages, read: (line: string) => object | null) => {
  test.each(Object.entries(messages))(
    '%s is read when it is whole, with fields of other releases',
    (op, fields) => {
      const message = { op, ...fields, news: { of: ['later'] } };
      expect(read(JSON.stringify(message))).toEqual(message);
    },
  );

  test.each(Object.entries(messages))('%s is refused with a wrong type in any field', (op, fields) => {
    for (const way of placesIn(fields).filter(({ length }) => length > 0)) {
      // Neither text, nor a number, nor true or false, nor a list, nor what has fields.
      const wrong = withOther({ op, ...fields }, way, [[]]);
      expect(() => read(JSON.stringify(wrong)), way.join('.')).toThrow(Alien);
    }
  });

  test('is not made of what a prototype has', () => {
    for (const op of ['constructor', 'toString', '__proto__', 'hasOwnProperty'])
      expect(read(JSON.stringify({ op, run: 'r' }))).toBeNull();
    const op = 'forget' in messages ? 'forget' : 'absent';
    expect(() => read(`{"__proto__":{"run":"r"},"op":"${op}"}`)).toThrow(Alien);
  });

  test.each(['', 'null', '[]', '1', '"quit"', '{}', '{"op":1}', '{"op":["quit"]}', '['.repeat(100_000)])(
    'is not %.9s',
    (line) => {
      expect(() => read(line)).toThrow(Alien);
    },
  );

  test('of any text is read, passed over, or no message', () => {
    const ops = fc.constantFrom(...Object.keys(messages));
    const fields = fc.dictionary(fc.string(), fc.jsonValue());
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      fc.tuple(ops, fields).map(([op, rest]) => JSON.stringify({ ...rest, op })),
    );
    fc.assert(
      fc.property(line, (text) => {
        try {
          read(text);
        } catch (error) {
          expect(error).toBeInstanceOf(Alien);
        }
      }),
    );
  });
});

test.each([
  ['a number that is not whole', 'stdin', { run: 'r', n: 1.5 }],
  ['a number below 0', 'stop', { run: 'r', grace_ms: -1 }],
  ['a number that no double holds', 'signal', { run: 'r', n: 2 ** 53, signal: 'SIGHUP' }],
  ['a source of standard input that there is not', 'spawn', { ...TO.spawn, stdin: { kind: 'socket' } }],
])('%s is refused', (_what, op, fields) => {
  expect(() => readToSupervisor(JSON.stringify({ op, ...fields }))).toThrow(Alien);
});

test('of the last words in a journal only those of their shape are heard', () => {
  expect(readLastWords({ exit: facts })).toEqual({ exit: facts });
  expect(readLastWords({ failed: failure, started: { pid: 1, start_time: 2 } })).toEqual({
    failed: failure,
    started: { pid: 1, start_time: 2 },
  });
  const alien = JSON.parse('{"__proto__":{"exit":1},"exit":{"pid":1},"failed":"x","started":null}') as Record<
    string,
    unknown
  >;
  expect(readLastWords(alien)).toEqual({});
});

test('a line is given up as soon as it is too long, also without an end', () => {
  const lines: string[] = [];
  const split = lineSplitter(
    (line) => lines.push(line),
    () => 5,
  );
  split(Buffer.from('12345\n123'));
  split(Buffer.from('45\n'));
  expect(lines).toEqual(['12345', '12345']);
  split(Buffer.from('1234'));
  expect(() => split(Buffer.from('56'))).toThrow(Alien);
});
