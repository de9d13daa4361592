import { answerOf, bodyOf, type OpenApi, type Operation, operationsOf, queryOf } from './operations.ts';
import { comment, key, type Schema, typeOf } from './schema-type.ts';

const HEAD =
  '// Made from openapi.yaml by `npm run openapi`: what is wanted otherwise is changed in the schemas.\n\n';

/** client/openapi.ts: the documents of openapi.yaml, and by operation its query, its JSON body and its JSON answer. */
export function clientTypes({ components, paths }: OpenApi): string {
  const documents = Object.entries(components.schemas).map(
    ([name, schema]) => `${comment(schema.description, '')}export type ${name} = ${typeOf(schema)};\n\n`,
  );
  const operations = operationsOf(paths);
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
