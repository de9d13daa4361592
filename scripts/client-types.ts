import { comment, key, type Schema, typeOf } from './schema-type.ts';

interface Operation {
  operationId: string;
  parameters?: { in: string; name: string; required?: boolean; description?: string; schema: Schema }[];
  requestBody?: { content: Content };
  responses: { [status: string]: { content?: Content } };
}
interface Content {
  [mediaType: string]: { schema: Schema };
}
export interface OpenApi {
  components: { schemas: { [name: string]: Schema } };
  paths: { [path: string]: { [method: string]: Operation } };
}

const JSON_TYPE = 'application/json';
const HEAD =
  '// Made from openapi.yaml by `npm run openapi`: what is wanted otherwise is changed in the schemas.\n\n';

/** client/openapi.ts: the documents of openapi.yaml, and by operation its query, its JSON body and its JSON answer. */
export function clientTypes({ components, paths }: OpenApi): string {
  const documents = Object.entries(components.schemas).map(
    ([name, schema]) => `${comment(schema.description, '')}export type ${name} = ${typeOf(schema)};\n\n`,
  );
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  return [
    ...[HEAD, ...documents],
    ...table('Queries', 'What may stand in the query, by operation.', operations, queryOf),
    ...table('Bodies', 'The JSON that is sent, by operation.', operations, bodyOf),
    ...table('Answers', 'The JSON that answers, by operation.', operations, answerOf),
  ]
    .join('')
    .trimEnd()
    .concat('\n');
}

function table(
  name: string,
  says: string,
  operations: Operation[],
  schemaOf: (operation: Operation) => Schema | undefined,
): string[] {
  const rows = operations.flatMap((operation) => {
    const schema = schemaOf(operation);
    return schema ? [`  ${key(operation.operationId)}: ${typeOf(schema, '  ')};\n`] : [];
  });
  return [`/** ${says} */\nexport interface ${name} {\n`, ...rows, '}\n\n'];
}

function queryOf({ parameters = [] }: Operation): Schema | undefined {
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

const bodyOf = ({ requestBody }: Operation): Schema | undefined => requestBody?.content[JSON_TYPE]?.schema;

function answerOf({ responses }: Operation): Schema | undefined {
  return Object.entries(responses).find(
    ([status, { content }]) => status.startsWith('2') && content?.[JSON_TYPE],
  )?.[1].content?.[JSON_TYPE]?.schema;
}
