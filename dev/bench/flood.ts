import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Address } from '../../src/core/hex.ts';
import { getRequest, openConnection } from './connection.ts';
import { type GatewaySubject, startGateway } from './gateway-subject.ts';
import { deal, type Measured, mustAllBe, run } from './load.ts';
import {
  agents,
  base64Json,
  boundPayment,
  type Offer,
  randomHex,
  signTransfer,
} from './signing.ts';
import { spread, type Spread } from './statistics.ts';
import { type Bench, newDirectory, offerOf, TARGET, type Upstream } from './subject.ts';

/**
 * A sender of invalid signatures: connections, and the mean pause of each after an answer. Pauses are random, because equal pauses would
 * synchronise the connections, and the bench would measure their queue.
 */
type Flooder = {
  readonly connections: number;
  readonly pauseMs: number;
  /** How often the paying agent is measured alone and during the flood. */
  readonly rounds: number;
};

/** Effect of a flood on a paying agent, in alternating rounds without and with the flood. */
export type Flooded = Flooder & {
  /** Answered invalid signatures a second. */
  readonly perSecond: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** CPU of the gateway's process for each invalid signature, in microseconds. */
  readonly cpuEach: number;
  readonly alone: Latency;
  readonly duringFlood: Latency;
  /** Databases of accounts that the flood created. */
  readonly accountsMade: number;
};

export type Latency = { readonly p50: Spread; readonly p99: Spread };

/**
 * The first flooder uses about a third of an isolate; the goal is that it at most doubles the 99th percentile. The second sends as fast
 * as the gateway answers: client, node and gateway share two cores, so its figures also measure the machine.
 */
const FLOODERS: readonly Flooder[] = [
  { connections: 4, pauseMs: 15, rounds: 3 },
  { connections: 4, pauseMs: 0, rounds: 2 },
];
const CALLS = 300;
const WARM_UP = 400;
/** Number of accounts in whose name the flood sends. A fast flood uses each several times. */
const CLAIMS = 20_000;

/** Builds payments in the name of random accounts with the signature of another key: the most expensive kind to reject. */
const forgeries = (port: number, offer: Offer): readonly Buffer[] => {
  const [stranger] = agents(1);
  const [accepted] = offer.accepts;
  if (stranger === undefined) throw new Error('There is no agent.');
  const { signature, ...authorization } = signTransfer(stranger, accepted.payTo as Address);
  return Array.from({ length: CLAIMS }, () => {
    const claimed = { ...authorization, from: randomHex(20), nonce: randomHex(32) };
    const payload = { signature, authorization: claimed };
    const payment = base64Json({ x402Version: 2, resource: offer.resource, accepted, payload });
    return getRequest(port, TARGET, { 'PAYMENT-SIGNATURE': payment });
  });
};

type Flood = { readonly statuses: Record<string, number>; readonly stop: () => Promise<void> };

const startFlood = async (
  port: number,
  { connections, pauseMs }: Flooder,
  next: () => Buffer,
): Promise<Flood> => {
  const statuses: Record<string, number> = {};
  let stopped = false;
  const lanes = await Promise.all(Array.from({ length: connections }, () => openConnection(port)));
  const working = lanes.map(async ({ send, close }) => {
    while (!stopped) {
      const { status } = await send(next());
      statuses[status] = (statuses[status] ?? 0) + 1;
      const pause = 2 * pauseMs * Math.random();
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    }
    close();
  });
  return {
    statuses,
    stop: async () => {
      stopped = true;
      await Promise.all(working);
    },
  };
};

/** Summarises the latency of blocks. */
export const latencyOf = (blocks: readonly Measured[]): Latency => ({
  p50: spread(blocks.map(({ p50 }) => p50)),
  p99: spread(blocks.map(({ p99 }) => p99)),
});

/** Sums the CPU of blocks, in microseconds. */
export const cpuOf = (blocks: readonly Measured[]): number =>
  blocks.reduce((all, { cpuPerRequest, requests }) => all + cpuPerRequest * requests, 0);

const databasesIn = async (directory: string): Promise<number> => {
  const files = await readdir(join(directory, 'storage'), { recursive: true });
  return files.filter((file) => file.endsWith('.sqlite')).length;
};

