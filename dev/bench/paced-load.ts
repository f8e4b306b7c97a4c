import { type Connection, openConnection } from './connection.ts';

/** How fast a load sends: connections, and requests a second at most. Without a pace each connection sends as fast as it is answered. */
export type Pace = { readonly connections: number; readonly perSecond?: number };

/** A running load. `stop` waits for the last answers and returns the seconds that the load ran. */
export type Load = { readonly stop: () => Promise<number> };

/** Opens connections and runs `send` on each of them at the pace, until `stop`. A late connection sends at once. */
export const startLoad = async (
  port: number,
  { connections, perSecond }: Pace,
  send: (connection: Connection, number: number) => Promise<void>,
): Promise<Load> => {
  const lanes = await Promise.all(Array.from({ length: connections }, () => openConnection(port)));
  const interval = perSecond === undefined ? 0 : (1_000 * connections) / perSecond;
  const began = performance.now();
  let stopped = false;
  let sent = 0;
  const working = Promise.all(
    lanes.map(async (connection, lane) => {
      for (let turn = 0; !stopped; turn += 1) {
        const due = began + (turn + lane / connections) * interval - performance.now();
        if (due > 0) await new Promise((resolve) => setTimeout(resolve, due));
        if (stopped) break;
        sent += 1;
        await send(connection, sent - 1);
      }
      connection.close();
    }),
  );
  // `stop` reports a failure; until then it must not count as unhandled.
  working.catch(() => {});
  return {
    stop: async () => {
      stopped = true;
      await working;
      return (performance.now() - began) / 1_000;
    },
  };
};
