import { addAsset } from './commands/asset/group.ts';
import { addAttach } from './commands/attach.ts';
import { addCompletion } from './commands/completion.ts';
import { addCopy } from './commands/cp.ts';
import { addDf } from './commands/df.ts';
import { addLists } from './commands/lists.ts';
import { addLogs } from './commands/logs.ts';
import { addMcp } from './commands/mcp.ts';
import { addPrune } from './commands/prune.ts';
import { addRerun } from './commands/rerun.ts';
import { addRun } from './commands/run.ts';
import { addRuntime } from './commands/runtime.ts';
import { addServe } from './commands/serve.ts';
import { addSession } from './commands/session/group.ts';
import { addShow } from './commands/show.ts';
import { addSnapshots } from './commands/snapshot/group.ts';
import { addSpec } from './commands/spec/group.ts';
import { addStdin } from './commands/stdin.ts';
import { addStop } from './commands/stop.ts';
import { addTop } from './commands/top.ts';
import { addVersion } from './commands/version.ts';
import { addWait } from './commands/wait.ts';
import { addWorkspace } from './commands/workspace/group.ts';

/** What adds each command, as `runwire --help` lists them. */
export const ALL = [
  ...[addRun, addAttach, addLogs, addLists, addShow, addWait, addStdin, addStop, addRerun],
  ...[addCopy, addPrune, addTop, addDf, addRuntime],
  ...[addWorkspace, addSnapshots, addSession, addSpec, addAsset],
  ...[addMcp, addServe, addCompletion, addVersion],
];
