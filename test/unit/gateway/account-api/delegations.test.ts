import { describe, expect, it } from 'vitest';
import type {
  CommandVerdict,
  CommandFieldFault,
} from '../../../../src/protocol/account/command-verdict.ts';
import { registerDelegation } from '../../../../src/gateway/account-api/delegations.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { delegationBody, delegationOf } from './documents.ts';
import { governed, KEY_ACCOUNT, network, scriptedGateway } from '../scripted.ts';
import { addressOf } from '../signing.ts';

import {
  config,
  OWNER,
  AGENT,
  HASH,
  requestOf,
  bodyOf,
  send,
  sendWith,
  contractAt,
} from './delegation-fixture.ts';
import { useVectorsClock } from '../../../support/vectors-clock.ts';

useVectorsClock();

describe('PUT /delegations', () => {
  it('warns about limits below every price, and registers the grant', async () => {
    network(KEY_ACCOUNT);
    const fields = { tools: ['*'], maxPerCall: 15n, maxTotal: 5_000_000n };
    const { answer } = await send({ fields, apply: () => governed({}) });
    expect(answer.status).toBe(201);
    expect((await bodyOf(answer))['warnings']).toEqual([
      { field: 'maxPerCall', limit: '15', tool: 'translate', price: '20000' },
    ]);
  });

  it('registers a grant with its issuer, and with a consenting delegate', async () => {
    network(KEY_ACCOUNT);
    const above = `0x${'77'.repeat(32)}` as const;
    const chain = [
      {
        hash: above,
        chainId: 84532,
        delegation: delegationOf(),
        signature: above,
      },
    ];
    const { answer, asked, offered } = await sendWith('agent', {
      apply: () => governed({ chain }),
    });
    expect(answer.status).toBe(201);
    expect(offered).toEqual(new Map());
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await bodyOf(answer)).toEqual({
      grant: HASH,
      account: AGENT,
      issuer: OWNER,
      status: 'active',
      valid_until: Number(vectors.delegation.message.validUntil),
      chain: [above],
    });
    const grant = {
      hash: HASH,
      chainId: 84532,
      delegation: delegationOf(),
      signature: vectors.delegation.signature,
    };
    expect(asked).toEqual([
      {
        asked: 'apply',
        of: OWNER,
        order: {
          kind: 'issue',
          grant,
          consent: true,
        },
      },
      {
        asked: 'apply',
        of: AGENT,
        order: { kind: 'take', grant, chain, consent: expect.any(Object) as unknown },
      },
    ]);
  });

  it('keeps a grant without consent as an offer, unknown to the delegate’s account', async () => {
    network(KEY_ACCOUNT);
    const { answer, asked, offered } = await send();
    expect(answer.status).toBe(201);
    expect(await bodyOf(answer)).toMatchObject({ grant: HASH, status: 'offered', chain: [] });
    expect(asked).toMatchObject([{ of: OWNER, order: { kind: 'issue', consent: false } }]);
    expect(offered).toEqual(new Map([[HASH, OWNER]]));
  });

  it('registers an offer although the database does not answer: its entry repairs the row', async () => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config);
    const keep = (): Promise<never> => Promise.reject(new Error('D1 is down'));
    const failing = { ...gateway, offeredGrants: { ...gateway.offeredGrants, keep } };
    const body = await delegationBody(delegationOf());
    expect((await registerDelegation(failing, requestOf(body))).status).toBe(201);
  });

  it('asks no chain about the keys of known accounts, behind the rate limiter (law 13)', async () => {
    const { rpc } = network(KEY_ACCOUNT);
    const { rateLimited } = await send();
    expect(rpc).toEqual([]);
    expect(rateLimited).toEqual(['unknown', `facts eip155:84532:${addressOf('owner')}`]);
    const { gateway, asked } = await scriptedGateway(config);
    const closed = { ...gateway, rateLimit: async () => false };
    const body = await delegationBody(delegationOf());
    expect((await registerDelegation(closed, requestOf(body))).status).toBe(429);
    expect(asked).toEqual([]);
  });

  it('continues after an interruption', async () => {
    network(KEY_ACCOUNT);
    const { answer } = await sendWith('agent', {
      apply: (kind) => governed({ changed: kind === 'take' }),
    });
    expect(answer.status).toBe(201);
  });

  it('answers 409 with the hash of a grant that both accounts hold', async () => {
    network(KEY_ACCOUNT);
    const apply = () => governed({ changed: false });
    for (const { answer } of [await send({ apply }), await sendWith('agent', { apply })]) {
      expect(answer.status).toBe(409);
      expect(await bodyOf(answer)).toMatchObject({
        type: 'urn:countersign:problem:already-registered',
        field: 'body.delegation.id',
        grant: HASH,
      });
    }
  });
});

