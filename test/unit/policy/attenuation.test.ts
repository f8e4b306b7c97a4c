import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/core/hex.ts';
import {
  type AgentDelegation,
  delegationDigest,
} from '../../../src/protocol/intent/agent-delegation.ts';
import { attenuationFault, compileDelegation } from '../../../src/policy/grant.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import { ANY_PAYEE } from '../../../src/policy/rules/payees.ts';
import { type Policy } from '../../../src/policy/policy.ts';
import { DELEGATION } from '../protocol/intent/wire.ts';

const NETWORK = 'eip155:84532';
const AGENT = DELEGATION.delegate;
const SUB: Address = `0x${'5b'.repeat(20)}`;
const OTHER: Address = `0x${'77'.repeat(20)}`;
const parent: AgentDelegation = { ...DELEGATION, depth: 2 };
const hash = delegationDigest(parent, 84532);
const child: AgentDelegation = {
  ...parent,
  issuer: AGENT,
  delegate: SUB,
  depth: 1,
  id: `0x${'01'.repeat(32)}`,
  parent: hash,
};

describe('attenuationFault', () => {
  it('accepts a child with all rights of its parent', () => {
    expect(attenuationFault(parent, hash, child)).toBeUndefined();
  });

  it.each([
    { tools: ['search.web', 'search.deep.*'] },
    { tools: [] },
    { payees: [] },
    { maxPerCall: 0n, maxTotal: 0n, maxPerWindow: 0n },
    { windowSeconds: 86_401n },
    { validAfter: parent.validAfter + 1n, validUntil: parent.validUntil - 1n },
    { depth: 0 },
    // Epochs belong to an issuer. Each issuer counts separately.
    { epoch: 9n },
  ])('takes a narrower child: case %#', (change) => {
    expect(attenuationFault(parent, hash, { ...child, ...change })).toBeUndefined();
  });

  it.each([
    // An issuer that is not the parent's delegate would use another account's grant.
    ['issuer', parent.issuer],
    ['issuer', SUB],
    // Another grant of the same delegate may be wider, so the child must name its own parent.
    ['parent', `0x${'00'.repeat(32)}`],
    ['parent', delegationDigest({ ...parent, maxTotal: 1n }, 84532)],
    ['audience', 'https://gw2.example'],
    ['audience', 'https://gw.example/'],
    ['asset', OTHER],
    ['asset', `0x${'00'.repeat(20)}`],
    ['tools', ['*']],
    ['tools', ['translate', 'enrich']],
    ['tools', ['translate.*']],
    ['tools', ['search']],
    ['tools', ['search.web', 'searchlight']],
    ['payees', [ANY_PAYEE]],
    ['payees', [...parent.payees, OTHER]],
    ['maxPerCall', parent.maxPerCall + 1n],
    ['maxTotal', parent.maxTotal + 1n],
    // The same amount in a shorter window, or without a window, allows more.
    ['windowSeconds', parent.windowSeconds - 1n],
    ['windowSeconds', 0n],
    ['maxPerWindow', parent.maxPerWindow + 1n],
    ['validAfter', parent.validAfter - 1n],
    ['validUntil', parent.validUntil + 1n],
    ['depth', 2],
  ] as [keyof AgentDelegation, unknown][])(
    'names %s if it is wider or different: case %#',
    (field, value) => {
      const fault = attenuationFault(parent, hash, { ...child, [field]: value });
      expect(fault?.field).toBe(field);
      expect(fault?.expected).not.toBe('');
      expect(fault?.got).not.toBe('');
    },
  );

  it('names the tool, the payee or the number that is too wide', () => {
    const faults = [
      { tools: ['translate', 'enrich'] },
      { payees: [...parent.payees, OTHER] },
      { maxPerCall: 50_001n },
    ].map((change) => attenuationFault(parent, hash, { ...child, ...change }));
    expect(faults).toEqual([
      { field: 'tools', expected: 'inside the tools of its parent', got: 'enrich' },
      { field: 'payees', expected: 'inside the payees of its parent', got: OTHER },
      { field: 'maxPerCall', expected: '<= 50000', got: '50001' },
    ]);
  });

  it('rejects children of a grant of depth 0', () => {
    const leaf = { ...parent, depth: 0 };
    const below = { ...child, depth: 0 };
    expect(attenuationFault(leaf, hash, below)).toMatchObject({ field: 'depth', got: '0' });
  });

  it('lets a child choose its window if the parent has none', () => {
    const open = { ...parent, windowSeconds: 0n, maxPerWindow: 0n };
    for (const windowSeconds of [0n, 60n]) {
      const windowed = { ...child, windowSeconds, maxPerWindow: 10n ** 9n };
      expect(attenuationFault(open, hash, windowed)).toBeUndefined();
    }
  });

  it('accepts any payee below a parent with the wildcard', () => {
    const open = { ...parent, payees: [ANY_PAYEE] };
    for (const payees of [[ANY_PAYEE], [OTHER], []]) {
      expect(attenuationFault(open, hash, { ...child, payees })).toBeUndefined();
    }
  });
});

