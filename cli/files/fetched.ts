import { mkdirSync } from 'node:fs';
import { interruptibly } from './interruptibly.ts';
import { Landing } from './landing.ts';
import { type Coming, receive, tellLeftOut } from './receive.ts';
import type { Tree } from './tree.ts';

/** Brings it into a directory here, which is made. What was left out is told. */
export function fetched(tree: Tree, coming: Coming, directory: string): Promise<void> {
  return interruptibly(async (progress) => {
    mkdirSync(directory, { recursive: true });
    tellLeftOut(await receive(tree, coming, new Landing(directory), progress));
  });
}
