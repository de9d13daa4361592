import type { Contents } from '../contents/contents.ts';
import { type CopyContext, CopyWorker } from './copy-task.ts';
import type { Hire, Worker } from './crew.ts';
import { type KeepContext, KeepWorker } from './keep-task.ts';
import { type StageContext, StageWorker } from './stage-task.ts';

type Maker = (contents: Contents, context: unknown, goOn: () => void) => Worker<never, unknown>;

/** What two threads do together, by name. */
const WORKERS: Readonly<Record<string, Maker>> = {
  keep: (contents, context, goOn) => new KeepWorker(contents, context as KeepContext, goOn),
  stage: (contents, context, goOn) => new StageWorker(contents, context as StageContext, goOn),
  copy: (_contents, context, goOn) => new CopyWorker(context as CopyContext, goOn),
};

export function hireFor(contents: Contents): Hire {
  return (kind, context, goOn) => {
    const maker = WORKERS[kind];
    if (maker === undefined) throw new Error(`nobody does tasks of the kind ${kind}`);
    return maker(contents, context, goOn) as Worker<unknown, unknown>;
  };
}
