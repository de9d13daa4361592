import { type Kind, optionKeyOf, optionsSchemaOf } from '../../src/documents/kind.ts';

type Schema = Record<string, unknown> & { properties: Record<string, Record<string, unknown>> };

/** What of the documented invocations is different from server to server: the words for kinds, and their options. */
export function describeKinds(schemas: Record<string, unknown>, kinds: readonly Kind[]): void {
  const { InvocationInput, EnvironmentSpecInput, StoredEnvironmentSpec } = schemas as Record<string, Schema>;
  const { OptionsInput, Options } = schemas as Record<string, Schema>;
  const { SpecOptionsInput, SpecOptions, SessionOptionsInput } = schemas as Record<string, Schema>;
  const words = kinds.map(({ kind }) => kind).join(', ');
  const aliases = kinds.flatMap(({ aliases = [] }) => aliases).join(', ');
  const description = `One of ${words}${aliases && `, or an alias of one: ${aliases}`}`;
  for (const schema of [EnvironmentSpecInput, StoredEnvironmentSpec])
    Object.assign(schema?.properties.runtime_kind ?? {}, { description });
  Object.assign(InvocationInput?.properties.runtime_kind ?? {}, {
    description: `${description}; may be absent where options name an environment spec or a session, which have one`,
  });
  for (const kind of kinds) {
    const key = optionKeyOf(kind);
    if (key === null) continue;
    const name = `${capitalized(key)}Options`;
    const { $schema: _, ...schema } = optionsSchemaOf(kind);
    schemas[name] = schema;
    for (const options of [OptionsInput, Options])
      if (options) options.properties[key] = { $ref: `#/components/schemas/${name}` };
    // What a spec or a session leaves out may come with an invocation.
    const { required: _required, ...partial } = schema;
    schemas[`Spec${name}`] = partial;
    for (const options of [SpecOptionsInput, SpecOptions, SessionOptionsInput])
      if (options) options.properties[key] = { $ref: `#/components/schemas/Spec${name}` };
  }
  // A stored invocation may have options of a kind that the server no longer has.
  for (const options of [OptionsInput, SpecOptionsInput, SessionOptionsInput])
    if (options) options.additionalProperties = false;
}

/** `http_async` is HttpAsync. */
function capitalized(key: string): string {
  const words = key.split(/[^A-Za-z0-9]+/);
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
