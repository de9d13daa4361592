import { describe, expect, test } from 'vitest';
import { plainLine } from '../../../src/command/plain-lines.ts';

const time = new Date(2026, 0, 2, 3, 4, 5).getTime();
const plain = (facts: object) =>
  plainLine(JSON.stringify({ level: 30, time, pid: 1, hostname: 'h', ...facts }));
const run = { invocation_id: 'a', kind: 'http', seconds: 1.25, msg: 'run finished' };

describe('A line of the log for people', () => {
  test('has the time, what, and the facts', () => {
    expect(plain({ level: 40, msg: 'look', root: '/a', err: { message: 'no such' }, n: 3 })).toBe(
      '03:04:05 warning: look root=/a err="no such" n=3\n',
    );
  });

  test('says why a run did not succeed', () => {
    expect(plain({ ...run, status: 'timed_out', error: 'took too long' })).toBe(
      '03:04:05 run a (http) timed_out after 1.3 s: took too long\n',
    );
  });

  test('is left out for the configuration and for runs that went well', () => {
    expect(plain({ msg: 'configuration', config: {} })).toBeNull();
    expect(plain({ ...run, status: 'succeeded', error: null })).toBeNull();
  });

  test('is one line that moves no cursor, whatever a backend said', () => {
    expect(plain({ ...run, status: 'failed', error: 'a\nb\u001b[2Jc\rd' })).toBe(
      '03:04:05 run a (http) failed after 1.3 s: a bc d\n',
    );
    expect(plain({ ...run, invocation_id: 'b\u2028c\u202ed', status: 'failed', error: null })).toBe(
      '03:04:05 run b c d (http) failed after 1.3 s\n',
    );
  });
});
