import type { MessagePort } from 'node:worker_threads';
import type { Carried } from './carried.ts';
import type {
  Amount,
  BuildJob,
  Captured,
  CaptureJob,
  CopyJob,
  RestoreJob,
  SweepJob,
  Swept,
  TreeJob,
} from './jobs.ts';

/** What a thread is made with, plain data. */
export interface Given {
  dataDir: string;
  fsync: boolean;
  /** One word: not 0 when another job waits for this thread. */
  called: SharedArrayBuffer;
}

/** Jobs by name: what they are given, and what they answer. */
export interface Jobs {
  capture: { job: CaptureJob; answer: Captured };
  restore: { job: RestoreJob; answer: Amount };
  copy: { job: CopyJob; answer: Amount };
  build: { job: BuildJob; answer: Amount };
  count: { job: TreeJob; answer: Amount };
  sweep: { job: SweepJob; answer: Swept };
}
export type JobName = keyof Jobs;

/** What a thread is told. `help`: be asked on this port, for a job of this control. */
export type ToThread =
  | { type: 'job'; name: JobName; job: Jobs[JobName]['job']; control: SharedArrayBuffer }
  | { type: 'help'; port: MessagePort; control: SharedArrayBuffer }
  /** onStaged has settled. */
  | { type: 'staged'; error: Carried | null };

/** What it says. `call`: the port is for a thread that helps. */
export type FromThread =
  | { type: 'call'; port: MessagePort }
  | { type: 'staged' }
  | { type: 'done'; answer: Jobs[JobName]['answer'] }
  | { type: 'failed'; error: Carried };
