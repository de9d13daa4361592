import { Runwire } from '../../client/runwire.ts';

// Reads the stdout of a run by the client, and drops it: RUNWIRE_URL, and the id as the only word.
let bytes = 0;
for await (const part of new Runwire().attach(process.argv[2] ?? '').output({ stream: 'stdout' }))
  bytes += part.length;
console.log(bytes);
