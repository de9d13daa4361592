import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const FOLDERS = ['client', 'cli', 'mcp', 'src', 'routes', 'runners'];

interface House {
  ROOMS: Record<string, { says: string; doors: string[]; imports: string[] }>;
  LIBRARIES: Record<string, { rooms: string[]; types?: string[] }>;
}
const { ROOMS, LIBRARIES } = createRequire(import.meta.url)('../rooms.cjs') as House;

interface Report {
  summary: {
    violations: { from: string; rule: { name: string } }[];
    totalCruised: number;
    ruleSetUsed: { forbidden: { name: string }[] };
  };
}
/** What each rule forbids, done once: the rule, the file that breaks it, and what that imports. */
interface Planted {
  rule: string;
  file: string;
  imports: string;
}

const isFolder = (room: string): boolean => !existsSync(join(root, `${room}.ts`));
const fileIn = (room: string, name: string): string => (isFolder(room) ? `${room}/${name}.ts` : `${room}.ts`);
const reaches = ({ imports }: { imports: string[] }, room: string): boolean =>
  imports.some((allowed) => allowed === '*' || allowed === room || allowed.startsWith(`${room}/`));
const elsewhere = (rooms: string[]): string =>
  Object.keys(ROOMS).find((room) => isFolder(room) && !rooms.includes(room)) ?? '';

const planted: Planted[] = [
  { rule: 'no cycles', file: 'src/log/planted-egg.ts', imports: 'src/log/planted-hen.ts' },
  { rule: 'resolvable', file: 'src/log/planted-dangling.ts', imports: 'src/log/nowhere.ts' },
  { rule: 'production only', file: 'routes/planted-dev.ts', imports: 'fast-check' },
  { rule: 'shipped code only', file: 'src/log/planted-test.ts', imports: 'test/planted-helper.ts' },
  { rule: 'a room for every file', file: 'src/cellar/planted-hole.ts', imports: 'src/log/planted-target.ts' },
  { rule: 'a row for every library', file: 'src/log/planted-library.ts', imports: 'yaml' },
  { rule: 'a browser runs it', file: 'client/planted-core.ts', imports: 'node:fs' },
  ...Object.entries(ROOMS).flatMap(([room, row], index): Planted[] => {
    const forbidden = Object.keys(ROOMS).find(
      (other) => isFolder(other) && other !== room && !reaches(row, other),
    );
    if (forbidden === undefined) return []; // it may import all
    const imports = fileIn(forbidden, 'planted-target');
    return [{ rule: `room ${room}`, file: fileIn(room, `planted-room-${index}`), imports }];
  }),
  ...Object.entries(ROOMS)
    .filter(([, { doors }]) => !doors.includes('*'))
    .map(([room], index) => ({
      rule: `doors of ${room}`,
      file: `${elsewhere([room])}/planted-door-${index}.ts`,
      imports: fileIn(room, 'planted-target'),
    })),
  ...Object.entries(LIBRARIES).flatMap(([name, { rooms, types = [] }], index): Planted[] => [
    {
      rule: `library ${name}`,
      file: `${elsewhere([...rooms, ...types])}/planted-library-${index}.ts`,
      imports: name,
    },
    ...types.slice(0, 1).map((room) => ({
      rule: `types of ${name}`,
      file: fileIn(room, `planted-types-${index}`),
      imports: name,
    })),
  ]),
];

/** Files that violations point at and that break nothing themselves. */
const TARGETS: Record<string, string> = {
  'src/log/planted-hen.ts': "import './planted-egg.ts'; export {};",
  'test/planted-helper.ts': 'export {};',
  ...Object.fromEntries(
    Object.keys(ROOMS)
      .filter(isFolder)
      .map((room) => [`${room}/planted-target.ts`, 'export {};']),
  ),
};

