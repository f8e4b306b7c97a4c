import { type RunningServer, serveLoopback } from '../../../dev/stack/server.ts';

/** Told of each run of a tool before it is answered, by the number of its purchase. */
export type Runs = (number: number) => Promise<void>;

/** Tools that say what they were asked; below `/nothing` there is none. */
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
