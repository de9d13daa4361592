import { get } from 'node:http';
import { answerPlans } from '../client.ts';
import { EventCount } from '../event-count.ts';

/**
 * One reader of a run: `raw` follows stdout, `sse` the events. At most `bytesPerSecond` are
 * taken from the socket when it is given; else as fast as they come. The report comes at the end of the stream or after
 * `seconds`.
 */
export interface ReaderPlan {
  url: string;
  as: 'raw' | 'sse';
  bytesPerSecond?: number;
  seconds: number;
}

export interface ReaderReport {
  /** Bytes of the body as they came over the wire, without chunk heads. */
  received: number;
  /** Bytes of the program's output that they stood for. */
  output: number;
  events: number;
  /** `seq` had no holes and `finished` came last (sse), or the stream ended by itself (raw). */
  complete: boolean;
  seconds: number;
}

function read(plan: ReaderPlan): Promise<ReaderReport> {
  const begin = performance.now();
  const count = new EventCount('sse');
  let received = 0;
  return new Promise((done, fail) => {
    const report = (ended: boolean) => {
      clearTimeout(timer);
      request.destroy();
      done({
        received,
        output: plan.as === 'raw' ? received : count.output,
        events: count.events,
        complete: ended && (plan.as === 'raw' || (count.finished && !count.holes)),
        seconds: (performance.now() - begin) / 1000,
      });
    };
    const accept = plan.as === 'raw' ? 'application/octet-stream' : 'text/event-stream';
    const request = get(plan.url, { headers: { accept } }, (response) => {
      if (response.statusCode !== 200) return fail(new Error(`${plan.url}: ${response.statusCode}`));
      response.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (plan.as === 'sse') count.push(chunk);
        if (plan.bytesPerSecond === undefined) return;
        const due = begin + (received / plan.bytesPerSecond) * 1000;
        if (due <= performance.now()) return;
        response.pause();
        setTimeout(() => response.resume(), due - performance.now());
      });
      response.on('end', () => report(true));
      response.on('error', fail);
    });
    request.on('error', fail);
    const timer = setTimeout(() => report(false), plan.seconds * 1000);
  });
}

await answerPlans(read);
