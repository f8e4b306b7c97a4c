import { type RunningServer, serveLoopback } from '../../../dev/stack/loopback.ts';

/** Receives the purchase number of each tool run before the upstream answers. */
export type Runs = (number: number) => Promise<void>;

/** Starts an upstream that answers `/echo/…` with the purchase number, and everything else with 404. */
export const startUpstreamOf = async (runs: Runs): Promise<RunningServer> =>
  await serveLoopback({
    handler: async (request) => {
      const { pathname } = new URL(request.url);
      const number = Number(pathname.split('/').at(-1));
      await runs(number);
      return pathname.startsWith('/echo/')
        ? Response.json({ number })
        : Response.json({ error: 'nothing here' }, { status: 404 });
    },
  });
