import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { keptKey } from '../../platform/kept-key.ts';
import { KEY_FILE, PROTOCOL_VERSION } from '../protocol/messages.ts';

export interface LaunchOptions {
  dataDir: string;
  spawn: 'auto' | 'posix' | 'portable';
  /** Environment of the supervisor itself; programs get only what a spawn request says. */
  environment: Record<string, string>;
}

/** Beside us: TypeScript in the repository, JavaScript in the package. */
const MAIN = fileURLToPath(new URL(`../main${extname(import.meta.filename)}`, import.meta.url));
/** Each version has a name of its own, so that supervisors of two can be there at once. */
const SOCKET = `supervisor-${PROTOCOL_VERSION}.sock`;
/** Version 2 knew of no other. */
const ANY_SOCKET = /^supervisor(?:-\d+)?\.sock$/;
const START_TIMEOUT_MS = 10_000;
/** sockaddr_un holds 108 bytes on Linux, 104 elsewhere. */
const MAX_SOCKET_PATH = 100;

/** What a server shows to the supervisors of a data directory to be known as one. */
export function supervisorKey(dataDir: string): string {
  return keptKey(join(dataDir, KEY_FILE)).toString('base64url');
}

/** Connect to the supervisor of a data directory, starting one when none answers. */
export async function connectSupervisor(options: LaunchOptions): Promise<Socket> {
  const address = socketAddress(options.dataDir, SOCKET);
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

/** Connect to the living supervisors of other versions of a data directory: programs of earlier runs are theirs. */
export async function connectOtherSupervisors(dataDir: string): Promise<Socket[]> {
  const names = readdirSync(dataDir).filter((name) => ANY_SOCKET.test(name) && name !== SOCKET);
  const sockets: Socket[] = [];
  for (const name of names) {
    const address = socketAddress(dataDir, name);
    try {
      const socket = await tryConnect(address.path);
      if (socket) sockets.push(socket);
      else rmSync(address.file, { force: true });
    } finally {
      if (address.directory !== null) closeSync(address.directory);
    }
  }
  return sockets;
}

/** A path too long for a socket address is reached through a descriptor of its directory (Linux). */
function socketAddress(
  dataDir: string,
  name: string,
): { file: string; path: string; directory: number | null } {
  const file = join(dataDir, name);
  if (Buffer.byteLength(file) <= MAX_SOCKET_PATH || !existsSync('/proc/self/fd'))
    return { file, path: file, directory: null };
  const directory = openSync(dataDir, 'r');
  return { file, path: `/proc/self/fd/${directory}/${name}`, directory };
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
