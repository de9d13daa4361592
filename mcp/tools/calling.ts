import { z } from 'zod';
import { TOOLS } from './all.ts';
import { failureText } from './failure.ts';
import type { Answer, Call, Tool } from './tool.ts';

/** A tool as it is told to a client. */
export interface ToldTool {
  [name: string]: unknown;
  name: string;
  title: string;
  description: string;
  inputSchema: { type: 'object' };
  outputSchema: { type: 'object' };
  annotations: { [hint: string]: boolean };
  /** Of the revision 2025-11-25: may the call be a task. */
  execution?: { taskSupport: 'optional' };
}

/** Result of a tool call. */
export interface ToolResult {
  [name: string]: unknown;
  content: { type: 'text'; text: string }[];
  structuredContent?: { [name: string]: unknown };
  isError?: boolean;
}

const byName = new Map(TOOLS.map((tool) => [tool.name, tool]));
export const toolNamed = (name: string): Tool | undefined => byName.get(name);

let told: ToldTool[] | null = null;

export function toldTools(): ToldTool[] {
  told ??= TOOLS.map(
    ({ name, title, description, readOnly, destructive, idempotent, openWorld, input, output }) => ({
      name,
      title,
      description,
      inputSchema: schemaOf(input, 'input'),
      outputSchema: schemaOf(output, 'output'),
      annotations: {
        readOnlyHint: readOnly === true,
        destructiveHint: destructive === true,
        idempotentHint: idempotent === true,
        openWorldHint: openWorld === true,
      },
      ...(name === 'run' && { execution: { taskSupport: 'optional' as const } }),
    }),
  );
  return told;
}

/** Without what goes without saying: the dialect, and how far whole numbers are exact. */
function schemaOf(schema: z.ZodObject, io: 'input' | 'output'): { type: 'object' } {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema }) => {
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return json as { type: 'object' };
}

/** Does what a tool does. What cannot be done is told in the result; throws where the call is given up, and what is our own fault. */
export async function callTool(tool: Tool, given: unknown, call: Call): Promise<ToolResult> {
  const input = inputOf(tool, given);
  return input.ok
    ? guarded(call.signal, async () => resultOf(await tool.act(input.value, call)))
    : failed(input.faults);
}

/** What comes of it, or why it cannot be done. */
export async function guarded<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T | ToolResult> {
  try {
    return await act();
  } catch (error) {
    signal.throwIfAborted();
    const words = failureText(error);
    if (words === null) throw error;
    return failed(words);
  }
}

/** The input of a tool, or what is wrong with it. */
export function inputOf<T extends z.ZodObject>(
  { input }: Pick<Tool<T>, 'input'>,
  given: unknown,
): { ok: true; value: z.infer<T> } | { ok: false; faults: string } {
  const parsed = input.safeParse(given ?? {});
  return parsed.success ? { ok: true, value: parsed.data } : { ok: false, faults: inputFaults(parsed.error) };
}

export const resultOf = ({ text, facts, isError }: Answer): ToolResult => ({
  content: [{ type: 'text', text }],
  structuredContent: { ...facts },
  ...(isError && { isError }),
});

export const failed = (text: string): ToolResult => ({ content: [{ type: 'text', text }], isError: true });

function inputFaults({ issues }: z.ZodError): string {
  const faults = issues
    .slice(0, 20)
    .flatMap(({ path, message, ...issue }) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.slice(0, 20).map((key) => `${[...path, key].join('.')}: there is no such field`)
        : [`${path.join('.') || 'input'}: ${message}`],
    );
  return ['The input is not valid [invalid_input]', ...faults].join('\n').slice(0, 4000);
}
