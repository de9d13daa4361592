import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../helpers/build-app.ts';
import { DOCKER_HOST, testImage } from '../../helpers/docker/image.ts';
import { DockerServer } from '../../helpers/docker/server.ts';
import { until } from '../../helpers/processes.ts';
import { requires } from '../../helpers/require.ts';
import { TerminalClient } from '../../helpers/terminal-client.ts';

const terminal = { cols: 100, rows: 40 };

requires('docker')('The terminal of a container', () => {
  let server: DockerServer;
  let address: string;
  beforeAll(async () => {
    server = await DockerServer.on();
    address = await server.app.listen();
  });
  afterAll(() => server.end());

  const open = (id: string, at = address, query = '') =>
    TerminalClient.open(`${at}/invocations/${id}/terminal${query}`);
  const start = (script: string, more: object = {}) =>
    server.start(script, {}, { options: { terminal, ...more } });

  test('is all three streams, of the size that was asked for, and its controlling one', async () => {
    const id = await start(
      'busybox tty; read x; busybox stty size; echo $TERM; echo err >&2; busybox tty </dev/tty; exit 5',
    );
    const client = await open(id);
    await client.shows('/dev/pts/0\r\n');
    client.type('\n');
    await client.closed();
    expect(client.shown).toBe('/dev/pts/0\r\n\r\n40 100\r\nxterm-256color\r\nerr\r\n/dev/tty\r\n');
    expect(client.notices.at(-1)).toMatchObject({ type: 'end', status: 'failed', exit_code: 5 });
  });

  test('is resized, has its Ctrl-C and its end of input, and no key leaves it', async () => {
    const id = await start(
      'trap "busybox stty size" WINCH; trap "echo int" INT; echo ready; while :; do sleep 0.1; done',
    );
    const client = await open(id);
    await client.shows('ready');
    client.say({ type: 'resize', cols: 120, rows: 30 });
    await client.shows('30 120');
    client.type('\x03');
    await client.shows('int');
    client.say({ type: 'signal', signal: 'SIGKILL' });
    await client.closed();

    const cat = await open(await start('echo ready; cat -v'));
    await cat.shows('ready');
    cat.type('a\x10\x11b');
    cat.say({ type: 'eof' });
    await cat.closed();
    expect(cat.shown).toContain('a^Pba^Pb'); // Ctrl-Q goes on with what Ctrl-S holds: the system keeps it
    expect(cat.notices.at(-1)).toMatchObject({ type: 'end', status: 'succeeded', exit_code: 0 });
  });

  test('of a program that cannot be is told as without one', async () => {
    const record = await server.run(['/nowhere'], {}, { options: { terminal } });
    expect(record).toMatchObject({ status: 'failed', outcome: { ended: 'never_started' } });
  });

  test('of a run with a setup is that of its command alone, and has the size that was said before it', async () => {
    const setup = { commands: ['busybox tty; sleep 1'] };
    const id = await start(
      'until [ "$(busybox stty size)" = "30 90" ]; do sleep 0.05; done; echo up; read x; echo "got $x"; exit 4',
      {
        setup,
      },
    );
    const client = await open(id);
    client.say({ type: 'resize', cols: 90, rows: 30 });
    await client.shows('up\r\n');
    client.type('typed\n');
    await client.closed();
    expect(client.shown).toBe('up\r\ntyped\r\ngot typed\r\n');
    expect(client.notices.at(-1)).toMatchObject({ type: 'end', exit_code: 4 });
    const setupSaid = await server.app.app.inject(`/invocations/${id}/stdout?phase=setup`);
    expect(setupSaid.body).toBe('not a tty\n');
  });
});

requires('docker')('The terminal of a run in the container of a session', () => {
  test('is one of each run, one after the other', async () => {
    const server = await DockerServer.on();
    const address = await server.app.listen();
    const post = async (path: string, body: object) => (await server.post(path, body)).json();
    try {
      const { session_id: session } = await post('/sessions', {
        runtime_kind: 'docker',
        options: { docker: { image: server.image }, setup: { commands: ['echo kept >/tmp/kept'] } },
      });
      const state = async () => (await server.app.app.inject(`/sessions/${session}`)).json().state;
      await expect.poll(state, { timeout: 40_000 }).toBe('ready');
      for (const size of ['40 100', '41 101']) {
        const [rows, cols] = size.split(' ').map(Number);
        const record = await post('/invocations', {
          runtime_kind: 'docker',
          command: ['sh', '-c', 'cat /tmp/kept; printf "prompt> "; read x; busybox stty size; echo "got $x"'],
          options: { session, terminal: { cols, rows } },
        });
        const id = record.invocation.invocation_id;
        const client = await TerminalClient.open(`${address}/invocations/${id}/terminal`);
        await client.shows('prompt> ');
        client.type('typed\n');
        await client.closed();
        expect(client.shown).toBe(`kept\r\nprompt> typed\r\n${size}\r\ngot typed\r\n`);
      }
      await server.app.app.inject({ method: 'DELETE', url: `/sessions/${session}` });
    } finally {
      await server.end();
    }
  });
});

requires('docker')('The terminal of a container whose server was killed', () => {
  test.each([
    ['alone', {}],
    ['with a setup', { setup: { commands: ['true'] } }],
  ])('%s goes on byte for byte, is typed into and resized', async (_, more) => {
    const image = await testImage();
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-test-'));
    try {
      const first = await buildApp({ dataDir, config: { DOCKER_HOST } });
      const script =
        'i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo $i; sleep 0.1; done; read x; busybox stty size; echo "got $x"';
      const response = await first.app.inject({
        method: 'POST',
        url: '/invocations',
        payload: {
          runtime_kind: 'docker',
          command: ['sh', '-c', script],
          options: { docker: { image }, terminal, ...more },
        },
      });
      const id: string = response.json().invocation.invocation_id;
      const before = await TerminalClient.open(`${await first.listen()}/invocations/${id}/terminal`);
      await before.shows('5\r\n');
      await first.close('leave');
      await before.closed();
      const second = await buildApp({ dataDir, config: { DOCKER_HOST } });
      try {
        const url = `${await second.listen()}/invocations/${id}/terminal?offset=${before.bytes}`;
        const after = await TerminalClient.open(url);
        await after.shows('30\r\n');
        after.say({ type: 'resize', cols: 11, rows: 12 });
        await until(() => second.engine.status(id) === 'running', 'it runs');
        after.type('typed\n');
        await after.closed();
        const all = Array.from({ length: 30 }, (_, i) => `${i + 1}\r\n`).join('');
        expect(before.shown + after.shown).toBe(`${all}typed\r\n12 11\r\ngot typed\r\n`);
      } finally {
        await second.end();
      }
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
