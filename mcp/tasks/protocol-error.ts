import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { GoneError, InvalidError, NotFoundError } from '../../client/runwire.ts';
import { failureText } from '../tools/failure.ts';

/** What is done of a request; what cannot be done is thrown as an error of the protocol. */
export type Told = <T>(signal: AbortSignal, act: () => Promise<T>) => Promise<T>;

/** `onError`: is told what is our own fault, of which clients learn only that it is. */
export function telling(onError: (error: unknown) => void): Told {
  return async (signal, act) => {
    try {
      return await act();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ProtocolError) throw error;
      const words = failureText(error);
      if (words !== null) throw protocolError(error, words);
      onError(error);
      throw new ProtocolError(ProtocolErrorCode.InternalError, 'The request could not be answered.');
    }
  };
}

function protocolError(error: unknown, words: string): ProtocolError {
  const isTheirs =
    error instanceof NotFoundError || error instanceof GoneError || error instanceof InvalidError;
  return new ProtocolError(
    isTheirs ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError,
    words,
  );
}
