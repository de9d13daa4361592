import { connect } from 'node:net';
import { ResponseReader } from './response.ts';

/**
 * The load generator: a process of its own, the same for every peer, so that what it costs is the same for each.
 * It sends one prepared request over `connections` kept-alive connections, each after the answer to the one before,
 * until `seconds` are over or `requests` are answered. The report is one line of JSON.
 */
export interface LoadPlan {
  host: string;
  port: number;
  /** The request's bytes, complete. */
  request: string;
  /** What a right answer has in its body; any other ends the measurement. */
  expect: string;
  connections: number;
  seconds: number;
  requests: number;
}

export interface LoadReport {
  answered: number;
  seconds: number;
  perSecond: number;
  /** Milliseconds from sending to the whole answer. */
  p50: number;
  p99: number;
  max: number;
  /** Connections that the peer closed and that were opened again. */
  reconnects: number;
}

function generate(plan: LoadPlan): Promise<LoadReport> {
  const request = Buffer.from(plan.request);
  const latencies: number[] = [];
  const begin = performance.now();
  const end = begin + plan.seconds * 1000;
  let sent = 0;
  let reconnects = 0;

  /** One caller: settles when the plan is fulfilled. */
  const call = () =>
    new Promise<void>((done, fail) => {
      let sentAt = 0;
      let over = false;
      let reader = new ResponseReader();
      let socket = open();

      function open() {
        const opened = connect({ host: plan.host, port: plan.port, noDelay: true });
        opened.on('data', take);
        opened.on('error', fail);
        opened.on('close', () => {
          if (!over && opened === socket) fail(new Error('the peer closed the connection before its answer'));
        });
        return opened;
      }
      function send() {
        if (sent >= plan.requests || performance.now() >= end) {
          over = true;
          socket.destroy();
          done();
          return;
        }
        sent++;
        sentAt = performance.now();
        socket.write(request);
      }
      function take(chunk: Buffer) {
        const answer = reader.push(chunk);
        if (answer === null) return;
        latencies.push(performance.now() - sentAt);
        if (answer.status !== 200 || !answer.body.includes(plan.expect)) {
          fail(new Error(`wrong answer: ${answer.status} ${answer.body.subarray(0, 2000)}`));
          return;
        }
        if (answer.close) {
          reconnects++;
          const old = socket;
          reader = new ResponseReader();
          socket = open();
          old.destroy();
        }
        send();
      }
      send();
    });

  return Promise.all(Array.from({ length: plan.connections }, call)).then(() => {
    const seconds = (performance.now() - begin) / 1000;
    const sorted = Float64Array.from(latencies).sort();
    const at = (share: number) =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
    return {
      answered: latencies.length,
      seconds,
      perSecond: latencies.length / seconds,
      p50: at(0.5),
      p99: at(0.99),
      max: at(1),
      reconnects,
    };
  });
}

const plan = JSON.parse(process.argv[2] ?? '') as LoadPlan;
// A peer that hangs must not hang the bench.
setTimeout(
  () => {
    console.error('the load generator ran out of time');
    process.exit(2);
  },
  plan.seconds * 1000 + 30_000,
).unref();
console.log(JSON.stringify(await generate(plan)));
