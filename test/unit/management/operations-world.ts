import { storeChunk } from '../../../src/audit/store.ts';
import type { Config } from '../../../src/config/config.ts';
import type { Address } from '../../../src/core/hex.ts';
import type { AdminContext } from '../../../src/management/handler.ts';
import { manage } from '../../../src/management/router.ts';
import { ROUTE_TABLE, type RouteId } from '../../../src/management/routes.ts';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import { db, messageOf } from '../audit/database.ts';
import { ALICE, history, START } from '../audit/history.ts';
import { addressOf, vectorConfig } from '../gateway/signing.ts';
import { scriptedContext, signedRequest } from './scripted-context.ts';
import { expect } from 'vitest';

export const BASE = 'eip155:8453';

export const SEPOLIA = 'eip155:84532';

export const ASSET = `${SEPOLIA}/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e`;

export const NOW = START + 600;

export const TIMES = { validAfter: BigInt(NOW - 10), validBefore: BigInt(NOW + 200) };

export const RELAYER: Address = `0x${'4e'.repeat(20)}`;

const SETTING = {
  ...{ addresses: [RELAYER] as const, batch: 100, wait: 2, maxFeePerGas: 1n, first: true },
} as const;

export const config: Config = {
  ...vectorConfig(),
  operators: [addressOf('owner')],
  relayers: new Map([
    [SEPOLIA, SETTING],
    [BASE, SETTING],
  ]),
  facilitators: [
    { url: 'https://other.example', networks: [BASE], auth: 'none', concurrency: 4, fee: 9n },
    { url: 'https://x402.example', auth: 'none', concurrency: 4, fee: 1_000n },
  ],
};

export const ask = async (
  id: RouteId,
  path: string,
  more: Partial<AdminContext> = {},
): Promise<Response> => {
  const { context } = await scriptedContext(config);
  return manage({ ...context, ...more }, await signedRequest(config, id, path, { fields: TIMES }));
};

/** The JSON of an answer, validated against its schema. */
export const answerOf = async <Id extends RouteId>(
  id: Id,
  path: string,
  more: Partial<AdminContext> = {},
) => {
  const answer = await ask(id, path, more);
  expect(answer.status).toBe(200);
  return ROUTE_TABLE[id].answer.parse(await answer.json()) as Record<string, unknown>;
};

export const happened = async (...bodies: readonly EntryBody[]) =>
  storeChunk(db, await messageOf(history(ALICE, bodies)), NOW);
