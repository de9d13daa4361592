import { describe, expect, test } from 'vitest';
import type { Outcome, Timings } from '../../../src/documents/outcome.ts';
import { phasesOf } from '../../../src/traces/phases.ts';
import type { EndedRun, Ending } from '../../../src/traces/traced-run.ts';

interface Moments {
  startedAt?: number | null;
  workEndedAt?: number | null;
  endUnseen?: boolean;
  finishedAt?: number;
  ended?: Outcome['ended'];
  started?: boolean;
}

/** Of a run accepted at 1000, begun at 1100, whose work was seen to end at 2000, over at 2100. */
function phases(timings: Timings, moments: Moments = {}) {
  const { ended = 'exited', started = true, finishedAt = 2100, ...others } = moments;
  const run = { createdAt: 1000, startedAt: 1100, workEndedAt: 2000, endUnseen: false, ...others };
  const ending = { finishedAt, outcome: { timings, ended, started } };
  return phasesOf(run as EndedRun, ending as Ending);
}

describe('When each part of a run was', () => {
  test('work that was seen to end is counted back from there: what was prepared before is before it', () => {
    const timings = { queue_ms: 99, spawn_ms: 2, setup_ms: 200, run_ms: 300, drain_ms: 10, collect_ms: 40 };
    expect(phases(timings)).toEqual({
      whole: [1000, 2100],
      queue: [1000, 1100],
      setup: [1490, 1690],
      run: [1690, 1990],
      collect: [2000, 2040],
    });
  });

  test('work that ended unseen is counted from its beginning', () => {
    const timings = { spawn_ms: 2, setup_ms: 200, run_ms: 300, drain_ms: 10 };
    expect(phases(timings, { endUnseen: true })).toMatchObject({
      setup: [1102, 1302],
      run: [1302, 1602],
      collect: null,
    });
  });

  test('a kind that does not say how long it took has what is left', () => {
    expect(phases({})).toMatchObject({ setup: null, run: [1100, 2000] });
    expect(phases({ setup_ms: 100 })).toMatchObject({ setup: [1100, 1200], run: [1200, 2000] });
  });

  test('a setup that failed has no run behind it', () => {
    const failed = { ended: 'setup_failed', started: false } as const;
    expect(phases({ setup_ms: 100, drain_ms: 5 }, failed)).toMatchObject({ setup: [1895, 1995], run: null });
  });

  test('a run that never began has waited, and nothing else', () => {
    const never = { startedAt: null, workEndedAt: null, ended: 'rejected', started: false } as const;
    expect(phases({}, never)).toEqual({
      whole: [1000, 2100],
      queue: [1000, 2100],
      setup: null,
      run: null,
      collect: null,
    });
  });

  test('whatever a clock did, all is within the run and in its order', () => {
    const long = { setup_ms: 5000, run_ms: 5000, drain_ms: 5000, collect_ms: 5000 };
    for (const moments of [
      {},
      { endUnseen: true },
      { finishedAt: 500 },
      { workEndedAt: 9000 },
      { startedAt: 9000 },
    ])
      for (const [from, to] of Object.values(phases(long, moments)).filter((span) => span !== null))
        expect(from >= 1000 && to >= from && to <= 2100).toBe(true);
  });
});
