/** How long output is waited for after the leader has gone while others hold its pipes. */
export const DRAIN_MS = 180;
export const DRAIN_STOPPED_MS = 60;
/** How often a group whose leader has gone is looked at while it has its grace. */
export const GROUP_LOOK_MS = 10;
