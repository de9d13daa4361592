import { type Kind, optionKeyOf, optionsSchemaOf } from '../../src/documents/kind.ts';

type Schema = Record<string, unknown> & { properties: Record<string, Record<string, unknown>> };

/** What of the documented invocations is different from server to server: the words for kinds, and their options. */
export function describeKinds(schemas: Record<string, unknown>, kinds: readonly Kind[]): void {
  const { InvocationInput, OptionsInput, Options } = schemas as Record<string, Schema>;
  const words = kinds.map(({ kind }) => kind).join(', ');
  const aliases = kinds.flatMap(({ aliases = [] }) => aliases).join(', ');
  const description = `One of ${words}${aliases && `, or an alias of one: ${aliases}`}`;
  Object.assign(InvocationInput?.properties.runtime_kind ?? {}, { description });
  for (const kind of kinds) {
    const key = optionKeyOf(kind);
    if (key === null) continue;
    const name = `${capitalized(key)}Options`;
    const { $schema: _, ...schema } = optionsSchemaOf(kind);
    schemas[name] = schema;
    for (const options of [OptionsInput, Options])
      if (options) options.properties[key] = { $ref: `#/components/schemas/${name}` };
  }
  // A stored invocation may have options of a kind that the server no longer has.
  if (OptionsInput) OptionsInput.additionalProperties = false;
}

/** `http_async` is HttpAsync. */
function capitalized(key: string): string {
  const words = key.split(/[^A-Za-z0-9]+/);
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
