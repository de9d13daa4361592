import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import type { DockerServer } from './server.ts';

/** The engine's own client. */
export function engine(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('docker', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** Ids of the containers of a session, running or not. */
export function sessionContainers(session: string): string[] {
  return lines(engine('ps', '-aq', '--no-trunc', '--filter', `label=runwire.session=${session}`));
}

export function sessionVolumes(session: string): string[] {
  return lines(engine('volume', 'ls', '-q', '--filter', `label=runwire.session=${session}`));
}

/** Short words for sessions of the kind on a server. */
export class DockerSessions {
  readonly #docker: DockerServer;

  constructor(docker: DockerServer) {
    this.#docker = docker;
  }

  /** `spec` is the options of the kind; `options` those of the session. */
  async make(options: object = {}, spec: object = {}) {
    const session_id = `s-${randomUUID()}`;
    const docker = { image: this.#docker.image, ...spec };
    const body = { session_id, runtime_kind: 'docker', options: { docker, ...options } };
    return { id: session_id, response: await this.#docker.post('/sessions?wait=50', body) };
  }

  /** One that got ready; its id, and those of its container and its workspace. */
  async open(
    options: object = {},
    spec: object = {},
  ): Promise<{ id: string; container: string; workspace: string }> {
    const { id, response } = await this.make(options, spec);
    expect([response.statusCode, response.json().state], response.body).toEqual([201, 'ready']);
    const [container = ''] = sessionContainers(id);
    return { id, container, workspace: response.json().workspace_id };
  }

  async get(session: string) {
    return (await this.#docker.app.app.inject({ url: `/sessions/${session}` })).json();
  }

  run(session: string, script: string, fields: Record<string, unknown> = {}): Promise<RunRecord> {
    return this.#docker.app.run(inSession(session, script, fields));
  }

  /** Returns its id at once. */
  async start(session: string, script: string, fields: Record<string, unknown> = {}): Promise<string> {
    const response = await this.#docker.post('/invocations', inSession(session, script, fields));
    expect(response.statusCode, response.body).toBeLessThan(300);
    return response.json().invocation.invocation_id;
  }

  async close(session: string): Promise<void> {
    const { app } = this.#docker.app;
    expect((await app.inject({ method: 'DELETE', url: `/sessions/${session}` })).statusCode).toBe(204);
    for (let n = 0; n < 100 && sessionContainers(session).length > 0; n++) await sleep(50);
    expect([sessionContainers(session), sessionVolumes(session)]).toEqual([[], []]);
  }
}

export function inSession(session: string, script: string, fields: Record<string, unknown> = {}) {
  const { options = {}, ...others } = fields as { options?: object };
  const command = ['sh', '-c', script];
  return { runtime_kind: 'docker', command, ...others, options: { ...options, session } };
}
