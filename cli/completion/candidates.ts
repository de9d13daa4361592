import { Argument, type Command, Option } from 'commander';
import { type Place, placeOf } from './place.ts';
import { type Candidate, isThing, type Thing, thingsOf } from './things.ts';

export interface Completion {
  candidates: Candidate[];
  /** Names of files here may stand there too. */
  files: boolean;
  /** The word goes on after it. */
  goesOn: boolean;
}

/** What may be written as the last of these words, which follow the name of the program. The server has so many ms to tell its part. */
export async function completionOf(
  program: Command,
  words: readonly string[],
  ms: number,
): Promise<Completion> {
  const place = placeOf(program, words);
  const kind = thingAt(place);
  const found = kind === null ? wordsAt(place) : await thingsOf(kind, addressIn(place), ms);
  const candidates = found
    .filter(({ word }) => word.startsWith(place.begun) && !place.others.includes(word))
    .map(({ word, about = '' }) => ({ word: `${place.before}${word}`, about }));
  const files = kind === 'place' || (kind === null && found.length === 0 && takesFiles(place));
  return { candidates, files, goesOn: kind === 'place' };
}

const addressIn = ({ values }: Place): { server?: string | undefined; token?: string | undefined } => ({
  server: values.get('server'),
  token: values.get('token'),
});

function wordsAt({ command, of }: Place): Candidate[] {
  const help = command.createHelp();
  if (of === 'command')
    return help
      .visibleCommands(command)
      .map((one) => ({ word: one.name(), about: one.summary() || one.description() }));
  if (of === 'flag')
    return help
      .visibleOptions(command)
      .map(({ long, short, description }) => ({ word: long ?? short ?? '', about: description }));
  return (of?.argChoices ?? []).map((word) => ({ word }));
}

/** Null: it is no thing of a server. */
function thingAt({ command, of }: Place): Thing | null {
  if (of === null || of === 'command' || of === 'flag') return null;
  const name = of instanceof Option ? of.attributeName() : of.name();
  if (name === 'source' || name === 'destination') return 'place';
  // `--name`, `--id` and `create [id]` make new ones.
  if (of instanceof Option || !(name === 'id' || name === 'name')) return isThing(name) ? name : null;
  if (command.name() === 'create') return null;
  const group = command.parent?.name() ?? '';
  return isThing(group) ? group : name === 'id' ? 'run' : null;
}

/** What is no flag of ours and no choice may be a file. */
const takesFiles = ({ of, command }: Place): boolean =>
  (of instanceof Argument && command.name() !== 'create' && of.name() !== 'id') ||
  (of instanceof Option && (of.required || of.optional));
