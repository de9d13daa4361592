import type { z } from 'zod';
import type { Runwire } from '../../client/runwire.ts';

/** What a call has to work with. */
export interface Call {
  rw: Runwire;
  /** Whoever asked does not wait any more: it ends no run. */
  signal: AbortSignal;
  /** Tells whoever asked that it goes on, if that is wanted. */
  progress: ((seconds: number, total: number, message: string) => void) | null;
}

/** What a model is told, and the same for programs. */
export interface Answer {
  text: string;
  facts: object;
  /** It could not be done: what is to be done next is in the text. */
  isError?: boolean;
}

/** One thing that a model can do. */
export interface Tool<Input extends z.ZodObject = z.ZodObject> {
  name: string;
  title: string;
  /** For the model that chooses it. */
  description: string;
  readOnly?: true;
  /** It takes away what is not made again. Default: it does not. */
  destructive?: true;
  /** What it does is not bounded by the server: it may reach anything. */
  openWorld?: true;
  /** Done twice it is as if done once. */
  idempotent?: true;
  input: Input;
  output: z.ZodObject;
  act(input: z.infer<Input>, call: Call): Promise<Answer>;
}

/** A tool whose words fit to its schema. */
export const tool = <Input extends z.ZodObject>(one: Tool<Input>): Tool => one as unknown as Tool;
