import { expect, test } from 'vitest';
import { RunFailedError, Runwire } from '../../client/runwire.ts';
import { all, clientServer, sh } from '../helpers/client-server.ts';
import { own } from '../helpers/own-id.ts';

const server = clientServer();

test('a run is started, watched and waited for', async () => {
  const run = await server.rw.submit(sh('echo out; echo err >&2; exit 3'));
  const types: string[] = [];
  for await (const event of run.events()) types.push(event.type);
  expect(types).toEqual(expect.arrayContaining(['status', 'stdout', 'stderr', 'artifact', 'finished']));
  expect(types.at(-1)).toBe('finished');
  const record = await run.wait();
  expect(record).toMatchObject({ status: 'failed', result: { exit_code: 3 } });
  expect(await run.text({ stream: 'stdout' })).toBe('out\n');
});

test('run() waits, and with check a run that ends badly is an error that is none of the connection', async () => {
  expect((await server.rw.run(sh('true'))).status).toBe('succeeded');
  const failed = server.rw.run(sh('exit 4'), { check: true });
  await expect(failed).rejects.toBeInstanceOf(RunFailedError);
  await expect(failed).rejects.toMatchObject({
    code: 'failed',
    status: null,
    record: { result: { exit_code: 4 } },
  });
});

test('the id is made here, or is that which the invocation has', async () => {
  const run = await server.rw.submit(sh('true'));
  expect(run.id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  expect(run.record?.invocation.invocation_id).toBe(run.id);
  const id = own('an id/with ü');
  expect((await server.rw.submit({ ...sh('true'), invocation_id: id })).id).toBe(id);
  expect((await server.rw.attach(id).wait()).status).toBe('succeeded');
});

test('lines are those of each stream, whole characters, whatever was written when', async () => {
  const run = await server.rw.submit(
    sh(
      String.raw`printf 'a\303'; sleep 0.2; printf 'err' >&2; printf '\244b\r\nc\n\nd'; sleep 0.2; printf 'or\n' >&2; printf '\377'`,
    ),
  );
  const lines = await all(run.lines());
  const of = (stream: string) => lines.filter((line) => line.stream === stream).map(({ text }) => text);
  expect(of('stdout')).toEqual(['aäb', 'c', '', 'd\ufffd']);
  expect(of('stderr')).toEqual(['error']);
  expect(lines.filter(({ partial }) => partial).map(({ text }) => text)).toEqual(['d\ufffd']);
  expect((await all(run.lines({ stream: 'stderr' }))).map(({ text }) => text)).toEqual(['error']);
});

test('standard input is fed in order, as soon as there is a program', async () => {
  const run = await server.rw.submit(sh('cat', { stdin_open: true }));
  async function* parts() {
    for (const word of ['three ', 'four']) yield new TextEncoder().encode(word);
  }
  await Promise.all([
    run.writeStdin('one '),
    run.writeStdin(new Blob(['two '])),
    run.writeStdin(parts()),
    run.closeStdin(),
  ]);
  expect(await run.text()).toBe('one two three four');
  await expect(run.writeStdin('late')).rejects.toMatchObject({ code: 'not_running' });
});

test('a run is signalled and cancelled', async () => {
  const run = await server.rw.submit(
    sh(`trap 'echo got; trap - INT' INT; echo up; while :; do sleep 0.05; done`),
  );
  const lines = run.lines();
  expect((await lines.next()).value?.text).toBe('up');
  await run.signal('SIGINT');
  expect((await lines.next()).value?.text).toBe('got');
  await lines.return();
  await run.cancel({ graceSeconds: 0 });
  const record = await run.wait();
  expect(record).toMatchObject({ status: 'cancelled', outcome: { cancelled_by: { by: 'client' } } });
  expect((await run.cancel()).status).toBe('cancelled');
});

test('await using cancels what has not finished, unless it was detached', async () => {
  let left: string;
  {
    await using run = await server.rw.submit(sh('sleep 600'));
    await using other = (await server.rw.submit(sh('sleep 0.5'))).detach();
    left = other.id;
    expect(run.record?.status).not.toBe('cancelled');
  }
  const [last, first] = await server.rw.list({ limit: 1 }).toArray(2);
  expect(last?.invocation.invocation_id).toBe(left);
  expect((await server.rw.attach(first?.invocation.invocation_id ?? '').wait()).status).toBe('cancelled');
  expect((await server.rw.attach(left).wait()).status).toBe('succeeded');
});

test('events go on after one that another program knows, and end at once after the last', async () => {
  const run = await server.rw.submit(sh('echo one; sleep 0.1; echo two'));
  const told = await all(run.events());
  const [, second] = told;
  const rest = await all(server.rw.attach(run.id).events({ after: second?.seq }));
  expect(rest).toEqual(told.slice(2));
  expect(await all(run.events({ after: told.length }))).toEqual([]);
});

test('a list is read page by page, with a filter', async () => {
  const runtime_name = own('listed');
  const runs = await Promise.all([1, 2, 3, 4, 5].map(() => server.rw.run({ ...sh('true'), runtime_name })));
  const pages = await all(server.rw.list({ runtime_name, status: 'succeeded', limit: 2 }).pages());
  expect(pages.map(({ items }) => items.length)).toEqual([2, 2, 1]);
  const ids = pages.flatMap(({ items }) => items.map(({ invocation }) => invocation.invocation_id));
  expect(ids.toSorted()).toEqual(runs.map(({ invocation }) => invocation.invocation_id).toSorted());
  expect(await server.rw.list({ runtime_name }).toArray(3)).toHaveLength(3);
});

test('a run that is removed is gone to who reads it and who asks', async () => {
  const run = await server.rw.submit(sh('echo x'));
  await run.wait();
  await run.remove();
  await expect(run.refresh()).rejects.toMatchObject({
    name: 'GoneError',
    code: 'invocation_removed',
    status: 410,
  });
  await expect(run.events().next()).rejects.toMatchObject({ name: 'GoneError' });
  await expect(run.output().next()).rejects.toMatchObject({ name: 'GoneError' });
});

test('what the server refuses is told by class, code and field', async () => {
  await expect(
    server.rw.submit({ runtime_kind: 'subprocess', command: ['x'], timeout_seconds: -1 }),
  ).rejects.toMatchObject({
    name: 'InvalidError',
    code: 'invalid_invocation',
    status: 422,
    errors: [{ path: 'timeout_seconds' }],
  });
  await expect(server.rw.attach('nobody').refresh()).rejects.toMatchObject({
    name: 'NotFoundError',
    status: 404,
  });
  const id = own('taken');
  await server.rw.submit({ ...sh('true'), invocation_id: id });
  await expect(server.rw.submit({ ...sh('false'), invocation_id: id })).rejects.toMatchObject({
    name: 'ConflictError',
    code: 'invocation_conflict',
  });
  const stranger = new Runwire({ url: server.url, token: 'wrong' });
  await expect(stranger.submit(sh('true'))).rejects.toMatchObject({
    name: 'AccessError',
    code: 'unauthorized',
  });
  await expect(stranger.attach(id).events().next()).rejects.toMatchObject({ name: 'AccessError' });
});
