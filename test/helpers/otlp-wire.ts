/** A span as a collector has it. Times in ns since the epoch. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  traceState: string;
  name: string;
  kind: number;
  from: bigint;
  to: bigint;
  attributes: Record<string, unknown>;
  events: { name: string; at: bigint; attributes: Record<string, unknown> }[];
  status: { code: number; message: string };
  resource: Record<string, unknown>;
}

type Field = bigint | Buffer;
type Message = Map<number, Field[]>;

/** opentelemetry/proto/collector/trace/v1: ExportTraceServiceRequest, by the numbers of its fields. */
export function readProtobuf(body: Buffer): ReceivedSpan[] {
  return messages(fieldsOf(body), 1).flatMap((ofResource) => {
    const resource = messages(ofResource, 1).map((fields) => attributes(fields, 1))[0] ?? {};
    return messages(ofResource, 2).flatMap((ofScope) =>
      messages(ofScope, 2).map((span): ReceivedSpan => {
        const status = messages(span, 15)[0] ?? new Map();
        return {
          traceId: bytes(span, 1).toString('hex'),
          spanId: bytes(span, 2).toString('hex'),
          traceState: bytes(span, 3).toString(),
          parentSpanId: bytes(span, 4).toString('hex'),
          name: bytes(span, 5).toString(),
          kind: Number(number(span, 6)),
          from: number(span, 7),
          to: number(span, 8),
          attributes: attributes(span, 9),
          events: messages(span, 11).map((event) => ({
            at: number(event, 1),
            name: bytes(event, 2).toString(),
            attributes: attributes(event, 3),
          })),
          status: { message: bytes(status, 2).toString(), code: Number(number(status, 3)) },
          resource,
        };
      }),
    );
  });
}

function fieldsOf(body: Buffer): Message {
  const fields: Message = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(body[at++] ?? 0);
      value |= (byte & 127n) << shift;
      if (byte < 128n) return value;
    }
  };
  const take = (length: number): Buffer => {
    at += length;
    return body.subarray(at - length, at);
  };
  while (at < body.length) {
    const tag = varint();
    const wire = Number(tag & 7n);
    const value =
      wire === 0
        ? varint()
        : wire === 1
          ? take(8).readBigUInt64LE()
          : wire === 2
            ? take(Number(varint()))
            : BigInt(take(4).readUInt32LE());
    const number = Number(tag >> 3n);
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

const bytes = (fields: Message, number: number): Buffer =>
  (fields.get(number)?.[0] as Buffer | undefined) ?? Buffer.alloc(0);
const number = (fields: Message, field: number): bigint =>
  (fields.get(field)?.[0] as bigint | undefined) ?? 0n;
const messages = (fields: Message, number: number): Message[] =>
  (fields.get(number) ?? []).map((field) => fieldsOf(field as Buffer));

function attributes(fields: Message, number: number): Record<string, unknown> {
  return Object.fromEntries(
    messages(fields, number).map((pair) => [
      bytes(pair, 1).toString(),
      value(messages(pair, 2)[0] ?? new Map()),
    ]),
  );
}

function value(any: Message): unknown {
  const [field, [found] = []] = [...any][0] ?? [0, []];
  if (field === 1) return String(found);
  if (field === 2) return found === 1n;
  if (field === 3) return Number(found);
  const double = Buffer.alloc(8);
  double.writeBigUInt64LE(BigInt(found as bigint));
  return double.readDoubleLE();
}
