import { unopened } from './process/unopened.ts';

/** The command line. A server is nothing but a server: it has none of the rest in its memory. */
if (process.argv[2] === 'serve') await import('../src/server.ts');
else await (await unopened(() => import('./program.ts'))).main(process.argv.slice(2));
