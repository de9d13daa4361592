import { expect, test } from 'vitest';
import { buildEngine } from '../../helpers/build-engine.ts';
import { fake } from '../../helpers/fake-runner.ts';

test('the log of a finished run is shared while it is read, and few are kept', async () => {
  await using server = buildEngine();
  for (let n = 0; n < 70; n++) await server.run(fake({ logs: [`${n}`] }, { invocation_id: `r${n}` }));
  const reading = server.engine.log('r0').read({ after: 0, follow: true });
  await reading.next();
  expect(server.engine.isRead('r0')).toBe(true);
  const first = server.engine.log('r0');
  const second = server.engine.log('r1');
  for (let n = 0; n < 70; n++) server.engine.log(`r${n}`);
  expect(server.engine.log('r0')).toBe(first);
  expect(server.engine.log('r1')).not.toBe(second);
  await reading.return(undefined);
  expect(server.engine.isRead('r0')).toBe(false);
});

test('a reader that followed a run to its end keeps its log for those that come then', async () => {
  await using server = buildEngine();
  const { id } = server.engine.submit(fake({ sleep_ms: 50 }));
  const live = server.engine.log(id);
  const reading = live.read({ after: 0, follow: true });
  await reading.next();
  await server.engine.waitFinished(id, 10_000);
  expect(server.engine.log(id)).toBe(live);
  await reading.return(undefined);
});

test('a finished run is the same after a restart: record, events, bytes', async () => {
  const server = buildEngine();
  await server.run(fake({ logs: ['one\n', 'zwei ä\n'], exit_code: 4 }, { invocation_id: 'a' }));
  const seen = async (of: typeof server) => ({
    record: (await of.get('/invocations/a')).json(),
    events: await of.events('a'),
    tail: await of.events('a', 3),
    stdout: (await of.get('/invocations/a/stdout')).body,
    output: (await of.get('/invocations/a/output')).body,
  });
  const before = await seen(server);
  await using next = buildEngine({ dataDir: await server.crash() });
  expect(await seen(next)).toEqual(before);
  expect(before.stdout).toBe('one\nzwei ä\n');
});
