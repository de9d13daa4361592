/**
 * Replicate's predictions API (https://replicate.com/docs/reference/http): create a prediction, then poll it.
 * `url`, `body` and `auth` are the invocation's; paths are those of the host of `url`.
 */
export const replicate = {
  poll_url_template: '/v1/predictions/{run_id}',
  poll_run_id_path: 'id',
  poll_status_path: 'status',
  poll_terminal_states: ['succeeded', 'failed', 'canceled'],
  poll_success_states: ['succeeded'],
  output_path: 'output',
  log_path: 'logs',
  error_path: 'error',
  stream_url_path: 'urls.stream',
  cancel: { url_template: '/v1/predictions/{run_id}/cancel', method: 'POST' },
};
