import { describe, expect, it } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { registerDelegation } from '../../../../src/gateway/account-api/delegations.ts';
import { useVectorsClock } from '../../../support/vectors-clock.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { KEY_ACCOUNT, network, scriptedGateway } from '../scripted.ts';
import { addressOf, NOW, PAY_TO } from '../signing.ts';
import { config, requestOf, bodyOf, send, contractAt } from './delegation-fixture.ts';
import { counterfactual, delegationBody, delegationOf, malleated } from './documents.ts';

useVectorsClock();

describe('a grant with impossible terms', () => {
  type Body = Awaited<ReturnType<typeof delegationBody>>;
  const edits: readonly (readonly [string, (body: Body) => unknown, string])[] = [
    ['no JSON', () => 'not JSON', 'body'],
    ['a key twice', () => '{"v":1,"v":1}', 'body'],
    ['another version', (body) => ({ ...body, v: 2 }), 'body.v'],
    ['an unknown field', (body) => ({ ...body, note: 'x' }), 'body.note'],
    ['a chain that is not served', (body) => ({ ...body, chainId: '8453' }), 'body.chainId'],
    [
      'an unknown field in the grant',
      ({ delegation, ...body }) => ({ ...body, delegation: { ...delegation, note: 'x' } }),
      'body.delegation.note',
    ],
    [
      'a number where text belongs',
      ({ delegation, ...body }) => ({ ...body, delegation: { ...delegation, maxTotal: 5 } }),
      'body.delegation.maxTotal',
    ],
    [
      'depth 4',
      ({ delegation, ...body }) => ({ ...body, delegation: { ...delegation, depth: 4 } }),
      'body.delegation.depth',
    ],
    ['no signature', ({ signature: _, ...body }) => body, 'body.signature'],
  ];

  it.each(edits)('with %s is rejected with the field', async (_, edit, field) => {
    const { rpc } = network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    const body = edit(await delegationBody(delegationOf()));
    const answer = await registerDelegation(gateway, requestOf(body));
    expect(answer.status).toBe(400);
    expect(await bodyOf(answer)).toMatchObject({ field });
    expect([asked, rpc]).toEqual([[], []]);
  });

  it.each([
    [
      'for another gateway',
      { audience: 'https://other.example' },
      'audience',
      'https://gw.example or https://second.example',
    ],
    ['for other money', { asset: `0x${'99'.repeat(20)}` as const }, 'asset', /^0x036cbd/],
    ['to the gateway’s own account', { delegate: PAY_TO }, 'delegate', /receives no money/],
    ['that is over', { validUntil: BigInt(NOW) }, 'validUntil', `> ${NOW}`],
  ])('%s is refused, however well it is signed', async (_, fields, field, expected) => {
    const { rpc } = network(KEY_ACCOUNT);
    const { answer, asked } = await send({ fields });
    expect(answer.status).toBe(400);
    const body = await bodyOf(answer);
    expect(body).toMatchObject({
      type: 'urn:countersign:problem:grant-refused',
      field: `body.delegation.${field}`,
    });
    expect(body['expected']).toMatch(expected);
    expect([asked, rpc]).toEqual([[], []]);
  });

  it('for a second audience of this gateway, or without money, is accepted', async () => {
    network(KEY_ACCOUNT);
    const fields = { audience: 'https://second.example', asset: `0x${'00'.repeat(20)}` as const };
    expect((await send({ fields })).answer.status).toBe(201);
  });

  it('with 65 tools is rejected with the field; with 64 it is accepted', async () => {
    network(KEY_ACCOUNT);
    const tools = Array.from({ length: 65 }, (_, at) => `tool-${at}`);
    const { answer, asked } = await send({ fields: { tools } });
    expect(answer.status).toBe(400);
    expect((await bodyOf(answer))['field']).toBe('body.delegation.tools');
    expect(asked).toEqual([]);
    expect((await send({ fields: { tools: tools.slice(1) } })).answer.status).toBe(201);
  });

  it('of more than 32 KiB is not read', async () => {
    const { gateway, asked } = await scriptedGateway(config);
    const answer = await registerDelegation(gateway, requestOf(`"${'x'.repeat(32_767)}"`));
    expect(answer.status).toBe(413);
    expect(await bodyOf(answer)).toMatchObject({ limit: 32_768 });
    expect(asked).toEqual([]);
  });

  it('with maximum values fits into the limit', async () => {
    network(contractAt(addressOf('owner'), true));
    const nth = (at: number, bytes: number) => at.toString(16).padStart(bytes * 2, 'f');
    const fields = {
      tools: Array.from({ length: 64 }, (_, at) => nth(at, 32)),
      payees: Array.from({ length: 64 }, (_, at): Hex => `0x${nth(at, 20)}`),
    };
    const signature: Hex = `0x${'ab'.repeat(4_095)}`;
    const { answer } = await send({ fields, signing: { signature } });
    expect(answer.status).toBe(201);
  });

  it('needs the issuer’s signature: altered, or for another delegate, it is rejected', async () => {
    network(KEY_ACCOUNT);
    const stolen = vectors.delegation.signature as Hex;
    for (const options of [
      { signing: { who: 'agent' } },
      { fields: { maxTotal: 5_000_001n }, signing: { signature: stolen } },
      { fields: { delegate: `0x${'66'.repeat(20)}` }, signing: { signature: stolen } },
    ] as const) {
      const { answer, asked } = await send(options);
      expect(answer.status).toBe(400);
      expect(await bodyOf(answer)).toMatchObject({
        type: 'urn:countersign:problem:invalid-signature',
        field: 'body.signature',
        fault: 'wrong_signer',
      });
      expect(asked).toEqual([]);
    }
  });

  it.each([
    ['high s', malleated, 'invalid-signature', 'high_s'],
    ['an ERC-6492 wrapper', counterfactual, 'unsupported-signature', undefined],
  ])(
    'signed with %s is rejected before the account or the chain is asked',
    async (_, form, type, fault) => {
      const { rpc } = network(KEY_ACCOUNT);
      const signature = form(vectors.delegation.signature as Hex);
      const { answer, asked } = await send({ signing: { signature } });
      expect(answer.status).toBe(400);
      const body = await bodyOf(answer);
      expect(body).toMatchObject({
        type: `urn:countersign:problem:${type}`,
        field: 'body.signature',
      });
      expect(body['fault']).toBe(fault);
      expect([asked, rpc]).toEqual([[], []]);
    },
  );
});
