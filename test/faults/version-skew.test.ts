import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { PROTOCOL_VERSION } from '../../src/supervisor/protocol/messages.ts';
import { CrashingServer } from '../helpers/crashing-server.ts';
import { type Differences, OtherRelease } from '../helpers/other-release.ts';
import { commandLine, processesWith, until } from '../helpers/processes.ts';
import { expectInvariants, processesOf } from './invariants.ts';

const versioned = (version: number): Differences[string] => [
  [`PROTOCOL_VERSION = ${PROTOCOL_VERSION}`, `PROTOCOL_VERSION = ${version}`],
];

/** Says nothing; each start is a byte in its working directory. */
const SILENT = { command: ['sh', '-c', 'printf x >> starts; sleep 60'] };

/** Its servers have no key to show, and its supervisors ask for none. */
const WITHOUT_KEY: Differences = {
  'src/supervisor/client/line.ts': [
    ["{ op: 'hello', version: PROTOCOL_VERSION, key }", "{ op: 'hello', version: PROTOCOL_VERSION }"],
  ],
  'src/supervisor/door.ts': [['mayStart = isKey(hello.key, options.key())', 'mayStart = true']],
};

const RELEASES: [name: string, socket: string, differences: Differences][] = [
  [
    'A newer supervisor',
    `supervisor-${PROTOCOL_VERSION + 1}.sock`,
    {
      'src/supervisor/protocol/messages.ts': versioned(PROTOCOL_VERSION + 1),
      // It tells of things that this release knows nothing of.
      'src/supervisor/run.ts': [
        [
          "attached: () => tell({ op: 'started', run, pid: child.pid }),",
          "attached: () => { tell({ op: 'news', run } as never); tell({ op: 'started', run, pid: child.pid, news: 1 } as never); },",
        ],
      ],
    },
  ],
  [
    'The supervisor of protocol 4, which knows of no setup',
    'supervisor-4.sock',
    {
      'src/supervisor/protocol/messages.ts': versioned(4),
      'src/supervisor/run.ts': [
        ['const { setup } = this.#request;', 'const setup = undefined as never as SpawnRequest["setup"];'],
      ],
    },
  ],
  [
    'The supervisor of protocol 3, which knows of no key',
    'supervisor-3.sock',
    { 'src/supervisor/protocol/messages.ts': versioned(3), ...WITHOUT_KEY },
  ],
  [
    'The supervisor of protocol 2, which does not say what it has',
    'supervisor.sock',
    {
      ...WITHOUT_KEY,
      'src/supervisor/protocol/messages.ts': versioned(2),
      'src/supervisor/client/launch.ts': [
        ['const SOCKET = ', "const SOCKET = 'supervisor.sock'; export const NAME = "],
      ],
      'src/supervisor/main.ts': [['runs: supervisor.runs,', '']],
    },
  ],
];

