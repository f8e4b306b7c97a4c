import { startGateway } from './gateway-subject.ts';
import { getRequest } from './connection.ts';
import { mustAllBe, run } from './load.ts';
import { agents, boundPayment, type Offer } from './signing.ts';
import { type Bench, newDirectory, offerOf, TARGET, type Upstream } from './subject.ts';
import { rm } from 'node:fs/promises';

/** Fresh processes of a measurement. */
const STARTS = 5;
/** Milliseconds until a started process is idle. */
const QUIET_MS = 300;

/** Signs for the gateway of another process what this one offered. */
const offerAt = (offer: Offer, from: string, to: string): Offer =>
  JSON.parse(JSON.stringify(offer).replaceAll(from, to)) as Offer;

/**
 * Measures the first bound call of fresh processes, which have answered nothing before: milliseconds of CPU of the whole process until its
 * answer. Another process has prepared the accounts, one for each start, and shown the offer.
 */
export const measureFirstCalls = async (
  bench: Bench,
  upstream: Upstream,
): Promise<readonly number[]> => {
  const directory = newDirectory(bench.workspace, 'first-call');
  const payers = agents(STARTS);
  const times: number[] = [];
  try {
    const before = await startGateway(bench, upstream, { directory });
    const offer = await offerOf(before);
    await before.seed(payers);
    await before.stop();
    for (const payer of payers) {
      const gateway = await startGateway(bench, upstream, { directory });
      try {
        const { audience, port } = gateway;
        const request = { audience, tool: 'lookup', target: TARGET };
        const payment = boundPayment(payer, offerAt(offer, before.audience, audience), request);
        await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
        const lane = [getRequest(port, TARGET, { 'PAYMENT-SIGNATURE': payment })];
        const measured = mustAllBe(await run(port, [lane], gateway), 200, 'first call');
        times.push(measured.cpuUntilAnswered / 1_000);
      } finally {
        await gateway.stop();
      }
    }
    return times;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