/** Sums counts by status. */
export const sum = (statuses: Readonly<Record<string, number>>): number =>
  Object.values(statuses).reduce((all, count) => all + count, 0);

const measureFlooder = async (
  gateway: GatewaySubject,
  directory: string,
  flooder: Flooder,
  calls: (count: number) => readonly Buffer[],
  next: () => Buffer,
): Promise<Flooded> => {
  const paying = async (): Promise<Measured> =>
    mustAllBe(await run(gateway.port, deal(calls(CALLS), 1, 1), gateway), 200, 'paying agent');
  const before = await databasesIn(directory);
  const blocks: { readonly alone: Measured[]; readonly duringFlood: Measured[] } = {
    alone: [],
    duringFlood: [],
  };
  const statuses: Record<string, number> = {};
  let seconds = 0;
  for (let round = 0; round < flooder.rounds; round += 1) {
    blocks.alone.push(await paying());
    const flood = await startFlood(gateway.port, flooder, next);
    const began = performance.now();
    blocks.duringFlood.push(await paying());
    await flood.stop();
    seconds += (performance.now() - began) / 1_000;
    for (const [status, count] of Object.entries(flood.statuses)) {
      statuses[status] = (statuses[status] ?? 0) + count;
    }
  }
  return {
    ...flooder,
    perSecond: sum(statuses) / seconds,
    statuses,
    cpuEach: (cpuOf(blocks.duringFlood) - cpuOf(blocks.alone)) / sum(statuses),
    alone: latencyOf(blocks.alone),
    duringFlood: latencyOf(blocks.duringFlood),
    accountsMade: (await databasesIn(directory)) - before,
  };
};

export const shown = ({ median, min, max }: Spread): string =>
  `${median.toFixed(1)} (${min.toFixed(1)}–${max.toFixed(1)})`;

/** p99 of the paying agent during the flood, divided by its p99 without: less is better. */
export const slowdown = ({ alone, duringFlood }: Flooded): number =>
  duringFlood.p99.median / alone.p99.median;

/** Describes the effect of a flood in one sentence. */
export const floodLine = (flooded: Flooded): string => {
  const { connections, pauseMs, perSecond, statuses, cpuEach, alone, duringFlood, accountsMade } =
    flooded;
  const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
  return (
    `A flood of ${perSecond.toFixed(0)} invalid signatures a second in the name of different accounts (${connections} connections, ` +
    `${pauseMs} ms pause after an answer; ${answers.join(', ')}; ${cpuEach.toFixed(0)} µs of CPU each). One paying agent: p50 ${shown(alone.p50)} → ` +
    `${shown(duringFlood.p50)} ms, p99 ${shown(alone.p99)} → ${shown(duringFlood.p99)} ms, a factor of ${slowdown(flooded).toFixed(2)}. ` +
    `Accounts created: ${accountsMade}.`
  );
};

/** Measures a paying agent without and with a flood of invalid signatures. */
export const measureFlood = async (
  bench: Bench,
  upstream: Upstream,
): Promise<readonly Flooded[]> => {
  const directory = newDirectory(bench.workspace, 'flood');
  const gateway = await startGateway(bench, upstream, { directory });
  try {
    const offer = await offerOf(gateway);
    const [, payer] = agents(2);
    if (payer === undefined) throw new Error('There is no agent.');
    await gateway.seed([payer]);
    const request = { audience: gateway.audience, tool: 'lookup', target: TARGET };
    const calls = (count: number): readonly Buffer[] =>
      Array.from({ length: count }, () =>
        getRequest(gateway.port, TARGET, {
          'PAYMENT-SIGNATURE': boundPayment(payer, offer, request),
        }),
      );
    const forged = forgeries(gateway.port, offer);
    let at = 0;
    const next = (): Buffer => {
      at += 1;
      return forged[at % forged.length] ?? Buffer.alloc(0);
    };
    await run(gateway.port, deal(calls(WARM_UP), 1, 4), gateway);
    const measured: Flooded[] = [];
    for (const flooder of FLOODERS) {
      measured.push(await measureFlooder(gateway, directory, flooder, calls, next));
    }
    return measured;
  } finally {
    await gateway.stop();
    await rm(directory, { recursive: true, force: true });
  }
};
