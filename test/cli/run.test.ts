import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { runwire } from '../helpers/command-line.ts';
import { startServer } from '../helpers/server-process.ts';

describe('runwire run', () => {
  const server = clientServer();
  const start = (words: string[], stdin?: string | Buffer) =>
    runwire(words, { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN }, stdin);

  test.each([
    [['sh', '-c', 'exit 7'], 7],
    [['true'], 0],
    [['sh', '-c', 'kill -9 $$'], 137],
    [['/no/such/program'], 127],
    [['/etc/passwd'], 126],
  ])('of %j ends with %i', async (argv, code) => {
    expect(await start(['run', '--', ...argv]).ended).toBe(code);
  });

  test('ends with 124 when it timed out, 2 at a flag that there is not, 125 without a token or a server', async () => {
    expect(await start(['run', '--timeout', '200ms', 'sleep', '60']).ended).toBe(124);
    expect(await start(['run', '--nonsense', '--', 'true']).ended).toBe(2);
    const stranger = runwire(['run', '--', 'true'], { RUNWIRE_URL: server.url });
    expect(await stranger.ended).toBe(125);
    expect(stranger.stderr()).toContain('[unauthorized]');
    expect(await runwire(['run', 'true'], { RUNWIRE_URL: 'http://127.0.0.1:9' }).ended).toBe(125);
  });

  test('has the bytes of each stream where they belong, and nothing else', async () => {
    const script = 'head -c 3000000 /dev/zero; printf "\\377\\0" >&2; printf "\\303"';
    const run = start(['run', '--', 'sh', '-c', script]);
    expect(await run.ended).toBe(0);
    const expected = Buffer.concat([Buffer.alloc(3_000_000), Buffer.from([0xc3])]);
    const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect(hash(run.stdout())).toBe(hash(expected));
    expect(run.stderr()).toBe('\ufffd\0');
  });

  test('gives a pipe to the program, and its words as they are', async () => {
    const bytes = Buffer.alloc(300_000, 'a line\n');
    const fed = start(['run', '--', 'cat'], bytes);
    expect(await fed.ended).toBe(0);
    expect(fed.stdout().equals(bytes)).toBe(true);
    const words = start(['run', 'printf', '%s|', '-n', '', "it's", '--', '*']);
    await words.ended;
    expect(words.stdout().toString()).toBe("-n||it's|--|*|");
  });

  test('prints the id alone with -d, and what flags say is in the invocation', async () => {
    const run = start(['run', '-d', '-e', 'A=b=c', '-l', 'x=y', '--name', 'n', '--timeout', '1h1m', 'true']);
    expect(await run.ended).toBe(0);
    const { invocation } = await server.rw.attach(run.stdout().toString().trimEnd()).refresh();
    expect(invocation).toMatchObject({ environment: { A: 'b=c' }, metadata: { x: 'y' } });
    expect(invocation).toMatchObject({ runtime_name: 'n', timeout_seconds: 3660, command: ['true'] });
  });

  test('is cancelled by Ctrl-C, killed by a second one, and says so', async () => {
    const run = start([
      'run',
      '--',
      'sh',
      '-c',
      'trap "echo asked" TERM; echo ready; while :; do sleep 0.1; done',
    ]);
    await expect.poll(() => run.stdout().toString()).toBe('ready\n');
    run.child.kill('SIGINT');
    await expect.poll(() => run.stdout().toString()).toContain('asked');
    await new Promise((resolve) => setTimeout(resolve, 300)); // before that it is the same Ctrl-C, from npm
    run.child.kill('SIGINT');
    expect(await run.ended).toBe(130);
    expect(run.stderr()).toMatch(/cancelling \S+; Ctrl-C again kills it\n[\s\S]*killing/);
  });

  test('goes on when nobody reads it any more, which is told', async () => {
    const run = start(['run', '--', 'yes']);
    run.child.stdout?.once('data', () => run.child.stdout?.destroy());
    expect(await run.ended).toBe(141);
    const [, id = ''] = /runwire cancel (\S+)/.exec(run.stderr()) ?? [];
    expect((await server.rw.attach(id).refresh()).status).toBe('running');
    expect(await start(['cancel', '--kill', id]).ended).toBe(0);
    expect(await start(['wait', '-q', id]).ended).toBe(130);
  });

  test('is left by Ctrl-C in attach and in logs, and goes on', async () => {
    const run = await server.rw.submit({
      runtime_kind: 'subprocess',
      command: ['sh', '-c', 'echo on; sleep 600'],
    });
    for (const words of [['attach'], ['logs', '-f']]) {
      const watching = start([...words, run.id]);
      await expect.poll(() => watching.stdout().toString()).toBe('on\n');
      watching.child.kill('SIGINT');
      expect(await watching.ended).toBe('SIGINT');
    }
    expect((await run.refresh()).status).toBe('running');
    await run.cancel({ graceSeconds: 0 });
  });
});

test('runwire run goes through a server that is killed and started again', async () => {
  const place = mkdtempSync(join(tmpdir(), 'runwire-cli-'));
  let server = await startServer(join(place, 'data'));
  const go = join(place, 'go');
  try {
    const script = `echo one; while [ ! -e ${go} ]; do sleep 0.1; done; echo two; exit 5`;
    const run = runwire(['run', '--', 'sh', '-c', script], { RUNWIRE_URL: server.address });
    await expect.poll(() => run.stdout().toString()).toBe('one\n');
    await server.stop('SIGKILL');
    writeFileSync(go, '');
    server = await startServer(join(place, 'data'), { RUNWIRE_PORT: new URL(server.address).port });
    expect(await run.ended).toBe(5);
    expect(run.stdout().toString()).toBe('one\ntwo\n');
  } finally {
    await server.stop();
    rmSync(place, { recursive: true, force: true });
  }
});
