import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { manage } from '../../../src/management/router.ts';
import { ROUTE_TABLE } from '../../../src/management/routes.ts';
import { type Address, ZERO_ADDRESS, ZERO_HASH } from '../../../src/core/hex.ts';
import type { Child } from '../../../src/protocol/account/grant.ts';
import { USD, USD_ADDRESS } from '../../../src/protocol/fiat-asset.ts';
import type { AgentDelegation } from '../../../src/protocol/intent/agent-delegation.ts';
import { freshDatabase } from '../audit/database.ts';
import { ALICE } from '../audit/history.ts';
import { KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { ASSET, config, NOW, TIMES } from './operations-world.ts';
import { accountOf, scriptedContext, signedRequest } from './scripted-context.ts';

const TOKEN = ASSET.slice(ASSET.lastIndexOf(':') + 1) as Address;

const delegationIn = (asset: Address): AgentDelegation => ({
  issuer: ZERO_ADDRESS,
  delegate: ZERO_ADDRESS,
  audience: 'https://gw.example',
  tools: ['*'],
  payees: [],
  asset,
  maxPerCall: 5n,
  maxTotal: 9n,
  windowSeconds: 0n,
  maxPerWindow: 0n,
  validAfter: 0n,
  validUntil: BigInt(NOW + 600),
  epoch: 0n,
  depth: 0,
  id: ZERO_HASH,
  parent: ZERO_HASH,
});

const childIn = (asset: Address, spent: string): Child => ({
  ...{ account: ALICE, grant: ZERO_HASH, id: ZERO_HASH, status: 'active', spent },
  ...{ validUntil: NOW + 600, leasedUntil: 0, delegation: delegationIn(asset) },
});

beforeEach(async () => {
  await freshDatabase();
  vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] });
  network(KEY_ACCOUNT);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('GET /accounts/:account/tree', () => {
  it('names the asset that each child spent, and none for a grant that allows no spending', async () => {
    const children = [childIn(TOKEN, '3'), childIn(USD_ADDRESS, '4'), childIn(ZERO_ADDRESS, '0')];
    const { context } = await scriptedContext(config, { children: async () => ({ children }) });
    const path = `/accounts/${accountOf('owner')}/tree`;
    const request = await signedRequest(config, 'account.tree', path, { fields: TIMES });
    const body = ROUTE_TABLE['account.tree'].answer.parse(
      await (await manage(context, request)).json(),
    );
    expect(body.items.map(({ spent, asset }) => [spent, asset])).toEqual([
      ['3', ASSET],
      ['4', USD],
      ['0', undefined],
    ]);
  });
});
