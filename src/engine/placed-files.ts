import { mkdirSync } from 'node:fs';
import type { LiveRun } from '../run/live-run.ts';
import type { SentFiles } from './engine.ts';

/** Files that came with a run are its scratch directory, or wait for its turn in its workspace. Throws what the storage says. */
export function placeFiles(run: LiveRun, files: SentFiles): void {
  mkdirSync(run.directory.root, { recursive: true, mode: 0o700 });
  for (const [index, text] of filledTexts(run)) files.setText(index, text);
  files.moveTo(run.workspace === null ? run.directory.work : run.directory.given);
}

/** Of the files in its document, those whose text stood for something else. */
function filledTexts({ invocation, filled }: Pick<LiveRun, 'invocation' | 'filled'>): [number, string][] {
  const { files: sent = [] } = invocation.options;
  return (filled.options.files ?? []).flatMap(({ text }, index): [number, string][] =>
    text === undefined || text === sent[index]?.text ? [] : [[index, text]],
  );
}
