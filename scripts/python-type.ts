import { checkKeywords, type Schema } from './schema-type.ts';

const WORDS: { readonly [type: string]: string } = {
  ...{ string: 'str', number: 'float', integer: 'int', boolean: 'bool', null: 'None' },
};
const KEYWORDS = new Set([
  ...['False', 'None', 'True', 'and', 'as', 'assert', 'async', 'await', 'break', 'class', 'continue', 'def'],
  ...['del', 'elif', 'else', 'except', 'finally', 'for', 'from', 'global', 'if', 'import', 'in', 'is'],
  ...['lambda', 'nonlocal', 'not', 'or', 'pass', 'raise', 'return', 'try', 'while', 'with', 'yield'],
]);

/** The types of Python that schemas describe: a TypedDict each, those within others named after where they are. */
export class PythonTypes {
  readonly #parts: string[] = [];
  readonly #names = new Set<string>();

  add(name: string, schema: Schema): void {
    const type = this.#typeOf(schema, name);
    if (type === name) return;
    this.#claim(name);
    const says = comment(schema.description);
    this.#parts.push(`${name}: TypeAlias = ${text(type)}\n${says === '' ? '' : `${says}\n`}`);
  }

  source(): string {
    return this.#parts.map((part) => (part.startsWith('class') ? `\n\n${part}` : `\n${part}`)).join('');
  }

  /** Throws at a keyword that is not known here: none is passed over unseen. */
  #typeOf(schema: Schema, name: string): string {
    checkKeywords(schema);
    if (typeof schema.$ref === 'string') return schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
    if (schema.not !== undefined) return 'Never';
    if ('const' in schema) return `Literal[${literal(schema.const)}]`;
    if (Array.isArray(schema.enum)) return `Literal[${schema.enum.map(literal).join(', ')}]`;
    const { type } = schema;
    if (Array.isArray(type)) return union(type.map((one) => this.#typeOf({ ...schema, type: one }, name)));
    if (type === 'object') return this.#objectType(schema, name);
    if (type === 'array') return `list[${this.#typeOf((schema.items ?? {}) as Schema, name)}]`;
    if (typeof type === 'string') {
      const word = WORDS[type];
      if (word === undefined) throw new Error(`no type is known of ${type}`);
      return word;
    }
    const choices = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
    if (choices === undefined) return 'Any';
    const several = choices.filter(isDocument).length > 1;
    return union(
      choices.map((choice, at) => this.#typeOf(choice, several ? variant(name, choice, at) : name)),
    );
  }

  #objectType(schema: Schema, name: string): string {
    const properties = Object.entries((schema.properties ?? {}) as { [name: string]: Schema });
    if (properties.length === 0) {
      const { additionalProperties: more } = schema;
      if (more === undefined || more === false) return 'dict[str, Never]';
      return `dict[str, ${more === true ? 'Any' : this.#typeOf(more as Schema, name)}]`;
    }
    this.#claim(name);
    const required = (schema.required ?? []) as string[];
    const fields = properties.map(([key, property]) => {
      const type = this.#typeOf(property, `${name}${camel(key)}`);
      return {
        key,
        type: required.includes(key) ? type : `NotRequired[${type}]`,
        says: comment(property.description),
      };
    });
    this.#parts.push(
      fields.some(({ key }) => KEYWORDS.has(key) || !/^[A-Za-z]\w*$/.test(key))
        ? functional(name, fields)
        : classOf(name, fields, comment(schema.description)),
    );
    return name;
  }

  #claim(name: string): void {
    if (this.#names.has(name)) throw new Error(`two types would be called ${name}`);
    this.#names.add(name);
  }
}

interface Field {
  key: string;
  type: string;
  says: string;
}

function classOf(name: string, fields: Field[], says: string): string {
  const lines = fields.flatMap(({ key, type, says }) => [`${key}: ${type}`, ...(says === '' ? [] : [says])]);
  return [`class ${name}(TypedDict):`, ...(says === '' ? [] : [says]), ...lines].join('\n    ').concat('\n');
}

/** Some names cannot be those of attributes. */
function functional(name: string, fields: Field[]): string {
  const lines = fields.map(
    ({ key, type, says }) =>
      `${says === '' ? '' : `    # ${says.slice(3, -3)}\n`}    ${text(key)}: ${text(type)},\n`,
  );
  return `${name} = TypedDict(\n    ${text(name)},\n    {\n${lines.join('').replaceAll(/^/gm, '    ').trimEnd()}\n    },\n)\n`;
}

const isDocument = (schema: Schema): boolean => schema.type === 'object' && schema.properties !== undefined;

/** By the word that tells it from the others, where it has one. */
function variant(name: string, schema: Schema, at: number): string {
  const words = Object.values((schema.properties ?? {}) as { [name: string]: Schema }).map(
    (one) => one.const,
  );
  const word = words.find((one) => typeof one === 'string');
  return `${name}${word === undefined ? at + 1 : camel(String(word))}`;
}

function comment(words: unknown): string {
  if (typeof words !== 'string') return '';
  const line = words.replaceAll(/\s+/g, ' ').replaceAll('\\', '\\\\').replaceAll('"""', "'''");
  return `"""${line.endsWith('"') ? `${line} ` : line}"""`;
}

const camel = (words: string): string =>
  words
    .replaceAll(/[^A-Za-z0-9]+/g, ' ')
    .replaceAll(/(^| )(\w)/g, (_, __, letter: string) => letter.toUpperCase());
const union = (types: string[]): string => [...new Set(types)].join(' | ');
const text = (words: string): string => JSON.stringify(words);

function literal(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return value === null ? 'None' : JSON.stringify(value);
}
