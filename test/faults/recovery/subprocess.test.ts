import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { own } from '../../helpers/own-id.ts';
import { commandLine, supervisorOf, until } from '../../helpers/processes.ts';
import { expectInvariants } from '../invariants.ts';
import { recoveringServer } from '../recovering.ts';

const server = recoveringServer();
const shell = <More extends object>(script: string, more: More) => ({
  runtime_kind: 'subprocess',
  command: ['sh', '-c', script],
  ...more,
});

test('a program that ended while no server lived is told as it ended, though its time is over by now', async () => {
  const intime = shell('echo up; sleep 1; echo down; exit 3', {
    invocation_id: own('in-time'),
    timeout_seconds: 6,
    options: { idle_timeout_seconds: 5 },
  });
  const silent = shell('sleep 1', { invocation_id: own('silent'), timeout_seconds: 6 });
  const longer = shell('echo up; sleep 60', { invocation_id: own('longer'), timeout_seconds: 6 });
  const bodies: { invocation_id: string }[] = [intime, silent, longer];
  for (const body of bodies) await server().submit(body);
  await server().wrote(own('longer'), 'up');
  await server().wrote(own('in-time'), 'up');
  await server().restart(6200);
  const ends: unknown[] = [];
  for (const body of bodies) {
    const { record } = await expectInvariants({ url: server().url, id: body.invocation_id, body });
    ends.push([record.status, record.outcome.ended, record.result.exit_code]);
  }
  expect(ends).toEqual([
    ['failed', 'exited', 3],
    ['succeeded', 'exited', 0],
    ['timed_out', 'timed_out', -15],
  ]);
  expect(await server().recovery()).toEqual({ queued: 0, resumed: 3, lost: 0 });
});

/** Is this process there, and no zombie. */
const isAlive = (pid: number): boolean => commandLine(pid).length > 0;
/** Tells its pid, and what ended it. */
const TELLING = 'trap "echo told; exit 7" TERM; echo $$; while :; do sleep 0.05; done';

test('a program whose time is over while no server lives is ended then, with its grace, and told as timed out', async () => {
  const body = shell(TELLING, { invocation_id: own('alone'), timeout_seconds: 2 });
  const deaf = shell('trap "" TERM; echo $$; sleep 60 & wait; sleep 60', {
    invocation_id: own('deaf'),
    timeout_seconds: 2,
    options: { kill_grace_seconds: 0.3 },
  });
  const free = shell('echo $$; sleep 60', { invocation_id: own('free') });
  const pids: number[] = [];
  for (const run of [body, deaf, free]) {
    await server().submit(run);
    await server().wrote(run.invocation_id, '\n');
    pids.push(Number(await server().text(`/invocations/${run.invocation_id}/stdout`)));
  }
  await server().crash();
  await until(() => !pids.slice(0, 2).some(isAlive), 'those whose time is over are gone');
  expect(isAlive(pids[2] as number), 'the one that may take its time').toBe(true);
  await server().start();
  const { record } = await expectInvariants({ url: server().url, id: own('alone'), body });
  expect(record).toMatchObject({
    status: 'timed_out',
    result: { exit_code: 7, error_summary: 'ran longer than 2 s' },
    outcome: { ended: 'timed_out', timeout_reason: 'run', kill: { signals: ['SIGTERM'] } },
  });
  expect(await server().text(`/invocations/${own('alone')}/stdout`)).toBe(`${pids[0]}\ntold\n`);
  expect(await server().ended(own('deaf'))).toMatchObject({
    status: 'timed_out',
    outcome: { kill: { signals: ['SIGTERM', 'SIGKILL'], survivors: 0 } },
  });
  expect(await server().record(own('free'))).toMatchObject({ status: 'running' });
});

test('a server that comes before the time of a program is over sees to it itself, and the supervisor again after it', async () => {
  // How long a start takes is the machine's. Where the time was over by then there is nothing to see: it is tried with more.
  for (let seconds = 4; ; seconds *= 2) {
    const id = own(`between-${seconds}`);
    const overAt = performance.now() + seconds * 1000;
    await server().submit(shell(TELLING, { invocation_id: id, timeout_seconds: seconds }));
    await server().wrote(id, '\n');
    const pid = Number(await server().text(`/invocations/${id}/stdout`));
    await server().restart(500);
    const { status } = await server().record(id);
    if (status !== 'running' && performance.now() >= overAt) continue;
    expect(status).toBe('running');
    expect(isAlive(pid)).toBe(true);
    await server().crash();
    await until(() => !isAlive(pid), 'its time is over', seconds * 1000 + 20_000);
    await server().start();
    expect(await server().ended(id)).toMatchObject({
      status: 'timed_out',
      result: { error_summary: `ran longer than ${seconds} s` },
    });
    return;
  }
});

