import { expect } from 'vitest';
import { optionKeyOf } from '../../src/documents/kind.ts';
import type { Options } from '../../src/documents/options.ts';
import type { Session } from '../../src/documents/session.ts';
import type { Behaviour } from './conformance.ts';
import type { Suite } from './files-conformance.ts';
import { expectSound } from './sound-run.ts';

/** Sessions of this kind. */
export function sessionsConform({ conformance, app, asked, run, about }: Suite): void {
  const { kind, setsUp = false } = conformance;
  const ask = (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object) =>
    app().app.inject({ method, url, ...(payload && { payload }) });

  /** What of an invocation is said when the session is made, and what is left to its runs. */
  const parted = (behaviour: Behaviour): { ofSession: Options; ofRun: Options } => {
    const { options = {} } = asked(behaviour, {}) as { options?: Options };
    const runner = app().engine.kinds.find((one) => one.kind === kind);
    const { owns } = runner?.sessions ?? {};
    const key = runner ? optionKeyOf(runner) : null;
    if (owns === undefined || key === null) return { ofSession: {}, ofRun: options };
    const { [key]: own = {}, ...others } = options;
    const left = Object.entries(own as object).filter(([name]) => owns.optionsOfRun.includes(name));
    return { ofSession: { [key]: own }, ofRun: { ...others, [key]: Object.fromEntries(left) } };
  };

  about(
    'sessions',
    'a session is set up once, its runs are in it, and closed it leaves nothing',
    async () => {
      const { ofSession, ofRun } = parted({});
      const body = { runtime_kind: kind, files: [{ path: 'in/a', text: 'one' }], options: ofSession };
      const made = await ask('POST', '/sessions?wait=50', body);
      const session = made.json() as Session;
      expect([made.statusCode, session.state, session.reason], made.body).toEqual([201, 'ready', null]);
      const { session_id: id, workspace_id: workspace } = session;
      expect(app().engine.record(session.setup_invocation_id)).toMatchObject({
        status: 'succeeded',
        result: { exit_code: null, error_summary: null },
        outcome: { ended: 'completed', retry_safe: false, setup: [] },
      });
      for (const _ of [1, 2]) {
        const record = await run({}, { options: { ...ofRun, session: id } });
        expect(record.status, record.result?.error_summary ?? '').toBe('succeeded');
        expect(record.invocation.options).toMatchObject({ session: id, workspace });
        await expectSound(app(), record);
      }
      expect((await ask('GET', `/workspaces/${workspace}/files/in/a`)).body).toBe('one');
      expect((await ask('DELETE', `/sessions/${id}`)).statusCode).toBe(204);
      expect((await ask('GET', `/sessions/${id}`)).json()).toMatchObject({ state: 'closed', trouble: null });
      expect((await ask('GET', `/workspaces/${workspace}`)).statusCode).toBe(410);
    },
  );

  if (setsUp)
    about('sessions', 'a session whose setup fails has failed, and says how', async () => {
      const { ofSession } = parted({});
      const options = { ...ofSession, setup: { commands: ['echo made >made', 'exit 4', 'true'] } };
      const made = await ask('POST', '/sessions?wait=50', { runtime_kind: kind, options });
      const { state, reason, session_id: id, setup_invocation_id: setup } = made.json() as Session;
      expect([state, reason]).toEqual(['failed', expect.stringContaining('exited with code 4')]);
      const { outcome } = app().engine.record(setup);
      expect(outcome).toMatchObject({ ended: 'setup_failed', setup: [{ exit_code: 0 }, { exit_code: 4 }] });
      expect((await ask('DELETE', `/sessions/${id}`)).statusCode).toBe(204);
      expect((await ask('GET', `/sessions/${id}`)).json()).toMatchObject({ state: 'closed', trouble: null });
    });
}
