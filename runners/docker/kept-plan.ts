import type { ProgramPlan } from './keeper/words.ts';

/** A program, and where in a kept container it is started. */
export interface KeptProgramPlan extends ProgramPlan {
  container: string;
  user: string;
  environment: Readonly<Record<string, string>>;
  workingDirectory: string;
}
