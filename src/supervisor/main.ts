import { closeSync, existsSync, readdirSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { keepMemoryPrivate } from '../platform/private-memory.ts';
import { openDoor } from './door.ts';
import { isOwnProgram } from './find/own-program.ts';
import { KEY_FILE, PROTOCOL_VERSION } from './protocol/messages.ts';
import type { Spawner } from './spawn/spawner.ts';
import { Supervisor } from './supervisor.ts';

/**
 * The process that owns every program of one data directory. Started detached by the server; outlives
 * it as long as programs run, so that a server that crashed finds them again.
 */
const { values } = parseArgs({
  options: {
    socket: { type: 'string' },
    'data-dir': { type: 'string' },
    spawn: { type: 'string', default: 'auto' },
  },
});
const socketPath = values.socket ?? '';
const dataDir = values['data-dir'] ?? '.';
/** Without programs it ends after this, when there is no server that would start any. */
const LINGER_MS = 5000;
/** A server of our own version that went away will come back: what it had accepted and not handed over is ours to start. */
const AWAIT_SERVER_MS = 60_000;
const QUIT_GRACE_MS = 2000;
const O_CLOEXEC = 0o2000000;

closeInherited();
const spawner = await chooseSpawner(values.spawn);
// Programs carry secrets of their own through this process, and their orders come in here.
await keepMemoryPrivate();
const supervisor = new Supervisor(spawner, String(statSync(dataDir).ino));
let lingerMs = LINGER_MS;
let lingering: NodeJS.Timeout | undefined;
let quitting = false;

async function chooseSpawner(choice: string): Promise<Spawner> {
  if (choice !== 'portable')
    try {
      const { posixSpawner } = await import('./spawn/posix-spawner.ts');
      return posixSpawner();
    } catch (error) {
      if (choice === 'posix') throw error;
    }
  const { portableSpawner } = await import('./spawn/portable-spawner.ts');
  return portableSpawner();
}

/** Descriptors that a careless parent left open must not reach programs; Node's own close on exec. */
function closeInherited(): void {
  if (!existsSync('/proc/self/fdinfo')) return;
  for (const fd of readdirSync('/proc/self/fd').map(Number))
    try {
      const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
      if (fd > 2 && flags && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0) closeSync(fd);
    } catch {
      // the one that listed the directory is gone by now
    }
}

const onConnection = openDoor({
  key: () => {
    try {
      return readFileSync(join(dataDir, KEY_FILE));
    } catch (error) {
      console.error(`runwire supervisor: the key of servers cannot be read: ${String(error)}`);
      return null;
    }
  },
  isOwnProgram: (socket) => isOwnProgram(spawner.peerOf(socket)),
  onServer({ version }, send) {
    if (!quitting) clearInterval(lingering);
    send({
      op: 'welcome',
      version: PROTOCOL_VERSION,
      pid: process.pid,
      spawn: spawner.name,
      runs: supervisor.runs,
    });
    const isOurs = version === PROTOCOL_VERSION;
    lingerMs = isOurs ? AWAIT_SERVER_MS : LINGER_MS;
    supervisor.connect(send, isOurs);
  },
  onOrder: (order) => (order.op === 'quit' ? quit() : supervisor.handle(order)),
  onLeft() {
    supervisor.disconnect();
    endWhenIdle();
  },
});

/** Nobody to serve: end once the last program has ended, and quickly when told to quit. */
function endWhenIdle(): void {
  clearInterval(lingering);
  lingering = setInterval(
    () => {
      if (quitting ? supervisor.living === 0 : supervisor.isSettled) end();
    },
    quitting ? 20 : lingerMs,
  );
}

function quit(): void {
  if (quitting) return;
  quitting = true;
  supervisor.stopAll(QUIT_GRACE_MS);
  if (supervisor.living === 0) end();
  endWhenIdle();
}

/** One that was started in vain must not take the address of the one that was started after it. */
function end(): void {
  try {
    if (statSync(socketPath).ino === ownSocket) unlinkSync(socketPath);
  } catch {
    // the socket or the data directory is gone
  }
  process.exit(0);
}

process.on('SIGTERM', quit);
process.on('SIGINT', quit);
process.on('SIGHUP', () => {});

const listener = createServer(onConnection);
listener.on('error', (error) => {
  console.error(`runwire supervisor: ${error.message}`);
  if (!listener.listening) process.exit(1); // else one connection was not taken, and programs are not to be lost for it
});
// Programs inherit the umask of the server; only the socket is for nobody else.
const umask = process.umask(0o077);
listener.listen(socketPath);
process.umask(umask);
const ownSocket = statSync(socketPath, { throwIfNoEntry: false })?.ino;
endWhenIdle();
flushCompileCache();
