import { outputTool } from './output.ts';
import { runTool } from './run.ts';
import type { Tool } from './tool.ts';

/** What a model can do, in the order in which it is told. */
export const TOOLS: readonly Tool[] = [runTool, outputTool];