test('what a program is fed goes on through the next server, to its end', async () => {
  const body = shell('while read -r line; do echo "got $line"; done; echo over', {
    invocation_id: own('fed'),
    options: { stdin_open: true },
  });
  await server().submit(body);
  const feed = (text: string, query = '') =>
    fetch(`${server().url}/invocations/${own('fed')}/stdin${query}`, { method: 'POST', body: text });
  expect((await feed('one\ntw')).status).toBe(204);
  await server().wrote(own('fed'), 'got one');
  await server().restart(300);
  expect((await feed('o\nthree\n')).status).toBe(204);
  await server().wrote(own('fed'), 'got three');
  await server().restart();
  expect((await feed('four\n', '?eof=true')).status).toBe(204);
  const stdout = 'got one\ngot two\ngot three\ngot four\nover\n';
  const { record } = await expectInvariants({ url: server().url, id: own('fed'), body, wrote: { stdout } });
  expect(record.status).toBe('succeeded');
  expect((await feed('five\n')).status).toBe(409);
});

test('input that was on its way when the server died arrives as far as it was passed on, in order and once', async () => {
  const body = shell('sleep 2; cat', { invocation_id: own('big'), options: { stdin_open: true } });
  await server().submit(body);
  const lines = Array.from({ length: 40_000 }, (_, n) => `line ${n}\n`).join('');
  const sending = fetch(`${server().url}/invocations/${own('big')}/stdin`, {
    method: 'POST',
    body: lines,
  }).then(
    () => 'taken',
    () => 'broken off',
  );
  await sleep(500); // the pipe is full: the rest waits in the server
  await server().restart();
  expect(await sending).toBe('broken off');
  await fetch(`${server().url}/invocations/${own('big')}/stdin?eof=true`, { method: 'POST', body: 'END' });
  const { record } = await expectInvariants({ url: server().url, id: own('big'), body });
  expect(record.status).toBe('succeeded');
  const stdout = await server().text(`/invocations/${own('big')}/stdout`);
  expect(stdout.endsWith('END')).toBe(true);
  expect(stdout.length).toBeGreaterThan(3);
  expect(lines.startsWith(stdout.slice(0, -3))).toBe(true);
});

test('a grace that was running goes on: a program that ignores SIGTERM is killed by the supervisor alone', async () => {
  const body = shell('trap "" TERM; echo up; while :; do sleep 0.2; done', {
    invocation_id: own('deaf'),
    options: { kill_grace_seconds: 1 },
  });
  await server().submit(body);
  await server().wrote(own('deaf'), 'up');
  expect((await server().post(`/invocations/${own('deaf')}/cancel`)).status).toBe(202);
  await server().restart(1500);
  const { record } = await expectInvariants({ url: server().url, id: own('deaf'), body });
  expect(record).toMatchObject({ status: 'cancelled', outcome: { exit_code: -9, kill: { survivors: 0 } } });
});

test('lost, queued and resumed runs of one crash are counted apart, in readyz and in the metrics', async () => {
  await server().submit(shell('echo up; sleep 60', { invocation_id: own('lost') }));
  await server().wrote(own('lost'), 'up');
  const supervisor = supervisorOf(server().dataDir);
  await server().crash();
  process.kill(supervisor, 'SIGKILL');
  await until(() => !alive(supervisor), 'the supervisor is dead');
  await server().start();
  expect((await server().ended(own('lost'))).outcome).toMatchObject({ ended: 'lost', retry_safe: false });
  expect(await server().recovery()).toEqual({ queued: 0, resumed: 0, lost: 1 });
  const metrics = await server().text('/metrics');
  expect(metrics).toContain('runwire_recovered_runs_total{how="lost"} 1');
  expect(metrics).toContain('runwire_recovered_runs_total{how="resumed"} 0');
  expect(metrics).toContain('runwire_runs_recovering 0');
  await server().restart();
  expect(await server().recovery()).toEqual({ queued: 0, resumed: 0, lost: 0 });
});

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
