import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface LaunchOptions {
  dataDir: string;
  spawn: 'auto' | 'posix' | 'portable';
  /** Environment of the supervisor itself; programs get only what a spawn request says. */
  environment: Record<string, string>;
}

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const SOCKET = 'supervisor.sock';
const START_TIMEOUT_MS = 10_000;
/** sockaddr_un holds 108 bytes on Linux, 104 elsewhere. */
const MAX_SOCKET_PATH = 100;

/** Connect to the supervisor of a data directory, starting one when none answers. */
export async function connectSupervisor(options: LaunchOptions): Promise<Socket> {
  const address = socketAddress(options.dataDir);
  try {
    const living = await tryConnect(address.path);
    if (living) return living;
    rmSync(address.file, { force: true }); // what a dead one left
    const exit = start(options);
    const giveUpAt = performance.now() + START_TIMEOUT_MS;
    while (performance.now() < giveUpAt) {
      const socket = await tryConnect(address.path);
      if (socket) return socket;
      if (exit.code !== null) break;
      await sleep(5);
    }
    throw new Error(
      `the supervisor did not start (exit code ${exit.code}): see ${join(options.dataDir, 'supervisor.log')}`,
    );
  } finally {
    if (address.directory !== null) closeSync(address.directory);
  }
}

/** A path too long for a socket address is reached through a descriptor of its directory (Linux). */
function socketAddress(dataDir: string): { file: string; path: string; directory: number | null } {
  const file = join(dataDir, SOCKET);
  if (Buffer.byteLength(file) <= MAX_SOCKET_PATH || !existsSync('/proc/self/fd'))
    return { file, path: file, directory: null };
  const directory = openSync(dataDir, 'r');
  return { file, path: `/proc/self/fd/${directory}/${SOCKET}`, directory };
}

/** Null when nobody listens there. */
function tryConnect(path: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(null));
  });
}

/** Its current directory is the data directory, where the name of the socket is short enough for an address. */
function start(options: LaunchOptions): { code: number | null } {
  const log = openSync(join(options.dataDir, 'supervisor.log'), 'a', 0o600);
  const child = spawn(
    process.execPath,
    [MAIN, '--socket', SOCKET, '--data-dir', options.dataDir, '--spawn', options.spawn],
    { cwd: options.dataDir, detached: true, stdio: ['ignore', 'ignore', log], env: options.environment },
  );
  closeSync(log);
  child.unref();
  const state: { code: number | null } = { code: null };
  child.on('exit', (code) => {
    state.code = code ?? -1;
  });
  child.on('error', () => {
    state.code = -1;
  });
  return state;
}
