/** Returns a function that prints lines with the seconds since this call. */
export const startProgress = (): ((line: string) => void) => {
  const began = performance.now();
  return (line) => {
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.log(`${seconds.padStart(5)} s  ${line}`);
  };
};
