import { z } from 'zod';

/** `name`: the newest version of an environment spec at that moment; `name@3`: this one. */
export const SpecReference = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}(@[1-9]\d{0,8})?$/, {
  error: 'must be the name of an environment spec, or name@version',
});
