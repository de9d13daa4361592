import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { own } from '../../helpers/own-id.ts';
import { supervisorOf, until } from '../../helpers/processes.ts';
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
