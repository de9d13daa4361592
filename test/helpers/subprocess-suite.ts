import { afterAll, beforeAll, describe } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { type BuildOptions, type BuiltApp, buildApp } from './build-app.ts';

export interface Subprocesses {
  app: BuiltApp;
  spawn: 'posix' | 'portable';
  /** Run a command to its end. */
  run(command: string[], more?: Record<string, unknown>): Promise<RunRecord>;
  /** Run a shell script to its end. */
  sh(script: string, more?: Record<string, unknown>): Promise<RunRecord>;
  /** POST and return the id. */
  start(command: string[], more?: Record<string, unknown>): Promise<string>;
  finished(id: string): Promise<RunRecord>;
  /** Resolves when a stream of a run that still goes on has this text. */
  said(id: string, text: string): Promise<void>;
  stdout(record: RunRecord): Promise<string>;
}

/** A suite for both spawners, each with a server of its own. The parts are there when the tests run. */
export function withSubprocesses(
  name: string,
  body: (parts: Subprocesses) => void,
  options: BuildOptions = {},
): void {
  for (const spawn of ['posix', 'portable'] as const)
    describe(`${name} (${spawn} spawner)`, () => {
      const parts = {} as Subprocesses; // filled before the first test
      beforeAll(async () => {
        const config = { RUNWIRE_SPAWN: spawn, ...options.config };
        Object.assign(parts, subprocesses(await buildApp({ ...options, config }), spawn));
      });
      afterAll(() => parts.app.end());
      body(parts);
    });
}

export function subprocesses(app: BuiltApp, spawn: 'posix' | 'portable' = 'posix'): Subprocesses {
  const invocation = (command: string[], more: Record<string, unknown>) => ({
    runtime_kind: 'subprocess',
    command,
    ...more,
  });
  const run: Subprocesses['run'] = (command, more = {}) => app.run(invocation(command, more));
  return {
    app,
    spawn,
    run,
    sh: (script, more) => run(['sh', '-c', script], more),
    async start(command, more = {}) {
      const payload = invocation(command, more);
      const response = await app.app.inject({ method: 'POST', url: '/invocations', payload });
      if (response.statusCode !== 202) throw new Error(`${response.statusCode}: ${response.body}`);
      return (response.json() as RunRecord).invocation.invocation_id;
    },
    async finished(id) {
      await app.engine.waitFinished(id, 50_000);
      return app.engine.record(id);
    },
    async said(id, text) {
      let seen = '';
      for await (const chunk of app.engine.log(id).readCapture('stdout', { offset: 0, follow: true })) {
        seen += chunk.toString('latin1');
        if (seen.includes(text)) return;
      }
      throw new Error(`the run ended and never said ${text}`);
    },
    async stdout({ invocation: { invocation_id: id } }) {
      return (await app.app.inject(`/invocations/${id}/stdout`)).body;
    },
  };
}
