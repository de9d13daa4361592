import { once } from 'node:events';
import { get, type IncomingMessage, request } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { EventSource, type MessageEvent } from 'undici';
import { describe, expect, test } from 'vitest';
import { RuntimeEvent } from '../../src/documents/event.ts';
import { type StubApp, stubApp } from '../helpers/stub-app.ts';

/** A run with output of both streams, text and bytes, finished. */
async function finishedRun(stub: StubApp, id = 'a'): Promise<string> {
  await stub.start(id);
  stub.engine.write(id, 'stdout', 'one\ntwo\r\n');
  stub.engine.write(id, 'stderr', 'zwölf\u2028data: x\n\n');
  stub.engine.write(id, 'stdout', Buffer.from([0xff, 0x00, 0xfe]));
  stub.engine.finish(id);
  return id;
}

const linesOf = (body: string) =>
  body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

async function open(url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const [response] = (await once(get(url, { headers }), 'response')) as [IncomingMessage];
  return response;
}

describe('framing', () => {
  test('two independent readers see the same events, whatever is in them', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    await finishedRun(stub);
    const expected = linesOf(
      (await stub.app.inject({ url: '/invocations/a/events', headers: { accept: 'application/x-ndjson' } }))
        .body,
    );

    const parsed: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (event) => parsed.push(event) });
    for await (const text of (await open(`${origin}/invocations/a/events`)).setEncoding('utf8'))
      parser.feed(text);
    expect(parsed.map(({ data }) => JSON.parse(data))).toEqual(expected);
    expect(parsed.map(({ id, event }) => [Number(id), event])).toEqual(
      expected.map(({ seq, type }) => [seq, type]),
    );

    const heard: unknown[] = [];
    const source = new EventSource(`${origin}/invocations/a/events`);
    await new Promise<void>((resolve) => {
      for (const type of ['status', 'stdout', 'stderr', 'finished'])
        source.addEventListener(type, (event) => {
          heard.push(JSON.parse((event as MessageEvent).data));
          if (type === 'finished') resolve();
        });
    });
    source.close();
    expect(heard).toEqual(expected);
    for (const event of expected) RuntimeEvent.parse(event);
    expect(expected.map(({ text, base64 }) => text ?? base64).filter(Boolean)).toEqual([
      'one\ntwo\r\n',
      'zwölf\u2028data: x\n\n',
      '/wD+',
    ]);
  });

  test('a browser that reconnects after finished is told to stop', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    await finishedRun(stub);
    const source = new EventSource(`${origin}/invocations/a/events`);
    const finished: string[] = [];
    source.addEventListener('finished', (event) => finished.push((event as MessageEvent).data));
    // The 204 of the reconnect closes the source for good.
    await expect.poll(() => source.readyState, { timeout: 20_000 }).toBe(EventSource.CLOSED);
    expect(finished).toHaveLength(1);
  });
});

describe('resuming', () => {
  test.each([0, 1, 2, 3, 4, 5])('after %i come exactly the later events', async (after) => {
    await using stub = stubApp();
    await finishedRun(stub);
    const headers = { accept: 'application/x-ndjson' };
    const all = linesOf((await stub.app.inject({ url: '/invocations/a/events', headers })).body);
    const byQuery = await stub.app.inject({ url: `/invocations/a/events?after=${after}`, headers });
    const byHeader = await stub.app.inject({
      url: '/invocations/a/events?after=0',
      headers: { ...headers, 'last-event-id': String(after) },
    });
    expect(linesOf(byQuery.body)).toEqual(all.slice(after));
    expect(byHeader.body).toBe(byQuery.body);
  });

  test('after the last event of a finished run there is nothing: 204', async () => {
    await using stub = stubApp();
    await finishedRun(stub);
    const response = await stub.app.inject('/invocations/a/events?after=6');
    expect([response.statusCode, response.body]).toEqual([204, '']);
    expect((await stub.app.inject('/invocations/a/events?after=6&follow=false')).statusCode).toBe(204);
  });

  test.each([
    ['application/x-ndjson', ''],
    ['text/event-stream', ''],
    ['text/event-stream', '&follow=false'],
  ])('what is ahead of the run is refused by name, live and finished (%s%s)', async (accept, follow) => {
    await using stub = stubApp();
    await stub.start('live');
    stub.engine.write('live', 'stdout', 'one');
    stub.engine.write('live', 'stderr', 'two');
    await finishedRun(stub);
    for (const [id, newest] of [
      ['live', 4],
      ['a', 6],
    ] as const) {
      const url = `/invocations/${id}/events`;
      const ahead = `is ahead of the run, whose newest event is ${newest}: read from the start`;
      const byQuery = await stub.app.inject({
        url: `${url}?after=${newest + 1}${follow}`,
        headers: { accept },
      });
      expect(byQuery.statusCode).toBe(400);
      expect(byQuery.json()).toMatchObject({
        code: 'bad_request',
        errors: [{ path: 'after', message: ahead }],
      });
      const headers = { accept, 'last-event-id': '1000' };
      const byHeader = await stub.app.inject({ url: `${url}?after=0${follow}`, headers });
      expect(byHeader.json().errors).toEqual([{ path: 'Last-Event-ID', message: ahead }]);
    }
    const level = await stub.app.inject('/invocations/live/events?after=4&follow=false');
    expect([level.statusCode, level.body]).toEqual([200, '']);
  });

  test.each(['x', '-1', '1.5', '1, 2'])('Last-Event-ID %s is refused by name', async (id) => {
    await using stub = stubApp();
    await finishedRun(stub);
    const response = await stub.app.inject({
      url: '/invocations/a/events',
      headers: { 'last-event-id': id },
    });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ code: 'bad_request', errors: [{ path: 'Last-Event-ID' }] });
  });

  test.each(['after=x', 'after=-1', 'after=0.5', 'follow=maybe'])('?%s is refused by name', async (query) => {
    await using stub = stubApp();
    await finishedRun(stub);
    const response = await stub.app.inject(`/invocations/a/events?${query}`);
    expect(response.statusCode).toBe(400);
    expect(response.json().errors[0].path).toBe(query.split('=')[0]);
  });
});

