import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SupervisorClient } from '../../../../src/supervisor/client/client.ts';
import type { LostFacts } from '../../../../src/supervisor/client/listener.ts';
import { PROTOCOL_VERSION } from '../../../../src/supervisor/protocol/messages.ts';

let dataDir: string;
let listener: Server;
const callers = new Set<Socket>();

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'runwire-impostor-'));
});
afterEach(() => {
  for (const socket of callers) socket.destroy();
  vi.useRealTimers();
  listener.close();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Something that listens where the supervisor should, and answers each call with this. */
async function impostor(answer: string | Uint8Array, allowHalfOpen = false): Promise<SupervisorClient> {
  listener = createServer({ allowHalfOpen }, (socket) => {
    callers.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => callers.delete(socket));
    socket.resume();
    socket.write(answer);
  });
  listener.listen(join(dataDir, `supervisor-${PROTOCOL_VERSION}.sock`));
  await once(listener, 'listening');
  return new SupervisorClient({ dataDir, spawn: 'auto', environment: { PATH: process.env.PATH ?? '' } });
}

const welcome = `${JSON.stringify({ op: 'welcome', version: PROTOCOL_VERSION, pid: 1, spawn: 'posix', runs: [] })}\n`;

test.each([
  'hello\n',
  'null\n',
  '{"op":"welcome"}\n',
  '{"op":"welcome","version":"4"}\n',
  `{"op":"welcome","version":${PROTOCOL_VERSION},"runs":[1]}\n`,
  Buffer.from([0xff, 0x00, 0x0a]),
])('a server that finds %j where its supervisor should be says so', async (answer) => {
  const client = await impostor(answer);
  await expect(client.connect()).rejects.toThrow('what listens on its socket is no supervisor');
});

test('a supervisor that turns out to be none is left for one that is, which looks what became of its runs', async () => {
  const client = await impostor(welcome);
  await client.connect();
  const { promise: lost, resolve } = Promise.withResolvers<LostFacts | null>();
  const unexpected = (): never => expect.fail('it was told of something else');
  const told = {
    grew: unexpected,
    active: unexpected,
    exited: unexpected,
    failed: unexpected,
    absent: unexpected,
  };
  const handed = { directory: join(dataDir, 'runs', 'r'), firstSeq: 3, startedAt: 1, rebooted: false };
  await client.adopt('r', { ...handed, listener: { ...told, lost: resolve } });
  const [socket] = callers;
  listener.close(); // from here on nobody listens there
  // A message that concerns no run of ours, and one that is none.
  socket?.write('{"op":"grew","run":"x","end":1}\n{"op":"exit","run":"r","facts":{},"end":1}\n');
  expect(await lost).toMatchObject({ nextSeq: 3, kill: { survivors: 0 } });
  await client.close('quit');
});

test.each(['leave', 'quit'] as const)(
  'one that is hung, which a program can do to it, holds up no server that stops (%s)',
  async (how) => {
    const client = await impostor(welcome, true);
    await client.connect();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const closed = client.close(how);
    await vi.advanceTimersByTimeAsync(20_000);
    await closed;
  },
);
