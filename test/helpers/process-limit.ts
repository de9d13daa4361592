import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where cgroups that bound the number of processes are made: version 1, or version 2 where it is delegated. */
const PLACES = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'];

/** A bound on how many processes and threads there may be beside those that are given to it. */
export class ProcessLimit implements Disposable {
  readonly #group: string;

  constructor(place = placeOf()) {
    if (place === undefined) throw new Error('no cgroup can be made');
    this.#group = join(place, `runwire-test-${process.pid}-${Date.now()}`);
    mkdirSync(this.#group);
  }

  /** From now on it and all it starts are counted. */
  take(pid: number): void {
    writeFileSync(join(this.#group, 'cgroup.procs'), String(pid));
  }

  /** So many more than there are now; null: no bound. */
  allow(more: number | null): void {
    const now = Number(readFileSync(join(this.#group, 'pids.current'), 'utf8'));
    writeFileSync(join(this.#group, 'pids.max'), more === null ? 'max' : String(now + more));
  }

  /** All that were given to it must have ended. */
  [Symbol.dispose](): void {
    rmdirSync(this.#group);
  }
}

/** Why there can be none here, or undefined. */
export function whyNoProcessLimit(): string | undefined {
  return placeOf() === undefined ? 'no cgroup that bounds the number of processes can be made' : undefined;
}

function placeOf(): string | undefined {
  return PLACES.find((place) => {
    const probe = join(place, `runwire-probe-${process.pid}`);
    try {
      mkdirSync(probe);
    } catch {
      return false;
    }
    const bounds = existsSync(join(probe, 'pids.max'));
    rmdirSync(probe);
    return bounds;
  });
}
