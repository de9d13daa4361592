/** JSON Schema, as much of it as openapi.yaml has. */
export interface Schema {
  [keyword: string]: unknown;
}

/** What says more than a type of TypeScript can: the server checks it. */
const CONSTRAINTS = new Set([
  ...['minLength', 'maxLength', 'pattern', 'format', 'contentEncoding', 'contentMediaType', 'contentSchema'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'minItems', 'maxItems', 'maxProperties'],
  ...['propertyNames', 'allOf', 'default', 'examples', 'description', 'readOnly'],
]);
const SHAPES = new Set([
  ...['type', 'const', 'enum', '$ref', 'anyOf', 'oneOf', 'not'],
  ...['items', 'properties', 'required', 'additionalProperties'],
]);
const WORDS: { readonly [type: string]: string } = {
  ...{ string: 'string', number: 'number', integer: 'number', boolean: 'boolean', null: 'null' },
};

/** The type of TypeScript that a schema describes. Throws at a keyword that is not known here: none is passed over unseen. */
export function typeOf(schema: Schema, indent = ''): string {
  checkKeywords(schema);
  if (typeof schema.$ref === 'string') return schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
  if (schema.not !== undefined) return 'never';
  if ('const' in schema) return literal(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map(literal).join(' | ');
  const { type } = schema;
  if (Array.isArray(type)) return union(type.map((one) => typeOf({ ...schema, type: one }, indent)));
  if (type === 'object') return objectType(schema, indent);
  if (type === 'array') return `${grouped(typeOf((schema.items ?? {}) as Schema, indent))}[]`;
  if (typeof type === 'string') return WORDS[type] ?? fail(`no type is known of ${type}`);
  const choices = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  return choices === undefined ? 'unknown' : union(choices.map((choice) => typeOf(choice, indent)));
}

export function checkKeywords(schema: Schema): void {
  for (const keyword of Object.keys(schema))
    if (!CONSTRAINTS.has(keyword) && !SHAPES.has(keyword)) throw new Error(`no type is known of ${keyword}`);
}

function objectType(schema: Schema, indent: string): string {
  const properties = Object.entries((schema.properties ?? {}) as { [name: string]: Schema });
  const required = (schema.required ?? []) as string[];
  const inner = `${indent}  `;
  const lines = properties.map(([name, property]) => {
    const type = typeOf(property, inner);
    const value = required.includes(name) ? `: ${type}` : `?: ${type} | undefined`;
    return `${comment(property.description, inner)}${inner}${key(name)}${value};\n`;
  });
  const { additionalProperties: more } = schema;
  if (more !== undefined && more !== false) {
    // A name that has a type of its own is one of all names, too.
    const type = properties.length > 0 || more === true ? 'unknown' : typeOf(more as Schema, inner);
    lines.push(`${inner}[name: string]: ${type};\n`);
  }
  return lines.length === 0 ? '{ [name: string]: never }' : `{\n${lines.join('')}${indent}}`;
}

/** A comment of a line before what is described. */
export function comment(words: unknown, indent: string): string {
  if (typeof words !== 'string') return '';
  return `${indent}/** ${words.replaceAll('*/', '*\\/').replaceAll(/\s+/g, ' ')} */\n`;
}

export const key = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? name : literal(name));
const union = (types: string[]): string => [...new Set(types)].join(' | ');
const grouped = (type: string): string => (/ \| /.test(type) && !type.startsWith('{') ? `(${type})` : type);

function literal(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

function fail(words: string): never {
  throw new Error(words);
}
