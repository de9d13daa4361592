import type { Hands } from '../snapshots/hands.ts';

export type { Captured, TreeJob } from '../snapshots/hands.ts';

/** What workspaces need of hands. */
export type TreeHands = Pick<
  Hands,
  'capture' | 'restore' | 'copy' | 'count' | 'sweep' | 'holding' | 'entries' | 'find'
>;
