import {
  type AgentDelegation,
  type AgentRevocation,
  hashDelegation,
  remoteAccount,
  signDelegation,
  signRevocation,
} from '../../../src/client/index.ts';
import { delegationTypedData, digestOf } from '../../../src/client/signer.ts';
import { utf8 } from '../../../src/crypto/bytes.ts';
import { readDelegation, readRevocation } from '../../../src/protocol/intent/signed-document.ts';
import { DELEGATION, REVOCATION } from '../protocol/intent/wire.ts';
import vectors from '../../vectors/countersign-v1.json';
import { hashTypedData, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';

const { chainId } = vectors.domain;
const owner = privateKeyToAccount(vectors.keys.owner.privateKey as Hex);
const agent = privateKeyToAccount(vectors.keys.agent.privateKey as Hex);
const sent = (body: unknown) => utf8(JSON.stringify(body));

describe('signDelegation', () => {
  it('signs the published grant like its owner, in a body that the gateway reads', async () => {
    const body = await signDelegation(owner, chainId, DELEGATION);
    expect(body).toMatchObject({ v: 1, chainId: '84532' });
    expect(body.signature).toBe(vectors.delegation.signature);
    expect(readDelegation(sent(body))).toEqual({
      ok: true,
      value: { chainId, delegation: DELEGATION, signature: vectors.delegation.signature },
    });
  });

  it('shows a wallet every field, and accepts addresses in any case', async () => {
    const wire = vectors.delegation.message;
    const checksummed = {
      ...DELEGATION,
      issuer: wire.issuer as Hex,
      delegate: wire.delegate as Hex,
      payees: wire.payees as Hex[],
    };
    const { signature } = await signDelegation(owner, chainId, checksummed);
    expect(signature).toBe(vectors.delegation.signature);
    const data = delegationTypedData(DELEGATION, chainId);
    expect(Object.keys(data.message)).toEqual(Object.keys(wire));
    expect(hashTypedData(data as never)).toBe(vectors.delegation.hash);
    expect(digestOf(data)).toBe(vectors.delegation.hash);
  });

  it('works with a remote account, whose signature it checks over lists as well', async () => {
    const service = async (_: unknown, init: RequestInit = {}): Promise<Response> => {
      const { params } = JSON.parse(init.body as string) as { params: [string, string] };
      const result = await owner.signTypedData(JSON.parse(params[1]) as never);
      return Response.json({ jsonrpc: '2.0', id: 1, result });
    };
    const remote = await remoteAccount({
      url: 'https://signer.example',
      address: owner.address,
      fetch: service as typeof globalThis.fetch,
    });
    const { signature } = await signDelegation(remote, chainId, DELEGATION);
    expect(signature).toBe(vectors.delegation.signature);
  });

  it.each([
    ['delegation.tools', { tools: Array.from({ length: 65 }, (_, at) => `t${at}`) }],
    ['delegation.tools.0', { tools: ['search*'] }],
    ['delegation.depth', { depth: 4 }],
    ['delegation.delegate', { delegate: DELEGATION.issuer }],
    ['delegation.validUntil', { validUntil: 0n }],
    ['delegation.maxTotal', { maxTotal: -1n }],
    ['issuer', { issuer: `0x${'ab'.repeat(20)}` }],
  ] as [string, Partial<AgentDelegation>][])(
    'rejects a grant that the gateway would reject, and names %s',
    async (field, change) => {
      const signing = signDelegation(owner, chainId, { ...DELEGATION, ...change });
      await expect(signing).rejects.toMatchObject({
        code: 'options_invalid',
        message: expect.stringContaining(field) as string,
      });
    },
  );

  it.each([0, -1, 1.5, Number.NaN])('rejects the chain %d', async (wrong) => {
    const signing = signDelegation(owner, wrong, DELEGATION);
    await expect(signing).rejects.toMatchObject({ code: 'options_invalid' });
  });

  it('rejects a grant of another issuer', async () => {
    await expect(signDelegation(agent, chainId, DELEGATION)).rejects.toMatchObject({
      code: 'options_invalid',
    });
  });
});

describe('hashDelegation', () => {
  it('returns the hash that an intent names as authority and a child grant as parent', () => {
    expect(hashDelegation(chainId, DELEGATION)).toBe(vectors.paid.intent.authority);
  });
});

describe('signRevocation', () => {
  it('signs the published revocation like its owner, in a body that the gateway reads', async () => {
    const body = await signRevocation(owner, chainId, REVOCATION);
    expect(body.signature).toBe(vectors.revocation.signature);
    expect(readRevocation(sent(body))).toEqual({
      ok: true,
      value: { chainId, revocation: REVOCATION, signature: vectors.revocation.signature },
    });
  });

  it.each([
    ['revocation.epoch', { epoch: 1n }],
    ['revocation.epoch', { id: `0x${'0'.repeat(64)}` }],
    ['issuer', { issuer: DELEGATION.delegate }],
  ] as [string, Partial<AgentRevocation>][])(
    'rejects a revocation with no meaning or with two: case %#',
    async (field, change) => {
      const signing = signRevocation(owner, chainId, { ...REVOCATION, ...change });
      await expect(signing).rejects.toMatchObject({
        code: 'options_invalid',
        message: expect.stringContaining(field) as string,
      });
    },
  );
});
