import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import artifactDescriptor from '../fixtures/rxp/artifact-descriptor.json' with { type: 'json' };
import runtimeInvocation from '../fixtures/rxp/runtime-invocation.json' with { type: 'json' };
import runtimeResult from '../fixtures/rxp/runtime-result.json' with { type: 'json' };
import type { BuiltApp } from './build-app.ts';

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
ajv.addSchema(artifactDescriptor);

/** The documents of RxP 0.1, as its consumers read them: every field, no others. */
export const RXP = {
  invocation: ajv.compile(runtimeInvocation),
  result: ajv.compile(runtimeResult),
  artifact: ajv.compile(artifactDescriptor),
};

export function expectRxp(document: unknown, validate: ValidateFunction): void {
  const valid = validate(document);
  expect(valid, `${JSON.stringify(validate.errors)} ${JSON.stringify(document)}`).toBe(true);
}

/** Every RxP document that a server shows of a finished run: invocation, result, descriptors, wherever they are. */
export async function expectRxpDocuments({ app }: Pick<BuiltApp, 'app'>, id: string): Promise<void> {
  const read = async (path: string): Promise<unknown> => {
    const answer = await app.inject(`/invocations/${encodeURIComponent(id)}${path}`);
    expect(answer.statusCode, answer.body).toBe(200);
    return answer.json();
  };
  expectRxp(await read('/invocation'), RXP.invocation);
  const result = await read('/result');
  expectRxp(result, RXP.result);
  expect(await read('')).toMatchObject({ result });
  for (const artifact of ((await read('/artifacts')) as { items: unknown[] }).items)
    expectRxp(artifact, RXP.artifact);
}
