import { expect, test } from 'vitest';
import { Delivery, newDelivery } from '../../../src/documents/delivery.ts';
import { Invocation } from '../../../src/documents/invocation.ts';
import { redactInvocation } from '../../../src/documents/redaction.ts';

const invocation = (on_finish?: { url: string; secret?: string }) =>
  Invocation.parse({
    schema_version: '0.1',
    contract_kind: 'runtime_invocation',
    invocation_id: 'a',
    runtime_name: 'n',
    runtime_kind: 'manual',
    working_directory: '/w',
    command: [],
    environment: {},
    timeout_seconds: null,
    input_payload_path: null,
    output_result_path: null,
    artifact_directory: null,
    metadata: {},
    options: { stdin: 'kept', ...(on_finish && { on_finish }) },
  });

test('the secret is replaced in a copy; the original and all else stay', () => {
  const original = invocation({ url: 'http://h/', secret: 's3cret' });
  const shown = redactInvocation(original);
  expect(shown.options).toEqual({ stdin: 'kept', on_finish: { url: 'http://h/', secret: '[redacted]' } });
  expect(original.options.on_finish?.secret).toBe('s3cret');
});

test('an invocation without a secret is given back as it is', () => {
  for (const one of [invocation(), invocation({ url: 'http://h/' })]) expect(redactInvocation(one)).toBe(one);
});

test('a new delivery has the secret beside the document, not in it', () => {
  const made = newDelivery(invocation({ url: 'http://h/', secret: 's3cret' }));
  expect(made?.secret).toBe('s3cret');
  expect(Delivery.parse(JSON.parse(made?.delivery ?? ''))).toMatchObject({
    url: 'http://h/',
    state: 'pending',
    attempts: 0,
  });
  expect(made?.delivery).not.toContain('s3cret');
  expect(newDelivery(invocation())).toBeUndefined();
});
