import { isRxpKind, type RxpKind } from '../documents/rxp-kind.ts';
import { parseJson } from '../platform/json-parse.ts';

/** Everything in front of the kind, as results have always been written. */
const HEAD =
  /^\{"schema_version":"0\.1","contract_kind":"runtime_result","invocation_id":"(?:[^"\\]|\\.)*","runtime_name":"(?:[^"\\]|\\.)*","runtime_kind":"/;

/** Words that earlier releases wrote into results: those that were sent. All others are of kinds that RxP does not know. */
const EARLIER: ReadonlyMap<string, RxpKind> = new Map([
  ['docker', 'container'],
  ['async_http', 'http_async'],
  ['async-http', 'http_async'],
]);

/** A stored result in the words of RxP, whichever release stored it. */
export function inRxpWords(result: string): string {
  const head = HEAD.exec(result)?.[0];
  if (head === undefined) return result;
  const end = /(?:[^"\\]|\\.)*/y;
  end.lastIndex = head.length;
  const word = parseJson(`"${end.exec(result)?.[0]}"`) as string;
  if (isRxpKind(word)) return result;
  return head + (EARLIER.get(word) ?? 'unknown') + result.slice(end.lastIndex);
}

/** The same of a row that may have one. */
export function rowInRxpWords<Row extends { result: string | null }>(row: Row): Row {
  if (row.result !== null) row.result = inRxpWords(row.result);
  return row;
}
