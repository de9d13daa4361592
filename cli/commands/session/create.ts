import { type Command, Option } from 'commander';
import { newId } from '../../../client/runwire.ts';
import { type BeginningFlags, beginningOf, withBeginning } from '../../files/beginning.ts';
import { archiveOf } from '../../files/uploads.ts';
import { printMade } from '../../print/thing.ts';
import { type OutputFlags, withOutput } from '../../print/things.ts';
import { Progress } from '../../process/progress.ts';
import { Server, type ServerFlags, withServer } from '../../process/server.ts';
import { newSessionOf, type SessionFlags } from '../../run/new-session.ts';
import { seconds } from '../../words/duration.ts';
import { object, pair, several, variable } from '../../words/pairs.ts';

interface Flags extends ServerFlags, OutputFlags, BeginningFlags, SessionFlags {
  wait: boolean;
}

const EXAMPLES = `Examples:
  s=$(runwire session create --upload . --setup 'npm ci')
  runwire session create agent --image node:24 --upload src --idle 1h
  runwire session create --spec python@3 --from snap/before
`;

export function addCreate(group: Command): void {
  withServer(withOutput(withBeginning(group.command('create [id]'))))
    .summary('make one, and print its id')
    .description('Makes a session, waits until it has been set up, and prints its id.')
    .addHelpText('before', EXAMPLES)
    .option('--kind <kind>', 'runtime kind of its runs (subprocess)')
    .option('--image <image>', 'in one container of this image: kind docker')
    .option('--spec <name>', 'environment spec, name or name@version')
    .option('--workspace <id>', 'in this workspace, and not in one of its own')
    .option('--keep-workspace', 'its own workspace stays when it is closed')
    .option('--setup <command>', 'for sh -c, once', several)
    .option('-e, --env <NAME=VALUE>', 'a variable of all its runs; NAME alone: as it is here', variable)
    .option('-l, --label <NAME=VALUE>', 'metadata', pair)
    .option('--ttl <duration>', 'it is closed so long after it was made', seconds)
    .option('--idle <duration>', 'it is closed when it was not used for so long', seconds)
    .addOption(new Option('--options <json>', 'options of its runs, in JSON').argParser(object))
    .option('--no-wait', 'print the id at once')
    .action(async (id: string | undefined, flags: Flags) => {
      const archive = (await archiveOf(flags.upload)) ?? undefined;
      const progress = new Progress('sending');
      const server = new Server(flags, progress);
      const input = newSessionOf(id ?? newId(), beginningOf(flags), flags);
      const session = await server.ask((rw) => rw.sessions.create(input, { archive }));
      progress.end();
      const made = server.patient.sessions.attach(session.id);
      await printMade(flags.wait ? await made.ready() : (session.record ?? {}), session.id, flags);
    });
}
