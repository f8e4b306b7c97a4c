import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { serveLoopback } from '../stack/loopback.ts';
import { answerAsModel, modelScriptAt } from '../upstream/model-answer.ts';
import type { Run } from './upstream.ts';

/** How long a run takes, in milliseconds: at least, from one run to the next, and the whole range. */
const LEAST_MS = 100;
const STEP_MS = 137;
const SPREAD_MS = 600;

/**
 * The upstream of a storm as a program: `node upstream-program.ts PORT FILE`. It answers `/model/…` as a stand-in model that streams, and
 * everything else with 200. It writes each run to the file before it answers: a gateway that dies afterwards cannot hide the run.
 */
const [port, file] = process.argv.slice(2);
if (port === undefined || file === undefined) throw new Error('PORT and FILE are missing.');
let runs = 0;
await serveLoopback({
  port: Number(port),
  handler: async (request) => {
    const { pathname: path } = new URL(request.url);
    const { call } = decodeJwt(request.headers.get('x-agent-assertion') ?? '');
    runs += 1;
    const run: Run = { path, call: String(call) };
    appendFileSync(file, `${JSON.stringify(run)}\n`);
    // Runs of different length: whenever the gateway dies, some are under way.
    const lasts = LEAST_MS + ((runs * STEP_MS) % SPREAD_MS);
    if (path.startsWith('/model/'))
      return answerAsModel(modelScriptAt(path), async () => await pause(lasts));
    await pause(lasts);
    return Response.json({ path });
  },
});
