import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileCache } from './compiled-once.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What is another text in the other release, by file. */
export type Differences = Readonly<Record<string, readonly (readonly [here: string, there: string])[]>>;

/** The sources with differences, as another release of the server and its supervisor. */
export class OtherRelease {
  readonly root = mkdtempSync(join(tmpdir(), 'runwire-release-'));

  constructor(differences: Differences) {
    for (const part of ['src', 'routes', 'runners', 'package.json', 'openapi.yaml'])
      cpSync(join(ROOT, part), join(this.root, part), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(this.root, 'node_modules'));
    for (const [file, changes] of Object.entries(differences)) {
      const path = join(this.root, file);
      let text = readFileSync(path, 'utf8');
      for (const [here, there] of changes) {
        if (!text.includes(here)) throw new Error(`${file} does not say ${here}`);
        text = text.replace(here, there);
      }
      writeFileSync(path, text);
    }
  }

  /** A server of this release; `kill` ends it as a crash does, its supervisor stays. */
  async start(
    dataDir: string,
    variables: Record<string, string> = {},
  ): Promise<{ url: string; kill(): Promise<void> }> {
    const child: ChildProcess = spawn(process.execPath, ['src/server.ts'], {
      cwd: this.root,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        ...compileCache(),
        RUNWIRE_PORT: '0',
        RUNWIRE_DATA_DIR: dataDir,
        RUNWIRE_MIN_FREE_DISK_BYTES: '0',
        RUNWIRE_LOG_LEVEL: 'error',
        ...variables,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    let output = '';
    const url = await new Promise<string>((resolve, reject) => {
      const take = (chunk: Buffer): void => {
        output += chunk;
        const found = /listens on (http:\S+)/.exec(output)?.[1];
        if (found) resolve(found);
      };
      child.stdout?.on('data', take);
      child.stderr?.on('data', take);
      child.once('close', () => reject(new Error(output)));
    });
    return {
      url,
      async kill() {
        child.kill('SIGKILL');
        await ended;
      },
    };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