for (const [name, socket, differences] of RELEASES)
  describe(`${name} of another release`, () => {
    let other: OtherRelease;
    let server: CrashingServer;
    beforeAll(() => {
      other = new OtherRelease(differences);
    });
    afterAll(() => other.remove());
    beforeEach(() => {
      server = new CrashingServer();
    });
    afterEach(() => server.end());

    const post = async (url: string, body: object): Promise<string> => {
      const response = await fetch(`${url}/invocations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ runtime_kind: 'subprocess', ...body }),
      });
      expect(response.status).toBe(202);
      return ((await response.json()) as RunRecord).invocation.invocation_id;
    };
    const said = async (url: string, id: string): Promise<void> => {
      while ((await (await fetch(`${url}/invocations/${id}/stdout`)).text()) === '') await sleep(20);
    };
    const starts = (id: string): number => {
      try {
        return readFileSync(join(server.dataDir, 'runs', id, 'work', 'starts'), 'utf8').length;
      } catch {
        return 0;
      }
    };
    const killSupervisor = (name: string): void => {
      for (const pid of processesWith(server.dataDir))
        if (commandLine(pid).includes(name)) process.kill(pid, 'SIGKILL');
    };
    const supervisors = (): string[] =>
      processesWith(server.dataDir)
        .map((pid) => commandLine(pid))
        .filter((words) => words.some((word) => word.includes('/supervisor/main.')))
        .map((words) => words[words.indexOf('--socket') + 1] ?? '');

    test('keeps its programs, which end with their true results, and gets no new ones', async () => {
      const before = await other.start(server.dataDir);
      const counts = await post(before.url, {
        command: ['sh', '-c', 'i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo $i; sleep 0.05; done; exit 4'],
      });
      const listens = await post(before.url, {
        command: ['sh', '-c', 'echo up; read -r x; echo "got $x"; sleep 60'],
        options: { stdin_open: true },
      });
      const hangs = await post(before.url, { command: ['sh', '-c', 'echo up; sleep 60'] });
      const quick = await post(before.url, { command: ['sh', '-c', 'echo up; sleep 0.5; exit 3'] });
      for (const id of [counts, listens, hangs, quick]) await said(before.url, id);
      await before.kill();
      await until(() => processesOf(quick).length === 0, 'the quick one has ended without a server');

      await server.start();
      expect(supervisors().sort()).toEqual([socket, `supervisor-${PROTOCOL_VERSION}.sock`].sort());
      const next = await post(server.url, {
        command: ['sh', '-c', 'echo new; cat /proc/$PPID/cmdline'],
        options: { setup: { commands: ['echo prepared'] } },
      });
      const fresh = await expectInvariants({
        url: server.url,
        id: next,
        wrote: { setup_stdout: 'prepared\n' },
      });
      expect(fresh.record).toMatchObject({ status: 'succeeded', outcome: { setup: [{ exit_code: 0 }] } });
      expect(await (await fetch(`${server.url}/invocations/${next}/stdout`)).text()).toContain(
        `supervisor-${PROTOCOL_VERSION}.sock`,
      );

      const fed = await fetch(`${server.url}/invocations/${listens}/stdin`, { method: 'POST', body: 'hi\n' });
      expect(fed.status).toBe(204);
      const told = async (): Promise<string> =>
        (await fetch(`${server.url}/invocations/${listens}/stdout`)).text();
      await expect.poll(told, { timeout: 20_000 }).toBe('up\ngot hi\n');
      for (const id of [listens, hangs])
        expect((await server.post(`/invocations/${id}/cancel`)).status).toBe(202);
      for (const id of [listens, hangs]) {
        const { record } = await expectInvariants({ url: server.url, id });
        expect(record).toMatchObject({ status: 'cancelled', outcome: { kill: { survivors: 0 } } });
      }
      const stdout = Array.from({ length: 60 }, (_, i) => `${i + 1}\n`).join('');
      const counted = await expectInvariants({ url: server.url, id: counts, wrote: { stdout } });
      expect(counted.record.outcome).toMatchObject({ ended: 'exited', exit_code: 4 });
      const gone = await expectInvariants({ url: server.url, id: quick });
      expect(gone.record.outcome).toMatchObject({ ended: 'exited', exit_code: 3 });
      if (socket === 'supervisor.sock') return; // nobody knows whether it has others
      await until(() => supervisors().length === 1, 'the other supervisor has ended itself');
      expect(existsSync(join(server.dataDir, socket))).toBe(false);
    });

    test('that is killed loses its runs as any does, and no program stays', async () => {
      const before = await other.start(server.dataDir);
      const id = await post(before.url, { command: ['sh', '-c', 'echo up; sleep 60'] });
      const silent = await post(before.url, { command: ['sleep', '60'] });
      await said(before.url, id);
      await until(() => processesOf(silent).length > 0, 'the silent one runs');
      await before.kill();
      await server.start();
      killSupervisor(socket);
      for (const lost of [id, silent]) {
        const { record } = await expectInvariants({ url: server.url, id: lost });
        expect(record).toMatchObject({ status: 'failed', outcome: { ended: 'lost', retry_safe: false } });
      }
    });

    test('is left to its programs by a server that goes, and both are found by the next', async () => {
      const before = await other.start(server.dataDir);
      const first = await post(before.url, { command: ['sh', '-c', 'echo up; sleep 3; echo end'] });
      await said(before.url, first);
      await before.kill();
      await server.start();
      const second = await post(server.url, { command: ['sh', '-c', 'echo up; sleep 3; echo end'] });
      await said(server.url, second);
      await server.crash();
      await server.start();
      for (const id of [first, second]) {
        const { record } = await expectInvariants({ url: server.url, id, wrote: { stdout: 'up\nend\n' } });
        expect(record.status).toBe('succeeded');
      }
    });

    test('never has what others had run again', async () => {
      const before = await other.start(server.dataDir);
      const first = await post(before.url, { command: ['sh', '-c', 'echo up; sleep 60'] });
      await said(before.url, first);
      await before.kill();
      await server.start();
      const own = await post(server.url, SILENT);
      await until(() => starts(own) === 1, 'the silent program of this release has started');
      await server.crash();
      killSupervisor(`supervisor-${PROTOCOL_VERSION}.sock`);
      await server.start();
      const ours = await expectInvariants({ url: server.url, id: own });
      expect(ours.record).toMatchObject({ status: 'failed', outcome: { ended: 'lost', retry_safe: false } });
      expect(starts(own)).toBe(1);
    });

    test('that came and went while this one stayed does not have its programs run again', async () => {
      await server.start();
      const kept = await post(server.url, { command: ['sh', '-c', 'echo up; sleep 60'] });
      await said(server.url, kept);
      await server.crash();
      const between = await other.start(server.dataDir);
      const theirs = await post(between.url, SILENT);
      await until(() => starts(theirs) === 1, 'the silent program of the other release has started');
      await between.kill();
      killSupervisor(socket);
      await server.start();
      const { record } = await expectInvariants({ url: server.url, id: theirs });
      expect(record).toMatchObject({ status: 'failed', outcome: { ended: 'lost', retry_safe: false } });
      expect(starts(theirs)).toBe(1);
      expect((await server.post(`/invocations/${kept}/cancel`)).status).toBe(202);
      await expectInvariants({ url: server.url, id: kept });
    });
  });