/** Run dependency-cruiser as `npm run imports` does; violations make it exit with their number. */
function cruise(directory: string): Promise<Report> {
  const program = join(root, 'node_modules/.bin/depcruise');
  const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...FOLDERS];
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
  let caught: Report;

  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), 'runwire-imports-'));
    for (const part of [...FOLDERS, 'package.json', '.dependency-cruiser.cjs', 'rooms.cjs'])
      await cp(join(root, part), join(copy, part), { recursive: true });
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
    const files = new Map(Object.entries(TARGETS));
    for (const { file, imports } of planted) {
      const path = relative(dirname(file), imports);
      const specifier = !imports.includes('.ts') ? imports : path.startsWith('.') ? path : `./${path}`;
      files.set(file, `${files.get(file) ?? ''}import '${specifier}';\n`);
    }
    for (const [file, content] of files) {
      await mkdir(dirname(join(copy, file)), { recursive: true });
      await writeFile(join(copy, file), content);
    }
    caught = await cruise(copy);
  });
  afterAll(() => rm(copy, { recursive: true, force: true }));

  test('is kept, and was checked against the whole tree', async () => {
    const { summary } = await cruise(root);
    expect(summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`)).toEqual([]);
    expect(summary.totalCruised).toBeGreaterThan(200);
  });

  test('has no rule without a planted violation', () => {
    const rules = caught.summary.ruleSetUsed.forbidden.map(({ name }) => name);
    expect(planted.map(({ rule }) => rule).toSorted()).toEqual(rules.toSorted());
  });

  test.each(planted)('catches a violation of: $rule', ({ rule, file }) => {
    const found = caught.summary.violations.filter(({ rule: { name } }) => name === rule);
    expect(found.map(({ from }) => from)).toContain(file);
  });

  test('has a row for every folder, a folder or file for every row, and a file for every door', () => {
    const files = globSync(`{${FOLDERS.join()}}/**/*.ts`, { cwd: root });
    const folders = new Set(files.map((file) => dirname(file)).filter((folder) => folder !== 'src'));
    const rows = Object.keys(ROOMS);
    expect(rows.filter(isFolder).toSorted()).toEqual([...folders].toSorted());
    expect(files.filter((file) => dirname(file) === 'src').toSorted()).toEqual(
      rows.flatMap((room) => (isFolder(room) ? [] : [`${room}.ts`])).toSorted(),
    );
    for (const [room, { doors }] of Object.entries(ROOMS))
      for (const door of doors) if (door !== '*') expect(files).toContain(`${room}/${door}.ts`);
  });

  test('has no arrow upward, and so no circle between rooms: a room imports rooms above its row', () => {
    const rows = Object.keys(ROOMS);
    const upward = rows.flatMap((room, at) =>
      (ROOMS[room]?.imports ?? [])
        .filter((name) => name !== '*' && !rows.slice(0, at).some((other) => isOf(name, other)))
        .map((name) => `${room} → ${name}`),
    );
    expect(upward).toEqual([]);
  });

  test('stands in docs/ARCHITECTURE.md, row by row', async () => {
    const page = await readFile(join(root, 'docs/ARCHITECTURE.md'), 'utf8');
    const shown = page.split('\n').filter((line) => /^\| `(client|cli|mcp|src|routes|runners)/.test(line));
    const listed = (names: string[]): string =>
      names.length === 0 ? '–' : names.map((name) => (name === '*' ? 'each file' : name)).join(' ');
    expect(shown).toEqual(
      Object.entries(ROOMS).map(([room, { says, doors, imports }]) => {
        const allowed = imports.includes('*') ? 'everything' : listed(imports.map(shortened));
        return `| \`${room}\` | ${says} | ${listed(doors)} | ${allowed} |`;
      }),
    );
  });

  test('fails the build: npm test runs it', async () => {
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts.test).toContain('npm run imports');
  });
});

/** Is this the room, or a file of it. */
function isOf(name: string, room: string): boolean {
  return name === room || (isFolder(room) && dirname(name) === room && !(name in ROOMS));
}

/** In the table of the page `src/` goes without saying. */
function shortened(name: string): string {
  return name.replace(/^src\//, '');
}
