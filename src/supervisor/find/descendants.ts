import type { Found, Known, ProcessFinder } from './finder.ts';
import type { Marks } from './marks.ts';
import { childrenOf, isLiving, readStat, runNamedBy, softRealtimeLimit } from './proc.ts';

/** How often children that were born meanwhile are looked for in a row: a fork bomb must not hold this process. */
const MAX_LOOKS = 50;

/** What this process owns by birth or adoption. */
export interface Family {
  /** All children of this process, zombies too. */
  children(): number[];
  /** Is this child the leader of a run. */
  isLeader(pid: number): boolean;
  /** SIGKILL to a child. */
  kill(pid: number): void;
}

/**
 * Finds the processes of a run among our descendants. This process is the subreaper of all it starts, so that
 * every process of a run has its leader, or a child that we adopted, among its ancestors; what is looked at does
 * not grow with the other processes of the machine, and none of them can be taken for one of ours. The pid of a
 * child cannot be recycled before we reap it.
 */
export class Descendants implements ProcessFinder {
  readonly #family: Family;
  readonly #runs = new Set<Marks>();
  /** Whose an adopted child is; null: it hides from all runs. */
  readonly #owners = new Map<number, Marks | null>();

  constructor(family: Family) {
    this.#family = family;
  }

  begin(marks: Marks): void {
    this.#runs.add(marks);
  }

  end(marks: Marks): void {
    this.#runs.delete(marks);
  }

  /** A child that was no leader has been reaped. */
  reaped(pid: number): void {
    this.#owners.delete(pid);
  }

  mayHaveLeft(marks: Marks): boolean {
    if (marks.leaderGoneAt === null) return true;
    let left = false;
    for (const pid of this.#adopted()) {
      const owner = this.#ownerOf(pid);
      if (owner === marks || this.#isAlone(marks, owner)) left = true;
      else if (owner !== null && !this.#runs.has(owner)) this.#family.kill(pid); // it came to light too late
    }
    return left;
  }

  each(marks: Marks, known: Known, found: (process: Found) => void): number {
    const handed = new Set<number>();
    const gone = new Set<number>();
    for (let look = 1; ; look++) {
      const before = handed.size + gone.size;
      const tree = treeOf(this.#roots(marks, known));
      for (const pid of tree.gone) gone.add(pid);
      for (const process of tree.living)
        if (!handed.has(process.pid)) {
          handed.add(process.pid);
          found(process);
        }
      // Children of one that was seen to end are ours by now: only the next look can see them.
      if (handed.size + gone.size === before) return tree.living.length;
      if (look === MAX_LOOKS) return Math.max(1, tree.living.length);
    }
  }

  #adopted(): number[] {
    return this.#family.children().filter((pid) => !this.#family.isLeader(pid));
  }

  #roots(marks: Marks, known: Known): number[] {
    const roots = this.#adopted().filter((pid) => {
      const owner = this.#ownerOf(pid);
      if (owner !== null) return owner === marks;
      return (
        this.#isAlone(marks, owner) ||
        (known.has(pid) && known.get(pid)?.startTime === readStat(pid)?.startTime)
      );
    });
    if (marks.leader !== null && marks.leaderGoneAt === null) roots.push(marks.leader);
    return roots;
  }

  /** What hides from all runs belongs to the only one there is. */
  #isAlone(marks: Marks, owner: Marks | null): boolean {
    return owner === null && this.#runs.size === 1 && this.#runs.has(marks);
  }

  /** Decided at the first sight, when most of what tells is still there. */
  #ownerOf(pid: number): Marks | null {
    let owner = this.#owners.get(pid);
    if (owner === undefined) {
      owner = this.#recognize(pid);
      this.#owners.set(pid, owner);
    }
    return owner;
  }

  #recognize(pid: number): Marks | null {
    const runs = [...this.#runs];
    const mark = softRealtimeLimit(pid);
    const marked = mark === null ? undefined : runs.find((run) => run.mark === mark);
    if (marked) return marked;
    const name = runNamedBy(pid);
    const named = name === null ? undefined : runs.find(({ run }) => run === name);
    if (named) return named;
    const session = readStat(pid)?.session;
    const led = runs.filter(({ leader }) => leader === session);
    return led.find(({ leaderGoneAt }) => leaderGoneAt === null) ?? led[0] ?? null;
  }
}

/** These children of ours and all that descends from them; `gone`: zombies, and those who have another parent by now. */
function treeOf(roots: number[]): { living: Found[]; gone: number[] } {
  const living: Found[] = [];
  const gone: number[] = [];
  const todo = roots.map((pid) => ({ pid, parent: process.pid }));
  for (let next = todo.pop(); next; next = todo.pop()) {
    const { pid, parent } = next;
    const stat = readStat(pid);
    if (!stat || !isLiving(stat) || stat.parent !== parent) {
      gone.push(pid);
      continue;
    }
    living.push({ pid, startTime: stat.startTime });
    for (const child of childrenOf(stat)) todo.push({ pid: child, parent: pid });
  }
  return { living, gone };
}
