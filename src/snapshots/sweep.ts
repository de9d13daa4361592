import { closeSync } from 'node:fs';
import type { Contents } from '../contents/contents.ts';
import { sweepContents } from '../contents/sweep.ts';
import type { SweepJob, Swept } from './jobs.ts';
import { listedIn } from './read-list.ts';

/** Removes what is none of the files, and what none of the lists holds. A list that is not there holds nothing; one that cannot be read stops it all. */
export function sweep(contents: Contents, { digests, files }: SweepJob, goOn: () => void): Swept {
  const held = new Set<string>(files);
  for (const digest of new Set(digests)) {
    goOn();
    const fd = contents.open(digest);
    if (fd === null) continue;
    held.add(digest);
    try {
      for (const listed of listedIn(fd)) if (listed.type === 'file') held.add(listed.sha256);
    } finally {
      closeSync(fd);
    }
  }
  return sweepContents(contents, held, goOn);
}
