import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { directoryName } from '../../../src/disk/run-directory.ts';
import type { Claimed } from '../../../src/documents/claim.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { CrashingServer } from '../../helpers/crashing-server.ts';
import { supervisorOf, until } from '../../helpers/processes.ts';

const IDS = ['a/b', '..%2f..', '😀 é', 'e\u0301', 'é', 'A', 'a', '%', 'x#y?z', 'trailing.', '__proto__'];
const at = (id: string, more = ''): string => `/invocations/${encodeURIComponent(id)}${more}`;

for (const spawn of ['posix', 'portable'])
  describe(`Runs with any id of RxP outlive their server (${spawn} spawner)`, () => {
    let server: CrashingServer;
    beforeEach(async () => {
      server = new CrashingServer({ RUNWIRE_SPAWN: spawn, RUNWIRE_MAX_CONCURRENT: '32' });
      await server.start();
    });
    afterEach(() => server.end());

    const text = async (path: string) => (await fetch(`${server.url}${path}`)).text();
    const record = async (path: string) => JSON.parse(await text(path)) as RunRecord;
    const waits = (script: string) => ['sh', '-c', `while [ ! -e gate ]; do sleep 0.05; done; ${script}`];
    const post = async (body: Record<string, unknown>): Promise<RunRecord> => {
      const response = await server.post('/invocations', { runtime_kind: 'subprocess', ...body });
      expect(response.status, await response.clone().text()).toBe(202);
      return (await response.json()) as RunRecord;
    };

    test('they go on, are stopped and are deleted under the next one', async () => {
      const command = waits('printf %s "$RUNWIRE_INVOCATION_ID"');
      const records = await Promise.all(IDS.map((invocation_id) => post({ invocation_id, command })));
      const endless = 'end/less 😀';
      // What has left its session is found too, once the supervisor is gone.
      await post({
        invocation_id: endless,
        command: ['sh', '-c', 'setsid sleep 1000 & echo $!; sleep 1000'],
      });
      await until(async () => (await text(at(endless, '/stdout'))) !== '', 'it says a pid');
      const pid = Number(await text(at(endless, '/stdout')));
      const supervisor = supervisorOf(server.dataDir);
      await server.crash();
      await server.start();
      expect(supervisorOf(server.dataDir)).toBe(supervisor);
      for (const { invocation } of records) writeFileSync(join(invocation.working_directory, 'gate'), '');
      for (const id of IDS) {
        expect(await record(at(id, '?wait=40'))).toMatchObject({
          status: 'succeeded',
          invocation: { invocation_id: id },
        });
        expect(await text(at(id, '/stdout'))).toBe(id);
      }
      await server.crash();
      if (supervisor !== null) process.kill(supervisor, 'SIGKILL');
      await server.start();
      expect(await record(at(endless, '?wait=40'))).toMatchObject({
        status: 'failed',
        outcome: { ended: 'lost' },
      });
      await until(() => !existsSync(`/proc/${pid}`), 'the process that left is gone');
      for (const id of IDS) {
        expect(await text(at(id, '/output'))).toBe(id);
        const root = join(server.dataDir, 'runs', directoryName(id));
        expect(existsSync(root)).toBe(true);
        expect((await fetch(`${server.url}${at(id)}`, { method: 'DELETE' })).status).toBe(204);
        expect(existsSync(root)).toBe(false);
      }
    });

    test('a worker reports at the addresses that its claim has', async () => {
      for (const invocation_id of IDS)
        await post({ invocation_id, runtime_kind: 'manual', command: undefined });
      await server.crash();
      await server.start();
      const seen: string[] = [];
      for (const _ of IDS) {
        const { invocation, claim } = (await (await server.post('/manual/claims', {})).json()) as Claimed;
        const say = (url: string, body: unknown, method = 'POST') =>
          fetch(`${server.url}${url}`, {
            method,
            headers: { authorization: `Bearer ${claim.token}`, 'content-type': 'application/json' },
            body: JSON.stringify(body),
          });
        const { events, artifacts, heartbeat, completion } = claim.urls;
        expect((await say(events, [{ type: 'stdout', text: invocation.invocation_id }])).status).toBe(200);
        expect((await say(`${artifacts}/x`, 1, 'PUT')).status).toBe(200);
        expect((await say(heartbeat, {})).status).toBe(200);
        expect((await say(completion, { status: 'succeeded' })).status).toBe(200);
        expect(await text(at(invocation.invocation_id, '/stdout'))).toBe(invocation.invocation_id);
        expect(await text(at(invocation.invocation_id, '/artifacts/x'))).toBe('1');
        seen.push(invocation.invocation_id);
      }
      expect(seen.sort()).toEqual([...IDS].sort());
    });
  });

test('runs of an earlier release, whose directories had their ids for names, are read and removed', async () => {
  const server = new CrashingServer();
  try {
    await server.start();
    const id = 'Job:1.a';
    const body = { invocation_id: id, runtime_kind: 'subprocess', command: ['echo', 'kept'] };
    await server.post('/invocations?wait=40', body);
    await server.stop();
    const runs = join(server.dataDir, 'runs');
    renameSync(join(runs, directoryName(id)), join(runs, id));
    const db = new DatabaseSync(join(server.dataDir, 'runwire.db'));
    expect(db.prepare('DELETE FROM directories').run().changes).toBe(1);
    db.prepare('UPDATE results SET result = replace(result, ?, ?)').run(directoryName(id), id);
    db.close();
    await server.start();
    expect(await (await fetch(`${server.url}${at(id)}/stdout`)).text()).toBe('kept\n');
    expect(await (await fetch(`${server.url}${at(id)}/events?follow=false`)).text()).toContain('kept');
    expect((await fetch(`${server.url}${at(id)}`, { method: 'DELETE' })).status).toBe(204);
    expect(existsSync(join(runs, id))).toBe(false);
    const again = await server.post('/invocations?wait=40', { ...body, command: ['echo', 'anew'] });
    expect(((await again.json()) as RunRecord).result?.stdout_path).toBe(
      join(runs, directoryName(id), 'stdout'),
    );
  } finally {
    await server.end();
  }
});
