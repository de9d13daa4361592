import { parseArgs } from 'node:util';

/** Flag by flag: the variable that it stands for, which it beats, and what the help says. */
const FLAGS = {
  host: { variable: 'RUNWIRE_HOST', value: 'ADDRESS', says: 'address to listen on (127.0.0.1)' },
  port: { variable: 'RUNWIRE_PORT', value: 'NUMBER', says: 'port to listen on, 0 = any free one (7070)' },
  'data-dir': {
    variable: 'RUNWIRE_DATA_DIR',
    value: 'DIRECTORY',
    says: 'where records and files of runs are kept (./.runwire)',
  },
  'token-file': {
    variable: 'RUNWIRE_TOKEN_FILE',
    value: 'FILE',
    says: 'file of the token that requests must carry (none)',
  },
} as const;
type Flag = keyof typeof FLAGS;
const ALL = Object.keys(FLAGS) as Flag[];

const COMMANDS = ['serve', 'version', 'help'] as const;

const HELP = `Usage: runwire serve [flags]     npm start -- [flags]

Serves Runwire, an HTTP execution service, and prints a curl line that works.

${ALL.map((flag) => `  ${`--${flag} ${FLAGS[flag].value}`.padEnd(24)}${FLAGS[flag].says}`).join('\n')}
  ${'-h, --help'.padEnd(24)}this text (also: runwire help)
  ${'-v, --version'.padEnd(24)}the version (also: runwire version)

A flag stands for a variable and beats it: ${ALL.map((flag) => FLAGS[flag].variable).join(', ')}.
All variables: docs/configuration.md
`;

/** What the words after the name of the program ask for. */
export type Asked =
  | { what: 'serve'; variables: Readonly<Record<string, string>> }
  | { what: 'print'; text: string }
  | { what: 'refuse'; line: string };

/** Reads the words of a command line. Nothing is passed over: what is not known is refused in one line. */
export function readArguments(words: readonly string[], version: string): Asked {
  const { tokens, positionals } = parseArgs({
    args: [...words],
    options: {
      ...Object.fromEntries(ALL.map((flag) => [flag, { type: 'string' as const }])),
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
    },
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const variables: Record<string, string> = {};
  const options = tokens.filter((token) => token.kind === 'option');
  for (const { name, rawName, value, inlineValue } of options) {
    if (name === 'help' || name === 'version') {
      if (value !== undefined) return refusal(`${rawName} takes no value`);
    } else if (!isOneOf(ALL, name)) return refusal(`${rawName} is not a flag`);
    else if (value === undefined || value.trim() === '' || (!inlineValue && value.startsWith('-')))
      return refusal(`${rawName} needs a value`);
    else if (FLAGS[name].variable in variables) return refusal(`${rawName} is given twice`);
    else variables[FLAGS[name].variable] = value;
  }
  const [command = 'serve', ...more] = positionals;
  if (!isOneOf(COMMANDS, command) || more.length > 0)
    return refusal(`${JSON.stringify(more[0] ?? command)} is not a command`);
  const asks = (word: 'help' | 'version'): boolean =>
    command === word || options.some(({ name }) => name === word);
  if (asks('help')) return { what: 'print', text: HELP };
  if (asks('version')) return { what: 'print', text: `${version}\n` };
  return { what: 'serve', variables };
}

/**
 * The environment that the configuration is read from. A token of the environment gives way to the file that a flag
 * names.
 */
export function withFlags(
  environment: Readonly<Record<string, string | undefined>>,
  variables: Readonly<Record<string, string>>,
): Record<string, string | undefined> {
  const { RUNWIRE_TOKEN_FILE: file } = variables;
  return { ...environment, ...variables, ...(file !== undefined && { RUNWIRE_TOKEN: undefined }) };
}

/** A line about a variable, as one about the flag where that gave the value. */
export function inWordsOfFlags(line: string, variables: Readonly<Record<string, string>>): string {
  const flag = ALL.find(
    (name) => FLAGS[name].variable in variables && new RegExp(`^${FLAGS[name].variable}\\b`).test(line),
  );
  return flag === undefined ? line : line.replace(FLAGS[flag].variable, `--${flag}`);
}

const refusal = (what: string): Asked => ({
  what: 'refuse',
  line: `runwire: ${what}: --help lists what there is`,
});

function isOneOf<Word extends string>(list: readonly Word[], word: string): word is Word {
  return (list as readonly string[]).includes(word);
}
