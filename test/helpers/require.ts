import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { whyNoFailingDisk } from './failing-disk.ts';
import { whyNoNamespace } from './network-namespace.ts';
import { whyNoProcessLimit } from './process-limit.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** Why the suite of this test is skipped, in words. */
    absent?: string;
  }
}

/** What our own image is built on. */
const NODE_IMAGE = 'node:26-bookworm-slim';

/** Things a suite may need that not every machine has: how to see that they are here, else why not. */
const COMPONENTS = {
  docker: () => {
    const { status, stderr, error } = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    if (error) return `docker cannot be started: ${error.message}`;
    return status === 0 ? undefined : `no docker daemon answers: ${stderr.trim().split('\n').at(-1)}`;
  },
  'node-image': () => {
    const { status } = spawnSync('docker', ['image', 'inspect', NODE_IMAGE], {
      stdio: 'ignore',
      timeout: 20_000,
    });
    return status === 0 ? undefined : `there is no image ${NODE_IMAGE} here: docker pull ${NODE_IMAGE}`;
  },
  compose: () => {
    const { status } = spawnSync('docker', ['compose', 'version'], { stdio: 'ignore', timeout: 20_000 });
    return status === 0 ? undefined : 'docker has no compose plugin';
  },
  chromium: () => program('chromium', 'chromium-browser', 'google-chrome'),
  lighttpd: () => program('lighttpd'),
  nginx: () => program('nginx'),
  webhook: () => program('webhook'),
  cc: () => program('cc'),
  curl: () => program('curl'),
  git: () => {
    const { stdout, error } = spawnSync('git', ['--exec-path'], { encoding: 'utf8', timeout: 20_000 });
    if (error) return `git cannot be started: ${error.message}`;
    const server = join(stdout.trim(), 'git-http-backend');
    return existsSync(server) ? undefined : `there is no ${server}`;
  },
  python3: () => program('python3'),
  python: () => {
    const code =
      'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11) and "it is older than 3.11")';
    const { status, stderr, error } = spawnSync('python3', ['-c', code], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    if (error) return `python3 cannot be started: ${error.message}`;
    return status === 0
      ? undefined
      : `no environment of python3 can be made: ${stderr.trim().split('\n').at(-1)}`;
  },
  prlimit: () => program('prlimit'),
  mount: () => {
    const place = mkdtempSync(join(tmpdir(), 'runwire-mount-'));
    const { error, stderr } = spawnSync('mount', ['-t', 'tmpfs', 'runwire-test', place], {
      encoding: 'utf8',
    });
    const absent = error?.message ?? stderr.trim();
    if (absent === '') spawnSync('umount', [place]);
    rmdirSync(place);
    return absent === '' ? undefined : `no file system can be mounted: ${absent}`;
  },
  netns: whyNoNamespace,
  'failing-disk': whyNoFailingDisk,
  'process-limit': whyNoProcessLimit,
  immutable: () => {
    const place = mkdtempSync(join(tmpdir(), 'runwire-immutable-'));
    const { error, stderr } = spawnSync('chattr', ['+i', place], { encoding: 'utf8' });
    const absent = error?.message ?? stderr.trim();
    if (absent === '') spawnSync('chattr', ['-i', place]);
    rmdirSync(place);
    return absent === '' ? undefined : `no file can be made immutable: ${absent}`;
  },
  linux: () => (process.platform === 'linux' ? undefined : `this is ${process.platform}, not linux`),
  freezer: () => {
    try {
      accessSync('/sys/fs/cgroup/freezer/tasks', constants.W_OK);
      return undefined;
    } catch {
      return 'there is no freezer cgroup of version 1, in which not even SIGKILL ends a process';
    }
  },
  'memory-cgroup': () => {
    try {
      accessSync('/sys/fs/cgroup/memory/cgroup.procs', constants.W_OK);
      return undefined;
    } catch {
      return 'there is no memory cgroup of version 1 that may be written';
    }
  },
  'pid-namespace': () => {
    const { status, error } = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true'], {
      stdio: 'ignore',
      timeout: 20_000,
    });
    if (error) return `unshare cannot be started: ${error.message}`;
    return status === 0 ? undefined : 'a pid namespace may not be made here';
  },
  'qemu-aarch64': () => program('qemu-aarch64-static'),
  nsenter: () => program('nsenter'),
  'npm-registry': () => {
    const { status } = spawnSync('npm', ['view', 'koffi', 'version', '--fetch-retries=0'], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    return status === 0 ? undefined : 'npm reaches no registry';
  },
  script: () => program('script'),
  zsh: () => program('zsh'),
  fish: () => program('fish'),
  root: () => (process.getuid?.() === 0 ? undefined : 'the tests do not run as root'),
} satisfies Record<string, () => string | undefined>;

export type Component = keyof typeof COMPONENTS;

/**
 * `describe` for suites that need components of the machine. Where one is absent the suite is skipped with the
 * reason, which skip-reporter.ts prints; where RUNWIRE_TEST_REQUIRE (names, comma-separated) lists it, the suite
 * fails instead.
 *
 *     requires('docker')('The docker runner', () => { … });
 */
export function requires(...components: Component[]): (name: string, body: () => void) => void {
  return (name, body) => {
    for (const component of components) {
      const absent = COMPONENTS[component]();
      if (absent === undefined) continue;
      const reason = `needs ${component}: ${absent}`;
      if (demanded().includes(component)) {
        describe(name, () => {
          test(`has ${component}, which RUNWIRE_TEST_REQUIRE asks for`, () => {
            throw new Error(reason);
          });
        });
      } else {
        describe(name, { skip: true, meta: { absent: reason } }, body);
      }
      return;
    }
    describe(name, body);
  };
}

/**
 * Why a component is absent, for tests that can go without a part of themselves; undefined when it is here. Throws
 * where RUNWIRE_TEST_REQUIRE lists it.
 */
export function absence(component: Component): string | undefined {
  const absent = COMPONENTS[component]();
  if (absent !== undefined && demanded().includes(component))
    throw new Error(`needs ${component}: ${absent}`);
  return absent;
}

/** The absolute path of the first of these programs that PATH or sbin has. */
export function findProgram(...names: string[]): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  for (const name of names) {
    for (const directory of directories) {
      const file = join(directory, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not there: look further.
      }
    }
  }
  return undefined;
}

function program(...names: string[]): string | undefined {
  return findProgram(...names) === undefined ? `there is no ${names.join(' or ')} in PATH` : undefined;
}

/** Is its absence a failure. */
export const isDemanded = (component: Component): boolean => demanded().includes(component);

function demanded(): string[] {
  const names = (process.env.RUNWIRE_TEST_REQUIRE ?? '').split(',').filter((name) => name !== '');
  for (const name of names) {
    if (!Object.hasOwn(COMPONENTS, name)) {
      throw new Error(`RUNWIRE_TEST_REQUIRE names ${name}; known are ${Object.keys(COMPONENTS).join(', ')}`);
    }
  }
  return names;
}
