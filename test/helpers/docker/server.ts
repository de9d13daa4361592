import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { type BuildOptions, type BuiltApp, buildApp } from '../build-app.ts';
import { containersOf, DOCKER_HOST, testImage } from './image.ts';

interface Fields {
  runtime_kind?: string;
  options?: object;
  [field: string]: unknown;
}

/** A server on an engine, and short words for runs of the test image on it. */
export class DockerServer {
  readonly #app: BuiltApp;
  readonly image: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(app: BuiltApp, image: string, env: NodeJS.ProcessEnv) {
    this.#app = app;
    this.image = image;
    this.#env = env;
  }

  static async on(host = DOCKER_HOST, options: BuildOptions = {}): Promise<DockerServer> {
    const env = { ...process.env, ...(host === '' ? {} : { DOCKER_HOST: host }) };
    const app = await buildApp({ ...options, config: { DOCKER_HOST: host, ...options.config } });
    return new DockerServer(app, await testImage({ env }), env);
  }

  get app(): BuiltApp {
    return this.#app;
  }

  end(): Promise<void> {
    return this.#app.end();
  }

  /** `spec` is the options of the kind; `fields` those of the invocation. */
  run(command: string[], spec?: object, fields?: Fields): Promise<RunRecord> {
    return this.#app.run(this.#invocation(command, spec, fields));
  }

  shell(script: string, spec?: object, fields?: Fields): Promise<RunRecord> {
    return this.run(['sh', '-c', script], spec, fields);
  }

  /** Returns the id at once. */
  async start(script: string, spec?: object, fields?: Fields): Promise<string> {
    const response = await this.post('/invocations', this.#invocation(['sh', '-c', script], spec, fields));
    return response.json().invocation.invocation_id;
  }

  async finished(id: string): Promise<RunRecord> {
    return (await this.#app.app.inject({ url: `/invocations/${id}?wait=50` })).json();
  }

  post(url: string, payload: object | Buffer = {}) {
    const headers = {
      'content-type': Buffer.isBuffer(payload) ? 'application/octet-stream' : 'application/json',
    };
    return this.#app.app.inject({ method: 'POST', url, headers, payload });
  }

  /** Wait until a run has written something to stdout. */
  async wrote(id: string, text: string): Promise<void> {
    for (let n = 0; n < 400; n++) {
      const { body } = await this.#app.app.inject({ url: `/invocations/${id}/stdout` });
      if (body.includes(text)) return;
      await sleep(25);
    }
    throw new Error(`${id} never wrote ${text}`);
  }

  /** Wait until the engine has no container of the run. */
  async gone(id: string): Promise<void> {
    for (let n = 0; n < 100 && containersOf(id, this.#env).length > 0; n++) await sleep(100);
    expect(containersOf(id, this.#env)).toEqual([]);
  }

  nothingLeft({ invocation }: RunRecord): void {
    expect(containersOf(invocation.invocation_id, this.#env)).toEqual([]);
  }

  #invocation(command: string[], spec: object = {}, { options = {}, ...fields }: Fields = {}) {
    const { runtime_kind: kind = 'docker' } = fields;
    return {
      ...(command.length === 0 ? {} : { command }),
      ...fields,
      runtime_kind: kind,
      options: { ...options, [kind]: { image: this.image, ...spec } },
    };
  }
}

export function stdout(record: RunRecord): Buffer {
  return readFileSync(record.result?.stdout_path ?? '');
}

export function stderr(record: RunRecord): Buffer {
  return readFileSync(record.result?.stderr_path ?? '');
}
