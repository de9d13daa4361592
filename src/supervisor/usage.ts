import type { Usage } from '../documents/outcome.ts';

/** Of programs that ran one after the other: their time together, and the peak of the largest that is known. Null: one was not counted. */
export function joinedUsage(one: Usage | null, other: Usage | null): Usage | null {
  if (one === null || other === null) return null;
  const peaks = [one.max_rss_bytes, other.max_rss_bytes].filter((bytes) => bytes !== null);
  return {
    cpu_user_ms: one.cpu_user_ms + other.cpu_user_ms,
    cpu_system_ms: one.cpu_system_ms + other.cpu_system_ms,
    max_rss_bytes: peaks.length === 0 ? null : Math.max(...peaks),
  };
}
