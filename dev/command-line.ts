/** Parses a whole number from the command line. @throws Error that names the flag. */
export const wholeNumber = (
  flag: string,
  text: string,
  least = 1,
  most = Number.MAX_SAFE_INTEGER,
): number => {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const range =
    most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new Error(`--${flag} takes a whole number ${range}, not '${text}'`);
};

/** Parses the command line. Prints a wrong flag with the usage, and exits with 2. */
export const flagsOrExit = <T>(usage: string, parse: () => T): T => {
  try {
    return parse();
  } catch (error) {
    console.error(`${(error as Error).message}\n\nUsage: ${usage}`);
    process.exit(2);
  }
};

/** Returns a function that prints lines with the seconds since this call. */
export const startProgress = (): ((line: string) => void) => {
  const began = performance.now();
  return (line) => {
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.log(`${seconds.padStart(5)} s  ${line}`);
  };
};
