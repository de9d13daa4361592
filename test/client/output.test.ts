import { expect, test } from 'vitest';
import { Runwire } from '../../client/runwire.ts';
import { type Answer, json, problem, reset, scriptedServer } from '../helpers/scripted-server.ts';

const BYTES = 'the output, äöü';
const LENGTH = Buffer.byteLength(BYTES);
const record = (status: string, kept = LENGTH): Answer => {
  const outcome = { stdout: { kept }, stderr: { kept: 0 } };
  return json({
    status,
    ...(status === 'running' ? { result: null, outcome: null } : { result: {}, outcome }),
  });
};
/** These bytes, then an end in order, as a proxy may make one of a broken stream. */
const some =
  (from: number, to?: number): Answer =>
  (response) =>
    void response.writeHead(200).end(Buffer.from(BYTES).subarray(from, to));
const outputOf = (url: string) => new Runwire({ url }).attach('a');

test('output that ends before the run, or before what was kept, is gone on with at the next byte', async () => {
  await using server = await scriptedServer(
    ...[
      some(0, 4),
      record('running'),
      reset,
      some(4, 13),
      record('succeeded'),
      some(13),
      record('succeeded'),
    ],
  );
  expect(await outputOf(server.url).text()).toBe(BYTES);
  const offsets = server.asked.flatMap((target) =>
    target.includes('/output') ? (/offset=(\d+)/.exec(target)?.[1] ?? '0') : [],
  );
  expect(offsets).toEqual(['0', '4', '4', '13']);
});

test('more than was kept is told of', async () => {
  await using server = await scriptedServer(some(0), record('succeeded', 3));
  await expect(outputOf(server.url).text()).rejects.toMatchObject({
    name: 'IntegrityError',
    code: 'length_mismatch',
  });
});

test('output of which there is less than was read is told of, and not waited for', async () => {
  const ahead = problem(400, 'bad_request', { errors: [{ path: 'offset', message: 'is ahead' }] });
  await using server = await scriptedServer(some(0, 4), record('running'), ahead);
  await expect(outputOf(server.url).text()).rejects.toMatchObject({
    name: 'InvalidError',
    errors: [{ path: 'offset' }],
  });
});

test('what is there now is asked for once', async () => {
  await using server = await scriptedServer(some(0));
  expect(
    await outputOf(server.url).text({ follow: false, stream: 'stderr', offset: 2, phase: 'setup' }),
  ).toBe(BYTES);
  expect(server.asked).toEqual(['GET /invocations/a/stderr?phase=setup&offset=2']);
});
