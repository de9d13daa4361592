import { answerOf, bodyOf, type OpenApi, type Operation, operationsOf, queryOf } from './operations.ts';
import { PythonTypes } from './python-type.ts';
import type { Schema } from './schema-type.ts';

const HEAD = `"""The documents of the server. Made from openapi.yaml by \`npm run openapi\`: what is wanted otherwise is changed in the schemas."""

from __future__ import annotations

from typing import Any, Literal, Never, NotRequired, TypeAlias, TypedDict
`;

/** clients/python/src/runwire/openapi.py: the documents of openapi.yaml, and by operation its query, its JSON body and its JSON answer. */
export function pythonTypes({ components, paths }: OpenApi): string {
  const types = new PythonTypes();
  for (const [name, schema] of Object.entries({ ...components.schemas, ...finished(components.schemas) }))
    types.add(name, schema);
  const operations = operationsOf(paths);
  for (const [ending, schemaOf] of [
    ['Query', queryOf],
    ['Body', (operation: Operation) => somethingOf(bodyOf(operation))],
    ['Answer', answerOf],
  ] as const)
    for (const operation of operations) {
      const schema = schemaOf(operation);
      if (schema) types.add(`${capital(operation.operationId)}${ending}`, schema);
    }
  return `${HEAD}${types.source()}`;
}

/** A record that has its result: what waiting gives. */
function finished({ Record: record }: { [name: string]: Schema }): { [name: string]: Schema } {
  if (record === undefined) return {};
  const properties = { ...(record.properties as { [name: string]: Schema }) };
  for (const name of ['result', 'outcome']) properties[name] = withoutNull(properties[name] ?? {});
  return { FinishedRecord: { ...record, properties, description: 'The record of a run that has finished' } };
}

/** What is sent, if something is. */
function somethingOf(schema: Schema | undefined): Schema | undefined {
  return schema?.anyOf === undefined ? schema : withoutNull(schema);
}

function withoutNull(schema: Schema): Schema {
  const choices = (schema.anyOf as Schema[] | undefined)?.filter(({ type }) => type !== 'null');
  if (choices?.length !== 1) throw new Error('it is no document or null');
  return choices[0] as Schema;
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
