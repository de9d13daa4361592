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

/** Start `script`, a program that calls `answerPlans`. */
export function startClient(script: string): Client {
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers: ((answer: Answer) => void)[] = [];
  const tell = (answer: Answer) => answers.shift()?.(answer);
  createInterface(child.stdout).on('line', (line) => tell(JSON.parse(line) as Answer));
  child.stdin.on('error', () => {}); // it has ended: `exit` says so
  child.once('exit', (code, signal) => {
    while (answers.length > 0) tell({ error: `${script} ended (${signal ?? code})` });
  });
  const kill = () => child.kill('SIGKILL');
  process.prependOnceListener('exit', kill);
  return {
    ask<Report>(plan: object, limitSeconds: number) {
      const { promise, resolve } = Promise.withResolvers<Answer>();
      if (child.exitCode !== null || child.signalCode !== null)
        return Promise.reject(new Error(`${script} has ended`));
      answers.push(resolve);
      child.stdin.write(`${JSON.stringify(plan)}\n`);
      const timer = setTimeout(() => {
        resolve({ error: `${script} gave no report within ${limitSeconds} s` });
        kill();
      }, limitSeconds * 1000);
      return promise.then((answer) => {
        clearTimeout(timer);
        if ('error' in answer) throw new Error(answer.error);
        return answer.report as Report;
      });
    },
    stop() {
      process.off('exit', kill);
      child.stdin.end();
      kill();
    },
  };
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
