import { accountTool } from '../../../../src/catalog/gateway-tools.ts';
import { standing } from '../../../../src/gateway/account-api/look-ups.ts';
import { observeOwn } from '../../../../src/gateway/observe.ts';
import type { StandingVerdict } from '../../../../src/protocol/account/standing.ts';
import type { AgentIntent } from '../../../../src/protocol/intent/agent-intent.ts';
import { KEY_ACCOUNT, network, scriptedGateway } from '../scripted.ts';
import {
  addressOf,
  intentFor,
  intentHeader,
  NOW,
  paymentHeader,
  paymentOf,
  signIntent,
  vectorConfig,
  type Who,
} from '../signing.ts';
import { describe, expect, it } from 'vitest';
import { useVectorsClock } from '../../../support/vectors-clock.ts';

const config = vectorConfig();
const ACCOUNT = `eip155:84532:${addressOf('agent')}` as const;
const OWNER = `eip155:84532:${addressOf('owner')}` as const;
const ASSET = `eip155:84532/erc20:0x${'03'.repeat(20)}` as const;
const GRANT = `0x${'9a'.repeat(32)}` as const;
const ID = `0x${'1d'.repeat(32)}` as const;

useVectorsClock();

const found: StandingVerdict = {
  verdict: 'found',
  standing: {
    account: ACCOUNT,
    status: 'active',
    revision: 3,
    parent: OWNER,
    policies: [{ kind: 'grant', account: ACCOUNT, hash: GRANT, policy: { perCall: '$0.05' } }],
    grants: [
      {
        hash: GRANT,
        id: ID,
        issuer: OWNER,
        status: 'active',
        validUntil: NOW + 600,
        isDefault: true,
        policy: { perCall: '$0.05' },
      },
    ],
    money: [
      {
        asset: ASSET,
        credit: '7',
        creditHeld: '1',
        creditLent: '1',
        held: '2',
        unsettled: '3',
        debt: '0',
        limits: [
          {
            rule: 'window:day',
            limit: '9',
            spent: '1',
            held: '2',
            remaining: '6',
            resetsAt: NOW + 60,
            window: 86_400,
            account: OWNER,
          },
        ],
      },
    ],
  },
};

const requestOf = (headers: Record<string, string> = {}) =>
  new Request('https://gw.example/accounts/me', { headers });

const asking = async (who: Who = 'agent', fields: Partial<AgentIntent> = {}) => {
  const seen = await observeOwn(requestOf(), config, accountTool);
  if (!seen.ok) throw new Error(seen.error.reason);
  return requestOf(intentHeader(await signIntent(intentFor(seen.value, fields), who)));
};
const bodyOf = (response: Response) => response.json<Record<string, unknown>>();

describe('GET /accounts/me', () => {
  it('returns the signer’s own account, privately', async () => {
    const { gateway, asked } = await scriptedGateway(config, { standing: async () => found });
    const answer = await standing(gateway, await asking());
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await bodyOf(answer)).toEqual({
      account: ACCOUNT,
      status: 'active',
      revision: 3,
      parent: OWNER,
      policies: [{ kind: 'grant', account: ACCOUNT, hash: GRANT, policy: { perCall: '$0.05' } }],
      grants: [
        {
          hash: GRANT,
          id: ID,
          issuer: OWNER,
          status: 'active',
          valid_until: NOW + 600,
          is_default: true,
          policy: { perCall: '$0.05' },
        },
      ],
      money: [
        {
          asset: ASSET,
          credit: '7',
          credit_held: '1',
          credit_lent: '1',
          held: '2',
          unsettled: '3',
          debt: '0',
          limits: [
            {
              rule: 'window:day',
              limit: '9',
              spent: '1',
              held: '2',
              remaining: '6',
              resets_at: NOW + 60,
              window: 86_400,
              account: OWNER,
            },
          ],
        },
      ],
    });
    expect(asked).toEqual([{ asked: 'standing', of: ACCOUNT, question: { account: ACCOUNT } }]);
  });

  it('names no parent of an account without one', async () => {
    const { parent: _, ...alone } = found.standing;
    const { gateway } = await scriptedGateway(config, {
      standing: async () => ({ verdict: 'found', standing: alone }),
    });
    expect(await bodyOf(await standing(gateway, await asking()))).not.toHaveProperty('parent');
  });

  it('answers 404 for an unused account, and states when an account becomes known', async () => {
    const { gateway } = await scriptedGateway(config);
    const answer = await standing(gateway, await asking());
    expect(answer.status).toBe(404);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:unknown-account',
      hint: expect.stringMatching(/first accepted call, top-up or grant/) as string,
    });
  });

  it('challenges a caller without an intent, also one with a payment', async () => {
    const { gateway, asked } = await scriptedGateway(config);
    for (const headers of [{}, paymentHeader(await paymentOf())]) {
      const answer = await standing(gateway, requestOf(headers));
      expect(answer.status).toBe(401);
      expect(answer.headers.get('WWW-Authenticate')).toContain('tool="countersign.account"');
    }
    expect(asked).toEqual([]);
  });

  it('accepts an intent for this route only, in time, signed by the account', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config, { standing: async () => found });
    const borrowed = await standing(gateway, await asking('agent', { tool: 'countersign.calls' }));
    expect(await bodyOf(borrowed)).toMatchObject({ field: 'Agent-Intent.intent.tool' });
    const times = { validAfter: BigInt(NOW - 100), validBefore: BigInt(NOW - 30) };
    expect((await standing(gateway, await asking('agent', times))).status).toBe(400);
    const forged = await standing(gateway, await asking('owner'));
    expect(await bodyOf(forged)).toMatchObject({ fault: 'wrong_signer' });
    expect(asked).toEqual([]);
  });

  it('asks the chain nothing about a signature of the key, also of an account with code (law 13)', async () => {
    const { rpc } = network({ ...KEY_ACCOUNT, eth_getCode: '0x60' });
    const { gateway, rateLimited } = await scriptedGateway(config, { standing: async () => found });
    expect((await standing(gateway, await asking())).status).toBe(200);
    expect([rpc, rateLimited]).toEqual([[], []]);
  });

  it('is refused if the account does not answer (law 2)', async () => {
    const throwing = async (): Promise<StandingVerdict> => {
      throw new Error('overloaded');
    };
    const silent = async (): Promise<StandingVerdict> => ({ verdict: 'unavailable' });
    for (const answers of [throwing, silent]) {
      const { gateway } = await scriptedGateway(config, { standing: answers });
      const answer = await standing(gateway, await asking());
      expect(answer.status).toBe(503);
      expect(await answer.text()).not.toContain('overloaded');
    }
  });
});
