import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Client, startClient } from '../client.ts';
import type { LoadPlan, LoadReport } from '../clients/load.ts';
import { cpuTime } from '../cpu.ts';
import type { Installer } from '../install.ts';
import type { Bench } from '../part.ts';
import { Absent, type Peer, type Program, type Target } from '../peer.ts';
import { residentBytes } from '../resident.ts';

/** One round of one side. Latencies are in ms. */
export interface Measured {
  answered: number;
  perSecond: number;
  p50: number;
  p99: number;
  max: number;
  /** Resident bytes of its processes together, at the end. */
  rss: number;
  /** Processor seconds of its processes, of the programs that they ran, and of the load generator. */
  cpu: number;
  programsCpu: number;
  clientCpu: number;
}

/** A way to run a program, so many at once for some time. */
export interface Side {
  name: string;
  role: 'runwire' | 'peer' | 'floor';
  measure(atOnce: number, seconds: number): Promise<Measured>;
}

export const startLoad = (): Client => startClient(join(import.meta.dirname, '../clients/load.ts'));

/** A server under the load generator. */
export function servedSide(role: 'runwire' | 'peer', peer: Peer, target: Target, load: Client): Side {
  const { name, request, expect } = target;
  return {
    name,
    role,
    async measure(connections, seconds) {
      const plan: LoadPlan = {
        port: peer.port,
        requests: [request],
        expect,
        connections,
        seconds,
        limit: 1_000_000,
      };
      const pids = peer.pids();
      const before = cpuTime(pids);
      const report = await load.ask<LoadReport>(plan, seconds + 60);
      const after = cpuTime(pids);
      const { answered, perSecond, p50, p99, max, clientCpuSeconds } = report;
      return {
        ...{ answered, perSecond, p50, p99, max },
        rss: pids.reduce((sum, pid) => sum + residentBytes(pid), 0),
        cpu: after.own - before.own,
        programsCpu: after.programs - before.programs,
        clientCpu: clientCpuSeconds,
      };
    },
  };
}

/** What fixtures/spawn-loop.c prints. */
type FloorReport = Omit<Measured, 'cpu' | 'programsCpu' | 'clientCpu'> & { own: number; programs: number };

/** posix_spawn and waitpid in a loop, and nothing else. Throws Absent without a compiler. */
export async function floorSide(installer: Installer, { command, lastLine }: Program): Promise<Side> {
  const loop = await installer.compile('spawn-loop.c');
  return {
    name: 'floor: C, posix_spawn',
    role: 'floor',
    async measure(atOnce, seconds) {
      const output = lastLine === '' ? 'discard' : 'read';
      const argv = [String(atOnce), String(seconds), output, ...command];
      const { stdout } = await promisify(execFile)(loop, argv, { timeout: (seconds + 30) * 1000 });
      const { own, programs, ...measured } = JSON.parse(stdout) as FloorReport;
      return { ...measured, cpu: own, programsCpu: programs, clientCpu: 0 };
    },
  };
}

/** What `make` gives, or nothing when it cannot be had here: then that is said, with the reason. */
export async function orSkip<T>(bench: Bench, what: string, make: () => Promise<T>): Promise<T[]> {
  try {
    return [await make()];
  } catch (error) {
    if (!(error instanceof Absent)) throw error;
    bench.skip(`${what}: ${error.message}`);
    return [];
  }
}