describe('the header Dry-Run', () => {
  it('is for calls only: a dry run registers no grant', async () => {
    const { gateway, asked } = await scriptedGateway(config);
    const body = await delegationBody(delegationOf());
    for (const value of ['?1', 'yes']) {
      const answer = await registerDelegation(gateway, requestOf(body, { 'Dry-Run': value }));
      expect(answer.status).toBe(400);
      expect(await bodyOf(answer)).toMatchObject({ field: 'dry-run' });
    }
    expect(asked).toEqual([]);
  });
});

describe('an issuer with code', () => {
  it('is asked, and the grant is marked for repeated verification', async () => {
    network(contractAt(addressOf('owner'), true));
    const { answer, asked } = await send({ signing: { signature: `0x${'ab'.repeat(70)}` } });
    expect(answer.status).toBe(201);
    expect(asked).toMatchObject([{ order: { kind: 'issue', grant: { contractCheckedAt: 100 } } }]);
  });

  it('that rejects a signature of another key registers nothing', async () => {
    network(contractAt(addressOf('owner'), false));
    const { answer, asked } = await send({ signing: { who: 'agent' } });
    expect(await bodyOf(answer)).toMatchObject({ fault: 'contract_refused' });
    expect(asked).toEqual([]);
  });

  it('cannot be asked while the node fails: nothing is written', async () => {
    network({ ...KEY_ACCOUNT, eth_getCode: 'nonsense' });
    const { answer, asked } = await send({ signing: { who: 'agent' } });
    expect(answer.status).toBe(503);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:payer-unreachable',
      ...{ network: 'eip155:84532', needs: 'signature' },
    });
    expect(asked).toEqual([]);
  });
});

describe('an issuer that the gateway does not know', () => {
  const penniless = { reason: 'penniless', field: 'delegation.issuer' } as const;

  it('must hold money on the chain, and gets payer_unreachable while the chain is silent', async () => {
    network({ ...KEY_ACCOUNT, eth_blockNumber: 'nonsense' });
    const apply = (): CommandVerdict => ({ verdict: 'refused', fault: penniless });
    const { answer } = await send({ apply });
    expect(answer.status).toBe(503);
    expect(await bodyOf(answer)).toMatchObject({ needs: 'funds' });
    network(KEY_ACCOUNT);
    const again = await send({ apply });
    expect(again.answer.status).toBe(403);
    expect(again.asked).toMatchObject([{ order: {} }, { order: { facts: { balance: 0n } } }]);
  });
});

describe('an account that refuses', () => {
  const faults: readonly (readonly [number, CommandFieldFault])[] = [
    [400, { reason: 'grant_refused', field: 'delegation.depth', expected: '0', got: '1' }],
    [409, { reason: 'already_registered', field: 'delegation.id' }],
    [409, { reason: 'grant_revoked', field: 'delegation.id' }],
    [409, { reason: 'holds_leases', field: 'delegation.issuer' }],
    [404, { reason: 'unknown_grant', field: 'delegation.parent' }],
    [403, { reason: 'penniless', field: 'delegation.issuer' }],
  ];

  it.each(faults)('is answered with %i and the field: %o', async (status, fault) => {
    network(KEY_ACCOUNT);
    for (const kind of ['issue', 'take']) {
      const { answer, asked } = await sendWith('agent', {
        apply: (each) => (each === kind ? { verdict: 'refused', fault } : governed()),
      });
      expect(answer.status).toBe(status);
      const body = await bodyOf(answer);
      expect(body).toMatchObject({
        type: `urn:countersign:problem:${fault.reason.replaceAll('_', '-')}`,
        field: `body.${fault.field}`,
      });
      expect(body).not.toHaveProperty('grant');
      // If the issuer refuses, the gateway sends nothing to the delegate's account.
      expect(asked.some(({ of }) => of === AGENT)).toBe(kind === 'take');
    }
  });

  it('or does not answer, or throws, ends in a refusal (law 2)', async () => {
    network(KEY_ACCOUNT);
    const throwing = (): CommandVerdict => {
      throw new Error('overloaded');
    };
    for (const apply of [(): CommandVerdict => ({ verdict: 'unavailable' }), throwing]) {
      const { answer, asked } = await send({ apply });
      expect(answer.status).toBe(503);
      const text = await answer.text();
      expect(text).toContain('storage-unavailable');
      expect(text).not.toContain('overloaded');
      expect(asked).toHaveLength(1);
    }
  });
});
