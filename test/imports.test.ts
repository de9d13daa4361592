import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

interface Report {
  summary: {
    violations: { from: string; rule: { name: string } }[];
    totalCruised: number;
    ruleSetUsed: RuleSet;
  };
}
interface RuleSet {
  forbidden: { name: string }[];
}

/** One violation of each rule: the file that breaks it and its content. */
const PLANTED: Record<string, { file: string; content: string }[]> = {
  'no-cycles': [
    { file: 'src/planted-egg.ts', content: "export { hen } from './planted-hen.ts'; export const egg = 1;" },
  ],
  resolvable: [{ file: 'src/planted-dangling.ts', content: "import './nowhere.ts';" }],
  'production-only': [{ file: 'routes/planted-dev.ts', content: "import 'fast-check';" }],
  'shipped-code-only': [{ file: 'src/planted-test.ts', content: "import '../test/planted-helper.ts';" }],
  'shapes-are-bare': [
    {
      file: 'src/documents/errors.ts',
      content: "import type { Engine } from './engine.ts'; export type { Engine };",
    },
  ],
  'core-knows-no-edge': [{ file: 'src/planted-edge.ts', content: "import '../routes/planted-nothing.ts';" }],
  'core-libraries': [{ file: 'src/planted-http.ts', content: "import 'fastify';" }],
  'core-library-types': [
    {
      file: 'src/planted-types.ts',
      content: "import type { FastifyInstance } from 'fastify'; export type F = FastifyInstance;",
    },
  ],
  'nobody-imports-the-root': [{ file: 'routes/planted-root.ts', content: "import '../routes/app.ts';" }],
  'routes-see-the-engine': [
    { file: 'routes/planted-runner.ts', content: "import '../runners/planted-nothing.ts';" },
    { file: 'routes/planted-queue.ts', content: "import '../src/engine/queue.ts';" },
    { file: 'routes/planted-supervisor.ts', content: "import '../src/supervisor/protocol/messages.ts';" },
  ],
  'routes-know-no-runner': [
    { file: 'routes/planted-contract.ts', content: "import '../src/contract/runner.ts';" },
  ],
  'routes-start-nothing': [
    { file: 'routes/planted-process.ts', content: "import 'node:child_process';" },
    { file: 'routes/planted-database.ts', content: "import 'node:sqlite';" },
  ],
  'runners-see-the-contract': [
    { file: 'runners/planted-engine.ts', content: "import '../src/engine/engine.ts';" },
  ],
  'subprocess-sees-the-protocol': [
    { file: 'runners/subprocess/runner.ts', content: "import '../src/supervisor/client/launch.ts';" },
  ],
  'runner-lib-speaks-to-the-supervisor': [
    { file: 'runners/lib/planted-engine.ts', content: "import '../../src/engine.ts';" },
  ],
  'runners-are-alone': [{ file: 'runners/planted-other.ts', content: "import './planted-nothing.ts';" }],
  'runners-serve-nothing': [{ file: 'runners/planted-fastify.ts', content: "import 'fastify';" }],
  'docker-library': [{ file: 'runners/planted-docker.ts', content: "import 'dockerode';" }],
  'http-library': [{ file: 'runners/planted-undici.ts', content: "import { fetch } from 'undici'; fetch;" }],
  'runners-read-no-environment': [
    { file: 'runners/planted-env.ts', content: "import { env } from 'node:process'; env;" },
  ],
  'supervisor-stands-alone': [
    { file: 'src/supervisor/planted-engine.ts', content: "import '../engine.ts';" },
  ],
  'supervisor-libraries': [{ file: 'src/supervisor/planted-zod.ts', content: "import 'zod';" }],
  'supervisor-is-behind-its-protocol': [
    { file: 'runners/lib/planted-inside.ts', content: "import '../../src/supervisor/planted-nothing.ts';" },
  ],
  'core-leaves-the-supervisor-to-its-client': [
    { file: 'src/planted-client.ts', content: "import './supervisor/protocol.ts';" },
    { file: 'src/planted-memory.ts', content: "import './supervisor/private-memory.ts';" },
  ],
  'only-the-supervisor-starts-processes': [
    { file: 'src/planted-spawn.ts', content: "import 'node:child_process';" },
    { file: 'runners/planted-execa.ts', content: "import 'execa';" },
  ],
};

/** Files that violations point at and that break nothing themselves. */
const TARGETS: Record<string, string> = {
  'src/planted-hen.ts': "import type { egg } from './planted-egg.ts'; export const hen: typeof egg = 1;",
  'test/planted-helper.ts': 'export {};',
  'routes/planted-nothing.ts': 'export {};',
  'runners/planted-nothing.ts': 'export {};',
  'src/supervisor/planted-nothing.ts': 'export {};',
  'src/supervisor/protocol/messages.ts': 'export {};',
  'src/supervisor/client/launch.ts': 'export {};',
  'src/engine/queue.ts': 'export {};',
  'routes/app.ts': 'export {};',
};

/** Run dependency-cruiser as `npm run imports` does; violations make it exit with their number. */
function cruise(directory: string): Promise<Report> {
  const program = join(root, 'node_modules/.bin/depcruise');
  const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src', 'routes', 'runners'];
  return new Promise((done, fail) => {
    execFile(program, args, { cwd: directory, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      try {
        done(JSON.parse(stdout) as Report);
      } catch {
        fail(error ?? new Error(stderr));
      }
    });
  });
}

describe('The import table', () => {
  let copy: string;
  let planted: Report;

  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), 'runwire-imports-'));
    for (const part of ['src', 'routes', 'runners', 'package.json', '.dependency-cruiser.cjs']) {
      await cp(join(root, part), join(copy, part), { recursive: true });
    }
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
    const files = [
      ...Object.entries(TARGETS).map(([file, content]) => ({ file, content })),
      ...Object.values(PLANTED).flat(),
    ];
    for (const { file, content } of files) {
      await mkdir(dirname(join(copy, file)), { recursive: true });
      await writeFile(join(copy, file), content);
    }
    planted = await cruise(copy);
  });
  afterAll(() => rm(copy, { recursive: true, force: true }));

  test('is kept, and was checked against the whole tree', async () => {
    const { summary } = await cruise(root);
    expect(summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`)).toEqual([]);
    expect(summary.totalCruised).toBeGreaterThan(20);
  });

  test('has no rule without a planted violation', async () => {
    const rules = planted.summary.ruleSetUsed.forbidden.map(({ name }) => name);
    expect(Object.keys(PLANTED).toSorted()).toEqual(rules.toSorted());
  });

  test.each(Object.entries(PLANTED))('catches a violation of %s', (name, files) => {
    const caught = planted.summary.violations
      .filter(({ rule }) => rule.name === name)
      .map(({ from }) => from);
    for (const { file } of files) expect(caught).toContain(file);
  });

  test('fails the build: npm test runs it', async () => {
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts.test).toContain('npm run imports');
  });
});
