import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PROTOCOL_VERSION } from '../../src/supervisor/protocol/messages.ts';
import { CrashingServer } from '../helpers/crashing-server.ts';
import { own } from '../helpers/own-id.ts';
import { supervisorOf } from '../helpers/processes.ts';
import { expectInvariants } from './invariants.ts';

const SOCKET = `supervisor-${PROTOCOL_VERSION}.sock`;
/** A stranger that is not shown out at once is shown out in the end; this is more than that takes. */
const PATIENCE = { timeout: 60_000 };

const server = new CrashingServer();
const id = own('stranger');
let supervisor: number;
beforeEach(async () => {
  await server.start();
  await server.post('/invocations', {
    runtime_kind: 'subprocess',
    invocation_id: id,
    command: ['sh', '-c', 'echo one; until [ -e gate ]; do sleep 0.05; done; echo two; exit 7'],
  });
  await expect.poll(stdout).toBe('one\n');
  supervisor = supervisorOf(server.dataDir);
});
afterEach(async () => {
  await fetch(`${server.url}/invocations/${id}`, { method: 'DELETE' });
  await server.end();
});

function stdout(): Promise<string> {
  return fetch(`${server.url}/invocations/${id}/stdout`).then((answer) => answer.text());
}

/** The program goes on to its own end under the supervisor that it has, and nothing of it is lost. */
async function expectUndisturbed(): Promise<void> {
  expect(supervisorOf(server.dataDir)).toBe(supervisor);
  writeFileSync(join(server.dataDir, 'runs', id, 'work', 'gate'), '');
  const { record } = await expectInvariants({ url: server.url, id, wrote: { stdout: 'one\ntwo\n' } });
  expect(record).toMatchObject({ result: { exit_code: 7 }, outcome: { ended: 'exited', kill: null } });
}

async function stranger(): Promise<Socket> {
  const socket = connect(join(server.dataDir, SOCKET));
  await once(socket, 'connect');
  socket.on('error', () => {}); // it is closed while we write
  return socket;
}

/** What a stranger that says this hears until it is shown out. */
async function answerTo(said: string | Uint8Array): Promise<string> {
  const socket = await stranger();
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  socket.write(said);
  await closed(socket);
  return heard;
}

/** Not by once(), which takes that it is closed while we write for a failure. */
function closed(socket: Socket): Promise<void> {
  socket.resume();
  return new Promise((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));
}

const line = (message: unknown): string => `${JSON.stringify(message)}\n`;
const key = (): string => readFileSync(join(server.dataDir, 'supervisor.key')).toString('base64url');
const hello = () => ({ op: 'hello', version: PROTOCOL_VERSION, key: key() });

const SAID: Record<string, string> = {
  'no JSON': 'hello\n',
  null: 'null\n',
  'a number': '1e999\n',
  'an order without a hello': line({ op: 'quit' }),
  'an order that lacks everything': line({ op: 'spawn' }),
  'an op of the prototype': `{"op":"constructor"}\n{"op":"toString"}\n${line({ op: 'quit' })}`,
  'a prototype': `{"__proto__":{"op":"quit"},"op":"hello"}\n`,
  'a nest of lists': `${'['.repeat(4000)}\n`,
  'a line without an end': 'x'.repeat(1 << 20),
  'a hello without a key': line({ op: 'hello', version: PROTOCOL_VERSION }),
  'a hello with another key': line({ op: 'hello', version: PROTOCOL_VERSION, key: 'A'.repeat(43) }),
  'a hello of the release before keys': line({ op: 'hello', version: 3 }) + line({ op: 'quit' }),
  'a version that is none': line({ op: 'hello', version: '4' }),
};

