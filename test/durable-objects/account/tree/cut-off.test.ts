import { expect, test } from 'vitest';
import { take } from '../../../../durable-objects/account/commands/take.ts';
import { type Context, enter } from '../../../../durable-objects/account/decision.ts';
import { dropEndedGrants } from '../../../../durable-objects/account/pruning.ts';
import { type AccountState, emptyAccount } from '../../../../durable-objects/account/state.ts';
import { relationTo } from '../../../../durable-objects/account/tree/ancestors.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { SignedGrant } from '../../../../src/protocol/account/grant.ts';
import { openMemoryStore } from '../../../properties/memory-store.ts';
import { type Roll, rolls } from '../../../unit/management/random-tree.ts';
import { accountOf } from '../../support.ts';
import { consent, grantOf } from '../../tree-support.ts';
import { runs } from '../../../support/runs.ts';

/* Random histories of an agent below two managers of one owner, compared with a model that forgets nothing. */

const hex = (digit: string): Hex => `0x${digit.repeat(40)}`;
const [OWNER, AGENT] = [hex('1'), hex('9')];
const MANAGERS = [hex('2'), hex('3')] as const;

/** A grant that the agent accepted. `upper`: the owner's grant to the manager. */
type Taken = {
  readonly manager: Hex;
  readonly grant: SignedGrant;
  readonly upper: SignedGrant;
  readonly until: number;
};

type Life = {
  state: AccountState;
  now: number;
  taken: readonly Taken[];
  readonly revoked: Set<Hex>;
  /** Whether the owner has revoked a grant of a manager since the agent last accepted one. */
  hasNews: boolean;
  isCutOff: boolean;
};

const contextAt = (now: number): Context =>
  ({ now, read: openMemoryStore(), salt: () => `0x${'0'.repeat(32)}`, commandBytes: 1e9 }) as never;

const takeOne = (life: Life, roll: Roll): void => {
  const manager = MANAGERS[roll(4) === 0 ? 1 : 0];
  const known = life.taken.filter((each) => each.manager === manager).at(-1);
  const upper =
    known !== undefined && !life.revoked.has(known.upper.hash) && roll(3) === 0
      ? known.upper
      : grantOf(OWNER, manager, { depth: 1 });
  const until = life.now + ([500, 5_000, 50_000][roll(3)] ?? 500);
  const parts = { parent: upper.hash, validUntil: BigInt(until) };
  const grant = grantOf(manager, AGENT, parts);
  const command = { kind: 'take', grant, chain: [upper], consent: consent() } as const;
  const { state, verdict, entries } = take(life.state, command, contextAt(life.now), true);
  if (verdict.verdict !== 'applied') return;
  // The grant's own list of ancestors applies, so the entry repeats none.
  expect(entries[0]?.outcome).not.toHaveProperty('ancestors');
  // Earlier revocations do not affect the new grant.
  const kept = life.taken.filter((each) => each.manager === manager && !isRevoked(life, each));
  life.taken = [...kept, { manager, grant, upper, until }];
  Object.assign(life, { state, hasNews: false, isCutOff: false });
};

/** The agent learns that the owner, or the manager itself, revoked a grant. */
const learn = (life: Life, { grant, upper }: Taken, byOwner: boolean): void => {
  const { hash } = byOwner ? upper : grant;
  const isHeld = life.state.held.some((each) => each.grant.hash === grant.hash);
  if (!isHeld || life.revoked.has(hash)) return;
  life.revoked.add(hash);
  const { tree } = life.state;
  const answer = { revision: 1, status: 'revoked' as const };
  life.state = { ...life.state, tree: { ...tree, answers: { ...tree.answers, [hash]: answer } } };
  life.hasNews ||= byOwner;
  if (byOwner && !life.taken.some((each) => isLive(life, each))) life.isCutOff = true;
};

const isRevoked = ({ revoked }: Life, { grant, upper }: Taken): boolean =>
  revoked.has(grant.hash) || revoked.has(upper.hash);

const isLive = (life: Life, taken: Taken): boolean =>
  life.now < taken.until && !isRevoked(life, taken);

const step = (life: Life, roll: Roll): void => {
  const one = life.taken[roll(Math.max(1, life.taken.length))];
  const what = roll(10);
  if (what < 3 || one === undefined) takeOne(life, roll);
  else if (what < 5) learn(life, one, roll(4) > 0);
  else if (what === 5) {
    const entered = enter(life.state, contextAt(life.now), { type: 'alert.raised' });
    life.state = entered.state;
  } else if (what < 8) {
    life.now += [60, 1_000, 10_000][roll(3)] ?? 60;
  } else life.state = dropEndedGrants(life.state, life.now).state;
};

const expectRelation = (life: Life): void => {
  const { manager } = life.taken.at(-1) ?? {};
  if (manager === undefined) return;
  const relation = relationTo(life.state, accountOf(manager), life.now);
  if (life.isCutOff) expect(relation).toBe('none');
  else if (!life.hasNews || life.taken.some((each) => isLive(life, each))) {
    expect(relation).toBe('ancestor');
  }
  expect(relationTo(life.state, accountOf(OWNER), life.now)).toBe('ancestor');
};

test('a manager is cut off by the last revocation, never while a grant lives or without news', () => {
  const seen = { cutOff: 0, kept: 0 };
  const seeds = runs(2_000);
  for (let seed = 1; seed <= seeds; seed += 1) {
    const roll = rolls(seed);
    const state = emptyAccount(accountOf(AGENT));
    const life: Life = {
      ...{ state, now: 1_800_000_000, taken: [], revoked: new Set(), hasNews: false },
      isCutOff: false,
    };
    for (let count = 0; count < 24; count += 1) {
      step(life, roll);
      expectRelation(life);
      seen[life.isCutOff ? 'cutOff' : 'kept'] += 1;
    }
  }
  expect(Math.min(seen.cutOff, seen.kept)).toBeGreaterThan(seeds / 2);
});

test('a grant below a revoked one is refused after the ancestors were asked', () => {
  const [manager] = MANAGERS;
  const upper = grantOf(OWNER, manager, { depth: 1 });
  const state = emptyAccount(accountOf(AGENT));
  const context = contextAt(1_800_000_000);
  const command = () => {
    const grant = grantOf(manager, AGENT, { parent: upper.hash });
    return { kind: 'take', grant, chain: [upper], consent: consent() } as const;
  };
  const held = take(state, command(), context, false).state;
  const answers = { [upper.hash]: { revision: 1, status: 'revoked' as const } };
  const knowing = { ...held, tree: { ...held.tree, answers } };
  expect(take(knowing, command(), context, false).verdict).toMatchObject({
    verdict: 'ask_ancestors',
  });
  expect(take(knowing, command(), context, true).verdict).toMatchObject({
    fault: { reason: 'grant_revoked', field: 'delegation.parent' },
  });
});
