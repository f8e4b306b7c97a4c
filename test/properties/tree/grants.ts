import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Keeper } from './keeper.ts';
import type { Link } from './limits.ts';
import { addressAt, ASSET, hex, NO_GRANT } from './names.ts';
import type { Participants } from './participants.ts';
import type { Commands } from './commands.ts';
import { type GrantPlan, within } from './plan.ts';
import type { Recalls } from './recalls.ts';
import { limitsOf, signedOf } from './signed.ts';
import type { Statement } from './statements.ts';

/** A grant with its ancestors, as the reference model knows it. */
export type Granted = {
  readonly signed: SignedGrant;
  readonly chain: readonly Link[];
  readonly holder: Keeper;
  readonly issuer: Keeper;
  readonly plan: GrantPlan;
};

const FACTS = { hasCode: false, balance: 1n, asset: ASSET, block: 1, nonceUsed: false, at: 1 };

/** Seconds after a grant's end after which no account needs it. */
const OVER = 3_600;

/** All grants of a tree, with their state. */
export const openGrants = (participants: Participants, { push }: Recalls, { give }: Commands) => {
  const { clock, keepers, messages, reference, note } = participants;
  const grants = new Map<Hex, Granted>();
  /** Grants that are revoked, or replaced by a grant of another parent. */
  const revoked = new Map<string, Set<Hex>>();
  const superseded = new Set<Hex>();
  const taken = new Set<Hex>();
  /** Accounts that have consented to a grant, and therefore call only under a grant. */
  const bound = new Set<Keeper>();
  let ids = 0;

  const deadAt = ({ account }: Keeper): Pick<Statement, 'dead'> => ({
    dead: [
      ...(revoked.get(account) ?? []),
      ...[...superseded].filter((hash) => grants.get(hash)?.holder.account === account),
    ],
  });

  const held = (keeper: Keeper): readonly Granted[] =>
    [...grants.values()].filter(
      ({ holder, signed }) => holder === keeper && taken.has(signed.hash),
    );

  const take = (granted: Granted, chain: readonly SignedGrant[]): void => {
    const { holder, signed, issuer } = granted;
    ids += 1;
    const consent = { id: hex(0x3000 + ids), proof: 'intent' } as const;
    const verdict = give(holder, { kind: 'take', grant: signed, chain, consent }, () => {
      for (const each of held(holder)) {
        if (each.issuer === issuer) continue;
        superseded.add(each.signed.hash);
        note('moved');
      }
      superseded.delete(signed.hash);
      return deadAt(holder);
    });
    if (verdict.verdict !== 'applied') return;
    taken.add(signed.hash);
    bound.add(holder);
  };

  /** Consents after the registration, first at the issuer and then at the delegate, as the gateway does. */
  const accept = (granted: Granted): void => {
    const { holder, signed, issuer } = granted;
    const command = { kind: 'accept', hash: signed.hash, delegate: holder.account } as const;
    const verdict = give(issuer, command, () => ({}));
    if (verdict.verdict === 'applied') take(granted, verdict.chain ?? []);
  };

  return {
    all: grants,
    held,
    bound,
    /** Tells whether a grant ended so long ago that no account needs its counters. */
    isForgotten(grant: string): boolean {
      const until = grants.get(grant as Hex)?.chain[0]?.until ?? Infinity;
      return clock.now >= until + OVER;
    },
    /** Registers a grant as the gateway does: first at its issuer, which checks its ancestors, then at its delegate. */
    grant(from: number, to: number, plan: GrantPlan, consent: 'with' | 'later' | 'never'): void {
      const issuer = keepers[from % keepers.length] as Keeper;
      const holder = keepers[to % keepers.length] as Keeper;
      if (issuer === holder) return;
      const { dead } = reference.statements.current(issuer.account);
      const parent = held(issuer).findLast(({ signed }) => !dead.includes(signed.hash));
      const its = within(plan, parent?.plan);
      const until = Math.min(
        clock.now + its.life,
        Number(parent?.signed.delegation.validUntil ?? Infinity),
      );
      ids += 1;
      const { epochFloor } = issuer.state().tree;
      const signed = signedOf(ids, [issuer, holder], its, until, epochFloor, parent?.signed);
      const link: Link = {
        grant: signed.hash,
        issuer: issuer.account,
        limits: limitsOf(its),
        until,
      };
      const consents = consent === 'with';
      const verdict = give(
        issuer,
        { kind: 'issue', grant: signed, facts: FACTS, consent: consents },
        () => ({}),
      );
      if (verdict.verdict !== 'applied') return;
      const chain = [link, ...(parent?.chain ?? [])];
      const granted: Granted = { signed, chain, holder, issuer, plan: its };
      grants.set(signed.hash, granted);
      note(consents ? 'consented' : `consents ${consent}`);
      if (consent === 'never') return;
      messages.send('take', issuer, () =>
        consents ? take(granted, verdict.chain ?? []) : accept(granted),
      );
    },

    revoke(index: number, by: 'issuer' | 'holder' | 'epoch'): void {
      const granted = [...grants.values()][index % Math.max(1, grants.size)];
      if (granted === undefined) return;
      const { signed, issuer, holder } = granted;
      const keeper = by === 'holder' ? holder : issuer;
      const epoch = by === 'epoch' ? keeper.state().tree.epochFloor + 1 : 0;
      const all = [...grants.values()].filter((each) => each.issuer === keeper);
      const command: AccountCommand = {
        kind: 'revoke',
        revocation: {
          issuer: addressAt(keeper.index),
          id: by === 'epoch' ? NO_GRANT : signed.delegation.id,
          epoch: BigInt(epoch),
          issuedAt: BigInt(clock.now),
        },
        hash: hex(0x66),
        signature: hex(0x66),
        facts: FACTS,
      };
      const killed = by === 'epoch' ? all : [granted];
      give(keeper, command, () => {
        const known = revoked.get(keeper.account) ?? [];
        const dead = new Set([...known, ...killed.map((each) => each.signed.hash)]);
        revoked.set(keeper.account, dead);
        return deadAt(keeper);
      });
      note(`revoked by ${by}`);
      // An account that revokes its own grant revokes the grants below it too.
      push(keeper, by === 'issuer' ? [signed.hash] : undefined);
    },
  };
};

export type Grants = ReturnType<typeof openGrants>;
