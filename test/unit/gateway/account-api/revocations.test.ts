import { describe, expect, it } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { revoke } from '../../../../src/gateway/account-api/revocations.ts';
import type { CommandVerdict } from '../../../../src/protocol/account/command-verdict.ts';
import type { AgentRevocation } from '../../../../src/protocol/intent/agent-revocation.ts';
import { useVectorsClock } from '../../../support/vectors-clock.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { governed, KEY_ACCOUNT, network, scriptedGateway } from '../scripted.ts';
import { addressOf, vectorConfig } from '../signing.ts';
import {
  counterfactual,
  malleated,
  revocationBody,
  revocationOf,
  type Signing,
} from './documents.ts';

const config = vectorConfig();
const OWNER = `eip155:84532:${addressOf('owner')}` as const;
const AGENT = `eip155:84532:${addressOf('agent')}` as const;
const { id } = vectors.revocation.message;

useVectorsClock();

const requestOf = (body: unknown) =>
  new Request('https://gw.example/revocations', {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'Content-Type': 'application/json' },
  });
const bodyOf = (response: Response) => response.json<Record<string, unknown>>();

const send = async (
  options: {
    readonly fields?: Partial<AgentRevocation>;
    readonly signing?: Signing;
    readonly apply?: () => CommandVerdict;
  } = {},
) => {
  const { fields, signing, apply } = options;
  const { gateway, asked, rateLimited } = await scriptedGateway(
    config,
    apply === undefined ? {} : { apply: async () => apply() },
  );
  const body = await revocationBody(revocationOf(fields), signing);
  return { answer: await revoke(gateway, requestOf(body)), asked, rateLimited };
};

