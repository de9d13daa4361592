import type { Installer } from '../install.ts';
import type { Bench, Part } from '../part.ts';
import type { Peer, Program } from '../peer.ts';
import { execa } from '../peers/execa.ts';
import { lighttpd } from '../peers/lighttpd.ts';
import { runwirePeer } from '../peers/runwire-peer.ts';
import { sandboxAgent } from '../peers/sandbox-agent.ts';
import { webhook } from '../peers/webhook.ts';
import { programs } from '../program.ts';
import { inTurns } from '../rounds.ts';
import { execAims, execCharts, execTables } from './exec-report.ts';
import { floorSide, type Measured, orSkip, type Side, servedSide, startLoad } from './exec-sides.ts';

/** A way to run a program, so many at once. */
export interface ExecRow {
  program: string;
  atOnce: number;
  name: string;
  role: Side['role'];
  rounds: Measured[];
}

export interface ExecReport {
  /** Of one measurement. */
  seconds: number;
  versions: Record<string, string>;
  rows: ExecRow[];
}

const PEERS = {
  lighttpd,
  webhook,
  'sandbox-agent': sandboxAgent,
  'fastify + execa': (directory: string, installer: Installer) => execa(directory, installer),
};

/** Short programs over HTTP, one a request, beside other servers and beside no server at all. */
export const exec: Part<ExecReport> = {
  name: 'exec',
  async run(bench) {
    const seconds = bench.quick ? 0.4 : 1;
    const directory = bench.directory('exec');
    const list = programs(directory);
    const own = await runwirePeer(directory);
    const peers: Peer[] = [];
    const load = startLoad();
    try {
      for (const [name, start] of Object.entries(PEERS))
        peers.push(...(await orSkip(bench, name, () => start(directory, bench.installer, list))));
      const rows: ExecRow[] = [];
      for (const program of list) {
        const sides = [
          ...own.targets(program).map((target) => servedSide('runwire', own, target, load)),
          ...peers.flatMap((peer) =>
            peer.targets(program).map((target) => servedSide('peer', peer, target, load)),
          ),
          ...(await orSkip(bench, 'floor', () => floorSide(bench.installer, program))),
        ];
        rows.push(...(await measureProgram(bench, program, sides, seconds)));
      }
      return {
        seconds,
        versions: Object.fromEntries(peers.map(({ name, version }) => [name, version])),
        rows,
      };
    } finally {
      load.stop();
      for (const peer of [own, ...peers]) await peer.stop();
    }
  },
  tables: execTables,
  aims: execAims,
  charts: execCharts,
};

async function measureProgram(
  bench: Bench,
  program: Program,
  sides: readonly Side[],
  seconds: number,
): Promise<ExecRow[]> {
  const failed = new Set<Side>();
  /** A peer's failure leaves it out and is said; Runwire's is the bench's. */
  const attempt = async (side: Side, atOnce: number, forSeconds: number): Promise<Measured | null> => {
    try {
      return failed.has(side) ? null : await side.measure(atOnce, forSeconds);
    } catch (error) {
      const why = `${side.name}, ${program.name}, ${atOnce} at once: ${error instanceof Error ? error.message : error}`;
      if (side.role !== 'peer') throw new Error(why);
      failed.add(side);
      bench.skip(why.slice(0, 400));
      return null;
    }
  };
  for (const side of sides) await attempt(side, 16, bench.quick ? 0.3 : 4);
  const rows: ExecRow[] = [];
  for (const atOnce of bench.quick ? [1, 16] : [1, 4, 16, 64]) {
    bench.say(`exec: ${program.name}, ${atOnce} at once`);
    const measured = await inTurns(sides, bench.rounds, (side) => attempt(side, atOnce, seconds));
    for (const [side, rounds] of measured) {
      const whole = rounds.filter((round) => round !== null);
      if (whole.length === bench.rounds)
        rows.push({ program: program.name, atOnce, name: side.name, role: side.role, rounds: whole });
    }
  }
  return rows;
}
