/** As OTEL_TRACES_SAMPLER names them. */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
export type SamplerName = (typeof SAMPLERS)[number];
export const DEFAULT_SAMPLER: SamplerName = 'parentbased_always_on';