const PAYEES: readonly Address[] = [ANY_PAYEE, OTHER, SUB, AGENT];
const PATTERNS = ['*', 'a', 'a.*', 'a.b', 'a.b.*', 'a.b.c', 'ab', 'ab.*', 'c'];
const TOOLS = ['a', 'a.b', 'a.b.c', 'a.b.d', 'ab', 'ab.c', 'c'];
const some = <T>(from: readonly T[]) => fc.subarray([...from]);
const small = fc.bigInt({ min: 0n, max: 20n });

const scopes = fc.record({
  tools: some(PATTERNS),
  payees: some(PAYEES),
  asset: fc.constantFrom(DELEGATION.asset, `0x${'00'.repeat(20)}` as const),
  maxPerCall: small,
  maxTotal: small,
  windowSeconds: fc.constantFrom(0n, 60n, 3_600n),
  maxPerWindow: small,
  validAfter: fc.bigInt({ min: 0n, max: 9n }),
  validUntil: fc.bigInt({ min: 10n, max: 20n }),
  depth: fc.integer({ min: 0, max: 3 }),
});
const parents = scopes.map((scope): AgentDelegation => ({ ...parent, ...scope }));
const placed = (above: AgentDelegation, scope: Partial<AgentDelegation>): AgentDelegation => ({
  ...child,
  ...above,
  ...scope,
  issuer: AGENT,
  delegate: SUB,
  parent: hash,
});

const under = (outer: string): readonly string[] =>
  outer === '*' ? PATTERNS : PATTERNS.filter((one) => one === outer || inside(outer, one));
const inside = (outer: string, one: string): boolean =>
  outer.endsWith('.*') && one.startsWith(outer.slice(0, -1));
const upTo = (limit: bigint) => fc.bigInt({ min: 0n, max: limit });

/** A parent that may have children, and a child that is narrower by construction. */
const families = parents
  .filter(({ depth }) => depth > 0)
  .chain((above) =>
    fc
      .record({
        tools: some([...new Set(above.tools.flatMap(under))]),
        payees: some(above.payees.includes(ANY_PAYEE) ? PAYEES : above.payees),
        maxPerCall: upTo(above.maxPerCall),
        maxTotal: upTo(above.maxTotal),
        longer: upTo(100n),
        maxPerWindow: above.windowSeconds === 0n ? small : upTo(above.maxPerWindow),
        later: upTo(9n - above.validAfter),
        sooner: upTo(above.validUntil - 10n),
        depth: fc.integer({ min: 0, max: above.depth - 1 }),
      })
      .map(({ longer, later, sooner, ...scope }) => ({
        above,
        below: placed(above, {
          ...scope,
          windowSeconds: above.windowSeconds + longer,
          validAfter: above.validAfter + later,
          validUntil: above.validUntil - sooner,
        }),
      })),
  );

const CALLS = TOOLS.flatMap((tool) =>
  [OTHER, SUB, AGENT].flatMap((payTo) =>
    [0n, 1n, 5n, 15n].flatMap((price) =>
      [DELEGATION.asset, OTHER].flatMap((asset) =>
        [0, 9, 10, 19].map((now) => ({ tool, payTo, price, asset, now })),
      ),
    ),
  ),
);
type Call = (typeof CALLS)[number];

const counter = (rule: 'window' | 'lifetime', limit: bigint) => ({
  rule,
  name: rule,
  limit,
  spent: 0n,
  held: 0n,
});

/** Tells whether this policy alone allows the call to an account that has spent nothing. */
const allows = (policy: Policy, { tool, payTo, price, asset, now }: Call): boolean =>
  evaluate(
    [
      {
        key: 'grant',
        origin: { kind: 'grant', account: `${NETWORK}:${AGENT}`, hash },
        status: 'active',
        policy,
        counters: [
          ...policy.windows.map(({ limit }) => counter('window', limit)),
          counter('lifetime', policy.lifetime ?? 0n),
        ],
      },
    ],
    {
      tool,
      payTo,
      asset: `${NETWORK}/erc20:${asset}`,
      price,
      topUp: false,
      binding: 'intent',
      validBefore: now + 60,
      request: hash,
      params: {},
    },
    now,
  ).allowed;

/** The calls that the child allows and the parent denies. Undefined if the child allows none. */
const leaks = (above: AgentDelegation, below: AgentDelegation): readonly Call[] | undefined => {
  const [parents, children] = [above, below].map((one) => compileDelegation(one, NETWORK));
  if (parents === undefined || children === undefined) return undefined;
  const made = CALLS.filter((one) => allows(children, one));
  return made.length === 0 ? undefined : made.filter((one) => !allows(parents, one));
};

describe('a child grant', () => {
  it('is accepted if it is narrower in every field, and allows no call that its parent denies', () => {
    let useful = 0;
    fc.assert(
      fc.property(families, ({ above, below }) => {
        expect(attenuationFault(above, hash, below)).toBeUndefined();
        const leaked = leaks(above, below);
        if (leaked !== undefined) useful += 1;
        expect(leaked ?? []).toEqual([]);
      }),
      { numRuns: 500 },
    );
    expect(useful).toBeGreaterThan(50);
  });

  it('is rejected, or allows no call that its parent denies, for any two grants', () => {
    fc.assert(
      fc.property(parents, scopes, (above, scope) => {
        const below = placed(above, scope);
        if (attenuationFault(above, hash, below) === undefined) {
          expect(leaks(above, below) ?? []).toEqual([]);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
