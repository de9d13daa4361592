import { uptime } from 'node:os';
import type { Found, Known, ProcessFinder } from './finder.ts';
import { isMark, type Marks } from './marks.ts';
import {
  commandLineOf,
  isLiving,
  type ProcessStat,
  processIds,
  readStat,
  runNamedBy,
  softRealtimeLimit,
  startTimeOf,
} from './proc.ts';

/** How often processes that were born meanwhile are looked for: a fork bomb must not hold this process. */
const MAX_PASSES = 20;
/** USER_HZ, the same on every machine of today. */
const TICKS_PER_SECOND = 100;

type ProcessTable = Map<number, ProcessStat>;

interface Question {
  marks: Marks;
  found(process: Found): void;
  answer(count: number): void;
  fail(error: unknown): void;
}

/**
 * Finds the processes of runs among all processes of the machine, where they are not our descendants: those of a
 * supervisor that died, or that no subreaper adopts. One look through /proc serves all who ask in the same turn.
 */
export class ProcessSearch implements ProcessFinder {
  #questions: Question[] = [];

  begin(): void {}

  end(): void {}

  mayHaveLeft(): boolean {
    return true;
  }

  each(marks: Marks, _known: Known, found: (process: Found) => void): Promise<number> {
    return new Promise((answer, fail) => {
      if (this.#questions.length === 0) setImmediate(() => this.#look());
      this.#questions.push({ marks, found, answer, fail });
    });
  }

  #look(): void {
    const questions = joined(this.#questions);
    this.#questions = [];
    try {
      const counts = search(questions);
      for (const question of questions) question.answer(counts.get(question) ?? 0);
    } catch (error) {
      for (const { fail } of questions) fail(error);
    }
  }
}

/** A process is handed to one question alone: those that ask for the same are one. */
function joined(questions: readonly Question[]): Question[] {
  const same = Map.groupBy(questions, ({ marks: { mark, run, leader } }) => `${mark} ${leader} ${run}`);
  return [...same.values()].flatMap((all) => {
    const [first] = all;
    if (first === undefined || all.length === 1) return all;
    const each = (tell: (one: Question) => void): void => {
      for (const one of all) tell(one);
    };
    return {
      marks: first.marks,
      found: (process) => each(({ found }) => found(process)),
      answer: (count) => each(({ answer }) => answer(count)),
      fail: (error) => each(({ fail }) => fail(error)),
    };
  });
}

/**
 * Each process is handed over as soon as it is found, and processes that were born meanwhile are looked at
 * until there are none, so that a chain of short-lived ones is not always a step ahead.
 */
function search(questions: readonly Question[]): Map<Question, number> {
  const table: ProcessTable = new Map();
  const owners = new Map<number, Question>();
  const seen = new Set<number>([process.pid]);
  const counts = new Map<Question, number>();
  const take = ({ pid, startTime }: ProcessStat, owner: Question): void => {
    owners.set(pid, owner);
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
    owner.found({ pid, startTime });
  };
  const recognize = recognizer(questions);
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const born = processIds().filter((pid) => !seen.has(pid));
    if (born.length === 0) break;
    const entries: ProcessStat[] = [];
    for (const pid of born) {
      seen.add(pid);
      const stat = readStat(pid);
      if (!stat || !isLiving(stat)) continue;
      table.set(pid, stat);
      entries.push(stat);
    }
    for (const entry of entries) {
      const owner = recognize(entry, table);
      if (owner) take(entry, owner);
    }
    for (let before = -1; before !== owners.size; ) {
      before = owners.size;
      for (const entry of table.values()) {
        const owner = owners.has(entry.pid) ? undefined : owners.get(entry.parent);
        if (owner) take(entry, owner);
      }
    }
  }
  return counts;
}

type Recognizer = (entry: ProcessStat, table: ProcessTable) => Question | undefined;

/** Whose a process is by what it carries itself. */
function recognizer(questions: readonly Question[]): Recognizer {
  const byMark = new Map<bigint, Question>();
  const byName = new Map<string, Question>();
  const bySession = new Map<number, Question>();
  for (const question of questions) {
    const { mark, run, leader } = question.marks;
    if (mark !== null) byMark.set(mark, question);
    byName.set(run, question);
    if (leader !== null) bySession.set(leader, question);
  }
  return (entry, table) => {
    const led = bySession.get(entry.session);
    if (led && isSessionOf(entry, led.marks, table)) return led;
    if (byMark.size > 0) {
      const limit = softRealtimeLimit(entry.pid);
      const marked = limit === null ? undefined : byMark.get(limit);
      if (marked) return marked;
      if (limit !== null && isMark(limit)) return undefined; // another run's
    }
    const name = runNamedBy(entry.pid);
    const named = name === null ? undefined : byName.get(name);
    return named && !ownedElsewhere(entry, named.marks, table) ? named : undefined;
  };
}

/**
 * The number of a session is that of its first leader's pid, which another process may get once the leader and
 * all others of the session are gone. It is the run's as long as the leader is there, unreaped or with the start
 * time that was recorded, or a member that is older than the leader's end.
 */
function isSessionOf(entry: ProcessStat, marks: Marks, table: ProcessTable): boolean {
  const { leader, leaderStartTime, leaderGoneAt } = marks;
  if (leader === null) return false;
  if (leaderStartTime !== undefined) return startTimeOf(leader) === leaderStartTime;
  if (leaderGoneAt === null) return true;
  const goneSince = (performance.now() - leaderGoneAt) / 1000;
  const goneAt = Math.floor((uptime() - goneSince) * TICKS_PER_SECOND) - 1;
  if (entry.startTime < goneAt) return true;
  for (const { session, startTime } of table.values())
    if (session === leader && startTime < goneAt) return true;
  return false;
}

/**
 * A server beside us may run the same invocation_id: what descends from another supervisor is not ours.
 * Where runs carry marks only our own descendants are taken at the word of their environment.
 */
function ownedElsewhere(entry: ProcessStat, { mark }: Marks, table: ProcessTable): boolean {
  let { parent } = entry;
  for (let above = table.get(parent); above && parent !== process.pid; above = table.get(parent)) {
    if (mark === null && isSupervisor(parent)) return true;
    parent = above.parent;
  }
  return mark !== null && parent !== process.pid;
}

function isSupervisor(pid: number): boolean {
  const words = commandLineOf(pid);
  return words.includes('--data-dir') && words.some((word) => word.includes('/supervisor/main.'));
}
