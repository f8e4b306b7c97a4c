import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { ReserveVerdict } from '../../../../src/protocol/account/call-verdict.ts';
import type { Evidence } from '../../../../src/protocol/account/call.ts';
import type { SignedGrant } from '../../../../src/protocol/account/grant.ts';
import { accountOf, factsOf, intentCallOf, randomHex, stubOf } from '../../support.ts';
import {
  AUDIENCE,
  type callOnce,
  denialOf,
  grantOf,
  ownerWith,
  pass,
  register,
  restore,
  rowsOf,
} from '../../tree-support.ts';

afterEach(restore);

describe('a grant whose issuer is a contract', () => {
  const byContract = (grant: SignedGrant): SignedGrant => ({ ...grant, contractCheckedAt: 7 });
  const ask = (
    agent: Hex,
    evidence: Evidence = {},
    changes: Parameters<typeof callOnce>[2] = {},
  ): Promise<ReserveVerdict> => {
    const call = intentCallOf(agent, {
      price: 10n,
      settlement: 'credit',
      audience: AUDIENCE,
      ...changes,
    });
    return stubOf(agent).reserve(call, randomHex(16), { facts: factsOf(0n), ...evidence });
  };
  const proofOf = ({ hash, delegation, signature }: SignedGrant) => ({
    hash,
    issuer: delegation.issuer,
    signature,
  });
  const vouched = (grants: readonly SignedGrant[], valid = true): Evidence => ({
    grants: grants.map(({ hash }) => ({ hash, valid, at: nowSeconds() })),
  });

  test('needs its issuer’s confirmation, at most 60 s old, when it is used', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = byContract(grantOf(owner, agent));
    expect((await register(grant)).verdict).toBe('applied');
    const before = await rowsOf(agent);
    expect(await ask(agent)).toEqual({ verdict: 'stale_grant', proofs: [proofOf(grant)] });
    expect(await rowsOf(agent)).toBe(before);
    expect((await ask(agent, vouched([grant]))).verdict).toBe('go');
    expect((await ask(agent)).verdict).toBe('go');
    pass(50);
    expect((await ask(agent)).verdict).toBe('go');
    pass(10);
    expect((await ask(agent)).verdict).toBe('stale_grant');
    expect((await ask(agent, vouched([grant]))).verdict).toBe('go');
    // The account does not store a confirmation, so it requests a new one after a restart.
    await evictDurableObject(stubOf(agent));
    expect((await ask(agent)).verdict).toBe('stale_grant');
  });

  test('is denied once its issuer no longer confirms it', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const grant = byContract(grantOf(owner, agent));
    await register(grant);
    expect((await ask(agent, vouched([grant]))).verdict).toBe('go');
    pass(61);
    expect((await ask(agent)).verdict).toBe('stale_grant');
    expect(denialOf(await ask(agent, vouched([grant], false)))).toMatchObject({
      rule: 'revoked',
      account: accountOf(owner),
      grant: grant.hash,
      retryAllowed: false,
    });
    // The account does not store a refusal, because the contract may accept the signature again.
    expect((await ask(agent, vouched([grant]))).verdict).toBe('go');
  });

  test('needs a confirmation of every contract issuer in its chain, requested at once', async () => {
    const owner = await ownerWith(10_000n);
    const [manager, agent] = [randomHex(20), randomHex(20)];
    const upper = byContract(grantOf(owner, manager, { depth: 1 }));
    await register(upper);
    const lower = byContract(grantOf(manager, agent, { parent: upper.hash }));
    await register(lower);
    expect(await ask(agent)).toEqual({
      verdict: 'stale_grant',
      proofs: [proofOf(lower), proofOf(upper)],
    });
    expect(await ask(agent, vouched([lower]))).toEqual({
      verdict: 'stale_grant',
      proofs: [proofOf(upper)],
    });
    const half = {
      grants: [...(vouched([lower]).grants ?? []), ...(vouched([upper], false).grants ?? [])],
    };
    expect(denialOf(await ask(agent, half))).toMatchObject({
      rule: 'revoked',
      account: accountOf(owner),
      grant: upper.hash,
    });
    expect((await ask(agent, vouched([upper, lower]))).verdict).toBe('go');
  });
});
