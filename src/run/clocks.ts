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
  const begin = (looked: boolean): void => {
    stop();
    scene.onGoesOn(null);
    stop = countDown(run, scene, config, looked);
    run.goesOn();
  };
  stop = afterMs(LOOK_MS, () => begin(false));
  scene.onGoesOn(() => begin(true));
  return () => stop();
}

function countDown(run: LiveRun, scene: RunScene, config: Graces, looked = true): () => void {
  const stops: (() => void)[] = [];
  const { options } = run.invocation;
  const pressed = { kind: 'timeout', graceMs: graceMs(run, config) } as const;
  const press = (which: 'run' | 'setup', seconds: number): void =>
    void run.abort({ ...pressed, which, seconds });
  stops.push(
    scene.context.setup === null
      ? ofCommand(run, elapsedMs(run), press)
      : ofPhases(run, scene, looked, press),
  );
  const idle = options.idle_timeout_seconds;
  if (idle !== undefined)
    stops.push(scene.onIdle(idle * 1000, () => run.abort({ ...pressed, which: 'idle', seconds: idle })));
  return () => {
    for (const stop of stops) stop();
  };
}

type Press = (which: 'run' | 'setup', seconds: number) => void;

/** `gone`: since it began, ms. */
function ofCommand({ invocation }: LiveRun, gone: number, press: Press, more = 0): () => void {
  const { timeout_seconds: seconds } = invocation;
  return seconds === null ? () => {} : afterMs(seconds * 1000 + more - gone, () => press('run', seconds));
}

/**
 * That of the setup, and from the moment that the command begins that of the command. Of which of them an earlier server's
 * run is in is not known until it has been looked (`looked`): it may take the time of both.
 */
function ofPhases(run: LiveRun, scene: RunScene, looked: boolean, press: Press): () => void {
  const { timeoutMs = 0 } = scene.context.setup ?? {};
  let stop = looked
    ? afterMs(timeoutMs - elapsedMs(run), () => press('setup', timeoutMs / 1000))
    : ofCommand(run, elapsedMs(run), press, timeoutMs);
  scene.onCommandBegins((msAgo) => {
    stop();
    stop = ofCommand(run, msAgo, press);
  });
  return () => {
    scene.onCommandBegins(null);
    stop();
  };
}

/** Under an earlier server: by the wall clock, since nothing else outlives a restart. One that was set back gives no more time than at first. */
function elapsedMs({ resumed, startedAt }: LiveRun): number {
  return resumed && startedAt !== null ? Math.max(0, Date.now() - startedAt) : 0;
}
