import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { CrashingServer } from '../../helpers/crashing-server.ts';
import { until } from '../../helpers/processes.ts';
import { TerminalClient } from '../../helpers/terminal-client.ts';

describe('The terminal of a subprocess, over a WebSocket', () => {
  let server: CrashingServer;
  beforeEach(async () => {
    server = new CrashingServer();
    await server.start();
  });
  afterEach(() => server.end());

  const start = async (command: string[], more: Record<string, unknown> = {}): Promise<string> => {
    const response = await server.post('/invocations', {
      runtime_kind: 'subprocess',
      command,
      environment: { PS1: '', HOME: '/nonexistent' },
      options: { terminal: { cols: 80, rows: 24 } },
      ...more,
    });
    expect(response.status).toBe(202);
    return ((await response.json()) as { invocation: { invocation_id: string } }).invocation.invocation_id;
  };
  const open = (id: string, query = '') =>
    TerminalClient.open(`${server.url}/invocations/${id}/terminal${query}`);

  test('shows from the first byte, takes what is typed, and tells the end', async () => {
    const id = await start(['sh', '-c', 'echo first; read line; echo "got $line"; exit 7']);
    const early = await open(id);
    await early.shows('first\r\n');
    const late = await open(id);
    early.type('typed\n');
    await early.closed();
    await late.closed();
    for (const client of [early, late]) {
      expect(client.shown).toBe('first\r\ntyped\r\ngot typed\r\n');
      expect(client.notices).toEqual([{ type: 'end', offset: 25, status: 'failed', exit_code: 7 }]);
      expect(client.code).toBe(1000);
    }
    const after = await open(id, '?offset=7');
    await after.closed();
    expect(after.shown).toBe('typed\r\ngot typed\r\n');
  });

  test('is resized, has its end of input, its Ctrl-C and its signals', async () => {
    const id = await start([
      'sh',
      '-c',
      'stty size; trap "stty size" WINCH; trap "echo int" INT; trap "echo usr" USR1; echo ready; while :; do sleep 0.05; done',
    ]);
    const client = await open(id);
    await client.shows('24 80\r\nready');
    client.say({ type: 'resize', cols: 120, rows: 30 });
    await client.shows('30 120');
    client.type('\x03');
    await client.shows('int');
    client.say({ type: 'signal', signal: 'SIGUSR1' });
    await client.shows('usr');
    client.say({ type: 'signal', signal: 'SIGKILL' });
    await client.closed();
    expect(client.notices.at(-1)).toMatchObject({ type: 'end', status: 'failed', exit_code: -9 });

    const cat = await open(await start(['cat']));
    cat.type('half');
    cat.say({ type: 'eof' });
    await cat.closed();
    expect(cat.shown).toBe('halfhalf');
    expect(cat.notices.at(-1)).toMatchObject({ type: 'end', status: 'succeeded' });
  });

  test('goes on, byte for byte, when the server is killed and comes again', async () => {
    const id = await start([
      'sh',
      '-c',
      'stty -echo; i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo $i; sleep 0.05; done; read line; echo "got $line"',
    ]);
    const before = await open(id);
    await before.shows('5\r\n');
    await server.crash();
    await before.closed();
    expect(before.code).toBe(1006);
    await server.start();
    const after = await open(id, `?offset=${before.bytes}`);
    await after.shows('60\r\n');
    after.say({ type: 'resize', cols: 10, rows: 10 });
    after.type('x\n');
    await after.closed();
    const all = Array.from({ length: 60 }, (_, i) => `${i + 1}\r\n`).join('');
    expect(before.shown + after.shown).toBe(`${all}got x\r\n`);
    expect(after.notices.at(-1)).toMatchObject({ type: 'end', status: 'succeeded' });
  });

  test('is left with 1001 by a server that stops', async () => {
    const id = await start(['cat']);
    const client = await open(id);
    client.type('hello\n');
    await client.shows('hello\r\nhello\r\n');
    await server.stop();
    await client.closed();
    expect([client.code, client.reason]).toEqual([1001, 'the server is stopping']);
    await server.start();
    const again = await open(id, `?offset=${client.bytes}`);
    again.type('\x04');
    await again.closed();
    expect(again.notices.at(-1)).toMatchObject({ type: 'end' });
  });

  test('a reader that takes nothing holds up nobody', async () => {
    const id = await start(['sh', '-c', 'stty -opost -echo; read go; seq 1000000; echo done']);
    const slow = await open(id);
    slow.socket.pause();
    const fast = await open(id);
    fast.type('go\n');
    await fast.closed();
    expect(fast.shown.endsWith('1000000\ndone\n')).toBe(true);
    slow.socket.resume();
    await slow.closed();
    expect(slow.bytes).toBe(fast.bytes);
  });

  test('a reader that takes nothing for long is dropped, and may come again', async () => {
    await server.stop();
    await server.start({ RUNWIRE_STALLED_CLIENT_SECONDS: '1' });
    const id = await start(['sh', '-c', 'stty -opost -echo; seq 3000000; read x']);
    const slow = await open(id);
    slow.socket.pause();
    const dropped = async () =>
      /stalled_clients_total [1-9]/.test(await (await fetch(`${server.url}/metrics`)).text());
    await until(dropped, 'it is dropped');
    slow.socket.resume();
    await slow.closed();
    expect(slow.code).toBe(1006);
    const again = await open(id, `?offset=${slow.bytes}`);
    again.type('\n');
    await again.closed();
    expect(again.notices.at(-1)).toMatchObject({ type: 'end', offset: slow.bytes + again.bytes });
  });

  test('tells of what is shown and not kept', async () => {
    const options = { terminal: { cols: 80, rows: 24 }, max_output_bytes: 10 };
    const client = await open(
      await start(['sh', '-c', 'stty -opost; printf 0123456789; read x; printf more; read x'], { options }),
    );
    await client.shows('0123456789');
    client.type('\n');
    await until(() => client.notices.length > 0, 'the gap is told');
    expect(client.notices[0]).toMatchObject({ type: 'gap', offset: 10, reason: 'output_limit' });
    client.type('\n');
    await client.closed();
    expect(client.shown).toBe('0123456789');
    expect(client.notices.at(-1)).toMatchObject({ type: 'end', offset: 10, status: 'succeeded' });
  });

  test('what is typed before the run has begun waits for it', async () => {
    await server.stop();
    await server.start({ RUNWIRE_MAX_CONCURRENT: '1' });
    const first = await start(['cat']);
    const client = await open(
      await start([
        'sh',
        '-c',
        'read x; until [ "$(stty size)" = "20 70" ]; do sleep 0.05; done; echo "got $x"',
      ]),
    );
    client.say({ type: 'resize', cols: 70, rows: 20 });
    client.type('early\n');
    const cat = await open(first);
    const waiting = async () =>
      ((await (await fetch(`${server.url}/invocations?status=pending`)).json()) as { items: object[] }).items;
    await until(async () => (await waiting()).length === 1, 'it waits');
    cat.say({ type: 'eof' });
    await client.closed();
    expect(client.shown).toBe('early\r\ngot early\r\n');
  });

  test('what no one may say closes it, with a reason', async () => {
    const id = await start(['cat']);
    for (const [frame, code, reason] of [
      ['no json', 1007, /JSON/],
      ['{"type":"resize","cols":0,"rows":1}', 1008, /cols/],
      ['{"type":"signal","signal":"SIGNONE"}', 1008, /signal/],
      ['{"type":"dance"}', 1008, /type/],
      [Buffer.alloc(1024 * 1024 + 1), 1009, /1048576/],
    ] as const) {
      const client = await open(id);
      client.socket.send(frame);
      await client.closed();
      expect([client.code, client.reason]).toEqual([code, expect.stringMatching(reason)]);
    }
  });

  test('what cannot be is a problem document before the connection is another', async () => {
    const id = await start(['cat']);
    const plain = await start(['cat'], { options: { stdin_open: true } });
    const problem = async (path: string, headers: Record<string, string> = {}) => {
      const socket = new WebSocket(`${server.url}${path}`, { headers });
      socket.on('error', () => {});
      const [, response] = await once(socket, 'unexpected-response');
      let body = '';
      for await (const chunk of response) body += chunk;
      expect(response.headers['content-type']).toBe('application/problem+json');
      return [response.statusCode, JSON.parse(body).code];
    };
    expect(await problem('/invocations/none/terminal')).toEqual([404, 'invocation_not_found']);
    expect(await problem(`/invocations/${plain}/terminal`)).toEqual([409, 'no_terminal']);
    expect(await problem(`/invocations/${id}/terminal?offset=9`)).toEqual([400, 'bad_request']);
    expect(await problem(`/invocations/${id}/terminal?size=9`)).toEqual([400, 'bad_request']);
    expect(await problem(`/invocations/${id}/terminal`, { origin: 'http://elsewhere.test' })).toEqual([
      403,
      'forbidden_origin',
    ]);
    const own = new WebSocket(`${server.url}/invocations/${id}/terminal`, { origin: server.url });
    await once(own, 'open');
    own.terminate();
    const asked = await fetch(`${server.url}/invocations/${id}/terminal`);
    expect([asked.status, asked.headers.get('upgrade')]).toEqual([426, 'websocket']);
    expect(await asked.json()).toMatchObject({ code: 'upgrade_required' });
  });
});
