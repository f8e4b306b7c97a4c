import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildWorker } from '../worker-modules.ts';
import { getRequest, headersOf, openConnection } from './connection.ts';
import { startGateway } from './gateway-subject.ts';
import { deal, type Figures, figuresOf, type Measured, mustAllBe, run } from './load.ts';
import { agents, type Offer, vanillaPayment } from './signing.ts';
import { type Bench, newDirectory, type Upstream } from './subject.ts';

/** Cost of a paid call that is answered by a stream, with and without a meter. */
export type Streamed = {
  readonly events: number;
  readonly fixed: Figures;
  readonly metered: Figures;
};

const AGENTS = 100;
const WARM_UP = 200;
const BLOCKS = 8;
/** Calls of a block, by the number of events in their streams. */
const LENGTHS = { 100: 100, 1000: 20 } as const;

const MAX = '$0.001';

/** Both tools answer the same stream and cost the same: its usage costs the maximum. */
const shared = {
  method: 'GET',
  description: 'A stream.',
  settlement: 'deferred',
  streamSeconds: 60,
};
const TOOLS = [
  { ...shared, id: 'fixed', path: '/tools/fixed', upstream: '/stream', price: MAX },
  {
    ...{ ...shared, id: 'metered', path: '/tools/metered', upstream: '/stream' },
    price: {
      max: MAX,
      meter: { usage: 'openai', rates: { output_tokens: MAX }, missing: 'max' },
    },
  },
];

/** Measures streamed calls with and without a meter, in alternating blocks of one process. */
export const measureStreams = async (
  bench: Bench,
  upstream: Upstream,
): Promise<readonly Streamed[]> => {
  const directory = newDirectory(bench.workspace, 'streams');
  const toolsFile = join(directory, 'tools.json');
  writeFileSync(toolsFile, JSON.stringify({ tools: TOOLS }));
  const worker = await buildWorker(join(directory, 'gateway'), undefined, toolsFile);
  const bundles = { ...bench.bundles, gateway: worker };
  const gateway = await startGateway({ ...bench, bundles }, upstream);
  try {
    const payers = agents(AGENTS);
    await gateway.seed(payers);
    const send = async (tool: string, events: number, count: number): Promise<Measured> => {
      const target = `/tools/${tool}?events=${events}`;
      const offer = await offerAt(gateway.port, target);
      const requests = Array.from({ length: count }, (_, at) => payers[at % AGENTS]).flatMap(
        (agent) =>
          agent === undefined
            ? []
            : getRequest(gateway.port, target, {
                'PAYMENT-SIGNATURE': vanillaPayment(agent, offer),
              }),
      );
      return mustAllBe(await run(gateway.port, deal(requests, AGENTS, 1), gateway), 200, tool);
    };
    const all: Streamed[] = [];
    for (const [events, count] of Object.entries(LENGTHS)) {
      const fixed: Measured[] = [];
      const metered: Measured[] = [];
      for (const tool of ['fixed', 'metered']) await send(tool, Number(events), WARM_UP);
      for (let block = 0; block < BLOCKS; block += 1) {
        const pair = [
          async () => fixed.push(await send('fixed', Number(events), count)),
          async () => metered.push(await send('metered', Number(events), count)),
        ];
        // Settlements and exports of one block run into the next, so each comes first in half of the pairs.
        for (const next of block % 2 === 0 ? pair : pair.toReversed()) await next();
      }
      all.push({
        events: Number(events),
        fixed: figuresOf(fixed),
        metered: figuresOf(metered),
      });
    }
    return all;
  } catch (cause) {
    throw new Error(`streams: ${gateway.output()}`, { cause });
  } finally {
    await gateway.stop();
  }
};

const offerAt = async (port: number, target: string): Promise<Offer> => {
  const connection = await openConnection(port);
  const { status, head } = await connection.send(getRequest(port, target, {}));
  connection.close();
  const offer = headersOf(head).get('payment-required');
  if (status !== 402 || offer === undefined) throw new Error(`${target} answered ${status}`);
  return JSON.parse(Buffer.from(offer, 'base64').toString()) as Offer;
};

/** Describes the cost of a meter in one sentence. */
export const streamsLine = (all: readonly Streamed[]): string =>
  `The same paid stream at a fixed price and with a meter: ${all
    .map(({ events, fixed, metered }) => {
      const [without, with_] = [fixed.cpuPerRequest.median, metered.cpuPerRequest.median];
      const share = ((with_ / without - 1) * 100).toFixed(1);
      const perEvent = ((with_ - without) / events).toFixed(2);
      return `${events} events ${without.toFixed(0)} and ${with_.toFixed(0)} µs of CPU (${share} %, ${perEvent} µs an event)`;
    })
    .join('; ')}.`;
