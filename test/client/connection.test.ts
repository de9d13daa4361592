import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Runwire, type RunwireOptions } from '../../client/runwire.ts';
import { sh } from '../helpers/client-server.ts';
import {
  type Answer,
  json,
  problem,
  reset,
  type ScriptedServer,
  scriptedServer,
  text,
} from '../helpers/scripted-server.ts';

const RECORD = { invocation: {}, status: 'running', result: null };
const of = ({ url }: ScriptedServer, options: RunwireOptions = {}) =>
  new Runwire({ url, token: 't', ...options });

describe('A call', () => {
  test.each([
    ['reset before any answer', reset],
    ['502 of a proxy', text('<h1>Bad Gateway</h1>', 502)],
    ['503 of a proxy', text('<h1>Unavailable</h1>', 503, { 'retry-after': '0' })],
    ['504 of a proxy', text('', 504)],
    [
      'cut within the answer',
      (response: ServerResponse) => {
        response.writeHead(202, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"invo', () => response.destroy());
      },
    ],
  ] as const)(
    'that is %s is sent again where twice is as good as once, with the same id',
    async (_what, fault) => {
      const bodies: string[] = [];
      const noting: Answer = (response, request, body) => {
        bodies.push(body);
        (fault as Answer)(response, request, body);
      };
      await using server = await scriptedServer(noting, noting, (response, request, body) => {
        bodies.push(body);
        json(RECORD, 202)(response, request, body);
      });
      const run = await of(server).submit(sh('true'));
      expect(server.asked).toEqual(Array(3).fill('POST /invocations'));
      expect(new Set(bodies).size).toBe(1);
      expect(JSON.parse(bodies[0] ?? '').invocation_id).toBe(run.id);
    },
  );

  test('that may not be repeated is lost at once: what was asked may have been done', async () => {
    await using server = await scriptedServer(reset);
    const run = of(server).attach('a');
    await expect(run.signal('SIGINT')).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'connection_lost',
      status: null,
    });
    await expect(run.writeStdin('x')).rejects.toMatchObject({ code: 'connection_lost' });
    expect(server.asked).toEqual(['POST /invocations/a/signals', 'POST /invocations/a/stdin']);
  });

  test.each(['queue_full', 'draining', 'overloaded'])(
    'of which nothing was done (%s) is sent again, whatever it is',
    async (code) => {
      const refusal = problem(code === 'queue_full' ? 429 : 503, code, {}, { 'retry-after': '0' });
      await using server = await scriptedServer(refusal, refusal, (response) =>
        response.writeHead(204).end(),
      );
      await of(server).attach('a').signal('SIGINT');
      expect(server.asked).toHaveLength(3);
    },
  );

  test('does not wait where Retry-After is too long', async () => {
    await using server = await scriptedServer(problem(503, 'draining', {}, { 'retry-after': '3600' }));
    await expect(of(server).submit(sh('true'))).rejects.toMatchObject({
      ...{ name: 'BusyError', code: 'draining', status: 503, retryAfterSeconds: 3600 },
    });
    expect(server.asked).toHaveLength(1);
  });

  test('that is never answered well ends with what went wrong last', async () => {
    await using server = await scriptedServer(text('<h1>Bad Gateway</h1>', 502));
    const submitted = of(server, { retrySeconds: 0.5 }).submit(sh('true'));
    await expect(submitted).rejects.toMatchObject({
      name: 'GatewayError',
      code: 'gateway_error',
      status: 502,
    });
    expect(server.asked.length).toBeGreaterThan(1);
  });

  test('is not sent again where the server says no, or fails', async () => {
    for (const [answer, name] of [
      [
        problem(422, 'invalid_invocation', { errors: [{ path: 'command', message: 'is missing' }] }),
        'InvalidError',
      ],
      [problem(401, 'unauthorized'), 'AccessError'],
      [problem(403, 'forbidden_host'), 'AccessError'],
      [problem(500, 'internal_error'), 'ServerError'],
      [text('Not here', 404), 'NotFoundError'],
      [text('<p>Welcome</p>', 200), 'ProtocolError'],
      [json('{', 200, { 'content-type': 'text/plain' }), 'ProtocolError'],
      [text('', 302, { location: 'https://elsewhere.example/' }), 'ProtocolError'],
    ] as const) {
      await using server = await scriptedServer(answer);
      await expect(of(server).submit(sh('true')), name).rejects.toMatchObject({ name });
      expect(server.asked).toHaveLength(1);
    }
  });

  test('to a port that fetch never asks is unreachable', async () => {
    const blocked = new Runwire({ url: 'http://127.0.0.1:9', retrySeconds: 0 }).readiness();
    await expect(blocked).rejects.toMatchObject({ name: 'ConnectionError', code: 'unreachable' });
  });

  test('to where nothing listens is unreachable, and is done when something does', async () => {
    const place = createServer();
    place.listen(0, '127.0.0.1');
    await once(place, 'listening');
    const { port } = place.address() as AddressInfo;
    await new Promise((resolve) => place.close(resolve));
    const url = `http://127.0.0.1:${port}`;
    const hasty = new Runwire({ url, retrySeconds: 0 }).attach('a').signal('SIGINT');
    await expect(hasty).rejects.toMatchObject({ name: 'ConnectionError', code: 'unreachable' });
    const asked = new Runwire({ url }).attach('a').refresh();
    const late = createServer((socket) => {
      const body = JSON.stringify(RECORD);
      socket.end(
        `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      );
    });
    late.listen(port, '127.0.0.1');
    expect(await asked).toEqual(RECORD);
    late.close();
  });

  test('to which nobody says anything is lost after a while', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const run = new Runwire({ url, answerSeconds: 0.2, retrySeconds: 0 }).attach('a');
    await expect(run.refresh()).rejects.toMatchObject({
      code: 'connection_lost',
      message: 'no answer within 0.2 s',
    });
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  test('a DELETE whose answer was lost has done its work when there is nothing any more', async () => {
    await using server = await scriptedServer(reset, problem(410, 'invocation_removed'));
    await of(server).attach('a').remove();
    await using other = await scriptedServer(problem(410, 'invocation_removed'));
    await expect(of(other).attach('a').remove()).rejects.toMatchObject({ name: 'GoneError' });
  });
});

describe('An AbortSignal', () => {
  const reason = new Error('enough');
  test.each([
    ['before it begins', 0, json(RECORD)],
    ['while it waits for the answer', 1, () => {}],
    ['while it waits to ask again', 1, problem(503, 'draining', {}, { 'retry-after': '30' })],
  ] as const)('ends a call %s, with its reason', async (_when, after, answer) => {
    await using server = await scriptedServer(answer);
    const rw = of(server);
    const run = rw.attach('a');
    const workspace = rw.workspaces.attach('w');
    const session = rw.sessions.attach('s');
    const calls: ((signal: AbortSignal) => Promise<unknown>)[] = [
      (signal) => rw.submit(sh('true'), { signal }),
      (signal) => run.refresh({ signal }),
      (signal) => run.wait({ signal }),
      (signal) => run.cancel({ signal }),
      (signal) => run.signal('SIGINT', { signal }),
      (signal) => run.writeStdin('x', { signal }),
      (signal) => run.closeStdin({ signal }),
      (signal) => run.remove({ signal }),
      (signal) => run.events({ signal }).next(),
      (signal) => run.lines({ signal }).next(),
      (signal) => run.output({ signal }).next(),
      (signal) => run.text({ signal }),
      (signal) => run.artifacts({ signal }),
      (signal) => run.artifact('x', { signal }).bytes(),
      (signal) => run.file('x', { signal }).head(),
      (signal) => run.files({ signal }).toArray(),
      (signal) => rw.list({ signal }).toArray(),
      (signal) => rw.workspaces.create({}, { signal }),
      (signal) => workspace.ready({ signal }),
      (signal) => workspace.put('f', 'x', { signal }),
      (signal) => workspace.delete('f', { signal }),
      (signal) => workspace.push([], { signal }),
      (signal) => workspace.pull({ signal }).next(),
      (signal) => workspace.snapshot({}, { signal }),
      (signal) => workspace.diff('s', { signal }),
      (signal) => workspace.patch('s', { signal }).text(),
      (signal) => workspace.restore('s', { signal }),
      (signal) => workspace.reset({ signal }),
      (signal) => rw.snapshots.attach('s').diff('t', { signal }),
      (signal) => session.ready({ signal }),
      (signal) => session.checkpoint({}, { signal }),
      (signal) => session.reset({ signal }),
      (signal) => rw.environmentSpecs.put('n', { runtime_kind: 'x' }, { signal }),
      (signal) => rw.assets.put('n', 'x', { signal }),
      (signal) => rw.assets.content('n', { signal }).bytes(),
      (signal) => rw.runtimes({ signal }),
    ];
    for (const call of calls) {
      const asked = server.asked.length;
      const controller = new AbortController();
      if (after === 0) controller.abort(reason);
      const ended = expect(call(controller.signal), String(call)).rejects.toBe(reason);
      if (after > 0) {
        await expect.poll(() => server.asked.length, { interval: 5 }).toBeGreaterThan(asked);
        controller.abort(reason);
      }
      await ended;
    }
  });

  test('ends what is being read', async () => {
    await using server = await scriptedServer((response, request) => {
      const isEvents = request.url?.includes('events');
      response.writeHead(200, {
        'content-type': isEvents ? 'text/event-stream' : 'application/octet-stream',
      });
      response.write(isEvents ? 'id: 1\nevent: status\ndata: {"seq":1,"type":"status"}\n\n' : 'some');
    });
    for (const read of [
      (signal: AbortSignal) => of(server).attach('a').events({ signal }),
      (signal: AbortSignal) => of(server).attach('a').output({ signal }),
    ]) {
      const controller = new AbortController();
      const reading = read(controller.signal);
      await reading.next();
      const ended = expect(reading.next()).rejects.toBe(reason);
      controller.abort(reason);
      await ended;
    }
  });
});

test.each([
  ['ftp://x', /http or https/],
  ['http://user:password@x', /no user/],
  ['x', /URL/],
])('%s is no address of a server', (url, words) => {
  expect(() => new Runwire({ url })).toThrow(words);
});

test('an address may have a path, and is that of the environment where none is given', async () => {
  await using server = await scriptedServer(json(RECORD));
  process.env.RUNWIRE_URL = `${server.url}/below/`;
  try {
    await new Runwire().attach('a b').refresh();
  } finally {
    delete process.env.RUNWIRE_URL;
  }
  expect(server.asked).toEqual(['GET /below/invocations/a%20b']);
});
