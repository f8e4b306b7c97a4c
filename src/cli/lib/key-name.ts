import { usageError } from './errors.ts';

const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;

/** Identities of a local stack (`.dev/stack.json`). A key with such a name would be ambiguous. */
const RESERVED = /^(operator|owner|agent[0-9]{0,2})$/;

export const isKeyName = (text: string): boolean => NAME.test(text);

/**
 * The name of a new key or fleet. The error does not repeat a malformed name: it may be a private key pasted into the wrong place.
 *
 * @throws CliError usage
 */
export const newKeyName = (text: string | undefined): string => {
  if (text === undefined || !isKeyName(text)) {
    throw usageError(
      'That is not a valid name for a key.',
      'Use 1 to 32 of a-z 0-9 _ -, starting with a letter or digit. Never pass a private key as an argument.',
    );
  }
  if (RESERVED.test(text)) {
    throw usageError(
      `The name ${text} is reserved for an identity of a local stack.`,
      'Choose another name.',
    );
  }
  return text;
};
