import { once } from 'node:events';
import { createServer as createProxy, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { clientServer, sh, TOKEN } from '../helpers/client-server.ts';
import { runwire } from '../helpers/command-line.ts';

const server = clientServer();
const did = async (words: string[], variables = {}, stdin?: string) => {
  const run = runwire(words, { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN, ...variables }, stdin);
  const code = await run.ended;
  return { code, stdout: run.stdout().toString(), stderr: run.stderr() };
};
const running = async (script = 'exec sleep 600', options?: object) => {
  const run = await server.rw.submit(sh(script, options));
  await expect.poll(async () => (await run.refresh()).status).toBe('running');
  return run;
};

describe('Several ids, one of which is wrong', () => {
  test('are cancelled all the same', async () => {
    const runs = [await running(), await running()];
    const [one = '', two = ''] = runs.map(({ id }) => id);
    const done = await did(['cancel', '--kill', one, 'nobody', two]);
    expect(done).toMatchObject({
      code: 125,
      stdout: '',
      stderr: expect.stringMatching(/^runwire: nobody: .*invocation_not_found\]\n$/),
    });
    expect(await Promise.all(runs.map(async (run) => (await run.wait()).status))).toEqual([
      'cancelled',
      'cancelled',
    ]);
    expect(await did(['cancel', one, two])).toMatchObject({ code: 0, stderr: '' });
    expect(await did(['wait', one, two])).toMatchObject({ code: 130 });
  });

  test('get a signal all the same', async () => {
    const trap = 'trap "exit 7" USR1; echo ready; while :; do sleep 0.1; done';
    const runs = [await running(trap), await running(trap)];
    for (const run of runs) await expect.poll(() => run.text({ follow: false })).toBe('ready\n');
    const [one = '', two = ''] = runs.map(({ id }) => id);
    expect(await did(['signal', 'usr1', one, 'nobody', two])).toMatchObject({ code: 125 });
    expect(await did(['wait', '-q', one, two])).toMatchObject({ code: 7, stdout: '' });
    expect(await did(['signal', 'NONSENSE', one])).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('signal'),
    });
    expect(await did(['signal', 'USR1', one])).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('[not_running]'),
    });
  });

  test('are removed all the same, but not what runs', async () => {
    const over = await server.rw.run(sh(':'));
    const going = await running();
    const id = over.invocation.invocation_id;
    const done = await did(['rm', going.id, id, id]);
    expect(done.code).toBe(125);
    expect(done.stderr.trimEnd().split('\n')).toHaveLength(2);
    expect(await did(['show', id])).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('invocation_'),
    });
    expect((await going.refresh()).status).toBe('running');
    await going.cancel({ graceSeconds: 0 });
  });
});

test('standard input is given to a run that takes it, and refused by one that does not', async () => {
  const open = await running('cat', { stdin_open: true });
  expect(await did(['stdin', '--keep-open', open.id], {}, 'one\n')).toMatchObject({ code: 0 });
  expect(await did(['stdin', open.id], {}, 'two\n')).toMatchObject({ code: 0 });
  expect(await open.text()).toBe('one\ntwo\n');
  expect(await did(['stdin', open.id], {}, 'three\n')).toMatchObject({
    code: 125,
    stderr: expect.stringContaining('['),
  });
  const closed = await running();
  expect(await did(['stdin', closed.id], {}, 'x')).toMatchObject({ code: 125 });
  expect(await did(['stdin', 'nobody'], {}, 'x')).toMatchObject({ code: 125 });
  await closed.cancel({ graceSeconds: 0 });
});

describe('The address and the token', () => {
  test('may end with slashes, have a name, and have a path', async () => {
    const proxy = createProxy((asked, answer) => {
      if (!asked.url?.startsWith('/below/it/')) return void answer.writeHead(404).end();
      const { method, headers } = asked;
      const path = asked.url.slice('/below/it'.length);
      const onward = request(
        server.url,
        { path, method, headers: { ...headers, host: new URL(server.url).host } },
        (came) => {
          answer.writeHead(came.statusCode ?? 0, came.headers);
          came.pipe(answer);
        },
      );
      asked.pipe(onward);
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    const name = server.url.replace('127.0.0.1', 'localhost');
    for (const url of [
      `${server.url}///`,
      name,
      `http://127.0.0.1:${port}/below/it/`,
      `http://127.0.0.1:${port}/below/it`,
    ])
      expect(await did(['run', '--', 'echo', 'here'], { RUNWIRE_URL: url }), url).toMatchObject({
        code: 0,
        stdout: 'here\n',
      });
    expect(
      await did(['run', '--', 'true'], { RUNWIRE_URL: `http://127.0.0.1:${port}/elsewhere` }),
    ).toMatchObject({ code: 125 });
    proxy.closeAllConnections();
    proxy.close();
  });

  test.each([
    ['nonsense', 2],
    ['ftp://127.0.0.1', 2],
    ['http://user:hunter2@127.0.0.1', 2],
    ['http://127.0.0.1:1/?x', 2],
    ['http://no-such-host.invalid', 125],
    ['http://[::1]:1', 125],
    ['http://127.0.0.1:99999', 2],
  ])('%s is refused at once', async (url, code) => {
    const refused = await did(['run', '--', 'true'], { RUNWIRE_URL: url });
    expect(refused).toMatchObject({ code, stdout: '' });
    expect(refused.stderr).toMatch(/^runwire: [^\n]+\n$/);
    expect(refused.stderr).not.toContain('hunter2');
  });

  test('https where no TLS is spoken is not reached, and not asked again', async () => {
    const { code, stderr } = await did(['run', '--', 'true'], {
      RUNWIRE_URL: server.url.replace('http:', 'https:'),
    });
    expect([code, stderr]).toEqual([125, expect.stringContaining('no TLS is spoken there; is it http?')]);
  });

  test.each([
    ['another-token', 125, '[unauthorized]'],
    ['two\nlines', 2, 'RUNWIRE_TOKEN: token has a character'],
    ['a €', 2, 'RUNWIRE_TOKEN: token has a character'],
    ['', 125, '[unauthorized]'],
  ])('the token %j is refused, and not shown', async (token, code, words) => {
    const refused = await did(['run', '--', 'true'], { RUNWIRE_TOKEN: token });
    expect(refused).toMatchObject({ code, stderr: expect.stringContaining(words) });
    if (token !== '') expect(refused.stderr).not.toContain(token);
  });
});
