import { expect } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import type { Workspace } from '../../src/documents/workspace.ts';
import type { Suite } from './files-conformance.ts';
import { eventsOf, outputOf } from './run-events.ts';
import { expectSound } from './sound-run.ts';

const BEGUN = { stream: 'stdout' as const, base64: Buffer.from('begun\n').toString('base64') };

/** Runs of this kind in a workspace. */
export function workspacesConform({ app, asked, run, finished, begun, about }: Suite): void {
  const make = async (text: string): Promise<string> => {
    const payload = { files: [{ path: 'in/a', text }] };
    const made = await app().app.inject({ method: 'POST', url: '/workspaces', payload });
    expect(made.statusCode, made.body).toBe(201);
    return (made.json() as Workspace).workspace_id;
  };

  about('workspaces', 'runs of a workspace go one after the other, and say so', async () => {
    const id = await make('kept');
    const options = { workspace: { id, snapshot: 'after' } };
    const start = async (behaviour: object): Promise<string> => {
      const payload = asked(behaviour, { options });
      const response = await app().app.inject({ method: 'POST', url: '/invocations', payload });
      expect(response.statusCode, response.body).toBe(202);
      return (response.json() as RunRecord).invocation.invocation_id;
    };
    const first = await start({ output: [BEGUN], stayMs: 60_000 });
    await begun(first);
    const second = await start({});
    expect(app().engine.record(second)).toMatchObject({
      status: 'pending',
      waiting: { reason: 'workspace', place: 1, holders: [first] },
    });
    app().engine.cancel(first);
    const records = [await finished(first), await finished(second)];
    expect(records.map(({ status }) => status)).toEqual(['cancelled', 'succeeded']);
    for (const record of records) {
      const { workspace } = record.outcome ?? {};
      expect(workspace).toMatchObject({ id, bytes: expect.any(Number), snapshots: { before: null } });
      const kept = await app().app.inject(`/snapshots/${workspace?.snapshots.after}/files/in/a`);
      expect(kept.body).toBe('kept');
    }
  });

  about('files', 'what is in its workspace is there when it begins, and after it', async () => {
    const id = await make('of the workspace');
    const record = await run({ prints: 'in/a' }, { options: { workspace: id } });
    expect(record.status, record.result?.error_summary ?? '').toBe('succeeded');
    await expectSound(app(), record);
    expect(outputOf(await eventsOf(app(), record), 'stdout').toString()).toBe('of the workspace');
    const { body } = await app().app.inject(`/workspaces/${id}/files/in/a`);
    expect(body).toBe('of the workspace');
  });
}
