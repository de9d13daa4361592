import type { RunContext } from '../../src/contract/context.ts';
import { type SecretForm, secretForms } from '../../src/outbound/secret-forms.ts';

/** Every form in which a signed address, or what signs it, was sent or may come back. */
export function formsOfAddresses({ signedAddresses }: Pick<RunContext, 'signedAddresses'>): SecretForm[] {
  return secretForms(
    signedAddresses.flatMap((address) => {
      const { search, searchParams } = new URL(address);
      return [address, search.slice(1), ...searchParams.getAll('signature')];
    }),
  );
}
