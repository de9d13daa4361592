import { appendFileSync, cpSync, mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Hands } from '../../src/snapshots/hands.ts';
import type { Aim, Bench, Part } from '../part.ts';
import { GitTree } from '../peers/git-tree.ts';
import { residentBytes, watchResident } from '../resident.ts';
import { inTurns } from '../rounds.ts';
import { median, ratios, spread } from '../statistics.ts';
import { megabytes, type Table, withSpread } from '../tables.ts';

const STEPS = ['first', 'unchanged', 'emptied', 'changed'] as const;
type Step = (typeof STEPS)[number];
const WORDS: Record<Step, string> = {
  first: 'first capture / `git add -A && git commit`',
  unchanged: 'again, unchanged / the same',
  emptied: 'restore into an emptied tree / `git checkout -f HEAD -- .`',
  changed: 'restore after CHANGED files changed / `git reset --hard && git clean -fd`',
};
const CHANGED = 200;
const SETTLE_MS = 50;

export interface SnapshotsReport {
  files: number;
  bytes: number;
  changed: number;
  /** Milliseconds of each round. */
  hands: Record<Step, number[]>;
  git: Record<Step, number[]>;
  /** The longest that the event loop of the server's side was held in each round, ms. */
  held: number[];
  /** Resident bytes over those before, at most. */
  growth: number;
}

type Side = 'hands' | 'git';
/** What a side does, one step after the other; each is given its tree as the step before left it. */
type Doing = Record<Step, () => unknown>;

/** Snapshots of a tree of many files, and their return, beside git. */
export const snapshots: Part<SnapshotsReport> = {
  name: 'snapshots',
  async run(bench) {
    const directory = bench.directory('snapshots');
    const trees = { hands: treeIn(bench, directory, 'hands'), git: treeIn(bench, directory, 'git') };
    const none = (): Record<Step, number[]> => ({ first: [], unchanged: [], emptied: [], changed: [] });
    const report: SnapshotsReport = {
      ...{ files: 0, bytes: 0, changed: CHANGED, hands: none(), git: none(), held: [], growth: 0 },
    };
    let round = 0;
    await inTurns<Side, void>(['hands', 'git'], bench.rounds, async (side) => {
      const place = join(directory, `${side}-${round++}`);
      mkdirSync(place);
      bench.say(`snapshots: ${side}`);
      if (side === 'git') await inOrder(ofGit(place, trees.git), trees.git, report.git);
      else await measured(place, trees.hands, report);
      rmSync(place, { recursive: true });
    });
    return report;
  },
  tables,
  aims,
};

/** The packages of this project: no tree is more like what people have. */
function treeIn(bench: Bench, directory: string, name: string): string {
  const modules = realpathSync(join(import.meta.dirname, '../../node_modules'));
  const tree = join(directory, `tree-${name}`);
  bench.say(`snapshots: a tree for ${name}`);
  cpSync(bench.quick ? join(modules, 'zod') : modules, tree, { recursive: true, verbatimSymlinks: true });
  return tree;
}

async function measured(place: string, tree: string, report: SnapshotsReport): Promise<void> {
  const hands = new Hands(join(place, 'data'));
  const before = residentBytes(process.pid);
  const growth = watchResident({ bench: process.pid }, 20);
  report.held.push(await inOrder(ofHands(hands, place, tree, report), tree, report.hands));
  report.growth = Math.max(report.growth, (growth().bench?.peak ?? 0) - before);
  await hands.close();
}

function ofHands(hands: Hands, place: string, root: string, report: SnapshotsReport): Doing {
  const seen = { roots: [], scratch: null, identities: new Map(), files: [] };
  const job = { root, index: join(place, 'index'), seen };
  let digest = '';
  const restore = () => hands.restore({ ...job, beside: join(place, 'beside'), digest, mode: 'exact' });
  const capture = async () => {
    const { files, bytes, digest: taken } = await hands.capture(job);
    if (digest !== '' && digest !== taken) throw new Error('the tree is not what it was');
    Object.assign(report, { files, bytes });
    digest = taken;
  };
  return { first: capture, unchanged: capture, emptied: restore, changed: restore };
}

function ofGit(place: string, tree: string): Doing {
  const git = new GitTree(place, tree);
  return {
    first: () => git.commit(),
    unchanged: () => git.commit(),
    emptied: () => git.checkOut(),
    changed: () => git.reset(),
  };
}

/** How long the event loop was held at most, ms. */
async function inOrder(doing: Doing, tree: string, times: Record<Step, number[]>): Promise<number> {
  let held = 0;
  for (const step of STEPS) {
    if (step === 'emptied') empty(tree);
    if (step === 'changed') change(tree);
    await sleep(SETTLE_MS);
    // A new one each time: it would count what went on while it was disabled.
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const begin = performance.now();
    await doing[step]();
    times[step].push(performance.now() - begin);
    delay.disable();
    held = Math.max(held, delay.max / 1e6);
  }
  return held;
}

function empty(tree: string): void {
  for (const name of readdirSync(tree)) rmSync(join(tree, name), { recursive: true });
}

function change(tree: string): void {
  const files = readdirSync(tree, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const step = Math.max(1, Math.floor(files.length / CHANGED));
  for (let at = 0; at < CHANGED; at++) {
    const file = files[(at * step) % files.length];
    if (file) appendFileSync(join(file.parentPath, file.name), `// ${at}\n`);
  }
}

function tables({ files, bytes, changed, hands, git, held, growth }: SnapshotsReport): Table[] {
  return [
    {
      title: `A tree of ${files.toLocaleString('en-US')} files, ${megabytes(bytes)} MB`,
      notes: [
        `Median of ${held.length} rounds, with the least and the most, ms. Less than 1 in the last column: sooner than git.`,
        `The event loop was held for at most ${Math.max(...held).toFixed(0)} ms; resident memory grew by at most ${megabytes(growth)} MB.`,
      ],
      columns: ['', 'Runwire', 'git', 'of git’s time'],
      rows: STEPS.map((step) => [
        WORDS[step].replace('CHANGED', String(changed)),
        withSpread(spread(hands[step]), 0),
        withSpread(spread(git[step]), 0),
        withSpread(ratios(hands[step], git[step])),
      ]),
    },
  ];
}

function aims({ hands, git, held, growth }: SnapshotsReport): Aim[] {
  return [
    ...STEPS.map((step) => {
      const share = median(hands[step]) / median(git[step]);
      return {
        aim: `snapshots, ${step}: sooner than git`,
        measured: `${share.toFixed(2)} of its time`,
        reached: share < 1,
      };
    }),
    {
      aim: 'snapshots: the event loop is held for ≤ 50 ms',
      measured: `${median(held).toFixed(0)} ms`,
      reached: median(held) <= 50,
    },
    {
      aim: 'snapshots: resident memory grows by ≤ 100 MB',
      measured: `${megabytes(growth)} MB`,
      reached: growth <= 100e6,
    },
  ];
}
