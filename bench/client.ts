import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * A client of the servers under measurement, in a process of its own. It is asked with a line of JSON, a plan, and
 * answers with one, a report. It stays for many plans, so that its code is warm whichever server has its turn.
 */
export interface Client {
  /** The report on a plan; rejects when the client fails at it, or gives none in `limitSeconds`. */
  ask<Report>(plan: object, limitSeconds: number): Promise<Report>;
  stop(): void;
}

type Answer = { report: unknown } | { error: string };

/** Start `script`, a program that calls `answerPlans`. One that has ended is started again with the next plan. */
export function startClient(script: string): Client {
  let running = begin(script);
  return {
    async ask<Report>(plan: object, limitSeconds: number) {
      if (running.ended) running = begin(script);
      const { promise, resolve } = Promise.withResolvers<Answer>();
      const { kill } = running;
      running.send(plan, resolve);
      const timer = setTimeout(() => {
        resolve({ error: `${script} gave no report within ${limitSeconds} s` });
        kill();
      }, limitSeconds * 1000);
      const answer = await promise;
      clearTimeout(timer);
      if ('error' in answer) throw new Error(answer.error);
      return answer.report as Report;
    },
    stop: () => running.kill(),
  };
}

interface Running {
  ended: boolean;
  send(plan: object, tell: (answer: Answer) => void): void;
  kill(): void;
}

function begin(script: string): Running {
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting: ((answer: Answer) => void)[] = [];
  const tell = (answer: Answer) => waiting.shift()?.(answer);
  createInterface(child.stdout).on('line', (line) => tell(JSON.parse(line) as Answer));
  child.stdin.on('error', () => {}); // it has ended: `exit` says so
  const end = () => child.kill('SIGKILL');
  process.prependOnceListener('exit', end);
  const running: Running = {
    ended: false,
    send(plan, answered) {
      waiting.push(answered);
      child.stdin.write(`${JSON.stringify(plan)}\n`);
    },
    kill() {
      running.ended = true;
      process.off('exit', end);
      end();
    },
  };
  child.once('exit', (code, signal) => {
    running.ended = true;
    process.off('exit', end);
    while (waiting.length > 0) tell({ error: `${script} ended (${signal ?? code})` });
  });
  return running;
}

/** The client's side: do the work of each plan in turn, until the input ends. */
export async function answerPlans<Plan>(work: (plan: Plan) => Promise<object>): Promise<void> {
  for await (const line of createInterface(process.stdin)) {
    let answer: Answer;
    try {
      answer = { report: await work(JSON.parse(line) as Plan) };
    } catch (error) {
      answer = { error: error instanceof Error ? error.message : String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}
