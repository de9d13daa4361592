import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { type Answer, events, json, status } from '../../fixtures/backend.ts';
import { accept, app, backend, ended, run, SECRET, start, states, stdout } from './scene.ts';

test('what a stream that broke did not bring is asked for once more when a poll says that the job is over', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', ...states('running', 'running', 'running', 'running', 'completed'));
  const broken: Answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'content-length': '1000' });
    response.write('id: 1\ndata: a\n\n');
    setTimeout(() => response.socket?.resetAndDestroy(), 30);
  };
  backend.on('/live', broken, events(['id: 2\ndata: b', 'event: done\ndata: x']));
  const record = await run({ stream_url_template: '/live', poll_interval_seconds: 0.05 });
  expect(record.status).toBe('succeeded');
  expect(stdout(record)).toBe('ab');
  expect(
    backend.seen.filter(({ path }) => path === '/live').map(({ headers }) => headers['last-event-id']),
  ).toEqual([undefined, '1']);
});

test.each(['a%2Fb', 'a b', 'x,y'])('the id %j of an event is sent back as it came', async (id) => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', ...states('running', 'completed'));
  backend.on('/live', events([`id: ${id}\ndata: a`]), events(['event: done\ndata: x']));
  await run({ stream_url_template: '/live', poll_interval_seconds: 1.5 });
  expect(backend.seen.filter(({ path }) => path === '/live')[1]?.headers['last-event-id']).toBe(id);
});

test('a secret that is a run id, or stands escaped in an event, is told nowhere', async () => {
  backend.on('/jobs', json({ id: SECRET, status: 'queued' }, 202));
  backend.on(`/jobs/${SECRET}`, ...states('running', 'completed'));
  const escaped = [...SECRET]
    .map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
  backend.on('/live', events([`event: note\ndata: {"k":"${escaped}"}`, 'event: done\ndata: x']));
  await start('secret', { auth: { secret: 'TOKEN' }, stream_url_template: '/live' });
  await ended('secret');
  const told = JSON.stringify([app.engine.record('secret'), await app.events('secret')]);
  expect(told).toContain('[redacted]');
  expect(told).not.toContain(SECRET);
});

test('an id in bytes that are no UTF-8 is none: another job could have the name that it is read as', async () => {
  backend.on(
    '/jobs',
    (response) => void response.writeHead(202).end(Buffer.from('{"id":"a\u00ff"}', 'latin1')),
  );
  const record = await run();
  expect(record.status).toBe('failed');
  expect(record.result?.error_summary).toContain('no run id');
});

test('a backend that closes its kept connections unannounced loses no kickoff and no poll', async () => {
  let kickoffs = 0;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const isKickoff = chunk.toString('latin1').startsWith('POST');
      if (isKickoff) kickoffs++;
      const body = isKickoff ? '{"id":"a1"}' : '{"status":"completed"}';
      socket.write(`HTTP/1.1 ${isKickoff ? 202 : 200} X\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      setTimeout(() => socket.destroy(), 2); // as the next request is on its way
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  for (let i = 0; i < 30; i++)
    expect((await run({ url: `${url}/jobs`, poll_url_template: `${url}/jobs/{run_id}` })).status).toBe(
      'succeeded',
    );
  expect(kickoffs).toBe(30);
  server.close();
});

test('a cancel call does not wait behind polls that hang', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', () => {}); // for ever
  backend.on('/jobs/a1/cancel', status(200));
  const many = Array.from({ length: 260 }, (_, i) => `j${i}`);
  await Promise.all(many.map((id) => start(id, { cancel: { url_template: '/jobs/{run_id}/cancel' } })));
  await expect.poll(() => backend.seen.filter(({ path }) => path === '/jobs/a1').length).toBe(256);
  await app.request({ method: 'POST', url: '/invocations/j3/cancel' });
  expect((await ended('j3')).result?.metadata.cancel).toBe('HTTP 200 OK');
});
