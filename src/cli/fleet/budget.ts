import type { Signer } from '../../client/signer.ts';
import { accountId, type AccountId } from '../../protocol/account-id.ts';
import { grantsOf, issueGrant } from '../grant/issue.ts';
import { hasTerms, TERMS } from '../grant/terms.ts';
import { type AdminClient, collected, openAdmin, warnIfStopped } from '../lib/admin-client.ts';
import type { OptionSpec } from '../lib/command.ts';
import { CliError, cliErrorOf, isRefusal, usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import type { FleetAgent } from '../lib/keystore.ts';
import { limitWarnings, sentence } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { dollars, isoDay } from '../lib/units.ts';

/** Options that give every new agent a grant of the owner who signs. */
export const BUDGET: readonly OptionSpec[] = TERMS;

/** An agent of a fleet on this machine, and the name of the fleet. */
export type Members = {
  readonly fleet: string;
  readonly mnemonic: string;
  readonly organisation: number;
  readonly agents: readonly FleetAgent[];
};

/** The owner who signs the grants, or undefined if the options give no budget. Opened before keys are made: its password may be wrong. */
export const openOwner = async (
  session: Session,
  input: Input,
): Promise<AdminClient | undefined> => {
  if (hasTerms(input)) {
    const admin = await openAdmin(session, 'owner');
    await admin.networks();
    return admin;
  }
  const [alone] = TERMS.map(({ flags }) => flags.split(' ')[0] ?? '').filter(
    (flag) => input.text(flag === '--per-call' ? 'perCall' : flag.slice(2)) !== undefined,
  );
  if (alone === undefined) return undefined;
  throw usageError(
    `${alone} is a part of a budget, which is missing.`,
    `Give e.g. --per-day 1 ${alone} ….`,
  );
};

export type Budgets = {
  readonly grants: readonly { readonly agent: string; readonly grant: string }[];
  /** Agents that got no grant, because they are revoked. */
  readonly skipped: readonly Skipped[];
  readonly lines: () => readonly string[];
};

/** What the documents of the fleet commands say about budgets. */
export const budgetsDocument = (budgets: Budgets | undefined): object =>
  budgets === undefined
    ? {}
    : {
        grants: budgets.grants,
        ...(budgets.skipped.length === 0 ? {} : { skipped: budgets.skipped }),
      };

type Skipped = { readonly agent: string; readonly why: 'revoked'; readonly hint: string };

/**
 * Grants the same budget to each agent, which consents with its own key. Skips revoked agents: a budget for the fleet must not undo a
 * revocation, which may have answered a stolen key.
 *
 * @throws CliError that names the agents which have their grant
 */
export const grantBudgets = async (
  admin: AdminClient,
  input: Input,
  { fleet: name, mnemonic, organisation, agents }: Members,
): Promise<Budgets> => {
  const { session } = admin;
  const { network } = (await admin.networks())[0];
  const { fleet } = await import('../../client/fleet.ts');
  const { agent: keyOf } = fleet(mnemonic, { organisation });
  warnIfStopped(admin);
  const isRevoked = await revokedIn(admin);
  const grants: { agent: string; grant: string }[] = [];
  const skipped: Skipped[] = [];
  let last: Awaited<ReturnType<typeof issueGrant>> | undefined;
  await session.progress.during(
    () => `granting, ${grants.length} of ${agents.length}`,
    async () => {
      for (const agent of agents) {
        const signer: Signer = keyOf(agent.index);
        const account = accountId(network, agent.address);
        const named = `${name}/${agent.name}`;
        try {
          const how = await isRevoked(account);
          if (how !== undefined) {
            skipped.push({ agent: named, why: 'revoked', hint: allowsAgain(how, named) });
            continue;
          }
          last = await issueGrant(admin, account, input, signer);
        } catch (thrown) {
          throw unfinished(cliErrorOf(thrown), name, grants.length, agents.length);
        }
        grants.push({ agent: named, grant: last.hash });
      }
    },
  );
  const credit = await creditOf(admin);
  return {
    grants,
    skipped,
    lines: () => [
      ...(last === undefined ? [] : budgetLines(admin, last, grants.length, credit)),
      ...skipped.map(({ agent, hint }) =>
        sentence(session.out, `${session.out.style.warn('skipped')}  ${agent}: revoked; ${hint}`),
      ),
    ],
  };
};

type Revoked = 'grants' | 'account';

/**
 * Whether and how an account is revoked: all grants of this owner to it have ended, at least one by revocation, or its status is `revoked`.
 */
const revokedIn = async (
  admin: AdminClient,
): Promise<(account: AccountId) => Promise<Revoked | undefined>> => {
  const ended = new Set<AccountId>();
  const live = new Set<AccountId>();
  const tree = admin.list('account.tree', { params: { account: await admin.own() } });
  const granted = await collected(admin, tree).catch((thrown: unknown) => {
    // An owner without an account has granted nothing yet.
    if (isRefusal(thrown, 'unknown_account')) return [];
    throw thrown;
  });
  for (const { account, status } of granted) {
    if (status === 'revoked') ended.add(account);
    if (status === 'active' || status === 'offered') live.add(account);
  }
  return async (account) => {
    if ((await grantsOf(admin, account)).status === 'revoked') return 'account';
    return ended.has(account) && !live.has(account) ? 'grants' : undefined;
  };
};

const allowsAgain = (how: Revoked, agent: string): string =>
  how === 'grants'
    ? `\`countersign grant ${agent} --per-day 1\` would allow it again`
    : 'no grant lets it spend again';

/** The agents exist and some may have their grant, so the next step is to grant the same budget again. */
const unfinished = (error: CliError, name: string, done: number, all: number): CliError =>
  new CliError(`${done} of ${all} agents have a budget. ${error.message}`, {
    hint: `${error.hint} The agents exist: \`countersign fleet budget ${name}\` with the same budget grants to all of them.`,
    ...{ code: error.code, exit: error.exit, details: error.details, cause: error },
  });

const creditOf = async (admin: AdminClient): Promise<bigint> => {
  try {
    const { body } = await admin.call('account.get', { params: { account: await admin.own() } });
    return body.money.reduce((sum, { credit }) => sum + BigInt(credit), 0n);
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_account')) return 0n;
    throw thrown;
  }
};

const budgetLines = (
  { session: { out } }: AdminClient,
  { delegation, warnings }: Awaited<ReturnType<typeof issueGrant>>,
  agents: number,
  credit: bigint,
): readonly string[] => {
  const { maxPerWindow, maxTotal, maxPerCall, windowSeconds, validUntil } = delegation;
  const limits = [
    ...(windowSeconds === 0n ? [] : [`${dollars(maxPerWindow)} a day`]),
    `${dollars(maxPerCall)} a call`,
    `${dollars(maxTotal)} in total`,
  ].join(', ');
  return [
    sentence(
      out,
      `${out.style.good('granted')}  ${agents === 1 ? 'it may spend' : 'each may spend'} ${limits}, until ${isoDay(Number(validUntil))}`,
    ),
    ...limitWarnings(out, warnings),
    sentence(
      out,
      credit > 0n
        ? `Your credit, ${dollars(credit)}, pays for their calls.`
        : 'You have no credit yet: `countersign credits top-up 5` buys some, which pays for their calls. Without it each agent pays from its own wallet.',
    ),
  ];
};
