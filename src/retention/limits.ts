import type { RetentionLimits } from './retention.ts';

/** A bound, null for none, or what is the default of the data directory. */
export type RetentionSetting = number | null | 'default';

export interface RetentionSettings {
  retentionSeconds: RetentionSetting;
  retentionCount: RetentionSetting;
  retentionBytes: RetentionSetting;
}

/** Their records are some 300 MB, where they are small. */
const DEFAULT_COUNT = 100_000;
/** Of the file system: it is hardly the server's alone. */
const DEFAULT_SHARE = 1 / 4;

/**
 * What is in force. `defaults`: the number of those of the data directory (disk/made-with.ts); with 0 nothing is bounded
 * that nobody bounds. `diskBytes`: the size of its file system, null where that is not known. Age alone is no reason
 * to remove what there is room for.
 */
export function limitsInForce(
  { retentionSeconds, retentionCount, retentionBytes }: RetentionSettings,
  defaults: number,
  diskBytes: number | null,
): Required<{ [Limit in keyof RetentionLimits]: number | null }> {
  const or = (setting: RetentionSetting, preset: number | null): number | null =>
    setting !== 'default' ? setting : defaults === 0 ? null : preset;
  const share = diskBytes === null ? null : Math.floor(diskBytes * DEFAULT_SHARE);
  return {
    seconds: or(retentionSeconds, null),
    count: or(retentionCount, DEFAULT_COUNT),
    bytes: or(retentionBytes, share),
  };
}
