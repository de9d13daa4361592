import { afterMs } from '../platform/timer.ts';
import { graceMs, type LiveRun } from './live-run.ts';
import type { RunScene } from './scene.ts';

/** A runner that resumes a run has so long to say whether its work goes on. */
const LOOK_MS = 10_000;

interface Graces {
  killGraceSeconds: number;
}

/**
 * The clocks that may press the run's signal. Returns how they all stop. Those of a run that is resumed wait until
 * its runner has looked: what ended in time, while no server lived, did not run out of time.
 */
export function startClocks(run: LiveRun, scene: RunScene, config: Graces): () => void {
  if (!run.resumed) return countDown(run, scene, config);
  let stop: () => void;
  const begin = (): void => {
    stop();
    scene.onGoesOn(null);
    stop = countDown(run, scene, config);
    run.goesOn();
  };
  stop = afterMs(LOOK_MS, begin);
  scene.onGoesOn(begin);
  return () => stop();
}

function countDown(run: LiveRun, scene: RunScene, config: Graces): () => void {
  const stops: (() => void)[] = [];
  const { timeout_seconds: seconds, options } = run.invocation;
  const pressed = { kind: 'timeout', graceMs: graceMs(run, config) } as const;
  if (seconds !== null) {
    stops.push(
      afterMs(seconds * 1000 - elapsedMs(run), () => run.abort({ ...pressed, which: 'run', seconds })),
    );
  }
  const idle = options.idle_timeout_seconds;
  if (idle !== undefined)
    stops.push(scene.onIdle(idle * 1000, () => run.abort({ ...pressed, which: 'idle', seconds: idle })));
  return () => {
    for (const stop of stops) stop();
  };
}

/** Under an earlier server: by the wall clock, since nothing else outlives a restart. One that was set back gives no more time than at first. */
function elapsedMs({ resumed, startedAt }: LiveRun): number {
  return resumed && startedAt !== null ? Math.max(0, Date.now() - startedAt) : 0;
}
