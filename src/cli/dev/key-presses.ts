const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

/** Calls back with each key that is pressed at the terminal; Ctrl-C and Ctrl-D are `q`. Does nothing without a terminal. */
export const listenForKeys = (
  stdin: NodeJS.ReadStream,
  onKey: (key: string) => void,
): { readonly stop: () => void } => {
  if (!stdin.isTTY) return { stop: () => undefined };
  const listen = (chunk: Buffer): void => {
    for (const key of chunk.toString()) onKey(key === CTRL_C || key === CTRL_D ? 'q' : key);
  };
  const stop = (): void => {
    stdin.off('data', listen);
    process.off('exit', stop);
    stdin.setRawMode(false);
    stdin.pause();
  };
  // Restore the mode: a terminal that stays in raw mode does not show what its user types.
  process.on('exit', stop);
  stdin.setRawMode(true);
  stdin.on('data', listen);
  stdin.resume();
  return { stop };
};
