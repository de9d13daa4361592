import { readFileSync } from 'node:fs';

/** Resident memory of a process in bytes, of which file pages (mapped code) are a part. NaN when it is gone. */
export function residentBytes(pid: number): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kib) * 1024;
  } catch {
    return Number.NaN;
  }
}

export interface Growth {
  before: number;
  peak: number;
  after: number;
}

/** Samples processes every `everyMs` from now until the returned function is called. */
export function watchResident(
  processes: Record<string, number>,
  everyMs = 100,
): () => Record<string, Growth> {
  const seen = new Map(
    Object.entries(processes).map(([name, pid]) => {
      const now = residentBytes(pid);
      return [name, { before: now, peak: now, after: now }];
    }),
  );
  const sample = () => {
    for (const [name, growth] of seen) {
      growth.after = residentBytes(processes[name] ?? 0);
      growth.peak = Math.max(growth.peak, growth.after);
    }
  };
  const timer = setInterval(sample, everyMs);
  return () => {
    clearInterval(timer);
    sample();
    return Object.fromEntries(seen);
  };
}
