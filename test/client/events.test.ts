import { expect, test } from 'vitest';
import { Runwire } from '../../client/runwire.ts';
import { all } from '../helpers/client-server.ts';
import { events, problem, reset, scriptedServer, text } from '../helpers/scripted-server.ts';

const event = (seq: number, more: object = { type: 'stdout', phase: 'command', text: `ä${seq}\n` }) => ({
  seq,
  time: 't',
  ...more,
});
const framed = (...told: object[]) =>
  Buffer.from(
    told
      .map((one) => `id: ${(one as { seq: number }).seq}\nevent: x\ndata: ${JSON.stringify(one)}\n\n`)
      .join(''),
  );
const [one, two, three] = [event(1), event(2), event(3)];
const last = event(4, { type: 'finished' });
const everything = framed(one, two, three, last);

test('a stream that is cut at any byte is gone on with: no event is lost, none comes twice', async () => {
  const cutAt = async (at: number): Promise<void> => {
    await using server = await scriptedServer(events(everything.subarray(0, at)), (response, request) => {
      const after = Number(/after=(\d+)/.exec(request.url ?? '')?.[1]);
      events(framed(...[one, two, three, last].slice(after)))(response, request, '');
    });
    const told = await all(new Runwire({ url: server.url }).attach('a').events());
    expect(told, `cut at ${at}`).toEqual([one, two, three, last]);
  };
  for (let from = 0; from < everything.length; from += 32)
    await Promise.all(Array.from({ length: 32 }, (_, at) => cutAt(from + at)));
});

test('it goes on however it broke: a reset, a proxy, a server that stops, silence', async () => {
  await using server = await scriptedServer(
    events(framed(one)),
    reset,
    text('<h1>Bad Gateway</h1>', 502),
    problem(503, 'draining', {}, { 'retry-after': '0' }),
    events(': \n\n', true),
    (response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(framed(two)),
    events(framed(three, last)),
  );
  const rw = new Runwire({ url: server.url, idleSeconds: 0.2 });
  expect(await all(rw.attach('a').events())).toEqual([one, two, three, last]);
  expect(server.asked.map((target) => /after=(\d)/.exec(target)?.[1])).toEqual([
    '0',
    '1',
    '1',
    '1',
    '1',
    '1',
    '2',
  ]);
});

test('a reader that takes its time is no silence', async () => {
  await using server = await scriptedServer(events(everything, true));
  const seen: unknown[] = [];
  for await (const told of new Runwire({ url: server.url, idleSeconds: 0.05 }).attach('a').events()) {
    seen.push(told);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(seen).toHaveLength(4);
  expect(server.asked).toHaveLength(1);
});

test.each([
  ['is removed', problem(410, 'invocation_removed'), { name: 'GoneError' }],
  ['is not for this token any more', problem(401, 'unauthorized'), { name: 'AccessError' }],
  [
    'has fewer events than were seen',
    problem(400, 'bad_request', { errors: [{ path: 'after', message: 'is ahead' }] }),
    { name: 'InvalidError' },
  ],
  ['is somewhere else', text('<p>Welcome</p>', 200), { name: 'ProtocolError' }],
  ['has a hole', events(framed(three)), { name: 'ProtocolError', message: 'event 3 came after 1' }],
  ['is not JSON', events('data: {"seq":\n\n'), { name: 'ProtocolError' }],
] as const)('a run that %s is told of, and not asked for again', async (_what, answer, error) => {
  await using server = await scriptedServer(events(framed(one)), answer);
  const reading = new Runwire({ url: server.url }).attach('a').events();
  expect((await reading.next()).value).toEqual(one);
  await expect(reading.next()).rejects.toMatchObject(error);
  expect(server.asked).toHaveLength(2);
});

test('a server that stays away is given up after resumeSeconds, if that is set', async () => {
  await using server = await scriptedServer(events(framed(one)), reset);
  const reading = new Runwire({ url: server.url, resumeSeconds: 0.5 }).attach('a').events();
  expect((await reading.next()).value).toEqual(one);
  await expect(reading.next()).rejects.toMatchObject({ name: 'ConnectionError', code: 'connection_lost' });
});

test('who leaves the loop leaves the connection', async () => {
  let closed = false;
  await using server = await scriptedServer((response) => {
    response.on('close', () => {
      closed = true;
    });
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(framed(one));
  });
  for await (const _ of new Runwire({ url: server.url }).attach('a').events()) break;
  await expect.poll(() => closed).toBe(true);
});
