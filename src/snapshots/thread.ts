// The main file of a thread that works on trees: Hands starts it, and tells it what to do.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { Contents } from '../contents/contents.ts';
import { takeOwnDirectory } from '../platform/thread-directory.ts';
import { build } from './build.ts';
import { capture } from './capture.ts';
import { carried, thrown } from './carried.ts';
import { Control } from './control.ts';
import { copy } from './copy.ts';
import { count } from './count.ts';
import { type Batch, Crew, help } from './crew.ts';
import type { FromThread, Given, JobName, Jobs, ToThread } from './messages.ts';
import { restore } from './restore.ts';
import { sweep } from './sweep.ts';
import { hireFor } from './tasks.ts';

if (parentPort === null) throw new Error('this file is the main file of a thread');
const parent = parentPort;
const { dataDir, fsync, called } = workerData as Given;
const contents = new Contents(dataDir, { fsync });
const hire = hireFor(contents);
const isCalled = (): boolean => Atomics.load(new Int32Array(called), 0) !== 0;
await takeOwnDirectory();

let onStaged: { resolve(): void; reject(error: Error): void } | null = null;

parent.on('message', (message: ToThread) => {
  if (message.type === 'job') void work(message);
  else if (message.type === 'help') assist(message.port, new Control(message.control));
  else if (message.error) onStaged?.reject(thrown(message.error));
  else onStaged?.resolve();
});

async function work({ name, job, control: shared }: Extract<ToThread, { type: 'job' }>): Promise<void> {
  Atomics.store(new Int32Array(called), 0, 0);
  const control = new Control(shared);
  const crew = new Crew(hire, control, (port) => say({ type: 'call', port }, [port]));
  try {
    say({ type: 'done', answer: await JOBS[name](job as never, crew, control.goOn) });
  } catch (error) {
    say({ type: 'failed', error: carried(error) });
  } finally {
    crew.close();
  }
}

type Work<Name extends JobName> = (
  job: Jobs[Name]['job'],
  crew: Crew,
  goOn: () => void,
) => Jobs[Name]['answer'] | Promise<Jobs[Name]['answer']>;

const JOBS: { [Name in JobName]: Work<Name> } = {
  capture: (job, crew, goOn) => capture(contents, job, crew, goOn),
  restore: (job, crew, goOn) => restore(contents, job, crew, staged, goOn),
  copy: (job, crew, goOn) => copy(job, crew, goOn),
  build: (job, crew, goOn) => build(contents, job, crew, goOn),
  count: (job, _crew, goOn) => count(job, goOn),
  sweep: (job, _crew, goOn) => sweep(contents, job, goOn),
};

function staged(): Promise<void> {
  return new Promise((resolve, reject) => {
    onStaged = { resolve, reject };
    say({ type: 'staged' });
  });
}

function assist(port: MessagePort, control: Control): void {
  port.on('message', (batch: Batch) => help(batch, port, hire, control.goOn, isCalled));
}

function say(message: FromThread, transfer: MessagePort[] = []): void {
  parent.postMessage(message, transfer);
}
