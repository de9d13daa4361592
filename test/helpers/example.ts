import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { DOCKER_HOST } from './docker/image.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const TOKEN = 'token-of-the-server';

interface Ended {
  code: unknown;
  stdout: string;
  stderr: string;
}

/** A script of examples/, and a server with a token for it. To be made inside of `describe`. */
export class Example {
  readonly script: string;
  place = '';
  #server: ServerProcess | null = null;

  constructor(name: string) {
    this.script = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
    beforeAll(async () => {
      this.place = mkdtempSync(join(tmpdir(), 'runwire-example-'));
      this.#server = await startServer(this.place, {
        RUNWIRE_TOKEN: TOKEN,
        ...(DOCKER_HOST !== '' && { DOCKER_HOST }),
      });
    });
    afterAll(async () => {
      await this.#server?.stop();
      rmSync(this.place, { recursive: true, force: true });
    });
  }

  /** `words` are those of sh. */
  start(more: Record<string, string> = {}, words = [this.script]): Promise<Ended> {
    const env = { PATH: process.env.PATH, RUNWIRE_URL: this.#address, RUNWIRE_TOKEN: TOKEN, ...more };
    return new Promise((resolve) =>
      execFile('sh', words, { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
      ),
    );
  }

  /** Of a list of the server. */
  async items(path: string): Promise<object[]> {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const answer = await fetch(`${this.#address}/${path}`, { headers });
    return ((await answer.json()) as { items: object[] }).items;
  }

  get #address(): string {
    return this.#server?.address ?? '';
  }
}