describe('POST /revocations', () => {
  it('lists holders that acknowledged, and those whose lease must expire', async () => {
    const { rpc } = network(KEY_ACCOUNT);
    const silent = [`eip155:84532:0x${'66'.repeat(20)}`] as const;
    const { answer, asked, rateLimited } = await send({
      apply: () => governed({ acknowledged: [AGENT], silent }),
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await bodyOf(answer)).toEqual({
      issuer: OWNER,
      id,
      epoch: '0',
      changed: true,
      acknowledged: [AGENT],
      silent,
    });
    expect(asked).toEqual([
      {
        asked: 'apply',
        of: OWNER,
        order: {
          kind: 'revoke',
          revocation: revocationOf(),
          hash: vectors.revocation.hash,
          signature: vectors.revocation.signature,
        },
      },
    ]);
    expect(rpc).toEqual([]);
    expect(rateLimited).toEqual(['unknown', `facts eip155:84532:${addressOf('owner')}`]);
  });

  it('of a whole epoch names the epoch', async () => {
    network(KEY_ACCOUNT);
    const { answer } = await send({ fields: { id: `0x${'00'.repeat(32)}`, epoch: 7n } });
    expect(await bodyOf(answer)).toMatchObject({ epoch: '7' });
  });

  it('may be repeated without effect', async () => {
    network(KEY_ACCOUNT);
    const { answer } = await send({ apply: () => governed({ changed: false }) });
    expect(answer.status).toBe(200);
    expect(await bodyOf(answer)).toMatchObject({ changed: false, acknowledged: [], silent: [] });
  });

  it('goes to the signer’s account, which may be the delegate', async () => {
    network(KEY_ACCOUNT);
    const { asked } = await send({
      fields: { issuer: addressOf('agent') },
      signing: { who: 'agent' },
    });
    expect(asked).toMatchObject([{ of: AGENT }]);
  });
});

describe('a revocation', () => {
  it('of an account that the gateway does not know needs the chain, which shows whether it holds money', async () => {
    const { rpc } = network({ ...KEY_ACCOUNT, eth_call: `0x${'1'.padStart(64, '0')}` });
    let sent = 0;
    const { answer, asked } = await send({
      apply: () => {
        sent += 1;
        return sent > 1
          ? governed()
          : { verdict: 'refused', fault: { reason: 'penniless', field: 'revocation.issuer' } };
      },
    });
    expect(answer.status).toBe(200);
    expect(asked).toMatchObject([{ order: {} }, { order: { facts: { balance: 1n } } }]);
    expect(rpc.filter((method) => method === 'eth_getCode')).toHaveLength(1);
  });

  it('with another key’s signature revokes nothing', async () => {
    network(KEY_ACCOUNT);
    for (const signing of [
      { who: 'agent' },
      { signature: vectors.delegation.signature as Hex },
    ] as const) {
      const { answer, asked } = await send({ signing });
      expect(answer.status).toBe(400);
      expect(await bodyOf(answer)).toMatchObject({
        field: 'body.signature',
        fault: 'wrong_signer',
      });
      expect(asked).toEqual([]);
    }
  });

  it.each([
    ['high s', malleated, 'invalid-signature'],
    ['an ERC-6492 wrapper', counterfactual, 'unsupported-signature'],
  ])(
    'signed with %s is rejected before the account or the chain is asked',
    async (_, form, type) => {
      const { rpc } = network(KEY_ACCOUNT);
      const signature = form(vectors.revocation.signature as Hex);
      const { answer, asked } = await send({ signing: { signature } });
      expect(await bodyOf(answer)).toMatchObject({ type: `urn:countersign:problem:${type}` });
      expect([asked, rpc]).toEqual([[], []]);
    },
  );

  it('of a contract account needs the contract’s confirmation', async () => {
    const magic = `0x1626ba7e${'0'.repeat(56)}`;
    const says = (answer: string) => ({
      ...KEY_ACCOUNT,
      eth_getCode: '0x60',
      eth_call: ([{ data }]: [{ data: string }]) =>
        data.startsWith('0x1626ba7e') ? answer : `0x${'0'.repeat(64)}`,
    });
    network(says(magic));
    const signing = { signature: `0x${'ab'.repeat(70)}` } as const;
    expect((await send({ signing })).answer.status).toBe(200);
    network(says('0x'));
    expect(await bodyOf((await send({ signing })).answer)).toMatchObject({
      fault: 'contract_refused',
    });
    network({ ...KEY_ACCOUNT, eth_getCode: 'nonsense' });
    expect((await send({ signing })).answer.status).toBe(503);
  });

  it('for another chain, with another field, or with both id and epoch is rejected with the field', async () => {
    const { rpc } = network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    const body = await revocationBody(revocationOf());
    for (const [altered, field] of [
      [{ ...body, chainId: '8453' }, 'body.chainId'],
      [{ ...body, delegation: {} }, 'body.delegation'],
      [{ ...body, revocation: { ...body.revocation, why: '' } }, 'body.revocation.why'],
      [{ ...body, revocation: { ...body.revocation, epoch: '1' } }, 'body.revocation.epoch'],
      ['[]', 'body'],
    ] as const) {
      const answer = await revoke(gateway, requestOf(altered));
      expect(answer.status).toBe(400);
      expect(await bodyOf(answer)).toMatchObject({ field });
    }
    expect((await revoke(gateway, requestOf(`"${'x'.repeat(32_767)}"`))).status).toBe(413);
    expect([asked, rpc]).toEqual([[], []]);
  });

  it.each([
    [403, 'penniless', 'revocation.issuer'],
    [404, 'unknown_grant', 'revocation.id'],
  ] as const)('that the account refuses is answered with %i: %s', async (status, reason, field) => {
    network(KEY_ACCOUNT);
    const { answer } = await send({
      apply: () => ({ verdict: 'refused', fault: { reason, field } }),
    });
    expect(answer.status).toBe(status);
    expect(await bodyOf(answer)).toMatchObject({ field: `body.${field}` });
  });

  it('whose write is not confirmed must be sent again (law 2)', async () => {
    network(KEY_ACCOUNT);
    const throwing = (): CommandVerdict => {
      throw new Error('overloaded');
    };
    for (const apply of [(): CommandVerdict => ({ verdict: 'unavailable' }), throwing]) {
      const { answer } = await send({ apply });
      expect(answer.status).toBe(503);
      expect(answer.headers.get('Retry-After')).toBe('2');
    }
  });
});
