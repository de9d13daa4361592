import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DockerGate, dockerGate } from '../../helpers/docker/gate.ts';
import { containersOf, DOCKER_HOST, testImage } from '../../helpers/docker/image.ts';
import { own } from '../../helpers/own-id.ts';
import { requires } from '../../helpers/require.ts';
import { expectInvariants } from '../invariants.ts';
import { RecoveringServer } from '../recovering.ts';

function docker({ input = '' }, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('docker', args, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}

requires('docker')('After SIGKILL of the server, a container', () => {
  let directory: string;
  let gate: DockerGate;
  let server: RecoveringServer;
  let image: string;
  beforeEach(async () => {
    image = await testImage();
    directory = mkdtempSync(join(tmpdir(), 'runwire-gate-'));
    gate = await dockerGate(DOCKER_HOST, directory);
    server = new RecoveringServer({ DOCKER_HOST: gate.host });
    await server.start();
  });
  afterEach(async () => {
    await server.end();
    await gate[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const invocation = (id: string, script: string, more: Record<string, unknown> = {}) => {
    const { options, ...fields } = { options: {}, ...more };
    return {
      runtime_kind: 'docker',
      invocation_id: id,
      command: ['sh', '-c', script],
      ...fields,
      options: { ...options, docker: { image } },
    };
  };
  const check = async (body: { invocation_id: string }, wrote: { stdout?: string | Uint8Array } = {}) => {
    const { record } = await expectInvariants({ url: server.url, id: body.invocation_id, body, wrote });
    expect(containersOf(body.invocation_id)).toEqual([]);
    return record;
  };

  test('is found by its label, and its output is continued from the very byte, over two crashes', async () => {
    // Bytes that are no UTF-8 and characters cut in two by the pauses.
    const body = invocation(
      own('streams'),
      'i=0; while [ $i -lt 30 ]; do printf "\\303"; sleep 0.1; printf "\\244%s\\377\\n" $i; echo e$i >&2; i=$((i+1)); done; exit 4',
    );
    await server.submit(body);
    await server.wrote(own('streams'), '3');
    await server.restart(300);
    await server.wrote(own('streams'), '12');
    await server.restart(300);
    const lines = Array.from({ length: 30 }, (_, n) =>
      Buffer.concat([Buffer.from(`ä${n}`), Buffer.from([255, 10])]),
    );
    const record = await check(body, { stdout: Buffer.concat(lines) });
    expect(record).toMatchObject({ status: 'failed', outcome: { ended: 'exited', exit_code: 4 } });
    expect(record.outcome.timings.run_ms).toBeGreaterThan(2500);
    expect(await server.text(`/invocations/${own('streams')}/stderr`)).toBe(
      Array.from({ length: 30 }, (_, n) => `e${n}\n`).join(''),
    );
  });

  test('that ended while no server lived has the end the engine knows, in time or not', async () => {
    const body = invocation(own('ended'), 'echo up; sleep 1; echo down; exit 7', { timeout_seconds: 9 });
    const longer = invocation(own('longer'), 'echo up; sleep 60', { timeout_seconds: 9 });
    await server.submit(body);
    await server.submit(longer);
    await server.wrote(own('ended'), 'up');
    await server.wrote(own('longer'), 'up');
    await server.restart(9200);
    expect(await check(body, { stdout: 'up\ndown\n' })).toMatchObject({
      status: 'failed',
      outcome: { ended: 'exited', exit_code: 7 },
    });
    expect(await check(longer)).toMatchObject({ status: 'timed_out', outcome: { kill: { survivors: 0 } } });
  });

  test('that is gone meanwhile is lost, with the output it had', async () => {
    const body = invocation(own('gone'), 'echo up; sleep 60');
    await server.submit(body);
    await server.wrote(own('gone'), 'up');
    await server.crash();
    docker({}, 'rm', '-f', ...containersOf(own('gone')));
    await server.start();
    const record = await check(body, { stdout: 'up\n' });
    expect(record).toMatchObject({
      status: 'failed',
      outcome: { ended: 'lost', started: true, retry_safe: false },
    });
    expect(record.result.error_summary).toContain('so is its container');
    expect(await server.recovery()).toEqual({ queued: 0, resumed: 0, lost: 1 });
  });

  for (const [point, question] of [
    ['its image was looked for', /^GET \S*\/images\//],
    ['it was asked for', /^POST \S*\/containers\/create/],
    ['it was made and not started', /^POST \S*\/containers\/\w+\/start/],
  ] as const)
    test(`that had not begun when the server died (${point}) is begun by the next one, once`, async () => {
      const held = gate.hold(question);
      const body = invocation(own('begun'), 'echo ran; exit 5');
      await server.submit(body);
      await held;
      await server.crash();
      gate.open();
      await server.start();
      expect(await check(body, { stdout: 'ran\n' })).toMatchObject({
        status: 'failed',
        outcome: { ended: 'exited', exit_code: 5 },
      });
      expect(await server.recovery()).toEqual({ queued: 0, resumed: 1, lost: 0 });
    });

  test('whose start was not answered before the server died is not started twice', async () => {
    const muted = gate.mute(/^POST \S*\/containers\/\w+\/start/);
    const body = invocation(own('once'), 'echo ran; sleep 1; exit 5');
    await server.submit(body);
    await muted;
    await server.crash();
    gate.open();
    await server.start();
    expect(await check(body, { stdout: 'ran\n' })).toMatchObject({
      outcome: { ended: 'exited', exit_code: 5 },
    });
  });

  test('has its input closed by the crash, which is told; one that had all of it goes on undisturbed', async () => {
    const open = invocation(
      own('open'),
      'while read -r line; do echo "got $line"; done; echo over; while [ ! -e go ]; do sleep 0.1; done',
      {
        options: { stdin_open: true },
      },
    );
    const whole = invocation(own('whole'), 'sleep 2; cat', { options: { stdin: 'all of it' } });
    await server.submit(open);
    await server.submit(whole);
    await expect.poll(() => containersOf(own('whole')).length, { timeout: 20_000 }).toBe(1);
    const feed = () =>
      fetch(`${server.url}/invocations/${own('open')}/stdin`, { method: 'POST', body: 'one\n' });
    await expect.poll(async () => (await feed()).status, { timeout: 20_000 }).toBe(204);
    await server.wrote(own('open'), 'got one');
    await sleep(500);
    await server.restart();
    await server.recovery();
    const refused = await feed();
    expect([refused.status, JSON.parse(await refused.text()).code]).toEqual([409, 'stdin_closed']);
    writeFileSync(join((await server.record(own('open'))).invocation.working_directory, 'go'), '');
    const record = await check(open, { stdout: 'got one\nover\n' });
    expect(record.result.metadata).toMatchObject({ 'docker.stdin': 'cut' });
    expect((await check(whole, { stdout: 'all of it' })).result.metadata['docker.stdin']).toBeUndefined();
  });

  test('is stopped with the signal of its image also by the next server', async () => {
    const built = `${image}-usr1`;
    docker({ input: `FROM ${image}\nSTOPSIGNAL SIGUSR1\n` }, 'build', '-q', '-t', built, '-');
    image = built;
    const body = invocation(
      own('polite'),
      'trap "echo usr1; exit 0" USR1; echo up; while :; do sleep 0.1; done',
    );
    await server.submit(body);
    await server.wrote(own('polite'), 'up');
    await server.restart();
    expect((await server.post(`/invocations/${own('polite')}/cancel`, { grace_seconds: 20 })).status).toBe(
      202,
    );
    expect(await check(body, { stdout: 'up\nusr1\n' })).toMatchObject({
      status: 'cancelled',
      outcome: { kill: { signals: ['SIGUSR1'] } },
    });
  });
});
