import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from '../require.ts';

/** An engine of the test's own, which may be killed without anybody else noticing. */
export interface Daemon extends AsyncDisposable {
  /** DOCKER_HOST of it. */
  host: string;
  /** Environment for the command-line client. */
  env: NodeJS.ProcessEnv;
  start(): Promise<void>;
  kill(): Promise<void>;
}

/**
 * With a containerd beside it that outlives it, as distributions install them; `flags` go to dockerd. Runs as
 * root, without touching the networks of the machine.
 */
export async function dockerDaemon(...flags: string[]): Promise<Daemon> {
  const root = mkdtempSync(join(tmpdir(), 'rw-engine-'));
  const host = `unix://${root}/sock`;
  const env = { ...process.env, DOCKER_HOST: host };
  const address = `${root}/containerd.sock`;
  const containerd = launch(root, 'containerd', [
    ...['--address', address, '--root', `${root}/containerd-data`, '--state', `${root}/containerd-state`],
    ...['--config', '/dev/null'],
  ]);
  let daemon: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    // In a network of its own: an engine without a bridge takes that of the machine away.
    const started = launch(root, 'unshare', [
      ...['--net', 'dockerd'],
      ...['--data-root', `${root}/data`, '--exec-root', `${root}/exec`, '--pidfile', `${root}/pid`],
      ...['--host', host, '--containerd', address, '--bridge=none', '--iptables=false', ...flags],
    ]);
    daemon = started;
    for (let n = 0; n < 200 && started.exitCode === null; n++) {
      if (spawnSync('docker', ['version'], { env, stdio: 'ignore' }).status === 0) return;
      await sleep(100);
    }
    throw new Error(`dockerd does not answer: ${readFileSync(join(root, 'log'), 'utf8').slice(-2000)}`);
  };
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (daemon !== null) await end(daemon, signal);
    daemon = null;
  };
  await start();
  return {
    host,
    env,
    start,
    kill: () => stop('SIGKILL'),
    async [Symbol.asyncDispose]() {
      if (daemon === null) await start(); // only a living one ends what it started
      const { stdout } = spawnSync('docker', ['ps', '-aq'], { env, encoding: 'utf8' });
      const left = stdout.split('\n').filter((id) => id !== '');
      if (left.length > 0) spawnSync('docker', ['rm', '-f', ...left], { env });
      await stop('SIGTERM');
      await end(containerd, 'SIGTERM');
      const mounts = readFileSync('/proc/mounts', 'utf8')
        .split('\n')
        .map((line) => line.split(' ')[1] ?? '');
      for (const mount of mounts.filter((path) => path.startsWith(`${root}/`)).reverse())
        spawnSync('umount', ['--lazy', mount]);
      rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}

function launch(root: string, name: string, args: string[]): ChildProcess {
  const program = findProgram(name);
  if (program === undefined) throw new Error(`there is no ${name}`);
  const log = openSync(join(root, 'log'), 'a');
  const child = spawn(program, args, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = once(child, 'exit');
  child.kill(signal);
  await over;
}
