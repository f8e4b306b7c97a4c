/** Limits concurrent reads of many rows: the gateway limits requests of one client, and a browser opens six connections a host. */
const MOST_AT_ONCE = 6;

let running = 0;
const waiting: (() => void)[] = [];

const takePlace = async (): Promise<void> => {
  if (running >= MOST_AT_ONCE) return await new Promise((resolve) => waiting.push(resolve));
  running += 1;
};

/** Race: a place that was free for a moment could be taken twice. Pass it directly to the next waiting read, without changing `running`. */
const leavePlace = (): void => {
  const next = waiting.shift();
  if (next === undefined) running -= 1;
  else next();
};

/** Runs a read when fewer than six others run, in the order of the calls. A read that was aborted while it waited does not run. */
export const queueRead = async <T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> => {
  await takePlace();
  try {
    signal.throwIfAborted();
    return await read();
  } finally {
    leavePlace();
  }
};
