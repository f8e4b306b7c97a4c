import { usageError } from './errors.ts';

const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;

/** The people of `.dev/stack.json`: a key of such a name would be taken for them. */
const OF_THE_STACK = /^(operator|owner|agent[0-9]{0,2})$/;

export const isKeyName = (text: string): boolean => NAME.test(text);

/** Whether a name stands for somebody of a local stack. */
export const isStackName = (text: string): boolean => OF_THE_STACK.test(text);

/** A name for something new. What was given is not repeated: it may be a key, pasted into the wrong place. @throws CliError */
export const mustBeKeyName = (text: string | undefined): string => {
  if (text === undefined || !isKeyName(text)) {
    throw usageError(
      'That is no name for a key.',
      'Use 1 to 32 of a-z 0-9 _ -, beginning with a letter or digit. A private key is never an argument.',
    );
  }
  if (isStackName(text)) {
    throw usageError(
      `The name ${text} stands for somebody of a local stack.`,
      'Choose another name.',
    );
  }
  return text;
};