describe('live', () => {
  test('headers and events come before the run has finished, and the connection is used again', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    await stub.start('a');
    const response = await open(`${origin}/invocations/a/events`);
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    let text = '';
    response.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    await expect.poll(() => text).toContain('id: 2\nevent: status\n');
    stub.engine.write('a', 'stdout', 'hello');
    await expect.poll(() => text).toContain('"text":"hello"');
    stub.engine.finish('a');
    await once(response, 'end');
    expect(text).toContain('event: finished\n');
    expect(text.endsWith('\n\n')).toBe(true);
  });

  test('two streams one after the other on one connection', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    await finishedRun(stub);
    const { Agent } = await import('node:http');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports: (number | undefined)[] = [];
    for (const path of ['events', 'stdout', 'events?follow=false', 'stderr', '']) {
      const [response] = (await once(
        get(`${origin}/invocations/a/${path}`.replace(/\/$/, ''), { agent }),
        'response',
      )) as [IncomingMessage];
      ports.push(response.socket.localPort);
      expect(response.statusCode).toBe(200);
      response.resume();
      await once(response, 'end');
    }
    agent.destroy();
    expect(new Set(ports).size).toBe(1);
  });

  test('a client that leaves lets go of the log and leaves the run alone', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    await stub.start('a');
    const response = await open(`${origin}/invocations/a/events`);
    await expect.poll(() => stub.engine.holding('a').readers).toBe(1);
    response.on('error', () => {});
    response.destroy();
    await expect.poll(() => stub.engine.holding('a').readers).toBe(0);
    expect(stub.engine.status('a')).toBe('running');
    expect(stub.logged).toEqual([]);
  });

  test('?follow=false gives what is there and ends', async () => {
    await using stub = stubApp();
    await stub.start('a');
    const response = await stub.app.inject('/invocations/a/events?follow=false');
    expect(response.body.match(/^id: \d+$/gm)).toEqual(['id: 1', 'id: 2']);
  });

  test('HEAD of a live stream does not wait for the run', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    await stub.start('a');
    for (const path of ['events', 'stdout?follow=true', 'output?follow=true']) {
      const [response] = (await once(
        request(`${origin}/invocations/a/${path}`, { method: 'HEAD' }).end(),
        'response',
      )) as [IncomingMessage];
      expect(response.statusCode).toBe(200);
      response.resume();
      await once(response, 'end');
    }
    expect(stub.engine.holding('a').readers).toBe(0);
  });

  test('closing the server ends streams and waits cleanly but output, which is not all there is, and others are told', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    await stub.start('a');
    const streams = await Promise.all(
      ['events', 'stdout?follow=true'].map((path) => open(`${origin}/invocations/a/${path}`)),
    );
    const waiting = fetch(`${origin}/invocations/a?wait=30`);
    await expect.poll(() => stub.engine.holding('a')).toEqual({ readers: 2, waits: 1 });
    const ends = streams.map(
      (response) =>
        new Promise((resolve) =>
          response
            .on('error', () => {})
            .once('close', resolve)
            .resume(),
        ),
    );
    await stub.app.close();
    await Promise.all(ends);
    expect(streams.map((response) => response.complete)).toEqual([true, false]);
    expect(await (await waiting).json()).toMatchObject({ status: 'running' });
    expect(stub.engine.holding('a')).toEqual({ readers: 0, waits: 0 });
  });

  test('a run that finishes just before the server closes is told to the end', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    await stub.start('a');
    const paths = ['events', 'stdout?follow=true', 'output?follow=true'];
    const answers = await Promise.all(paths.map((path) => open(`${origin}/invocations/a/${path}`)));
    const texts = answers.map(async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      return text;
    });
    await expect.poll(() => stub.engine.holding('a').readers).toBe(3);
    stub.engine.write('a', 'stdout', 'last words');
    stub.engine.finish('a');
    await stub.app.close();
    const [events, ...outputs] = await Promise.all(texts);
    expect(events).toContain('event: finished\n');
    expect(outputs).toEqual(['last words', 'last words']);
  });

  test('open streams are counted while they are open', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    await stub.start('a');
    const response = await open(`${origin}/invocations/a/events`);
    const count = async () =>
      /^runwire_open_streams (\d+)$/m.exec((await stub.app.inject('/metrics')).body)?.[1];
    expect(await count()).toBe('1');
    stub.engine.finish('a');
    await once(response.resume(), 'end');
    await expect.poll(count).toBe('0');
  });
});

test('lines are bare JSON for those who ask for them, and nothing else is given', async () => {
  await using stub = stubApp();
  await finishedRun(stub);
  const headers = { accept: 'application/x-ndjson' };
  const response = await stub.app.inject({ url: '/invocations/a/events', headers });
  expect(response.headers['content-type']).toBe('application/x-ndjson');
  expect(linesOf(response.body).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
  const other = await stub.app.inject({ url: '/invocations/a/events', headers: { accept: 'image/png' } });
  // A cache gives it to nobody who asks for another form (RFC 9110, 12.5.5).
  expect([other.statusCode, other.headers.vary]).toEqual([406, 'accept']);
});
