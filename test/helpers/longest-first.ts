import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The parts whose files take minutes come first, so that at the end of a run no worker waits for a long one. */
const PARTS = ['faults', 'kinds', 'core'];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ project }: TestSpecification): number => PARTS.indexOf(project.name);
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
