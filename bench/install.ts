import { execFile } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Absent } from './peer.ts';

const run = promisify(execFile);
const INSTALL_LIMIT_MS = 180_000;

/** A program of Debian's, and where the files of its package are: `''`, or the temporary place. */
export interface DebianProgram {
  path: string;
  root: string;
}

/** The versions of npm packages that are measured: another one would be another measurement. */
const NPM_PACKAGES = { execa: '10.2.1', '@sandbox-agent/cli-linux-x64': '0.4.2' } as const;
export type NpmPackage = keyof typeof NPM_PACKAGES;

/** Gets what is measured beside Runwire, into a temporary place; the machine itself is not changed. */
export class Installer {
  readonly #directory: string;
  readonly #say: (line: string) => void;

  constructor(directory: string, say: (line: string) => void) {
    this.#directory = directory;
    this.#say = say;
  }

  /**
   * The machine's own program, or else its Debian package, downloaded by apt-get and unpacked: nothing is configured
   * and no service is started, and it needs no root. Throws Absent with the reason.
   */
  async debian(name: string): Promise<DebianProgram> {
    const own = findProgram(name);
    if (own !== undefined) return { path: own, root: '' };
    if (findProgram('apt-get') === undefined || findProgram('dpkg-deb') === undefined)
      throw new Absent(`${name} is not installed, and there is no apt-get to get it`);
    const root = join(this.#directory, 'debian', name);
    if (!existsSync(root)) await this.#download(name, root);
    for (const directory of ['usr/sbin', 'usr/bin']) {
      const path = join(root, directory, name);
      if (existsSync(path)) return { path, root };
    }
    throw new Absent(`the Debian package ${name} has no program of that name`);
  }

  async #download(name: string, root: string): Promise<void> {
    this.#say(`getting ${name} from Debian`);
    const place = join(this.#directory, 'apt', name);
    for (const part of ['archives/partial', 'lists/partial'])
      mkdirSync(join(place, part), { recursive: true });
    const options = [
      '-q',
      '-y',
      '-o',
      `Dir::Cache=${place}`,
      '-o',
      `Dir::Cache::archives=${place}/archives`,
      '-o',
      'Debug::NoLocking=1',
      '-o',
      'APT::Sandbox::User=',
    ];
    const archives = join(place, 'archives');
    const packages = () => readdirSync(archives).filter((entry) => entry.endsWith('.deb'));
    const install = async (more: readonly string[]) => {
      const words = ['install', '--download-only', '--reinstall', '--no-install-recommends', name];
      await run('apt-get', [...options, ...more, ...words], { timeout: INSTALL_LIMIT_MS });
      if (packages().length === 0) throw new Error('apt-get found no package to download');
    };
    try {
      await install([]).catch(async () => {
        // The machine's list of packages is empty or old: one of our own.
        const lists = ['-o', `Dir::State::lists=${place}/lists`];
        await run('apt-get', [...options, ...lists, 'update'], { timeout: INSTALL_LIMIT_MS });
        await install(lists);
      });
      mkdirSync(join(root, '..'), { recursive: true });
      for (const file of packages()) await run('dpkg-deb', ['-x', join(archives, file), root]);
    } catch (error) {
      throw new Absent(`${name} cannot be had from Debian: ${lastLine(error)}`);
    }
  }

  /** The folder of a package of npm's, without running its scripts. Throws Absent with the reason. */
  async npm(name: NpmPackage): Promise<string> {
    const place = join(this.#directory, 'npm', name.replaceAll('/', '+'));
    const folder = join(place, 'node_modules', name);
    if (existsSync(folder)) return folder;
    this.#say(`getting ${name} from npm`);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'package.json'), '{"private":true}\n');
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-save'];
    try {
      await run('npm', ['install', ...flags, `${name}@${NPM_PACKAGES[name]}`], {
        cwd: place,
        timeout: INSTALL_LIMIT_MS,
      });
    } catch (error) {
      throw new Absent(`${name} cannot be had from npm: ${lastLine(error)}`);
    }
    return folder;
  }

  /** A program of bench/fixtures/, compiled. Throws Absent where there is no compiler. */
  async compile(source: string): Promise<string> {
    const compiler = findProgram('cc');
    if (compiler === undefined) throw new Absent('there is no C compiler (apt-get install gcc libc6-dev)');
    mkdirSync(this.#directory, { recursive: true });
    const program = join(this.#directory, source.replace(/\.c$/, ''));
    if (existsSync(program)) return program;
    const file = join(import.meta.dirname, 'fixtures', source);
    await run(compiler, ['-O2', '-pthread', '-Wall', '-o', program, file], { timeout: INSTALL_LIMIT_MS });
    return program;
  }
}

/** The version that a package of npm's says of itself. */
export function npmVersion(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
}

/** A file that a package of npm's holds as a program; npm does not mark it so without its scripts. */
export function npmProgram(folder: string, path: string): string {
  const program = join(folder, path);
  chmodSync(program, 0o755);
  return program;
}

/** The absolute path of a program in PATH or sbin. */
export function findProgram(name: string): string | undefined {
  for (const directory of [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']) {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return join(directory, name);
    } catch {
      // Not there: look further.
    }
  }
  return undefined;
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr?.trim() || message).split('\n').at(-1) ?? '';
}
