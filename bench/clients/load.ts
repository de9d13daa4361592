import { connect, type Socket } from 'node:net';
import { answerPlans } from '../client.ts';
import { ResponseReader } from '../response.ts';
import { percentile } from '../statistics.ts';

/**
 * The load generator: one process, the same for every server, so that what it costs is the same for each.
 * It sends prepared requests over `connections` kept-alive connections, each after the answer to the one before,
 * until `seconds` are over or `limit` are sent.
 */
export interface LoadPlan {
  port: number;
  /** Whole requests as text, sent one after the other and then from the first again. */
  requests: readonly string[];
  /** What a right answer has in its body; any other ends the measurement. */
  expect: string;
  connections: number;
  seconds: number;
  limit: number;
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
  /** Processor time of the load generator itself. */
  clientCpuSeconds: number;
}

async function generate(plan: LoadPlan): Promise<LoadReport> {
  const requests = plan.requests.map((text) => Buffer.from(text));
  const latencies: number[] = [];
  const sockets = new Set<Socket>();
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const end = begin + plan.seconds * 1000;
  let sent = 0;
  let reconnects = 0;

  /** One caller: settles when the plan is fulfilled. */
  const call = () =>
    new Promise<void>((done, fail) => {
      let sentAt = 0;
      let reader = new ResponseReader();
      let socket = open();

      function open() {
        const opened = connect({ host: '127.0.0.1', port: plan.port, noDelay: true });
        sockets.add(opened);
        opened.on('data', take);
        opened.on('error', fail);
        opened.on('close', () => {
          if (sockets.delete(opened) && opened === socket)
            fail(new Error('the peer closed the connection before its answer'));
        });
        return opened;
      }
      function close(old: Socket) {
        sockets.delete(old);
        old.destroy();
      }
      function send() {
        const request = requests[sent % requests.length];
        if (request === undefined || sent >= plan.limit || performance.now() >= end) {
          close(socket);
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
          close(old);
        }
        send();
      }
      send();
    });

  try {
    await Promise.all(Array.from({ length: plan.connections }, call));
  } finally {
    for (const socket of sockets) {
      sockets.delete(socket);
      socket.destroy();
    }
  }
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    answered: latencies.length,
    seconds,
    perSecond: latencies.length / seconds,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    max: percentile(latencies, 1),
    reconnects,
    clientCpuSeconds: (user + system) / 1e6,
  };
}

await answerPlans(generate);
