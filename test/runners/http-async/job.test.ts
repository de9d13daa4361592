import { expect, test } from 'vitest';
import { BackendJob } from '../../../runners/http-async/job.ts';
import { JsonText } from '../../../runners/wire/json.ts';
import type { RunContext } from '../../../src/contract/context.ts';
import { Masking } from '../../../src/outbound/masking.ts';

/** What a job says of itself goes nowhere. */
const output = {
  write() {},
  progress() {},
  acknowledged: { write() {}, progress() {} },
  captured: () => ({ bytes: 0, kept: 0, sha256: '' }),
};

type Context = ConstructorParameters<typeof BackendJob>[0];

function job(): BackendJob {
  const spec = { poll_status_path: 'state', poll_terminal_states: ['done'] };
  return new BackendJob(
    { spec, output } as unknown as RunContext as Context,
    (text) => text,
    () => new Masking([]),
  );
}

test('what a full disk does not take of a job is written with a later answer, and the watch goes on', async () => {
  const watched = job();
  const kept: unknown[] = [];
  let full = true;
  watched.remember = (facts) => {
    if (full) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    kept.push(facts);
  };
  expect(watched.hear(new JsonText('{"state":"running"}'))).toBe(true);
  full = false;
  watched.hear(new JsonText('{"state":"running"}'));
  watched.hear(new JsonText('{"state":"running"}'));
  expect(kept).toEqual([{ run_id: undefined, last_state: 'running' }]);
  watched.hear(new JsonText('{"state":"done"}'));
  expect(await watched.verdict).toMatchObject({ kind: 'terminal', state: 'done' });
});

test('any other failure to keep it is told', () => {
  const watched = job();
  watched.remember = () => {
    throw new Error('a fault of ours');
  };
  expect(() => watched.hear(new JsonText('{"state":"running"}'))).toThrow('a fault of ours');
});

test('of states that come in a burst the last is kept, and the end at once', () => {
  const watched = job();
  const kept: unknown[] = [];
  watched.remember = ({ last_state }) => kept.push(last_state);
  for (let at = 0; at < 1000; at++) watched.hear(new JsonText(`{"state":"${at}"}`), true);
  expect(kept).toEqual([]);
  watched.saveLatest();
  watched.saveLatest();
  watched.hear(new JsonText('{"state":"done"}'), true);
  expect(kept).toEqual(['999', 'done']);
});
