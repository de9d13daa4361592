import { setTimeout as sleep } from 'node:timers/promises';
import type { Behaviour } from './conformance.ts';
import { Worker } from './worker.ts';

/** Events sent in one request. */
const BATCH = 8;

/** Claims every run of a server and does what its metadata.behaviour says. Call the result to end it. */
export function automaticWorker(server: string, runtimeName: string): () => Promise<void> {
  const work = new Set<Promise<void>>();
  let ended = false;
  const claiming = (async () => {
    while (!ended) {
      const worker = await Worker.claim(server, { runtime_name: runtimeName, wait_seconds: 0.5 });
      if (worker === null) continue;
      const doing = behave(worker).finally(() => work.delete(doing));
      work.add(doing);
    }
  })();
  return async () => {
    ended = true;
    await claiming;
    await Promise.all(work);
  };
}

/** Stops when it is told to, when it has lost its claim, or at its end. */
export async function behave(worker: Worker): Promise<void> {
  const behaviour = JSON.parse(worker.claimed.invocation.metadata.behaviour ?? '{}') as Behaviour;
  const {
    prints,
    files = {},
    output = [],
    times = 1,
    pauseMs,
    stayMs = 0,
    ignoreStop,
    exitCode = 0,
  } = behaviour;
  if (prints !== undefined) {
    // It works elsewhere.
    const { invocation_id: id } = worker.claimed.invocation;
    const answer = await fetch(`${worker.server}/invocations/${id}/files/${prints}`);
    const base64 = Buffer.from(await answer.bytes()).toString('base64');
    await worker.events([{ type: 'stdout', base64 }]);
  }
  for (const [name, content] of Object.entries(files)) await worker.put(name, content);
  const events = Array.from({ length: times }, () =>
    output.map(({ stream, base64 }) => ({ type: stream, base64 })),
  ).flat();
  const size = pauseMs === undefined ? BATCH : 1;
  for (let from = 0; from < events.length; from += size) {
    const { status } = await worker.events(events.slice(from, from + size));
    if (status !== 200) return;
    if (pauseMs !== undefined) await sleep(pauseMs);
  }
  const end = performance.now() + stayMs;
  for (let left = stayMs; left > 0; left = end - performance.now()) {
    const { status, body } = await worker.heartbeat({ wait_seconds: Math.min(left / 1000, 5) });
    if (status !== 200) return;
    if (body.cancel_requested && !ignoreStop) {
      await worker.complete({ status: 'cancelled' });
      return;
    }
    if (body.cancel_requested) await sleep(50);
  }
  await worker.complete({ status: exitCode === 0 ? 'succeeded' : 'failed', exit_code: exitCode });
}
