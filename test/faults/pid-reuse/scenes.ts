import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { runDirectory } from '../../../src/disk/run-directory.ts';
import { startTimeOf } from '../../../src/supervisor/find/proc.ts';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { supervisorOf, until } from '../../helpers/processes.ts';
import { subprocesses } from '../../helpers/subprocess-suite.ts';

/**
 * Plays scenes in a pid namespace of its own, where it may choose which pid comes next, and prints what came of
 * each as one line of JSON: node pid-reuse-scenes.ts <spawner>
 */
const [spawner = 'posix'] = process.argv.slice(2);
let dataDir = '';

/** Perl that takes a pid as soon as it is free: a session leader with one child, which outlives it where asked. */
const TAKE = `use POSIX; $| = 1; my ($wanted, $stays) = @ARGV; my $end = time + 30;
while (time < $end) {
  if (kill 0, $wanted) { select undef, undef, undef, 0.001; next }
  open my $next, '>', '/proc/sys/kernel/ns_last_pid'; print $next $wanted - 1; close $next;
  my $pid = fork;
  if ($pid == 0) {
    exit unless getpid() == $wanted;
    POSIX::setsid();
    my $child = fork;
    if ($child == 0) { close STDOUT; sleep 60; exit }
    print "$wanted $child\\n"; close STDOUT;
    sleep 60 if $stays; exit
  }
  waitpid $pid, 0;
  if ($pid == $wanted) { sleep 60; exit }
}
exit 1`;

interface Innocents {
  pids: number[];
  /** Is each still the process it was. */
  live(): boolean;
}

/** Strangers that get the pid once it is free: a session leader and its child, or only the child that is left of it. */
async function take(pid: number, stays = true): Promise<Innocents> {
  const taker = spawn('perl', ['-e', TAKE, String(pid), stays ? '1' : ''], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH },
  });
  for await (const line of createInterface(taker.stdout)) {
    const [leader = 0, child = 0] = line.split(' ').map(Number);
    const pids = stays ? [leader, child] : [child];
    if (!stays) await until(() => startTimeOf(leader) === null, 'the leader has gone');
    const born = pids.map(startTimeOf);
    return { pids, live: () => pids.every((each, i) => startTimeOf(each) === born[i]) };
  }
  throw new Error(`pid ${pid} was not to be had`);
}

function build(): Promise<BuiltApp> {
  return buildApp({ dataDir, config: { RUNWIRE_SPAWN: spawner } });
}

const alive = (pid: number): boolean => startTimeOf(pid) !== null;

/** The pid that a run has printed. */
async function printedPid(app: BuiltApp, id: string): Promise<number> {
  await subprocesses(app).said(id, '\n');
  const { body } = await app.app.inject(`/invocations/${id}/stdout`);
  return Number(body.split('\n')[0]);
}

const ATTEMPTS = 5;

/** The leader has gone, its output is still waited for: its pid is another's while the run ends. */
async function whileARunEnds() {
  for (let attempt = 1; ; attempt++) {
    const played = await onceWhileARunEnds();
    if (played.inTime || !played.live || attempt === ATTEMPTS) return played; // else it was over before the pid was taken
  }
}

async function onceWhileARunEnds() {
  const app = await build();
  const { start, finished } = subprocesses(app);
  // The daemon holds the pipes, so that the end of the run waits for it.
  const id = await start(['sh', '-c', 'echo $$; setsid sleep 60 & read -r line; exit 4'], {
    options: { stdin_open: true },
  });
  const pid = await printedPid(app, id);
  const taking = take(pid);
  await app.app.inject({ method: 'POST', url: `/invocations/${id}/stdin?eof=true` });
  const innocents = await taking;
  const inTime = app.engine.status(id) === 'running';
  const signalled = await app.app.inject({
    method: 'POST',
    url: `/invocations/${id}/signals`,
    payload: { signal: 'SIGKILL' },
  });
  app.engine.cancel(id, 0);
  const record = await finished(id);
  const live = innocents.live();
  await app.end();
  return { inTime, live, signalled: signalled.statusCode, ended: record.outcome };
}

/** Server and supervisor are dead, and the leader's pid is another's when the next server revives the run. */
async function afterACrash(stays: boolean, recorded: boolean) {
  const first = await build();
  const { start } = subprocesses(first);
  const id = await start(['sh', '-c', 'echo $$; sleep 60; true']);
  const pid = await printedPid(first, id);
  const startTime = startTimeOf(pid);
  const supervisor = supervisorOf(dataDir);
  await first.close('leave');
  process.kill(supervisor, 'SIGKILL');
  process.kill(-pid, 'SIGKILL');
  const innocents = await take(pid, stays);
  if (recorded)
    appendFileSync(
      runDirectory(dataDir, id).journal,
      `${JSON.stringify({ started: { pid, start_time: startTime } })}\n`,
    );
  const next = await build();
  const record = await subprocesses(next).finished(id);
  const live = innocents.live();
  await next.end();
  return { live, ended: record.outcome };
}

/** The leader and a member of its session that carries nothing else are found by what was recorded, and ended. */
async function theLeaderItself() {
  const first = await build();
  const { start } = subprocesses(first);
  const id = await start(['sh', '-c', 'echo $$; env -i sleep 60 & sleep 60; true']);
  const pid = await printedPid(first, id);
  const startTime = startTimeOf(pid);
  const supervisor = supervisorOf(dataDir);
  await first.close('leave');
  process.kill(supervisor, 'SIGKILL');
  appendFileSync(
    runDirectory(dataDir, id).journal,
    `${JSON.stringify({ started: { pid, start_time: startTime } })}\n`,
  );
  const next = await build();
  const record = await subprocesses(next).finished(id);
  // What has ended is there until the first process has reaped it.
  await until(() => !alive(pid), 'the leader is gone');
  await next.end();
  return { gone: true, ended: record.outcome };
}

/** A process was seen, has gone, and its pid is another's when the signal is sent. */
async function betweenLookAndSignal() {
  const { signal } =
    spawner === 'posix'
      ? (await import('../../../src/supervisor/spawn/posix-spawner.ts')).posixSpawner()
      : (await import('../../../src/supervisor/spawn/portable-spawner.ts')).portableSpawner();
  const seen = spawn('sleep', ['60']);
  const pid = seen.pid ?? 0;
  const startTime = startTimeOf(pid) ?? 0;
  const taking = take(pid);
  seen.kill('SIGKILL');
  const innocents = await taking;
  signal({ pid, startTime }, 9);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const live = innocents.live();
  signal({ pid, startTime: startTimeOf(pid) ?? 0 }, 9);
  await until(() => !innocents.live(), 'the right one is signalled');
  return { live };
}

const SCENES: Record<string, () => Promise<unknown>> = {
  'while a run ends': whileARunEnds,
  'after a crash': () => afterACrash(true, false),
  'after a crash, with the pid recorded': () => afterACrash(true, true),
  'after a crash, to a session whose leader has gone': () => afterACrash(false, true),
  'the leader itself': theLeaderItself,
  'between look and signal': betweenLookAndSignal,
};

const played: Record<string, unknown> = {};
for (const [scene, play] of Object.entries(SCENES)) {
  dataDir = mkdtempSync(join(tmpdir(), 'runwire-reuse-'));
  try {
    played[scene] = await play();
  } catch (error) {
    played[scene] = { error: String(error) };
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}
process.stdout.write(`${JSON.stringify(played)}\n`);
process.exit(0);
