import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DockerGate, dockerGate } from '../../helpers/docker/gate.ts';
import { containersOf, DOCKER_HOST, testImage, volumesOf } from '../../helpers/docker/image.ts';
import { engine, sessionContainers, sessionVolumes } from '../../helpers/docker/sessions.ts';
import { own } from '../../helpers/own-id.ts';
import { requires } from '../../helpers/require.ts';
import { expectInvariants } from '../invariants.ts';
import { RecoveringServer } from '../recovering.ts';

const SETUP = { commands: ['true'] };

requires('docker')('After SIGKILL of the server, a program in a kept container', () => {
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

  const invocation = (
    id: string,
    script: string,
    { options = {}, ...fields }: { options?: object; timeout_seconds?: number } = {},
  ) => ({
    ...{ runtime_kind: 'docker', invocation_id: id, command: ['sh', '-c', script] },
    ...fields,
    options: { setup: SETUP, ...options, docker: { image } },
  });
  const check = async (body: { invocation_id: string }, wrote: { stdout?: string } = {}) => {
    const { record } = await expectInvariants({ url: server.url, id: body.invocation_id, body, wrote });
    expect([containersOf(body.invocation_id), volumesOf(body.invocation_id)]).toEqual([[], []]);
    return record;
  };

  test('has its output continued from the very byte, over two crashes, and its setup too', async () => {
    const count = 'i=0; while [ $i -lt 25 ]; do echo $i; i=$((i+1)); sleep 0.1; done';
    const body = invocation(own('bytes'), `${count}; exit 4`, {
      options: { setup: { commands: [`${count} >&2`] } },
    });
    await server.submit(body);
    await sleep(1500);
    await server.restart(300);
    await server.wrote(own('bytes'), '7');
    await server.restart(300);
    const lines = Array.from({ length: 25 }, (_, n) => `${n}\n`).join('');
    const record = await check(body, { stdout: lines });
    expect(record).toMatchObject({
      outcome: { ended: 'exited', exit_code: 4, setup_stderr: { bytes: lines.length } },
    });
    expect(await server.text(`/invocations/${own('bytes')}/stderr?phase=setup`)).toBe(lines);
  });

  test('has what its setup left running heard on from the very byte, each of it once', async () => {
    const count = (what: string) => `(i=0; while :; do echo ${what}$i; i=$((i+1)); sleep 0.05; done) &`;
    const setup = { commands: [count('a'), count('b')] };
    const body = invocation(
      own('late'),
      'i=0; while [ $i -lt 20 ]; do echo $i; i=$((i+1)); sleep 0.2; done',
      {
        options: { setup },
      },
    );
    await server.submit(body);
    const late = () => server.text(`/invocations/${own('late')}/stdout?phase=setup`);
    await expect.poll(late, { timeout: 20_000 }).toContain('a10\n');
    await server.restart(300);
    const record = await check(body, { stdout: Array.from({ length: 20 }, (_, n) => `${n}\n`).join('') });
    expect(record).toMatchObject({ status: 'succeeded', result: { error_summary: null } });
    // Of each command what it wrote before the next began, then what came late, one command after the other.
    const wrote = (await late()).split('\n').slice(0, -1);
    for (const what of ['a', 'b']) {
      const numbers = wrote.filter((line) => line.startsWith(what)).map((line) => Number(line.slice(1)));
      expect(numbers).toEqual(numbers.map((_, n) => n));
      expect(numbers.length).toBeGreaterThan(20);
    }
  });

  test('that ended while no server lived has its own end, in time or not, in its setup too', async () => {
    const ended = invocation(own('ended'), 'echo up; sleep 1; echo down; exit 7', { timeout_seconds: 8 });
    const longer = invocation(own('longer'), 'echo up; sleep 60', { timeout_seconds: 8 });
    const setup = { commands: ['sleep 60'], timeout_seconds: 4 };
    const inSetup = invocation(own('setup'), 'echo never', { options: { setup } });
    for (const body of [ended, longer, inSetup]) await server.submit(body);
    await server.wrote(own('ended'), 'up');
    await server.wrote(own('longer'), 'up');
    await server.restart(9000);
    expect(await check(ended, { stdout: 'up\ndown\n' })).toMatchObject({
      status: 'failed',
      outcome: { ended: 'exited', exit_code: 7, timings: { run_ms: expect.any(Number) } },
    });
    expect(await check(longer)).toMatchObject({
      status: 'timed_out',
      outcome: { timeout_reason: 'run', kill: { survivors: 0 } },
    });
    expect(await check(inSetup)).toMatchObject({
      status: 'timed_out',
      outcome: { timeout_reason: 'setup', setup: [{ signal: 'SIGTERM' }], stdout: { bytes: 0 } },
    });
  });

  test('that ended in time is told so by an engine that is slow to say it', async () => {
    const body = invocation(own('ended'), 'echo up; sleep 1; echo down; exit 7', { timeout_seconds: 6 });
    await server.submit(body);
    await server.wrote(own('ended'), 'up');
    await server.crash();
    const asked = gate.hold(/^POST \S*\/exec\/\w+\/start/);
    await sleep(7000);
    await server.start();
    await asked;
    await sleep(1500);
    gate.open();
    expect(await check(body, { stdout: 'up\ndown\n' })).toMatchObject({
      status: 'failed',
      outcome: { ended: 'exited', exit_code: 7 },
    });
  });

  for (const [nth, what] of [
    [1, 'its setup'],
    [2, 'the command'],
  ] as const)
    test(`is not begun twice when its start was not answered: ${what}`, async () => {
      const script = 'echo ran; sleep 1; exit 5';
      const setup = { commands: [nth === 1 ? 'echo ran; sleep 1' : 'sleep 1'] };
      const body = invocation(own('once'), script, { options: { setup } });
      const isStart = /^POST \S*\/exec\/\w+\/start/;
      if (nth === 1) {
        const muted = gate.mute(isStart);
        await server.submit(body);
        await muted;
      } else {
        await server.submit(body);
        await expect.poll(() => containersOf(own('once')).length, { timeout: 10_000 }).toBe(1);
        await sleep(500); // the setup has begun, and sleeps
        await gate.mute(isStart);
      }
      await server.crash();
      gate.open();
      await server.start();
      expect(await check(body, { stdout: 'ran\n' })).toMatchObject({
        outcome: { ended: 'exited', exit_code: 5, setup_stdout: { bytes: nth === 1 ? 4 : 0 } },
      });
    });

  test('whose input is open goes on being fed; what the invocation gave is cut, which is told', async () => {
    const open = invocation(own('open'), 'while read -r line; do echo "got $line"; done; echo over', {
      options: { stdin_open: true },
    });
    const given = invocation(own('given'), 'echo up; sleep 3; wc -c', {
      options: { stdin: 'x'.repeat(900_000) },
    });
    await server.submit(open);
    await server.submit(given);
    const feed = (text: string, query = '') =>
      fetch(`${server.url}/invocations/${own('open')}/stdin${query}`, { method: 'POST', body: text });
    await expect.poll(async () => (await feed('one\n')).status, { timeout: 20_000 }).toBe(204);
    await server.wrote(own('given'), 'up');
    await server.restart();
    await server.recovery();
    await expect.poll(async () => (await feed('two\n')).status, { timeout: 20_000 }).toBe(204);
    expect((await feed('three', '?eof=true')).status).toBe(204);
    expect(await check(open, { stdout: 'got one\ngot two\nover\n' })).toMatchObject({ status: 'succeeded' });
    const cut = await check(given);
    expect(cut.result.metadata).toMatchObject({ 'docker.stdin': 'cut' });
  });

  test('of a session is as it was, and the containers of those that are closed meanwhile go', async () => {
    const make = async (id: string) => {
      const options = { docker: { image }, setup: { commands: ['echo made >/tmp/made; sleep 1000 &'] } };
      const answer = await server.post('/sessions?wait=50', {
        session_id: id,
        runtime_kind: 'docker',
        options,
      });
      expect(((await answer.json()) as { state: string }).state).toBe('ready');
      return sessionContainers(id);
    };
    const [stays, goes] = [own('stays'), own('goes')];
    const [kept] = await make(stays);
    await make(goes);
    // Asked to go by a server that dies before the engine hears of it.
    const held = gate.hold(/^DELETE \S*\/containers\/\w+/);
    void fetch(`${server.url}/sessions/${goes}`, { method: 'DELETE' }).catch(() => null);
    await held;
    await server.crash();
    gate.open();
    await server.start();
    await expect
      .poll(() => [sessionContainers(goes), sessionVolumes(goes)], { timeout: 20_000 })
      .toEqual([[], []]);
    expect(sessionContainers(stays)).toEqual([kept]);
    const body = {
      ...{ runtime_kind: 'docker', invocation_id: own('run'), command: ['cat', '/tmp/made'] },
      options: { session: stays },
    };
    await server.submit(body);
    await check(body, { stdout: 'made\n' });
    expect(engine('top', kept ?? '')).toContain('sleep 1000');
    expect((await fetch(`${server.url}/sessions/${stays}`, { method: 'DELETE' })).status).toBe(204);
    await expect
      .poll(() => [sessionContainers(stays), sessionVolumes(stays)], { timeout: 20_000 })
      .toEqual([[], []]);
  });
});
