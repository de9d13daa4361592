import type { Schema } from './schema-type.ts';

export interface Operation {
  operationId: string;
  parameters?: { in: string; name: string; required?: boolean; description?: string; schema: Schema }[];
  requestBody?: { content: Content };
  responses: { [status: string]: { content?: Content } };
}
interface Content {
  [mediaType: string]: { schema: Schema };
}
interface Paths {
  [path: string]: { [method: string]: Operation };
}
export interface OpenApi {
  components: { schemas: { [name: string]: Schema } };
  paths: Paths;
}

const JSON_TYPE = 'application/json';

export const operationsOf = (paths: Paths): Operation[] =>
  Object.values(paths).flatMap((methods) => Object.values(methods));

/** What may stand in its query, as an object; undefined: nothing may. */
export function queryOf({ parameters = [] }: Operation): Schema | undefined {
  const asked = parameters.filter((parameter) => parameter.in === 'query');
  if (asked.length === 0) return undefined;
  return {
    type: 'object',
    properties: Object.fromEntries(
      asked.map(({ name, schema, description }) => [
        name,
        { ...schema, ...(description && { description }) },
      ]),
    ),
    required: asked.filter(({ required }) => required).map(({ name }) => name),
  };
}

/** The JSON that is sent. */
export const bodyOf = ({ requestBody }: Operation): Schema | undefined =>
  requestBody?.content[JSON_TYPE]?.schema;

/** The JSON that answers. */
export function answerOf({ responses }: Operation): Schema | undefined {
  return Object.entries(responses).find(
    ([status, { content }]) => status.startsWith('2') && content?.[JSON_TYPE],
  )?.[1].content?.[JSON_TYPE]?.schema;
}
