import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConflictError, NotFoundError, ProtocolError, Runwire, type Terminal } from '../../client/runwire.ts';
import { CrashingServer } from '../helpers/crashing-server.ts';

const TOKEN = 'a-long-enough-token';
const options = { terminal: { cols: 80, rows: 24 } };

async function shownBy(terminal: Terminal, until?: string): Promise<string> {
  let shown = '';
  for await (const part of terminal) {
    shown += Buffer.from(part).toString();
    if (until !== undefined && shown.includes(until)) break;
  }
  return shown;
}

describe('The terminal of a run, for programs', () => {
  let server: CrashingServer;
  const rw = () => new Runwire({ url: server.url, token: TOKEN });
  const start = (script: string) =>
    rw().submit({ runtime_kind: 'subprocess', command: ['sh', '-c', script], options });
  beforeAll(async () => {
    server = new CrashingServer({ RUNWIRE_TOKEN: TOKEN });
    await server.start();
  });
  afterAll(() => server.end());

  test('shows all, takes keys, sizes and the end of input, and tells how it ended', async () => {
    const run = await start(
      'trap "stty size" WINCH; echo ready; while :; do read x && break; done; cat; exit 4',
    );
    using terminal = run.terminal();
    const reading = shownBy(terminal);
    terminal.resize({ cols: 90, rows: 30 });
    await terminal.type('one\ntwo\n');
    await terminal.eof();
    const shown = await reading;
    expect(shown).toContain('ready');
    expect(shown).toContain('two\r\n');
    expect(await terminal.ended).toEqual({
      status: 'failed',
      exit_code: 4,
      offset: Buffer.byteLength(shown),
    });
    await expect(terminal.type('late')).rejects.toBeInstanceOf(ConflictError);
    expect(await shownBy(run.terminal({ offset: 3 }))).toBe(shown.slice(3));
  });

  test('goes on over restarts of the server, byte for byte', async () => {
    const run = await start(
      'i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo $i; sleep 0.05; done; read x; stty size',
    );
    const { port } = new URL(server.url);
    using terminal = run.terminal();
    terminal.resize({ cols: 91, rows: 31 });
    let shown = '';
    for await (const part of terminal) {
      const before = shown;
      shown += Buffer.from(part).toString();
      if (before.includes('5\r\n') || !shown.includes('5\r\n')) {
        if (shown.includes('60\r\n') && !before.includes('60\r\n')) await terminal.type('x\n');
        continue;
      }
      await server.crash();
      await server.start({ RUNWIRE_PORT: port });
    }
    const all = Array.from({ length: 60 }, (_, i) => `${i + 1}\r\n`).join('');
    expect(shown).toBe(`${all}x\r\n31 91\r\n`);
  });

  test('costs a reader that is slow a bounded memory, and no byte', async () => {
    const run = await start('stty -opost; seq 2000000; read x');
    const terminal = run.terminal();
    const parts = terminal[Symbol.asyncIterator]();
    let bytes = (await parts.next()).value?.length ?? 0;
    await expect
      .poll(
        () =>
          rw()
            .attach(run.id)
            .text({ follow: false })
            .then((text) => text.length),
        { timeout: 60_000 },
      )
      .toBe(14888896);
    void terminal.type('x\n'); // goes when something is read
    for (let part = await parts.next(); !part.done; part = await parts.next()) bytes += part.value.length;
    expect(bytes).toBe((await terminal.ended).offset);
    expect(bytes).toBe(14888896 + 2);
  });

  test('is refused in the words of the server', async () => {
    const plain = await rw().submit({ runtime_kind: 'subprocess', command: ['true'] });
    await expect(shownBy(plain.terminal())).rejects.toMatchObject({ code: 'no_terminal' });
    await expect(shownBy(rw().attach('none').terminal())).rejects.toBeInstanceOf(NotFoundError);
    const stranger = new Runwire({ url: server.url, token: 'another-token' });
    await expect(shownBy(stranger.attach(plain.id).terminal())).rejects.toMatchObject({ status: 401 });
    const run = await start('cat');
    const terminal = run.terminal();
    const reading = shownBy(terminal);
    await terminal.signal('SIGNONE');
    await expect(reading).rejects.toBeInstanceOf(ProtocolError);
    await run.cancel({ graceSeconds: 0 });
  });

  test('is left when nobody wants it any more, also while no server is there', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const address = closed.address();
    const port = typeof address === 'object' ? address?.port : 0;
    await new Promise((resolve) => closed.close(resolve));
    const terminal = new Runwire({ url: `http://127.0.0.1:${port}` }).attach('x').terminal();
    setTimeout(() => terminal.close(), 100);
    expect(await shownBy(terminal)).toBe('');
    await expect(terminal.ended).rejects.toMatchObject({ name: 'AbortError' });
  });
});
