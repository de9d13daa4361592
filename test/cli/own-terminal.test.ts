import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AtPty } from '../helpers/at-pty.ts';
import { runwire } from '../helpers/command-line.ts';
import { CrashingServer } from '../helpers/crashing-server.ts';

describe('The command line at a terminal', () => {
  let server: CrashingServer;
  beforeAll(async () => {
    server = new CrashingServer();
    await server.start();
  });
  afterAll(() => server.end());

  const variables = () => ({ RUNWIRE_URL: server.url });
  const at = (...words: string[]) => new AtPty(words, variables());
  const statusOf = async (id: string) =>
    ((await (await fetch(`${server.url}/invocations/${id}`)).json()) as { status: string }).status;

  test('is that of the run: its size, its keys, its exit code', async () => {
    const script =
      'stty size; echo $TERM; trap "stty size" WINCH; trap "echo int" INT; echo ready; until read -t 0; do sleep 0.05; done; read -r x; echo "got $x"; exit 9';
    const pty = at('run', '-it', '--', 'bash', '-c', script);
    await pty.shows('ready\r\n');
    expect(pty.shown).toContain('24 80\r\nxterm\r\n');
    pty.resize(31, 71);
    await pty.shows('31 71');
    pty.type('\x03');
    await pty.shows('int');
    pty.type('end\r');
    expect(await pty.ended).toEqual({ code: 9, restored: true });
    expect(pty.shown).toContain('got end\r\n');
  });

  test('is left by its keys, and come back to', async () => {
    const pty = at('run', '-t', '--id', 'left', '--', 'bash', '-c', 'echo here; read -r x; echo "got $x"');
    await pty.shows('here');
    pty.type('\x10');
    pty.type('\x11');
    expect(await pty.ended).toEqual({ code: 0, restored: true });
    expect(pty.shown).toContain('runwire attach left');
    expect(await statusOf('left')).toBe('running');
    const again = new AtPty(['attach', 'left', '--detach-keys', 'ctrl-x'], variables());
    await again.shows('here');
    again.type('typed\x10\x11');
    again.type('\r');
    expect(await again.ended).toEqual({ code: 0, restored: true });
    expect(await statusOf('left')).toBe('succeeded');
  });

  test('is as it was when a signal ends us, and the run goes on', async () => {
    const pty = at('run', '-t', '--id', 'signalled', '--', 'bash', '-c', 'echo here; read -r x');
    await pty.shows('here');
    pty.terminate();
    expect(await pty.ended).toEqual({ code: -15, restored: true });
    expect(await statusOf('signalled')).toBe('running');
    const again = at('attach', 'signalled');
    again.type('x\r');
    expect((await again.ended).code).toBe(0);
  });

  test('goes on when the server is killed and comes again', async () => {
    const script =
      'i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo $i; sleep 0.05; done; read -r x; echo "got $x"';
    const pty = new AtPty(['run', '-t', '--', 'sh', '-c', script], variables());
    await pty.shows('5\r\n');
    const { port } = new URL(server.url);
    await server.crash();
    await server.start({ RUNWIRE_PORT: port });
    await pty.shows('40\r\n');
    pty.type('typed\r');
    expect(await pty.ended).toEqual({ code: 0, restored: true });
    const shown = pty.shown.replaceAll(/runwire: [^\r]*\r\n/g, '');
    expect(shown).toBe(
      `${Array.from({ length: 40 }, (_, i) => `${i + 1}\r\n`).join('')}typed\r\ngot typed\r\n`,
    );
  });

  test('is asked for where there is none', async () => {
    const piped = runwire(['run', '-it', '--', 'true'], variables(), 'x');
    expect(await piped.ended).toBe(2);
    expect(piped.stderr()).toContain('the input device is not a TTY');
    const left = runwire(['run', '-t', '-d', '--', 'sh', '-c', 'stty size'], variables());
    expect(await left.ended).toBe(0);
    const id = left.stdout().toString().trim();
    const watched = runwire(['attach', id], variables());
    expect(await watched.ended).toBe(0);
    expect(watched.stdout().toString()).toBe('24 80\r\n');
  });
});
