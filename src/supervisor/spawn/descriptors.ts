import { openFilesLimit } from '../../platform/own-limits.ts';
import { SpawnError } from './spawner.ts';

/** What one program may come to need here: three pipes, two captures and the journal. */
const OF_A_PROGRAM = 6;
/** What is needed beside: this process's own, connections, looks into /proc, the far ends of pipes during a spawn. */
const OWN = 48;

const most = Math.floor((openFilesLimit() - OWN) / OF_A_PROGRAM);

/**
 * May one more program be started beside so many, and beside so many descriptors of other things. Throws SpawnError
 * EMFILE: a program that began and whose output then found no descriptor could not be tried again.
 */
export function checkDescriptors(programs: number, more: number): void {
  if (programs + more / OF_A_PROGRAM >= most)
    throw new SpawnError('EMFILE', `no descriptors for more than ${most} programs`);
}
