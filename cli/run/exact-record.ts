import type { Fetch, RunRecord } from '../../client/runwire.ts';
import type { Server } from '../process/server.ts';

/** Numbers in JSON whose digits stay as they came: https://tc39.es/proposal-json-parse-with-source/ */
const json = JSON as typeof JSON & { rawJSON(text: string): unknown };

/** The record of a run. Numbers that JavaScript cannot hold are written again as they came, and are no numbers here. */
export async function exactRecord(server: Server, id: string): Promise<RunRecord> {
  let text = '';
  const keeping: Fetch = async (address, asking) => {
    const response = await fetch(address, asking);
    text = await response.text();
    return new Response(text, response);
  };
  await server.over(keeping).attach(id).refresh();
  const exact = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' && context?.source !== undefined && String(value) !== context.source
      ? json.rawJSON(context.source)
      : value;
  return JSON.parse(text, exact) as RunRecord;
}
