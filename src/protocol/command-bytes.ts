/** 4 MiB: about two thousand ordinary commands a day, and 1.5 GB a year. */
const DEFAULT = 4 * 1_048_576;
/** One command may write this much, so a lower limit would reject well-formed commands. */
export const MIN_COMMAND_BYTES = 1_048_576;
export const MAX_COMMAND_BYTES = 1_073_741_824;

/** Reads `COMMAND_BYTES_PER_DAY`: bytes of log that the commands of one account may write in a day; 4 MiB when empty. */
export const parseCommandBytes = (text: string): number | undefined => {
  if (text === '') return DEFAULT;
  const bytes = /^[1-9][0-9]{0,10}$/.test(text) ? Number(text) : 0;
  return bytes >= MIN_COMMAND_BYTES && bytes <= MAX_COMMAND_BYTES ? bytes : undefined;
};
