import { cancelTool, removeTool, signalTool, stdinTool } from './control.ts';
import { artifactsTool, deleteFileTool, listFilesTool, putFilesTool } from './files.ts';
import { getFileTool } from './get-file.ts';
import { grepTool } from './grep.ts';
import { kindsTool, listTool, showTool } from './looking.ts';
import { outputTool } from './output.ts';
import { runTool } from './run.ts';
import { sessionCloseTool, sessionCreateTool, sessionListTool } from './sessions.ts';
import type { Tool } from './tool.ts';
import { waitTool } from './wait.ts';
import {
  workspaceCreateTool,
  workspaceDiffTool,
  workspaceListTool,
  workspaceRemoveTool,
  workspaceRestoreTool,
  workspaceSnapshotTool,
} from './workspaces.ts';

/** What a model can do, in the order in which it is told. */
export const TOOLS: readonly Tool[] = [
  ...[runTool, waitTool, outputTool, grepTool, stdinTool, signalTool, cancelTool],
  ...[listTool, showTool, removeTool, kindsTool],
  ...[putFilesTool, getFileTool, listFilesTool, deleteFileTool, artifactsTool],
  ...[workspaceCreateTool, workspaceListTool, workspaceSnapshotTool, workspaceDiffTool],
  ...[workspaceRestoreTool, workspaceRemoveTool],
  ...[sessionCreateTool, sessionListTool, sessionCloseTool],
];
