import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server that is measured. */
export interface Peer {
  name: string;
  version: string;
  port: number;
  /** Its processes, helpers included. */
  pids(): number[];
  /** How it is asked to run a program, in one way or in several. */
  targets(program: Program): Target[];
  stop(): Promise<void>;
}

export interface Target {
  /** The row of the table. */
  name: string;
  request: string;
  /** What a right answer has in its body. */
  expect: string;
}

/** What every server is asked to run. */
export interface Program {
  name: string;
  command: [string, ...string[]];
  /** The end of its output; empty when it has none. */
  lastLine: string;
}

/** Why something cannot be measured here, in words. */
export class Absent extends Error {}

/** A POST (or GET, without body) over a kept-alive connection, as bytes. */
export function httpRequest(port: number, path: string, body?: unknown, accept = 'application/json'): string {
  const head = `Host: 127.0.0.1:${port}\r\nConnection: keep-alive\r\nAccept: ${accept}\r\n`;
  if (body === undefined) return `GET ${path} HTTP/1.1\r\n${head}\r\n`;
  const text = JSON.stringify(body);
  return `POST ${path} HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A server that has much to hold takes long to start. */
const START_LIMIT_MS = 60_000;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** Start a server with its output in `log`. */
export function start(
  argv: readonly [string, ...string[]],
  log: string,
  env: NodeJS.ProcessEnv = process.env,
): ChildProcess {
  const fd = openSync(log, 'a');
  const [file, ...args] = argv;
  const child = spawn(file, args, { stdio: ['ignore', fd, fd], env });
  closeSync(fd);
  // Whatever ends the bench, no server outlives it.
  const kill = () => child.kill('SIGKILL');
  process.prependOnceListener('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  return child;
}

/** Resolve when `ready` gives something; throw with the log's end when the process ends or a minute goes by. */
export async function until<T>(
  child: ChildProcess,
  log: string,
  ready: () => Promise<T | undefined>,
): Promise<T> {
  for (let waited = 0; waited < START_LIMIT_MS && child.exitCode === null; waited += 10) {
    const found = await ready();
    if (found !== undefined) return found;
    await sleep(10);
  }
  throw new Error(`${child.spawnfile} did not start: ${readFileSync(log, 'utf8').slice(-2000)}`);
}

/** `until` a connection to the port is accepted. */
export function untilListening(child: ChildProcess, log: string, port: number): Promise<true> {
  return until(child, log, () => {
    const { promise, resolve } = Promise.withResolvers<true | undefined>();
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(undefined));
    return promise.finally(() => socket.destroy());
  });
}

/** SIGTERM, after `graceMs` SIGKILL; resolves when the process is gone. */
export async function stop(child: ChildProcess, graceMs = 5000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await gone;
  clearTimeout(timer);
}