describe('The supervisor', () => {
  test('closes the connection of each stranger and tells it nothing, and programs go on', async () => {
    for (const said of Object.values(SAID))
      for (const answer of await Promise.all(Array.from({ length: 30 }, () => answerTo(said))))
        expect(answer).toBe('');
    await expectUndisturbed();
  }, 60_000);

  test('is not disturbed by any bytes or any JSON', async () => {
    const ops = fc.constantFrom('hello', 'spawn', 'adopt', 'stdin', 'signal', 'stop', 'forget', 'quit');
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 2000 });
    const message = fc
      .tuple(
        ops,
        fc.dictionary(fc.constantFrom('run', 'version', 'command', '__proto__', 'n'), fc.jsonValue()),
      )
      .map(([op, fields]) => line({ ...fields, op }));
    const said = fc.oneof(
      bytes,
      fc.json().map((text) => `${text}\n`),
      message,
    );
    await fc.assert(
      fc.asyncProperty(fc.array(said, { minLength: 1, maxLength: 10 }), async (parts) => {
        const socket = await stranger();
        let heard = '';
        socket.on('data', (chunk) => {
          heard += chunk;
        });
        for (const part of parts) socket.write(part);
        socket.end('\nend\n'); // no line of ours, whatever came before
        await closed(socket);
        expect(heard).toBe('');
      }),
      { numRuns: 100 },
    );
    await expectUndisturbed();
  }, 60_000);

  test(
    'hears its server while strangers that say nothing fill its door',
    async () => {
      const silent = await Promise.all(Array.from({ length: 200 }, stranger));
      const next = { runtime_kind: 'subprocess', command: ['echo', 'heard'] };
      const answer = await server.post('/invocations?wait=50', next);
      expect(await answer.json()).toMatchObject({ status: 'succeeded' });
      for (const socket of silent) await closed(socket);
      await expectUndisturbed();
    },
    PATIENCE.timeout,
  );

  test('gives the place of its server to one that shows the key, and closes on an order that is none', async () => {
    const socket = await stranger();
    socket.write(line(hello()));
    const [welcome] = await once(socket, 'data');
    expect(JSON.parse(String(welcome))).toMatchObject({
      op: 'welcome',
      version: PROTOCOL_VERSION,
      runs: [id],
    });
    socket.write(line({ op: 'spawn', run: 'x', command: 'echo' }));
    await closed(socket);
    await expectUndisturbed();
  });

  test('takes none of its own programs for a server, though it shows the key', async () => {
    const said = line(hello()) + line({ op: 'quit' });
    const script = `let heard = ''; require('node:net').connect(${JSON.stringify(join(server.dataDir, SOCKET))})
      .on('data', (chunk) => { heard += chunk }).on('error', () => {})
      .on('close', () => console.log('heard:' + heard)).write(${JSON.stringify(said)})`;
    for (const command of [
      [process.execPath, '-e', script],
      // It waits for the one in the other session, whose time to start the end of a run would not wait for.
      ['setsid', '--wait', process.execPath, '-e', script],
    ]) {
      const posted = await server.post('/invocations?wait=50', { runtime_kind: 'subprocess', command });
      const { invocation } = (await posted.json()) as { invocation: { invocation_id: string } };
      const answer = await fetch(`${server.url}/invocations/${invocation.invocation_id}/stdout`);
      expect(await answer.text()).toBe('heard:\n');
    }
    await expectUndisturbed();
  });

  test('lets a server of a release without keys see to its runs when there is no other, and start none', async () => {
    await server.crash();
    const socket = await stranger();
    socket.write(line({ op: 'hello', version: 3 }));
    const [welcome] = await once(socket, 'data');
    expect(JSON.parse(String(welcome))).toMatchObject({ op: 'welcome', runs: [id] });
    socket.write(
      line({
        op: 'adopt',
        run: id,
        directory: join(server.dataDir, 'runs', id),
        first_seq: 3,
        started_at: 1,
      }),
    );
    const [told] = await once(socket, 'data');
    expect(String(told)).toContain('"op":"started"');
    socket.write(
      line({
        ...{ op: 'spawn', run: 'y', command: ['true'], environment: [], working_directory: '/' },
        ...{ directory: join(server.dataDir, 'runs', 'y'), first_seq: 3, max_output_bytes: 1 },
        stdin: { kind: 'null' },
      }),
    );
    await closed(socket);
    await server.start();
    await expectUndisturbed();
  });

  test('has a socket and a key that are for nobody else', () => {
    for (const name of [SOCKET, 'supervisor.key'])
      expect(statSync(join(server.dataDir, name)).mode & 0o077).toBe(0);
  });
});
