import { address, codes, list, type MetadataKeys, number, REQUEST_KEYS, text } from '../wire/metadata.ts';

/** The RxP metadata keys of a job. */
export const JOB_KEYS: MetadataKeys = {
  ...REQUEST_KEYS,
  'http.poll_url_template': { field: 'poll_url_template', read: address },
  'http.poll_run_id_path': { field: 'poll_run_id_path', read: text },
  'http.poll_status_path': { field: 'poll_status_path', read: text },
  'http.poll_terminal_states': { field: 'poll_terminal_states', read: list },
  'http.poll_success_states': { field: 'poll_success_states', read: list },
  'http.poll_interval_seconds': { field: 'poll_interval_seconds', read: number },
  'http.poll_pending_codes': { field: 'poll_pending_codes', read: codes },
};
