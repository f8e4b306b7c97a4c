import { describe, expect, it } from 'vitest';
import type { ReserveVerdict } from '../../../../src/protocol/account/call-verdict.ts';
import type { Evidence } from '../../../../src/protocol/account/call.ts';
import type { CommandVerdict } from '../../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../../src/protocol/account/command.ts';
import type { AccountId } from '../../../../src/protocol/account-id.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { call } from '../../../../src/gateway/call.ts';
import { intentDigest, intentFields } from '../../../../src/protocol/intent/agent-intent.ts';
import { delegationOf } from './documents.ts';
import { observe } from '../fixture.ts';
import {
  ENTRY,
  governed,
  KEY_ACCOUNT,
  network,
  type Node,
  POLICY,
  scriptedGateway,
} from '../scripted.ts';
import {
  addressOf,
  intentFor,
  intentHeader,
  paying,
  paymentHeader,
  paymentOf,
  signIntent,
  translate,
  vectorConfig,
} from '../signing.ts';
import { useVectorsClock } from '../../../support/vectors-clock.ts';

const config = vectorConfig([translate]);
const GRANT: Hex = `0x${'9a'.repeat(32)}`;
const ISSUER: AccountId = `eip155:84532:${addressOf('owner')}`;
const HOLDER: AccountId = `eip155:84532:${addressOf('agent')}`;

useVectorsClock();

const grant = {
  hash: GRANT,
  chainId: 84532,
  delegation: delegationOf(),
  signature: GRANT,
};
const GO: ReserveVerdict = {
  ...{ verdict: 'go', entry: ENTRY, policy: POLICY, charged: 20_000n, paidFrom: 'credit' },
  limits: [],
};
const denied: ReserveVerdict = {
  verdict: 'denied',
  denial: { rule: 'authority', account: HOLDER, retryAllowed: false, policy: POLICY },
};

const request = (headers: Record<string, string> = {}) =>
  new Request('https://gw.example/tools/translate', { method: 'POST', headers });

const intentNaming = async () => {
  const seen = await observe(request(), config);
  if (!seen.ok) throw new Error(seen.error.reason);
  return intentFor(seen.value.received, { ...paying(20_000n), authority: GRANT });
};

/** An account that has the grant only after a `take` command, and then lets the call run. */
const play = async (
  options: {
    readonly offered?: boolean;
    readonly order?: (order: AccountCommand) => CommandVerdict;
    readonly node?: Node;
  } = {},
) => {
  const { rpc } = network(options.node ?? KEY_ACCOUNT);
  const seen: Evidence[] = [];
  const orders: AccountCommand[] = [];
  let hasTaken = false;
  const played = await scriptedGateway(config, {
    reserve: async (_call, _attempt, evidence) => {
      seen.push(evidence);
      if (evidence.soughtGrant !== true) return { verdict: 'unknown_grant' };
      return hasTaken ? GO : denied;
    },
    apply: async (order) => {
      orders.push(order);
      const done = options.order?.(order) ?? governed({ grant, chain: [] });
      hasTaken ||= order.kind === 'take' && done.verdict === 'applied';
      return done;
    },
  });
  if (options.offered !== false) played.offered.set(GRANT, ISSUER);
  return { ...played, rpc, seen, orders };
};

describe('a call that names a grant which its account does not hold', () => {
  it('has the account take an offered grant, with the intent as consent', async () => {
    const { gateway, asked, orders, rpc, seen } = await play();
    const intent = await intentNaming();
    const answer = await call(gateway, request(intentHeader(await signIntent(intent))));
    expect(answer.status).toBe(200);
    expect(asked.filter((each) => each.asked === 'apply').map(({ of }) => of)).toEqual([
      ISSUER,
      HOLDER,
    ]);
    expect(orders).toEqual([
      { kind: 'accept', hash: GRANT, delegate: HOLDER },
      {
        kind: 'take',
        grant,
        chain: [],
        consent: expect.objectContaining({
          id: intentDigest(intent, 84532),
          proof: 'intent',
          intent: { fields: intentFields(intent), signature: expect.any(String) as string },
        }) as unknown,
      },
    ]);
    expect(seen[1]).toEqual({ soughtGrant: true });
    expect(rpc).toEqual([]);
  });

  it('consents by a bound payment as well', async () => {
    const { gateway, orders } = await play();
    const intent = await intentNaming();
    await call(gateway, request(paymentHeader(await paymentOf({ intent }))));
    expect(orders.at(-1)).toMatchObject({
      kind: 'take',
      consent: { proof: 'x402', intent: { fields: intentFields(intent) } },
    });
  });

  it('is denied without an offer: neither the chain nor another account is asked', async () => {
    const { gateway, asked, rpc } = await play({ offered: false });
    const answer = await call(
      gateway,
      request(intentHeader(await signIntent(await intentNaming()))),
    );
    expect(answer.status).toBe(403);
    expect(asked.map((each) => each.asked)).toEqual(['reserve', 'reserve']);
    expect(rpc).toEqual([]);
  });

  it('is denied if the issuer or the account refuses, and gets 503 if one does not answer', async () => {
    for (const kind of ['accept', 'take']) {
      for (const [verdict, status] of [
        [{ verdict: 'refused', fault: { reason: 'grant_revoked', field: 'delegation.id' } }, 403],
        [{ verdict: 'unavailable' }, 503],
      ] as const) {
        const { gateway, seen } = await play({
          order: (order) => (order.kind === kind ? verdict : governed({ grant, chain: [] })),
        });
        const header = intentHeader(await signIntent(await intentNaming()));
        expect((await call(gateway, request(header))).status).toBe(status);
        expect(seen).toHaveLength(status === 503 ? 1 : 2);
      }
    }
  });

  it('is rate-limited before the database is asked (law 12)', async () => {
    const { gateway, orders } = await play();
    const asked: Hex[] = [];
    const closed = {
      ...gateway,
      rateLimit: async () => false,
      offeredGrants: {
        ...gateway.offeredGrants,
        issuerOf: async (hash: Hex) => void asked.push(hash) as undefined,
      },
    };
    const answer = await call(
      closed,
      request(intentHeader(await signIntent(await intentNaming()))),
    );
    expect(answer.status).toBe(429);
    expect([asked, orders]).toEqual([[], []]);
  });

  it('gets 503 if the database does not answer: the grant may be offered', async () => {
    const { gateway, orders } = await play();
    const issuerOf = (): Promise<never> => Promise.reject(new Error('D1 is down'));
    const failing = { ...gateway, offeredGrants: { ...gateway.offeredGrants, issuerOf } };
    const answer = await call(
      failing,
      request(intentHeader(await signIntent(await intentNaming()))),
    );
    expect(answer.status).toBe(503);
    expect(orders).toEqual([]);
  });
});
