import { expect, test } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import type { BuiltApp } from './build-app.ts';
import type { Behaviour, Concern, Conformance } from './conformance.ts';
import { eventsOf, outputOf } from './run-events.ts';
import { expectSound } from './sound-run.ts';

type Words = Record<string, unknown>;

/** What the suite of a kind has. */
export interface Suite {
  conformance: Conformance;
  app(): BuiltApp;
  asked(behaviour: Behaviour, more: Words): Words;
  run(behaviour: Behaviour, more: Words): Promise<RunRecord>;
  finished(id: string): Promise<RunRecord>;
  /** It has told something. */
  begun(id: string): Promise<void>;
  about(concern: Concern, name: string, body: () => Promise<void>): void;
}

/** Files that come with a run of this kind. */
export function filesConform({ conformance, app, asked, run, finished, about }: Suite): void {
  const { kind, refusesFiles } = conformance;
  const post = (payload: Words) => app().app.inject({ method: 'POST', url: '/invocations', payload });
  const printed = async (record: RunRecord): Promise<string> => {
    expect(record.status).toBe('succeeded');
    await expectSound(app(), record);
    return outputOf(await eventsOf(app(), record), 'stdout').toString();
  };

  about('files', 'files that come with a run, beside it and in it, are there when it begins', async () => {
    const files = [{ path: 'in/a', text: 'in the document', mode: '0600' }];
    expect(await printed(await run({ prints: 'in/a' }, { options: { files } }))).toBe('in the document');
    const id = await sendBeside(app(), asked({ prints: 'in/a' }, {}), 'beside it', 'in/a');
    expect(await printed(await finished(id))).toBe('beside it');
  });

  if (refusesFiles)
    test('files that it has no use for are refused in its name', async () => {
      const files = [{ path: 'a', text: '{}' }];
      const refused = await post(asked({}, { options: { files } }));
      expect([refused.statusCode, refused.json().errors]).toEqual([
        422,
        [{ path: 'runtime_kind', message: expect.stringContaining(`${kind} reads no file`) }],
      ]);
      const taken = await post(asked({}, { input_payload_path: 'a', options: { files } }));
      expect(taken.statusCode, taken.body).toBe(202);
      await finished(taken.json().invocation.invocation_id);
      // There they are kept.
      const made = await app().app.inject({ method: 'POST', url: '/workspaces', payload: {} });
      const { workspace_id: id } = made.json();
      const kept = await post(asked({}, { options: { files, workspace: { id } } }));
      expect(kept.statusCode, kept.body).toBe(202);
      await finished(kept.json().invocation.invocation_id);
      const put = await app().app.inject({ url: `/workspaces/${id}/files/a` });
      expect(put.body).toBe('{}');
    });
}

async function sendBeside({ app }: BuiltApp, invocation: Words, text: string, path: string): Promise<string> {
  const form = new FormData();
  form.append('invocation', new Blob([JSON.stringify(invocation)]));
  form.append('f', new Blob([text]), path);
  const request = new Request('http://localhost/invocations', { method: 'POST', body: form });
  const headers = Object.fromEntries(request.headers);
  const payload = Buffer.from(await request.arrayBuffer());
  const response = await app.inject({ method: 'POST', url: '/invocations', headers, payload });
  expect(response.statusCode, response.body).toBe(202);
  return (response.json() as RunRecord).invocation.invocation_id;
}
