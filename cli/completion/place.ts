import type { Argument, Command, Option } from 'commander';

/** Where on a command line the word is that is being written. */
export interface Place {
  command: Command;
  /** What stands there: a name of a command, a flag, the value of one, an argument; null: it takes no more words. */
  of: 'command' | 'flag' | Option | Argument | null;
  /** What has been written of it. */
  begun: string;
  /** What stands before that in the same word: `--status=`. */
  before: string;
  /** All flags before it that have values. */
  values: ReadonlyMap<string, string>;
  /** The other words of the command. */
  others: readonly string[];
}

/** Reads the words after the name of the program as commander does, up to the last, which is being written. */
export function placeOf(program: Command, words: readonly string[]): Place {
  const values = new Map<string, string>();
  const others: string[] = [];
  let command = program;
  let waiting: Option | null = null;
  let isPlain = false;
  for (const word of words.slice(0, -1)) {
    if (waiting !== null) {
      values.set(waiting.attributeName(), word);
      waiting = null;
    } else if (isPlain || !/^-./.test(word)) {
      const below: Command | undefined = others.length === 0 && !isPlain ? childOf(command, word) : undefined;
      if (below !== undefined) command = below;
      else others.push(word);
      isPlain ||= below === undefined && passesThrough(command);
    } else if (word === '--') {
      isPlain = true;
    } else {
      const { option, value } = flagIn(command, word);
      if (option !== undefined && value !== null) values.set(option.attributeName(), value);
      else if (option?.required) waiting = option;
    }
  }
  const begun = words.at(-1) ?? '';
  const at = { command, begun, before: '', values, others };
  if (waiting !== null) return { ...at, of: waiting };
  if (!isPlain && begun.startsWith('-')) return atFlag(at);
  if (command.commands.length > 0) return { ...at, of: others.length === 0 ? 'command' : null };
  const { registeredArguments: all } = command;
  const last = all.at(-1);
  return { ...at, of: all[others.length] ?? (last?.variadic ? last : null) };
}

function atFlag(at: Omit<Place, 'of'>): Place {
  const equals = at.begun.indexOf('=');
  const option = equals < 0 ? undefined : flagIn(at.command, at.begun.slice(0, equals)).option;
  if (option === undefined) return { ...at, of: 'flag' };
  return { ...at, of: option, before: at.begun.slice(0, equals + 1), begun: at.begun.slice(equals + 1) };
}

const childOf = (command: Command, word: string): Command | undefined =>
  command.commands.find((one) => one.name() === word || one.aliases().includes(word));

/** A word that begins with a dash: its flag, and what is written to it as its value. Of `-dn` it is the last one. */
function flagIn(command: Command, word: string): { option: Option | undefined; value: string | null } {
  if (word.startsWith('--')) {
    const [name = '', ...value] = word.split('=');
    const option = command.options.find(({ long }) => long === name);
    return { option, value: value.length === 0 ? null : value.join('=') };
  }
  for (let at = 1; at < word.length; at++) {
    const option = command.options.find(({ short }) => short === `-${word[at]}`);
    const rest = word.slice(at + 1);
    if (option === undefined || option.required) return { option, value: rest === '' ? null : rest };
  }
  return { option: undefined, value: null };
}

/** Words after the first argument are none of ours: commander has no public word for it. */
const passesThrough = (command: Command): boolean =>
  (command as Command & { _passThroughOptions?: boolean })._passThroughOptions === true;
