import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import type { Runner } from '../../src/contract/runner.ts';
import type { EndedSession, SessionHost } from '../../src/contract/session-host.ts';
import type { Checkpoint, Session } from '../../src/documents/session.ts';
import { buildEngine, type EngineTestOptions, type TestEngine } from './build-engine.ts';
import { exited, scripted } from './fake-runner.ts';

/** What a kind keeps for sessions, as the test has it. */
export class TestHost implements SessionHost {
  readonly owns = { optionsOfRun: ['user'], limits: ['memory_bytes'] };
  /** In order of the calls that were fulfilled. */
  readonly ended: EndedSession[] = [];
  /** Why nothing can be ended now. */
  away: string | null = null;
  /** What is to be told of what sessions hold. */
  lost: string | null = null;
  asked = 0;

  async end(session: EndedSession): Promise<void> {
    if (this.away !== null) throw new Error(this.away);
    this.ended.push(session);
  }

  async trouble(): Promise<string | null> {
    this.asked++;
    return this.lost;
  }
}

/** What the routes answer: of a problem, a page and a checkpoint too. */
export type Told = Session &
  Omit<Checkpoint, 'links'> & {
    code: string;
    detail: string;
    errors: { path: string; message: string }[];
    items: Session[];
    snapshot_id: string;
  };

export interface SessionRoom extends AsyncDisposable {
  built: TestEngine;
  host: TestHost;
  /** Contexts that the runner was given, in order of the beginnings. */
  begun: RunContext[];
  /** The same room by the next server, as a crash at this moment would leave it. */
  crash(): Promise<SessionRoom>;
  make(body?: object): Promise<Session>;
  ask(
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    payload?: object,
  ): Promise<{ status: number; body: Told }>;
}

export const freshId = (what = 's'): string => `${what}-${randomUUID()}`;

/** A server with sessions of a kind that sets up and holds something, and does what `work` says. */
export function sessionRoom(
  work: (ctx: RunContext) => Promise<RunnerOutcome | undefined> | RunnerOutcome | undefined = () => undefined,
  {
    host = new TestHost(),
    kind = {},
    ...options
  }: EngineTestOptions & { host?: TestHost; kind?: Partial<Runner> } = {},
): SessionRoom {
  const begun: RunContext[] = [];
  const run = async (ctx: RunContext): Promise<RunnerOutcome> => {
    begun.push(ctx);
    const given = await work(ctx);
    if (given) return given;
    return ctx.session?.isSetup ? prepared() : exited();
  };
  const more = { setsUp: true, needsCommand: true, sessions: host, optionKey: 'scripted', ...kind };
  const built = buildEngine({ ...options, runners: [scripted(run, more), ...(options.runners ?? [])] });
  const room: SessionRoom = {
    built,
    host,
    begun,
    async crash() {
      const dataDir = await built.crash();
      return sessionRoom(work, { host, kind, ...options, dataDir });
    },
    async make(body = {}) {
      const answer = await room.ask('POST', '/sessions?wait=20', { runtime_kind: 'scripted', ...body });
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
      return answer.body;
    },
    async ask(method, url, payload) {
      const response = await built.request({ method, url, ...(payload && { payload }) });
      return { status: response.statusCode, body: (response.body === '' ? {} : response.json()) as Told };
    },
    [Symbol.asyncDispose]: () => built[Symbol.asyncDispose](),
  };
  return room;
}

/** The outcome of a setup that went well. */
export function prepared(): RunnerOutcome {
  return { ended: 'completed', started: true, retrySafe: false, exitCode: null, success: true, setup: [] };
}

/** The outcome of one that did not. */
export function unprepared(words: string): RunnerOutcome {
  return {
    ended: 'setup_failed',
    started: true,
    retrySafe: false,
    exitCode: null,
    errorSummary: words,
    setup: [],
  };
}

/** A run of the session. */
export const runIn = (session: string, more: object = {}, options: object = {}) => ({
  runtime_kind: 'scripted',
  command: ['x'],
  ...more,
  options: { session, ...options },
});
