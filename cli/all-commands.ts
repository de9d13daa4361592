import { addAttach } from './commands/attach.ts';
import { addLists } from './commands/lists.ts';
import { addLogs } from './commands/logs.ts';
import { addRun } from './commands/run.ts';
import { addServe } from './commands/serve.ts';
import { addShow } from './commands/show.ts';
import { addStdin } from './commands/stdin.ts';
import { addStop } from './commands/stop.ts';
import { addVersion } from './commands/version.ts';
import { addWait } from './commands/wait.ts';

/** What adds each command, as `runwire --help` lists them. */
export const ALL = [
  ...[addRun, addAttach, addLogs, addLists, addShow, addWait, addStdin, addStop],
  ...[addServe, addVersion],
];
