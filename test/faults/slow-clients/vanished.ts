import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer } from '../../helpers/server-process.ts';

/** Clients whose machine vanishes, without a word, in the midst of each kind of exchange. */
export interface VanishedReport {
  /** Connections of the server from the address of those that vanished: before and after they were to be noticed. */
  before: number;
  after: number;
  /** Those that stayed, by what they ask for, still connected at the end. */
  stayed: Record<string, boolean>;
  descriptors: { idle: number; open: number; after: number };
  openStreams: string;
  claimed: number;
}

const [patienceS = 2] = process.argv.slice(2).map(Number);
/** An address that can be taken away. */
const AWAY = '10.77.0.2';

const ip = (...args: string[]): void => {
  const { status, stderr } = spawnSync('sh', ['-c', 'ip "$@" || busybox ip "$@"', 'sh', ...args]);
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
};
ip('addr', 'add', `${AWAY}/32`, 'dev', 'lo');

const dataDir = mkdtempSync(join(tmpdir(), 'runwire-vanished-'));
const server = await startServer(dataDir, {
  RUNWIRE_LOG_LEVEL: 'error',
  RUNWIRE_STALLED_CLIENT_SECONDS: String(patienceS),
});
const port = Number(new URL(server.address).port);
const descriptors = (): number => readdirSync(`/proc/${server.child.pid}/fd`).length;
const post = async (body: unknown): Promise<string> => {
  const headers = { 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(body) };
  const answer = (await (await fetch(`${server.address}/invocations`, init)).json()) as {
    invocation: { invocation_id: string };
  };
  return answer.invocation.invocation_id;
};
const metrics = async (): Promise<string> => (await fetch(`${server.address}/metrics`)).text();

/** Sockets of the server to the clients that vanished; closed ones that the system still has are not its own. */
const toAway = (): number => {
  const { stdout } = spawnSync('cat', ['/proc/net/tcp'], { encoding: 'utf8' });
  const remote = Buffer.from(AWAY.split('.').map(Number))
    .readUInt32LE(0)
    .toString(16)
    .toUpperCase()
    .padStart(8, '0');
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return stdout.split('\n').filter((line) => {
    const [, from = '', to = '', , , , , , , inode] = line.trim().split(/\s+/);
    return from.endsWith(local) && to.startsWith(remote) && inode !== '0';
  }).length;
};

function ask(requestLine: string, localAddress: string, body = ''): Socket {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => {}).resume();
  const length = body === '' ? '' : `content-type: application/json\r\ncontent-length: ${body.length}\r\n`;
  socket.write(`${requestLine} HTTP/1.1\r\nhost: localhost\r\n${length}\r\n${body}`);
  return socket;
}

async function report(): Promise<VanishedReport> {
  const quiet = await post({ runtime_kind: 'subprocess', command: ['sleep', '600'] });
  const loud = await post({
    runtime_kind: 'subprocess',
    command: ['sh', '-c', 'while sleep 0.1; do echo line; done'],
  });
  const fed = await post({
    runtime_kind: 'subprocess',
    command: ['cat'],
    options: { stdin_open: true },
  });
  const requests: [string, string?][] = [
    [`GET /invocations/${quiet}/events`],
    [`GET /invocations/${quiet}/stdout?follow=true`],
    [`GET /invocations/${quiet}?wait=600`],
    [`GET /invocations/${loud}/events`],
    [`GET /invocations/${loud}/output?follow=true`],
    ['POST /manual/claims', JSON.stringify({ wait_seconds: 600 })],
  ];
  await sleep(1000);
  const idle = descriptors();
  for (const [line, body] of requests) ask(line, AWAY, body);
  // In the midst of a body that is passed on as it comes.
  const feeding = connect({ port, host: '127.0.0.1', localAddress: AWAY });
  feeding.on('error', () => {}).resume();
  feeding.write(
    `POST /invocations/${fed}/stdin HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`,
  );
  const stay = requests.slice(0, 5).map(([line, body]) => [line, ask(line, '127.0.0.1', body)] as const);
  await sleep(1500);
  const before = toAway();
  const open = descriptors();
  ip('addr', 'del', `${AWAY}/32`, 'dev', 'lo');
  const giveUpAt = performance.now() + 60_000;
  while (toAway() > 0 && performance.now() < giveUpAt) await sleep(200);
  const after = toAway();
  const [, openStreams = ''] = /^runwire_open_streams (\d+)$/m.exec(await metrics()) ?? [];
  const stayed = Object.fromEntries(
    stay.map(([line, socket], at) => [
      `${at} ${line.replace(/[\da-f-]{36}/, 'id')}`,
      !socket.destroyed && !socket.readableEnded,
    ]),
  );
  // The run that comes now goes to nobody who has vanished.
  await post({ runtime_kind: 'manual' });
  const claim = await fetch(`${server.address}/manual/claims`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  for (const [, socket] of stay) socket.destroy();
  await sleep(1000);
  return {
    before,
    after,
    stayed,
    descriptors: { idle, open, after: descriptors() },
    openStreams,
    claimed: claim.status,
  };
}

try {
  process.stdout.write(`\n${JSON.stringify(await report())}\n`);
} finally {
  await server.stop('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit(0);
