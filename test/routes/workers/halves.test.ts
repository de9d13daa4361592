import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { post, Worker } from '../../helpers/worker.ts';

let app: BuiltApp;
let server: string;
let worker: Worker;
beforeEach(async () => {
  app = await buildApp();
  server = await app.listen();
  await post(`${server}/invocations`, { runtime_kind: 'manual' });
  const claimed = await Worker.claim(server, { lease_seconds: 60 });
  if (claimed === null) throw new Error('no run came');
  worker = claimed;
});
afterEach(() => app.end());

const send = (events: object[], type = 'application/json') =>
  fetch(`${server}/invocations/${worker.id}/events`, {
    method: 'POST',
    headers: { ...worker.authorization, 'content-type': type },
    body:
      type === 'application/json' ? JSON.stringify(events) : events.map((e) => JSON.stringify(e)).join('\n'),
  });
const captured = async (stream: string) =>
  (await fetch(`${server}/invocations/${worker.id}/${stream}`)).text();

test.each(['application/json', 'application/x-ndjson'])(
  'a character cut in two between texts of one stream is whole, as %s',
  async (type) => {
    const events = [
      { type: 'stdout', text: 'a\ud83d' },
      { type: 'stderr', text: 'x\ud83d' },
      { type: 'progress', message: 'between' },
      { type: 'stdout', text: '\ude00b\ud83d' },
      { type: 'stdout', text: '\ude01' },
      { type: 'stderr', text: '\ude02' },
    ];
    expect((await send(events, type)).status).toBe(200);
    expect([await captured('stdout'), await captured('stderr')]).toEqual(['a😀b😁', 'x😂']);
  },
);

test.each([
  ['at the end of a batch', [{ type: 'stdout', text: 'a\ud83d' }], '0.text'],
  ['at the begin of one', [{ type: 'stdout', text: '\ude00' }], '0.text'],
  [
    'with bytes between them',
    [
      { type: 'stdout', text: '\ud83d' },
      { type: 'stdout', base64: 'eA==' },
      { type: 'stdout', text: '\ude00' },
    ],
    '0.text',
  ],
  [
    'of two streams',
    [
      { type: 'stdout', text: '\ud83d' },
      { type: 'stderr', text: '\ude00' },
    ],
    '0.text',
  ],
  [
    'before an offset',
    [
      { type: 'stdout', text: '\ud83d' },
      { type: 'stdout', text: '\ude00', offset: 3 },
    ],
    '0.text',
  ],
  ['in progress', [{ type: 'progress', data: { deep: ['\ud83d'] } }], '0.data.deep.0'],
])('half of one %s is refused, and nothing of the batch is taken', async (_where, events, path) => {
  const response = await send([...events]);
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({ code: 'invalid_field', errors: [{ path }] });
  expect([await captured('stdout'), await captured('stderr')]).toEqual(['', '']);
});
