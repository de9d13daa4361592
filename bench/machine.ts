import { readFileSync, statfsSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

/** Numbers of a bench mean little without these. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  kernel: string;
  node: string;
  loadBefore: string;
  dataOn: 'disk' | 'tmpfs';
}

/** Linux' f_type of tmpfs. */
const TMPFS = 0x01021994;

export function describeMachine(dataDir: string): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    loadBefore: readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' '),
    dataOn: statfsSync(dataDir).type === TMPFS ? 'tmpfs' : 'disk',
  };
}
