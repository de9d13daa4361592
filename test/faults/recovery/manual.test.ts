import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readState, writeState } from '../../../runners/manual/state.ts';
import { runDirectory } from '../../../src/disk/run-directory.ts';
import { own } from '../../helpers/own-id.ts';
import { codeOf, Worker } from '../../helpers/worker.ts';
import { expectInvariants } from '../invariants.ts';
import { recoveringServer } from '../recovering.ts';

const server = recoveringServer();
const manual = (more: Record<string, unknown> = {}) => ({ runtime_kind: 'manual', ...more });
/** The same worker, with the server at its new address. */
const again = (worker: Worker): Worker => new Worker(server().url, worker.claimed);

test('many waiting runs wait on in the order of acceptance, and a worker that comes at once gets the oldest', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 120; n++)
    ids.push(await server().submit(manual({ invocation_id: own(`m${(n * 77) % 120}`) })));
  await server().crash();
  await server().start();
  const got: (string | undefined)[] = [];
  for (const _ of ids) got.push((await Worker.claim(server().url))?.id);
  expect(got).toEqual(ids);
  expect(await Worker.claim(server().url)).toBeNull();
  expect(await server().recovery()).toEqual({ queued: 0, resumed: 120, lost: 0 });
});

test('a worker at its work notices no more of the crash than that it has to ask again', async () => {
  const body = manual({ invocation_id: own('worked'), options: { manual: { lease_seconds: 30 } } });
  await server().submit(body);
  const worker = await Worker.sure(server().url, { worker: 'far' });
  let reported = 0;
  const say = async (by: Worker, text: string): Promise<void> => {
    expect((await by.events([{ type: 'stdout', text, offset: reported }])).status).toBe(200);
    reported += text.length;
  };
  await say(worker, 'one\n');
  for (const text of ['two\n', 'three\n']) {
    await server().restart();
    expect((await again(worker).heartbeat()).status).toBe(200);
    await say(again(worker), text);
  }
  expect((await again(worker).complete({ status: 'succeeded', exit_code: 0 })).status).toBe(200);
  const wrote = { stdout: 'one\ntwo\nthree\n', stderr: '' };
  const { record } = await expectInvariants({ url: server().url, id: own('worked'), body, wrote });
  expect(record).toMatchObject({ status: 'succeeded', outcome: { ended: 'completed' } });
});

test('what a run may take is counted on while no server lives, for waiting and claimed ones', async () => {
  const claimed = await server().submit(manual({ timeout_seconds: 6 }));
  const worker = await Worker.sure(server().url);
  const waiting = await server().submit(manual({ timeout_seconds: 6 }));
  const unclaimed = await server().submit(manual({ options: { queue_timeout_seconds: 6 } }));
  const patient = await server().submit(manual({ timeout_seconds: 600 }));
  await server().restart(6100);
  for (const id of [claimed, waiting])
    expect(await server().ended(id)).toMatchObject({
      status: 'timed_out',
      outcome: { timeout_reason: 'run' },
    });
  expect((await server().ended(unclaimed)).outcome).toMatchObject({ retry_safe: true });
  expect((await server().ended(unclaimed)).status).toBe('timed_out');
  expect(codeOf(await again(worker).complete({ status: 'succeeded' }))).toBe('not_running');
  expect((await Worker.sure(server().url)).id).toBe(patient);
});

test('a completion that was taken in time is the end, however late the next server comes', async () => {
  const id = await server().submit(manual({ timeout_seconds: 6 }));
  await Worker.sure(server().url);
  await server().crash();
  // As it is between the answer to the worker and the stored result.
  const directory = runDirectory(server().dataDir, id);
  const body = { status: 'succeeded' as const, exit_code: 0 };
  writeState(directory, { ...readState(directory), completion: { sha256: 'of the body', body } });
  await sleep(6100);
  await server().start();
  expect(await server().ended(id)).toMatchObject({ status: 'succeeded', outcome: { ended: 'completed' } });
});

test.each([
  '',
  'null',
  '{}',
  '{"attempts":1,"tokens":[{"sha256":"x","attempt":1}],"claim":null,"completion":null}',
])(
  'a run whose claims were damaged (%s) is lost, its worker is nobody, and the others go on',
  async (text) => {
    const id = await server().submit(manual());
    const worker = await Worker.sure(server().url);
    const other = await server().submit(manual());
    await server().crash();
    writeFileSync(`${runDirectory(server().dataDir, id).root}/claims.json`, text);
    await server().start();
    expect(await server().ended(id)).toMatchObject({ status: 'failed', outcome: { ended: 'lost' } });
    expect(codeOf(await again(worker).heartbeat())).toBe('unauthorized');
    expect((await Worker.sure(server().url)).id).toBe(other);
  },
);

test('of completions under way when the server is killed, those that were answered are the end', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 8; n++) ids.push(await server().submit(manual()));
  const workers: Worker[] = [];
  for (const _ of ids) workers.push(await Worker.sure(server().url));
  const completion = { status: 'succeeded', exit_code: 0 };
  const answers = workers.map((worker) =>
    worker.complete(completion).then(
      ({ status }) => status,
      () => null,
    ),
  );
  await sleep(4);
  await server().crash();
  const taken = await Promise.all(answers);
  await server().start();
  for (const [n, worker] of workers.entries()) {
    if (taken[n] !== null)
      expect(codeOf(await again(worker).complete({ status: 'failed' }))).toBe('completion_conflict');
    expect((await again(worker).complete(completion)).status).toBe(200);
    await expectInvariants({ url: server().url, id: worker.id });
    expect((await server().record(worker.id)).status).toBe('succeeded');
  }
});
